"""Attempts and what they cost go with an export, and come back."""

from __future__ import annotations

import json

import pytest

from tierwise import OutcomeLog, Router
from tierwise.classifier.errors import BadRows
from tierwise.router.run import Grade, Limits, checks
from tierwise.testing import Fault, MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"


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
    ],
)
def test_attempts_that_no_export_has_written(open_log, tmp_path, tried, message):
    row = {"tier": "haiku", "verdict": "clean", "at": "2026-01-01T00:00:00+00:00", "tried": tried}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(BadRows, match=message):
        open_log().import_file(tmp_path / "in.jsonl")
