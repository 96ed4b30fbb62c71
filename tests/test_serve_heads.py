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
