"""The drop-in endpoint when something goes wrong: on our side, above us, or because the client leaves."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading

import anthropic
import httpx2
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from messages_served import served, service, until

from tierwise.router.serve.routes._forward import Upstream
from tierwise.testing import Answer, Fault, MessagesServer

ASKING = {"model": "auto", "max_tokens": 500, "messages": [{"role": "user", "content": "Tag these tickets"}]}
STREAM = {**ASKING, "stream": True}
KEY = "sk-ant-loopback"
HEADERS = {"x-api-key": KEY, "anthropic-version": "2026-10-21", "content-type": "application/json"}


@pytest.fixture
def upstream():
    with MessagesServer(answers="Done.") as server:
        yield server


@pytest.fixture
def live(upstream, tmp_path):
    with service(upstream.url, log=tmp_path / "log.db", timeout_s=0.6) as found:
        yield found


def post(live, content, path="/v1/messages", **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx2.post(f"{live[0]}{path}", content=body, headers={**HEADERS, **headers}, timeout=20)


def check_error(response, status, kind):
    assert response.status_code == status
    found = response.json()
    assert (found["type"], found["error"]["type"]) == ("error", kind)
    assert KEY not in response.text
    return found["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"x-tierwise-items": "many"}, "x-tierwise-items must be a whole number"),
        ({"x-tierwise-itmes": "4"}, "did you mean 'items'"),
        ({"x-tierwise-floor": "opus", "x-tierwise-ceiling": "haiku"}, "floor 'opus' lies above ceiling"),
        ({"x-tierwise-pin": "gpt"}, "Unknown tier 'gpt'"),
        ({"x-tierwise-follows": "nobody"}, "nobody"),
        ({"x-tierwise-deterministic": "true"}, "no model is needed"),
    ],
)
def test_bad_facts_are_refused_before_anything_is_sent(live, upstream, headers, message):
    assert message in check_error(post(live, ASKING, **headers), 400, "invalid_request_error")
    assert upstream.calls == ()


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "auto"',
        b'"auto"',
        b'["auto"]',
        b'{"model": ["auto"]}',
        b'\xff"auto"',
        b"",
        b'{"model": "auto", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_we_cannot_read_is_for_the_api_to_judge(live, upstream, body):
    response = post(live, body)
    check_error(response, 400, "invalid_request_error")
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_request_that_is_nested_deeply_is_no_failure_of_ours(live, path):
    nested = '[{"content": ' * 400 + '"x"' + "}]" * 400
    body = (
        b'{"model": "auto", "max_tokens": 5, "messages": [{"role": "user", "content": %s}]}' % nested.encode()
    )
    assert post(live, body, path).status_code in (200, 400)


@pytest.mark.parametrize(
    "request_",
    [
        {"model": "auto"},
        {"model": "auto", "messages": "Hi", "max_tokens": 5},
        {"model": "auto", "messages": [], "max_tokens": 5},
        {"model": "auto", "messages": [5], "max_tokens": "x"},
        {"model": "auto", "messages": [{"role": "user", "content": {"a": 1}}], "max_tokens": 5},
        {**ASKING, "system": 5, "tools": 7, "thinking": 9, "output_config": 11},
    ],
)
def test_a_request_that_is_none_is_refused_by_the_api(live, upstream, request_):
    check_error(post(live, request_), 400, "invalid_request_error")
    assert len(upstream.calls) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, "RequestRefused"), (401, "AccountRefused"), (404, "ModelNotServed"), (429, "ServiceBusy")],
)
def test_the_log_says_what_an_error_of_the_api_means(live, upstream, status, error):
    upstream.then(Fault.error(status))
    assert post(live, ASKING).status_code == status
    (attempt,) = live[1].log.attempts()
    assert (attempt.status, attempt.error, attempt.cost_is_exact) == ("error", error, True)


@pytest.mark.parametrize("model", ["auto", "claude-sonnet-5-5"])
def test_an_api_that_does_not_answer_in_time(live, upstream, model):
    upstream.then(Fault.hang(30))
    said = check_error(post(live, {**ASKING, "model": model}), 504, "timeout_error")
    assert "did not answer in time" in said
    attempts = live[1].log.attempts()
    found = [(each.error, each.cost_is_exact) for each in attempts]
    assert found == [("DeadlineExceeded", False)] * (model == "auto")


@pytest.mark.parametrize("model", ["auto", "claude-sonnet-5-5"])
def test_an_api_that_cannot_be_reached(tmp_path, model):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with service(url, log=tmp_path / "log.db") as live:
        response = post(live, {**ASKING, "model": model})
        assert "can't be reached" in check_error(response, 502, "api_error")
        assert "127.0.0.1" not in response.text
        assert [each.error for each in live[1].log.attempts()] == ["NotReachable"] * (model == "auto")
        with anthropic.Anthropic(base_url=live[0], api_key=KEY, max_retries=0) as client:
            with pytest.raises(anthropic.InternalServerError) as raised:
                client.messages.create(**{**ASKING, "model": model})
            assert raised.value.type == "api_error"


@pytest.mark.parametrize("model", ["auto", "claude-sonnet-5-5"])
def test_a_stream_that_breaks_off_ends_in_an_error_event(live, upstream, model):
    upstream.then(Fault.cut())
    with anthropic.Anthropic(base_url=live[0], api_key=KEY, max_retries=0) as client:
        seen = []
        with pytest.raises(anthropic.APIStatusError, match="broke off"):
            seen.extend(client.messages.create(**{**STREAM, "model": model}))
    if model == "auto":
        until(lambda: live[1].log.attempts())
        (attempt,) = live[1].log.attempts()
        assert (attempt.status, attempt.cost_is_exact) == ("broken_off", False)
        assert attempt.input_tokens == upstream.calls[0].usage["input_tokens"] > 0


@pytest.mark.parametrize("model", ["auto", "claude-sonnet-5-5"])
def test_a_body_that_breaks_off_is_not_taken_for_whole(live, upstream, model):
    upstream.then(Fault.cut())
    broken = pytest.raises((anthropic.APIConnectionError, anthropic.InternalServerError))
    with anthropic.Anthropic(base_url=live[0], api_key=KEY, max_retries=0) as client, broken:
        client.messages.create(**{**ASKING, "model": model})


@pytest.mark.parametrize("model", ["auto", "claude-sonnet-5-5"])
def test_a_client_that_leaves_before_the_answer_cancels_the_request_above(upstream, tmp_path, model):
    upstream.then(Answer("late", delay_s=30))
    with service(upstream.url, log=tmp_path / "log.db") as live:
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(
                f"{live[0]}/v1/messages", json={**ASKING, "model": model}, headers=HEADERS, timeout=0.4
            )
        until(lambda: upstream.calls)
        assert upstream.calls[0].status is None  # the server saw it leave
        assert upstream.calls[0].cost_usd == 0.0
        if model == "auto":
            until(lambda: live[1].log.attempts())
            assert [each.status for each in live[1].log.attempts()] == ["broken_off"]


class Endless:
    """An API whose stream never ends; it notes when its client has left."""

    def __init__(self):
        self.left = threading.Event()
        self.app = FastAPI()
        self.app.post("/v1/messages")(self.messages)

    async def messages(self):
        async def events():
            usage = {"input_tokens": 70, "output_tokens": 1}
            message = {"type": "message", "id": "msg_1", "usage": usage}
            start = {"type": "message_start", "message": message}
            try:
                yield f"event: message_start\ndata: {json.dumps(start)}\n\n"
                while True:
                    yield 'event: ping\ndata: {"type": "ping"}\n\n'
                    await asyncio.sleep(0.01)
            finally:
                self.left.set()

        return StreamingResponse(events(), media_type="text/event-stream")


@pytest.mark.parametrize("model", ["auto", "claude-sonnet-5-5"])
def test_a_client_that_leaves_within_the_stream_cancels_it_above(tmp_path, model):
    endless = Endless()
    with served(endless.app) as url, service(url, log=tmp_path / "log.db") as live:
        with (
            httpx2.Client() as client,
            client.stream(
                "POST", f"{live[0]}/v1/messages", json={**STREAM, "model": model}, headers=HEADERS
            ) as response,
        ):
            assert next(response.iter_bytes()).startswith(b"event: message_start")
        assert endless.left.wait(5)
        if model == "auto":
            until(lambda: live[1].log.attempts())
            (attempt,) = live[1].log.attempts()
            assert (attempt.status, attempt.input_tokens, attempt.cost_is_exact) == ("broken_off", 70, False)


@pytest.fixture
def echo():
    """An API that packs its answers and keeps what it was sent."""
    app, seen = FastAPI(), []

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def answer(request: Request):
        seen.append((request.method, str(request.url), dict(request.headers), await request.body()))
        asked = request.headers.get("accept-encoding", "")
        body = b'{"ok": true}'
        headers = {"set-cookie": "a=b", "keep-alive": "5", "request-id": "req_1", "x-new": "kept"}
        if "gzip" in asked:
            body, headers = gzip.compress(body), {**headers, "content-encoding": "gzip"}
        return Response(body, 200, headers, "application/json")

    with served(app) as url:
        yield url, seen


@pytest.mark.parametrize("model", ["auto", "claude-sonnet-5-5"])
def test_what_belongs_to_one_connection_goes_no_further(echo, model):
    url, seen = echo
    sent = {
        **HEADERS,
        "connection": "keep-alive, x-hop",
        "x-hop": "1",
        "cookie": "session=ours",
        "te": "trailers",
        "x-tierwise-task-type": "tags",
        "anthropic-beta": "a,b",
        "accept-encoding": "gzip",
        "user-agent": "mine",
    }
    with service(url) as live:
        response = httpx2.post(
            f"{live[0]}/v1/messages?beta=true", json={**ASKING, "model": model}, headers=sent
        )
    method, asked, headers, body = seen[0]
    assert (method, asked) == ("POST", f"{url}/v1/messages?beta=true")
    assert not {"x-hop", "cookie", "te", "x-tierwise-task-type"} & headers.keys()
    kept = {name: headers[name] for name in ("x-api-key", "anthropic-beta", "user-agent", "content-type")}
    assert kept == {name: sent[name] for name in kept}
    assert (headers["host"], int(headers["content-length"])) == (url.removeprefix("http://"), len(body))
    assert headers["accept-encoding"] == ("identity" if model == "auto" else "gzip")
    assert response.json() == {"ok": True}
    assert not {"set-cookie", "keep-alive"} & response.headers.keys()
    assert (response.headers["request-id"], response.headers["x-new"]) == ("req_1", "kept")
    assert response.headers.get_list("content-length") == [str(response.num_bytes_downloaded)]


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_an_answer_is_packed_only_for_those_who_ask_for_it(echo, accepted):
    with service(echo[0]) as live:
        found = httpx2.get(f"{live[0]}/v1/messages/batches", headers={**HEADERS, "accept-encoding": accepted})
    assert found.headers.get("content-encoding") == (None if accepted == "identity" else "gzip")


@pytest.mark.parametrize("path", ["batches/%2e%2e/x", "batches/a%00b", "batches/a%0d%0ab", "batches/a b"])
def test_paths_that_are_none_of_the_apis_go_nowhere(echo, path):
    with service(echo[0]) as live:
        host = live[0].removeprefix("http://").split(":")
        with socket.create_connection((host[0], int(host[1]))) as raw:
            raw.sendall(f"GET /v1/messages/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert answer.split()[1] in (b"400", b"404")
    assert echo[1] == []


def test_before_the_application_has_begun_nothing_is_sent():
    with pytest.raises(RuntimeError, match="its lifespan opens the connections"):
        asyncio.run(Upstream(1.0).send("GET", "http://127.0.0.1:9", [], b""))
