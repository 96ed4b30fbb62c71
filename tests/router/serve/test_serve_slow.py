"""Clients that take their time: to send a head or a body, which is limited, and between two requests."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from served import raw, served

TASK = {"specification": "Write the meta description"}
HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def test_slow_clients_are_let_go_and_others_are_served_meanwhile():
    with served(header_timeout_s=0.5, body_timeout_s=0.7) as client:
        for sent in (b"", b"POST /v1/pre", HEAD, HEAD + b"Content-Length: 100\r\n\r\n{"):
            started = time.monotonic()
            with ThreadPoolExecutor(1) as pool:
                slow = pool.submit(raw, client.port, sent)
                assert client.post("/v1/predict", json=TASK).status_code == 200
                assert slow.result().startswith(b"HTTP/1.1 408")
            assert time.monotonic() - started < 5
        dripping = raw(client.port, HEAD + b"Content-Length: 100\r\n\r\n", *[b"x"] * 30, pause_s=0.1)
        assert dripping.startswith(b"HTTP/1.1 408")


def test_a_client_that_takes_its_time_between_requests_is_not_slow():
    with served(header_timeout_s=0.3, body_timeout_s=0.3) as client:
        for _ in range(3):
            assert client.post("/v1/predict", json=TASK).status_code == 200
            time.sleep(0.5)


def test_each_part_has_its_own_time_whatever_the_part_before_had():
    with served(header_timeout_s=0.5, body_timeout_s=20) as client:
        task = b'{"specification": "Write the FAQ"}'
        whole = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(task), task)
        started = time.monotonic()
        found = raw(client.port, whole, b"POST /v1/pre", pause_s=0.1)
        assert found.startswith(b"HTTP/1.1 200")
        assert b"HTTP/1.1 408" in found
        assert 0.5 <= time.monotonic() - started < 5
        head, body = whole.split(b"\r\n\r\n")
        head += b"\r\nConnection: close\r\n\r\n"
        answer = raw(client.port, head, body, pause_s=1.0)  # more than a head may take
        assert answer.startswith(b"HTTP/1.1 200")
