"""Attempts and what they cost go with an export, and come back."""

from __future__ import annotations

import json

import pytest

from tierwise import OutcomeLog, Router
from tierwise.classifier.errors import BadRows
from tierwise.router.run import Grade, Limits, checks
from tierwise.testing import Fault, MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"

WHOLE = {
    "number": 1,
    "mode": "sync",
    "model": "m",
    "status": "completed",
    "n_requests": 1,
    **dict.fromkeys(("input_tokens", "output_tokens", "thinking_tokens", "cache_read_tokens"), 1),
    **dict.fromkeys(("cache_write_5m_tokens", "cache_write_1h_tokens", "cost_usd", "check_cost_usd"), 0),
    "cost_is_exact": True,
    "ended_at": "2026-01-01T00:00:00+00:00",
}


@pytest.fixture
def log(open_log):
    made = open_log()
    with MessagesServer({"haiku": "Sure!", "*": "[]"}) as server:
        router = Router(log=made, client=server.client())
        for _ in range(3):
            router.run(
                TAG, task_type="tags", check=checks.all_of(checks.json_schema(), Grade("opus", "good"))
            )
        server.then(Fault.error(401))
        with pytest.raises(Exception, match="key is wrong"):
            router.run(TAG, limits=Limits(max_retries=0))
        router.record_outcome(made.attempts()[0].decision_id, "corrected")
    return made


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_an_export_read_back_has_the_same_attempts(log, tmp_path, form):
    n_rows = log.export(tmp_path / f"out.{form}")
    assert n_rows > len(log.attempts()) == 7
    with OutcomeLog(tmp_path / "copy.db") as copy:
        copy.import_file(tmp_path / f"out.{form}")
        assert copy.attempts() == log.attempts()
        copy.import_file(tmp_path / f"out.{form}")  # once more changes nothing
        assert copy.attempts() == log.attempts()
    assert sum(each.cost_usd for each in log.attempts()) > 0


@pytest.mark.parametrize(
    ("tried", "message"),
    [
        ("x", "tried must be"),
        ([5], "tried must be a list of attempts"),
        ([{"price": 1}], "unknown entry 'price'"),
        ([{"number": -1}], "number can't be -1"),
        ([{"number": True}], "number can't be True"),
        ([{"number": 1}], "mode can't be None"),
        ([{"number": 2**31}], "number can't be 2147483648"),
        ([{"number": 10**30}], "number can't be 1000"),
        ([{**WHOLE, "input_tokens": 2**63}], "input_tokens can't be 9223372036854775808"),
        ([{**WHOLE, "cost_usd": 10**400}], "cost_usd can't be 1000"),
        ([{**WHOLE, "latency_ms": float("inf")}], "latency_ms can't be inf"),
        ([{**WHOLE, "error": "a\x00b"}], "error can't be"),
        ([{**WHOLE, "model": "\ud800"}], "model can't be"),
    ],
)
def test_attempts_that_no_export_has_written(open_log, tmp_path, tried, message):
    row = {"tier": "haiku", "verdict": "clean", "at": "2026-01-01T00:00:00+00:00", "tried": tried}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(BadRows, match=message):
        open_log().import_file(tmp_path / "in.jsonl")


def test_the_greatest_numbers_that_both_databases_keep_come_in(open_log, tmp_path):
    greatest = {**WHOLE, "number": 2**31 - 1, "input_tokens": 2**63 - 1, "cost_usd": 1e308}
    row = {"tier": "haiku", "verdict": "clean", "at": "2026-01-01T00:00:00+00:00", "tried": [greatest]}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    log = open_log()
    log.import_file(tmp_path / "in.jsonl")
    (found,) = log.attempts()
    assert (found.number, found.input_tokens, found.cost_usd) == (2**31 - 1, 2**63 - 1, 1e308)


@pytest.mark.parametrize("name", ["confidence", "propensity"])
def test_a_share_too_great_for_a_number_is_refused(open_log, tmp_path, name):
    row = {"tier": "haiku", "verdict": "clean", "at": "2026-01-01T00:00:00+00:00", name: 10**400}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(BadRows, match=f"{name} must be a number"):
        open_log().import_file(tmp_path / "in.jsonl")
