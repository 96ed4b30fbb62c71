"""Clients that can't work: no key, a wrong key, a wrong address, the wrong kind; and what the SDK can raise."""

from __future__ import annotations

import asyncio
import inspect
import socket
from contextlib import closing
from datetime import UTC, datetime

import anthropic
import httpx2
import pytest

from tierwise import Task, predict_tier
from tierwise.classifier.errors import (
    AccountRefused,
    CallError,
    InvalidRequest,
    ModelNotServed,
    NotReachable,
    RequestRefused,
    ServiceFailed,
)
from tierwise.router.run import Driver, Limits, Options, aexecute, build_request, execute
from tierwise.router.run._faults import failure_of, retry_after_s
from tierwise.testing import MessagesServer

QUICK = Limits(max_retries=1, first_backoff_s=0.01)


@pytest.fixture
def decision():
    return predict_tier("Draft a blog post of 900 words about our bakery.")


@pytest.fixture
def _no_credentials(monkeypatch, tmp_path):
    """Neither a key nor a profile of a developer is found."""
    for name in ("API_KEY", "AUTH_TOKEN", "PROFILE", "CONFIG_DIR", "FEDERATION_RULE_ID", "BASE_URL"):
        monkeypatch.delenv(f"ANTHROPIC_{name}", raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))


@pytest.mark.usefixtures("_no_credentials")
def test_no_key_is_a_clear_error_and_nothing_is_sent(decision):
    with MessagesServer() as server, anthropic.Anthropic(base_url=server.url) as client:
        with pytest.raises(AccountRefused, match="no API key.*ANTHROPIC_API_KEY"):
            execute(decision, client=client, limits=QUICK)
        assert server.calls == ()


@pytest.mark.usefixtures("_no_credentials")
def test_the_default_client_takes_its_key_and_address_from_the_environment(decision, monkeypatch):
    with MessagesServer() as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", server.api_key)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        assert execute(decision).status == "unchecked"
        assert asyncio.run(aexecute(decision)).status == "unchecked"


def test_a_wrong_key_is_refused_once(decision):
    with MessagesServer() as server:
        with pytest.raises(AccountRefused, match="key is wrong") as caught:
            execute(decision, client=server.client(api_key="sk-ant-nonsense"), limits=QUICK)
        assert "nonsense" not in str(caught.value)
        assert len(server.calls) == 1


def test_an_address_where_nobody_listens_is_not_reachable(decision):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with (
        anthropic.Anthropic(base_url=f"http://user:password@127.0.0.1:{port}", api_key="k") as client,
        pytest.raises(NotReachable, match=f"No connection: http://127.0.0.1:{port} .*base_url") as caught,
    ):
        execute(decision, client=client, limits=QUICK)
    assert caught.value.n_requests == 2
    assert caught.value.cost_is_exact
    assert isinstance(caught.value, ConnectionError)


def test_a_wrong_path_is_named_as_a_possible_cause(decision):
    with MessagesServer() as server, pytest.raises(ModelNotServed, match="base_url is wrong"):
        execute(decision, client=server.client(base_url=f"{server.url}/v7"), limits=QUICK)


def test_a_url_without_http_is_refused_at_once(decision):
    with anthropic.Anthropic(base_url="ftp://127.0.0.1", api_key="k") as client:
        with pytest.raises(NotReachable, match="base_url") as caught:
            execute(decision, client=client, limits=QUICK)
        assert caught.value.n_requests == 1


def test_another_server_that_answers_something_else_is_recognised(decision):
    import http.server
    import threading

    class Page(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>It works!</html>")

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with (
            anthropic.Anthropic(base_url=url, api_key="k") as client,
            pytest.raises(ServiceFailed, match="not with a message.*base_url"),
        ):
            execute(decision, client=client, limits=QUICK)


def test_an_async_client_for_a_blocking_call_is_refused_and_the_other_way_round(decision):
    async def run(server):
        async with server.async_client() as client:
            with pytest.raises(InvalidRequest, match=r"needs an anthropic\.Anthropic; got an AsyncAnthropic"):
                execute(decision, client=client)
        with pytest.raises(InvalidRequest, match=r"needs an anthropic\.AsyncAnthropic; got an Anthropic"):
            await aexecute(decision, client=server.client())

    with MessagesServer() as server:
        asyncio.run(run(server))


def test_a_parameter_that_the_sdk_does_not_know_is_refused(decision, ladder):
    request = build_request(Task("Hello"), ladder.rungs[0], Options())
    request.kwargs["temperature"] = 0.1
    failure = failure_of(TypeError("got an unexpected keyword argument 'temperature'"), request, 1.0)
    assert isinstance(failure.error, RequestRefused)
    assert "temperature" in str(failure.error)
    assert not failure.may_pass


def test_every_error_of_the_sdk_is_mapped(ladder):
    """Fails where a new SDK brings an error that we don't tell apart."""
    request = build_request(Task("Hello"), ladder.rungs[0])
    sent = httpx2.Request("POST", "http://127.0.0.1/v1/messages")
    kinds = [
        kind
        for _, kind in inspect.getmembers(anthropic, inspect.isclass)
        if issubclass(kind, anthropic.APIStatusError)
    ]
    assert len(kinds) > 12
    for kind in kinds:
        status = getattr(kind, "status_code", 500)
        error = kind("x", response=httpx2.Response(status, request=sent), body=None)
        failure = failure_of(error, request, 1.0)
        assert isinstance(failure.error, CallError)
        assert failure.error.status == status


def test_an_error_event_inside_a_stream_is_told_by_its_type(ladder):
    sent = httpx2.Request("POST", "http://127.0.0.1/v1/messages")
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    error = anthropic.APIStatusError("x", response=httpx2.Response(200, request=sent), body=body)
    failure = failure_of(error, build_request(Task("Hello"), ladder.rungs[0]), 1.0)
    assert (type(failure.error).__name__, failure.error.status) == ("ServiceBusy", 529)
    assert failure.may_pass
    assert failure.may_be_billed


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after": "Wed, 25 Nov 2026 00:00:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 25 Nov 2020 00:00:30 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-4"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers, seconds):
    assert retry_after_s(headers, datetime(2026, 11, 25, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(("asked", "n_requests"), [("true", 2), ("false", 1)])
def test_the_service_may_say_whether_to_retry(ladder, asked, n_requests):
    sent = httpx2.Request("POST", "http://127.0.0.1/v1/messages")
    response = httpx2.Response(400, request=sent, headers={"x-should-retry": asked})
    error = anthropic.BadRequestError("x", response=response, body=None)
    failure = failure_of(error, build_request(Task("Hello"), ladder.rungs[0]), 1.0)
    assert failure.may_pass == (n_requests == 2)


def test_one_driver_serves_many_threads(decision):
    from concurrent.futures import ThreadPoolExecutor

    with MessagesServer() as server, ThreadPoolExecutor(16) as pool:
        driver = Driver(server.client())
        results = list(pool.map(lambda _: execute(decision, client=driver), range(100)))
        assert len({result.message.id for result in results}) == len(server.calls) == 100
