"""A stop while answers stream: they end whole, nobody new is taken, and the log knows what they took."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
from served import served_process

from tierwise import OutcomeLog

ASKING = {
    "model": "auto",
    "max_tokens": 500,
    "stream": True,
    "messages": [{"role": "user", "content": "Tag these 40 tickets by product area"}],
}
N_PIECES, PAUSE_S = 8, 0.25
WITHOUT_END = """
ALTER TABLE tierwise_decisions RENAME TO small;
CREATE VIEW tierwise_decisions AS
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e15)
SELECT small.* FROM (SELECT count(*) AS i FROM n) AS long, small WHERE long.i > 0;
"""


class Slow(BaseHTTPRequestHandler):
    """Streams a message, a word at a time."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        usage = {"input_tokens": 9, "output_tokens": 1}
        self._say("message_start", message={"id": "m", "model": "claude-haiku-5-5", "usage": usage})
        for n in range(N_PIECES):
            self._say("content_block_delta", index=0, delta={"type": "text_delta", "text": f"{n} "})
            time.sleep(PAUSE_S)
        self._say("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 33})
        self._say("message_stop")

    def _say(self, kind, **more):
        self.wfile.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *_):
        """Nothing."""


@contextmanager
def slow_api():
    api = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=api.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{api.server_port}"
    finally:
        api.shutdown()
        thread.join()
        api.server_close()


def test_a_stream_that_runs_when_the_service_is_stopped_ends_whole(tmp_path):
    path = tmp_path / "log.db"
    with slow_api() as api, served_process("--log", str(path), "--upstream", api) as (process, port):
        url = f"http://127.0.0.1:{port}/v1/messages"
        with httpx2.stream("POST", url, json=ASKING, headers={"x-api-key": "k"}, timeout=30) as answer:
            pieces = answer.iter_text()
            said = next(pieces)
            process.send_signal(signal.SIGTERM)
            time.sleep(PAUSE_S)
            try:
                new = httpx2.post(url, json=ASKING).status_code
            except httpx2.HTTPError:
                new = None
            said += "".join(pieces)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    assert new is None
    assert said.count("content_block_delta") == 2 * N_PIECES
    assert "message_stop" in said
    with OutcomeLog(path) as log:
        (attempt,) = log.attempts()
        assert (attempt.status, attempt.output_tokens) == ("completed", 33)


def test_what_takes_longer_than_a_stop_may_is_broken_off_and_logged_as_that(tmp_path):
    path = tmp_path / "log.db"
    options = ("--log", str(path), "--drain-s", "1")
    with slow_api() as api, served_process(*options, "--upstream", api) as (process, port):
        url = f"http://127.0.0.1:{port}/v1/messages"
        said, is_whole = "", True
        with httpx2.stream("POST", url, json=ASKING, headers={"x-api-key": "k"}, timeout=30) as answer:
            try:
                for piece in answer.iter_text():
                    if not said:
                        process.send_signal(signal.SIGTERM)
                    said += piece
            except httpx2.RemoteProtocolError:  # the client sees that this is not all
                is_whole = False
        process.wait(30)
        told = process.stderr.read()
    assert not is_whole
    assert "A request was broken off by the stop." in told
    assert "Traceback" not in told
    assert "content_block_delta" in said
    assert "message_stop" not in said
    with OutcomeLog(path) as log:
        (attempt,) = log.attempts()
        assert attempt.status != "completed"


def test_what_a_page_counts_holds_up_no_stop(tmp_path):
    path = tmp_path / "log.db"
    with served_process("--log", str(path)) as (process, port):
        url = f"http://127.0.0.1:{port}"
        task = {"specification": "Tag these 40 tickets by product area"}
        assert httpx2.post(f"{url}/v1/predict?wait_for_log=true", json=task).json()["logged"] is True
        with closing(sqlite3.connect(path)) as log:
            log.executescript(WITHOUT_END)
        assert "being counted" in httpx2.get(url).text
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
