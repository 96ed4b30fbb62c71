"""The whole service, asked by the real SDK for messages: routed, logged, judged, behind a token."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

import anthropic
import httpx2
import pytest
from messages_served import until
from served import served

from tierwise.router.serve.access._tokens import new_token
from tierwise.testing import Answer, MessagesServer

ASKING = {
    "model": "auto",
    "max_tokens": 500,
    "messages": [{"role": "user", "content": "Tag these 40 tickets by product area"}],
}
KEY = "sk-ant-of-the-caller"


def test_a_message_is_routed_logged_and_judged(tmp_path):
    with (
        MessagesServer(answers=Answer("done"), api_key=KEY) as upstream,
        served(upstream_url=upstream.url, log=tmp_path / "log.db") as client,
        anthropic.Anthropic(base_url=str(client.base_url), api_key=KEY, max_retries=0) as claude,
    ):
        headers = {"x-tierwise-task-type": "tags", "x-tierwise-token": "not asked for here"}
        raw = claude.messages.with_raw_response.create(**ASKING, extra_headers=headers)
        assert (raw.parse().content[0].text, raw.headers["x-tierwise-tier"]) == ("done", "haiku")
        with claude.messages.stream(**ASKING, extra_headers=headers) as stream:
            assert stream.get_final_text() == "done"
        decision_id = raw.headers["x-tierwise-decision-id"]
        said = client.post("/v1/outcomes", json={"decision_id": decision_id, "verdict": "corrected"})
        assert said.json()["is_new"] is True
        assert client.get("/v1/history/tags").json()["history"] == {"haiku": [0, 1]}
        until(lambda: len(client.service.log.attempts()) == 2)
        assert client.service.log.attempts(decision_id)[0].status == "completed"
        text = client.get("/metrics").text
        assert 'tierwise_decisions_total{reason="classifier",tier="haiku"} 2.0' in text
        assert KEY not in text


@pytest.mark.parametrize("task_type", ["Übersetzung", "日本語 要約", "100%", "%C3%9Cbersetzung"])
def test_a_task_type_in_a_header_is_the_one_that_it_is_elsewhere(tmp_path, task_type):
    """The SDK writes UTF-8 into headers; percent-encoded it may be too."""
    name = "Übersetzung" if task_type.startswith("%") else task_type
    with (
        MessagesServer(api_key=KEY) as upstream,
        served(upstream_url=upstream.url, log=tmp_path / "log.db") as client,
        anthropic.Anthropic(base_url=str(client.base_url), api_key=KEY, max_retries=0) as claude,
    ):
        headers = {"x-tierwise-task-type": task_type}
        raw = claude.messages.with_raw_response.create(**ASKING, extra_headers=headers)
        said = {"decision_id": raw.headers["x-tierwise-decision-id"], "verdict": "clean"}
        assert client.post("/v1/outcomes", json=said).json()["task_type"] == name
        assert client.get(f"/v1/history/{quote(name, safe='')}").json()["history"] == {"haiku": [1, 0]}


def test_beyond_loopback_the_token_is_needed_and_goes_no_further(tmp_path):
    seen: list[dict[str, str]] = []

    class Upstream(BaseHTTPRequestHandler):
        """Notes what reaches it."""

        def do_POST(self):
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(400)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    token = new_token(tmp_path / "tokens.json", "ops")
    api = HTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=api.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{api.server_port}"
        with served(upstream_url=url, tokens=tmp_path / "tokens.json") as client:
            base = str(client.base_url)
            with (
                anthropic.Anthropic(base_url=base, api_key=KEY, max_retries=0) as without,
                pytest.raises(anthropic.AuthenticationError, match="A token is needed"),
            ):
                without.messages.create(**ASKING)
            assert seen == []
            mine = {"X-Tierwise-Token": token}
            with (
                anthropic.Anthropic(
                    base_url=base, api_key=KEY, max_retries=0, default_headers=mine
                ) as claude,
                pytest.raises(anthropic.BadRequestError),
            ):
                claude.messages.create(**ASKING)
            both = {"authorization": f"Bearer {token}", "x-api-key": KEY}
            httpx2.post(f"{base}/v1/messages", json=ASKING, headers=both)
    finally:
        api.shutdown()
        thread.join()
        api.server_close()
    keys = [each.get("x-api-key") or each["authorization"].removeprefix("Bearer ") for each in seen]
    assert keys == [KEY, KEY]
    assert not [value for each in seen for value in each.values() if token in value]
