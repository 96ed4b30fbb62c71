"""Heads of requests: how large, how many, and one Host."""

from __future__ import annotations

import pytest
from served import raw, served

from tierwise.router.serve._protocol import MAX_HEAD_BYTES, MAX_HEADERS

HOST, CLOSE = b"Host: localhost\r\n", b"Connection: close\r\n\r\n"
START = b"GET /healthz HTTP/1.1\r\n" + HOST


@pytest.fixture(scope="module")
def port():
    with served() as client:
        yield client.port


def test_a_head_without_end_is_not_kept(port):
    piece = b"a" * 16_384
    answer = raw(port, START + b"X: ", *[piece] * 40, pause_s=0.005)
    assert answer.startswith(b"HTTP/1.1 431 ")
    answer = raw(port, b"GET /", *[piece] * 40, pause_s=0.005)
    assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


def test_a_head_is_too_large_in_however_many_pieces_it_comes(port):
    """Next to a body that is as large and may be."""
    large = b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n"
    answer = raw(port, START + large + CLOSE)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    body = b'{"specification": "Tag these tickets by area"}' + b" " * 2 * MAX_HEAD_BYTES
    head = b"POST /v1/predict HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST
    asking = head + b"Content-Length: %d\r\n" % len(body) + CLOSE + body
    assert raw(port, asking).startswith(b"HTTP/1.1 200 ")


def test_very_many_headers_are_refused(port):
    many = b"".join(b"X%d: a\r\n" % i for i in range(MAX_HEADERS))
    assert raw(port, START + many + CLOSE).startswith(b"HTTP/1.1 400 ")
    few = b"".join(b"X%d: a\r\n" % i for i in range(MAX_HEADERS - 10))
    assert raw(port, START + few + CLOSE).startswith(b"HTTP/1.1 200 ")


def test_large_heads_one_after_the_other_are_each_counted_alone(port):
    large = START + b"X: " + b"a" * (MAX_HEAD_BYTES // 2) + b"\r\n"
    answer = raw(port, *[large + b"\r\n"] * 4, large + CLOSE, pause_s=0.05)
    assert answer.count(b"HTTP/1.1 200 ") == 5


@pytest.mark.parametrize("hosts", [(b"localhost", b"evil"), (b"evil", b"localhost"), (b"localhost",) * 2])
def test_a_request_has_one_host(port, hosts):
    head = b"GET / HTTP/1.1\r\n" + b"".join(b"Host: %s\r\n" % host for host in hosts)
    assert raw(port, head + CLOSE).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("DELETE", None, 502),
        ("DELETE", b"a=b", 415),
        ("POST", None, 502),
    ],
)
def test_only_a_body_needs_a_type(method, body, status):
    """A batch is cancelled and deleted without one; nothing listens where this goes on to."""
    with served(upstream_url="http://127.0.0.1:9") as client:
        answer = client.request(method, "/v1/messages/batches/msgbatch_1", content=body)
        assert answer.status_code == status


CHUNKED = b"POST /v1/predict HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CHUNKED += b"Transfer-Encoding: chunked\r\n\r\n"


def test_trailers_without_end_are_not_kept(port):
    piece = b"a" * 16_384
    for start in (b"0\r\nX: ", b"1;"):  # of a trailer, of what may stand beside a length
        answer = raw(port, CHUNKED, start, *[piece] * 40, pause_s=0.005)
        assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ")), answer[:50]
    many = b"".join(b"X%d: %s\r\n" % (i, b"a" * 100) for i in range(200))
    answer = raw(port, CHUNKED, b"0\r\n", *[many] * 10, pause_s=0.005)
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_trailer_is_no_header():
    """Neither for the guard nor for what it lets pass, though it arrives together with the head."""
    task = b'{"specification": "Write the FAQ"}'
    body = b"%x\r\n%s\r\n0\r\nHost: evil\r\nOrigin: http://evil\r\nX-Evil: 1\r\n\r\n" % (len(task), task)
    seen = []
    with served() as client:
        guard = client.app._guard

        async def watched(scope, receive, send):
            await guard(scope, receive, send)
            seen.extend(name for name, _ in scope["headers"])

        client.app._guard = watched
        answer = raw(
            client.port, CHUNKED.replace(b"Content-Type", b"Connection: close\r\nContent-Type") + body
        )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert seen == [b"host", b"connection", b"content-type", b"transfer-encoding"]


def test_a_large_body_in_small_pieces_is_no_head(port):
    task = b'{"specification": "%s"}' % (b"word " * 20_000)
    pieces = [b"%x\r\n%s\r\n" % (len(p), p) for p in (task[i : i + 7] for i in range(0, len(task), 7))]
    head = CHUNKED.replace(b"Content-Type", b"Connection: close\r\nContent-Type")
    assert raw(port, head, b"".join(pieces) + b"0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "path", ["/", "/model", "/healthz", "/v1/model", "/openapi.json", "/static/tierwise.css"]
)
def test_head_is_answered_as_get_without_a_body(port, path):
    head = b"%s " + path.encode() + b" HTTP/1.1\r\n" + HOST + CLOSE
    names = []
    for method in (b"GET", b"HEAD"):
        told, _, body = raw(port, head % method).partition(b"\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 200 "), told
        assert bool(body) is (method == b"GET")
        names.append([line.partition(b":")[0] for line in told.split(b"\r\n")[1:]])
    assert names[0] == names[1]


def test_head_is_not_taken_where_get_is_not(port):
    answer = raw(port, b"HEAD /v1/predict HTTP/1.1\r\n" + HOST + CLOSE)
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"allow: POST" in answer


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
TASK = b'{"specification": "Write the FAQ"}'
POST = b"POST /v1/predict HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(TASK)
ASKS = POST + UPGRADE + LENGTH + b"\r\n" + TASK
LAST = POST + LENGTH + CLOSE + TASK


@pytest.mark.parametrize("size", [1_000, len(ASKS) - len(TASK), 7])
def test_who_would_rather_speak_http2_is_answered_in_http1(port, size):
    """So Java's client and `curl --http2` begin; what they send is neither lost nor the next request."""
    sent = ASKS + LAST
    pieces = [sent[i : i + size] for i in range(0, len(sent), size)]
    answer = raw(port, *pieces, pause_s=0.01)
    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b'"decision_id"') == 2, answer


def test_a_body_in_chunks_behind_such_a_wish_is_read(port):
    head = POST + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = raw(port, head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(TASK), TASK) + LAST)
    assert answer.count(b"HTTP/1.1 200 ") == 2, answer


def test_such_a_wish_changes_no_rule(port):
    """Many at once, as a websocket, with two Hosts, as the last one, with CONNECT."""
    many = (b"GET /healthz HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n") * 1_500
    assert raw(port, many + START + CLOSE).count(b"HTTP/1.1 200 ") == 1_501
    websocket = UPGRADE.replace(b"h2c", b"websocket") + CLOSE
    assert raw(port, START + websocket).startswith(b"HTTP/1.1 200 ")
    assert raw(port, START + b"Host: evil\r\n" + UPGRADE + CLOSE).startswith(b"HTTP/1.1 400 ")
    assert raw(port, POST + UPGRADE + LENGTH + CLOSE + TASK).startswith(b"HTTP/1.1 200 ")
    assert raw(port, ASKS.replace(b"POST", b"CONNECT")).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_who_closes_after_asking_still_gets_the_answer(tmp_path, version):
    """As `nc -N` does; all three wait for a thread, so that the end of the request comes before the answer."""
    ask = b"POST %s HTTP/" + version + b"\r\n" + POST.partition(b"\r\n")[2] + LENGTH + b"\r\n" + TASK
    page = b"GET /types HTTP/" + version + b"\r\n" + HOST + b"\r\n"
    with served(log=tmp_path / "log.db") as client:
        for sent in (ask % b"/v1/predict?wait_for_log=true", page):
            answer = raw(client.port, sent, half_closed=True)
            assert answer.count(b"HTTP/1.1 200 ") == 1, sent
        both = raw(client.port, page + ask % b"/v1/predict", half_closed=True)
        assert both.count(b"HTTP/1.1 200 ") == (2 if version == b"1.1" else 1), both
        assert raw(client.port, POST + LENGTH + b"\r\n" + TASK[:5], half_closed=True) == b""
