"""What goes wrong around the service: clients, the log, the end of the process."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
import time

import httpx2
import pytest
from held_log import hung
from messages_served import until
from served import raw, served, served_process
from sqlalchemy import select

from tierwise import OutcomeLog
from tierwise.classifier.errors import LogUnavailable
from tierwise.router.log._schema import decisions

TASK = {"specification": "Write the meta description", "task_type": "meta"}
HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def test_a_huge_body_is_refused_before_it_is_sent():
    with served(max_body_bytes=1_000) as client:
        assert client.post("/v1/predict", json={"specification": "x" * 2_000}).status_code == 413
        head = HEAD + b"Content-Length: 99999999999\r\n\r\n"
        assert raw(client.port, head).startswith(b"HTTP/1.1 413")
        assert client.post("/v1/predict", json=TASK).status_code == 200


def test_a_huge_body_of_unknown_length_is_cut_off():
    with served(max_body_bytes=10_000) as client:
        piece = b"400\r\n" + b"x" * 0x400 + b"\r\n"
        found = raw(client.port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[piece] * 200)
        assert found.startswith(b"HTTP/1.1 413")
        form = b"POST /review HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert raw(client.port, form, *[piece] * 200).startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    "request_",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Bad Header: x\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET /v1/history/\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET /v1/history/%ff%fe%00 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/v1/model HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n",
        b"GET /static/..%2f_routes.py HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    ],
)
def test_what_is_no_request_or_leads_elsewhere_is_no_failure_of_ours(sqlite_url, request_):
    with served(log=sqlite_url, header_timeout_s=1.0) as client:
        found = raw(client.port, request_)
        assert b"root:" not in found
        assert b"def pages_router" not in found
        assert not found.startswith(b"HTTP/1.1 5"), found
        assert client.get("/healthz").status_code == 200


def test_headers_can_not_be_injected(sqlite_url):
    evil = "x\r\nX-Evil: 1"
    with served(log=sqlite_url) as client:
        for answer in (
            client.post("/v1/predict", json={**TASK, "task_type": evil}),
            client.get("/v1/history/x%0d%0aX-Evil:%201"),
            client.get("/decisions/x%0d%0aX-Evil:%201"),
            client.get("/review?done=x%0d%0aX-Evil:%201&said=clean"),
        ):
            assert answer.status_code < 500
            assert "x-evil" not in answer.headers


def test_a_locked_log_stops_no_prediction_and_loses_nothing(tmp_path):
    path = tmp_path / "log.db"
    with served(log=path, log_timeout_s=0.3) as client:
        known = client.post("/v1/predict", json=TASK, params={"wait_for_log": "true"}).json()
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        made = [client.post("/v1/predict", json=TASK).json() for _ in range(5)]
        said = {"decision_id": known["decision_id"], "verdict": "failed"}
        refused = client.post("/v1/outcomes", json=said)
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        many = client.post("/v1/outcomes", json={"outcomes": [said]})
        assert many.status_code == 503
        waiting = client.post("/v1/predict", json=TASK, params={"wait_for_log": "true"}).json()
        assert waiting["logged"] is False
        assert client.get("/readyz").json() == {"ready": True, "model": "ok", "log": "away"}
        assert "tierwise_log_away 1.0" in client.get("/metrics").text
        assert "tierwise_outcomes_unavailable_total 2.0" in client.get("/metrics").text
        holder.rollback()
        holder.close()
        assert client.post("/v1/outcomes", json=said).json()["is_new"] is True
        late = {"decision_id": made[0]["decision_id"], "verdict": "clean"}
        assert client.post("/v1/outcomes", json=late).status_code == 200
    with OutcomeLog(path) as log:
        assert log.stats().n_decisions == 7  # also those that waited while it was locked


def test_a_database_that_is_gone_stops_no_prediction(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    with served(log=folder / "log.db", log_timeout_s=0.3, history_max_age_s=0) as client:
        known = client.post("/v1/predict", json=TASK, params={"wait_for_log": "true"}).json()
        client.service.log._database.close_idle()
        folder.rename(tmp_path / "elsewhere")
        for _ in range(3):
            assert client.post("/v1/predict", json=TASK).status_code == 200
        said = {"decision_id": known["decision_id"], "verdict": "failed"}
        assert client.post("/v1/outcomes", json=said).status_code == 503
        assert client.get("/v1/history/meta").status_code == 503
        (tmp_path / "elsewhere").rename(folder)
        assert client.post("/v1/outcomes", json=said).json()["is_new"] is True


@pytest.mark.parametrize("how", ["moved", "removed"])
def test_a_file_that_is_taken_away_in_use_gets_no_outcome_that_nobody_finds_again(tmp_path, how):
    """Open connections would go on writing into it."""
    path, away = tmp_path / "log.db", tmp_path / "elsewhere"
    away.mkdir()
    with served(log=path, log_timeout_s=0.3, history_max_age_s=0) as client:
        known = client.post("/v1/predict?wait_for_log=true", json=TASK).json()
        for each in tmp_path.glob("log.db*"):
            each.rename(away / each.name) if how == "moved" else each.unlink()
        waiting = client.post("/v1/predict?wait_for_log=true", json=TASK)
        assert (waiting.status_code, waiting.json()["logged"]) == (200, False)
        said = {"decision_id": known["decision_id"], "verdict": "failed"}
        refused = client.post("/v1/outcomes", json=said)
        assert refused.status_code == 503
        assert "is not at its place any more" in refused.json()["error"]["message"]
        assert client.get("/model").status_code == 200  # what serves is known without a log
        assert not path.exists()  # no empty log was begun
        if how == "moved":
            for each in away.iterdir():
                each.rename(tmp_path / each.name)
            assert client.post("/v1/outcomes", json=said).json()["is_new"] is True
            later = client.post("/v1/predict?wait_for_log=true", json=TASK).json()
            assert later["logged"] is True  # nobody waits on for a log that has just been written
            assert client.get("/v1/history/meta").json()["history"] == {known["tier"]: [0, 1]}
    if how == "moved":
        with OutcomeLog(path) as log:
            assert log.stats().n_decisions == 3


def test_a_database_that_hangs_delays_one_prediction_and_then_none(postgres_url):
    with served(log=postgres_url, log_timeout_s=1.0, history_max_age_s=0) as client:
        known = client.post("/v1/predict", json=TASK, params={"wait_for_log": "true"}).json()
        with hung(postgres_url):
            started = time.monotonic()
            assert client.post("/v1/predict", json=TASK).status_code == 200
            assert time.monotonic() - started < 10  # it would hang for ever
            started = time.monotonic()
            for _ in range(5):
                assert client.post("/v1/predict", json=TASK).status_code == 200
            assert time.monotonic() - started < 4  # five that wait take five seconds
            said = {"decision_id": known["decision_id"], "verdict": "failed"}
            assert client.post("/v1/outcomes", json=said).status_code == 503
        assert client.post("/v1/outcomes", json=said).status_code == 200
        assert client.get("/v1/history/meta").json()["history"] == {known["tier"]: [0, 1]}


def test_pages_wait_for_a_database_that_hangs_once_and_then_not(postgres_url):
    """They would keep a thread each for ever; when it is back, they count it."""
    with served(log=f"{postgres_url}&answer_timeout=1", log_timeout_s=2.0) as client:
        known = client.post("/v1/predict", json=TASK, params={"wait_for_log": "true"}).json()["decision_id"]
        with hung(postgres_url):
            started = time.monotonic()
            assert "being counted" in client.get("/").text
            assert time.monotonic() - started < 6  # of Now's three counts each would wait
            started = time.monotonic()
            for path in ("/", "/types", "/review"):
                assert "being counted" in client.get(path).text
            assert time.monotonic() - started < 2
            assert client.get(f"/decisions/{known}").status_code == 503
            assert client.post("/v1/explain", json={"decision_id": known}).status_code == 503
        until(lambda: "1 decisions up to" in client.get("/").text, 20)
        assert client.get(f"/decisions/{known}").status_code == 200


def test_a_log_that_can_not_be_opened_is_said_at_the_start(tmp_path):
    with pytest.raises(LogUnavailable), served(log=tmp_path / "no" / "folder" / "log.db"):
        pass


def test_sigterm_finishes_what_is_in_flight_and_writes_the_log(tmp_path):
    path, found = tmp_path / "log.db", []
    tasks = [{"specification": f"Summarise ticket {i}, it says {i * 7}"} for i in range(6_000)]
    with served_process("--log", str(path)) as (process, port):
        url = f"http://127.0.0.1:{port}/v1/predict"
        one = httpx2.post(url, json=TASK)
        work = threading.Thread(
            target=lambda: found.append(httpx2.post(url, json={"tasks": tasks}, timeout=60))
        )
        work.start()
        time.sleep(0.3)  # it is being decided now
        process.send_signal(signal.SIGTERM)
        work.join()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    assert (one.status_code, found[0].status_code) == (200, 200)
    ids = {row["decision_id"] for row in found[0].json()["decisions"]} | {one.json()["decision_id"]}
    with OutcomeLog(path) as log:
        assert set(log_ids(log)) == ids


def test_what_was_acknowledged_survives_a_kill(tmp_path):
    path = tmp_path / "log.db"
    with served_process("--log", str(path)) as (process, port), httpx2.Client() as client:
        url = f"http://127.0.0.1:{port}/v1"
        kept = [client.post(f"{url}/predict?wait_for_log=true", json=TASK).json() for _ in range(20)]
        said = {"decision_id": kept[0]["decision_id"], "verdict": "failed"}
        assert client.post(f"{url}/outcomes", json=said).status_code == 200
        process.kill()
        process.wait()
    with OutcomeLog(path) as log:
        assert {each["decision_id"] for each in kept if each["logged"]} == set(log_ids(log))
        assert log.history("meta") == {kept[0]["tier"]: (0, 1)}


def log_ids(log):
    with log._database.read() as connection:
        return list(connection.execute(select(decisions.c.decision_id)).scalars())


def test_an_address_in_use_is_one_clear_line():
    with served() as client:
        from click.testing import CliRunner

        from tierwise.cli import main

        before = signal.getsignal(signal.SIGTERM)
        done = CliRunner().invoke(main, ["serve", "--port", str(client.port)])
        assert signal.getsignal(signal.SIGTERM) is before  # who calls us has handlers of its own
        assert done.exit_code == 2
        assert done.stderr.startswith("tierwise: Can't listen on 127.0.0.1 port")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--host", "0.0.0.0"], "a token is required"),
        (["--model", "nowhere"], "No model at nowhere"),
        (["--tokens", "nowhere.json"], "tierwise token new"),
        (["--log", "mysql://x"], "can't be kept in"),
    ],
)
def test_what_can_not_be_served_is_said_at_the_start(options, named):
    from click.testing import CliRunner

    from tierwise.cli import main

    done = CliRunner().invoke(main, ["serve", "--port", "0", *options])
    assert done.exit_code == 2
    assert named in done.stderr
    assert json.dumps(done.stderr).count("\\n") == 1


def test_a_read_that_takes_long_keeps_no_decision_out_of_the_log(postgres_url):
    """Somebody's lock holds up what was learned of the types; what is decided can be written all the same."""
    import psycopg

    task = {"specification": "Write the FAQ", "task_type": "faq"}
    address = postgres_url.replace("+psycopg", "")
    with served(log=postgres_url) as client, psycopg.connect(address) as other:
        other.execute("LOCK TABLE tierwise_type_states IN ACCESS EXCLUSIVE MODE")
        answer = client.post("/v1/predict?wait_for_log=true", json=task)
        assert (answer.status_code, answer.json()["logged"]) == (200, True)
        assert client.get("/readyz").json()["log"] == "ok"
        assert client.service.served_log.recorder.away.is_unreadable  # who asks next doesn't wait for it
