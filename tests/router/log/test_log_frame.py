"""The log as a frame: one row per finished task, its facts as columns."""

from __future__ import annotations

import sys

import pandas as pd
import pytest
from small_decisions import HOUR, NOON, TEXT, SetClock, decided

from tierwise.classifier.errors import InvalidOutcome, MissingExtra
from tierwise.classifier.task import FACTS


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def log(open_log, clock):
    log = open_log(clock=clock)
    log.record_outcome(decided("d1", items=3, live=True, attempts=["haiku"]), "clean", basis="check")
    log.record_outcome("d1", "failed", at=NOON - HOUR, note="wrong")
    log.record_outcome(decided("d2", task_type="other", deterministic=True), "clean")
    log.record_decision(decided("d3"))
    clock.now += HOUR
    log.record_outcome(decided("d4", task_type=None), "refused")
    return log


def test_each_finished_task_is_one_row_with_the_verdict_that_counts(log):
    frame = log.to_pandas()
    assert frame.decision_id.tolist() == ["d1", "d4"]  # no verdict, no row; no model, no row
    first = frame.iloc[0]
    assert (first.specification, first.task_type, first.tier) == (TEXT, "meta", "sonnet")
    assert (first.verdict, first.basis, first.note, first["at"]) == ("failed", "person", "wrong", NOON - HOUR)
    assert (first["items"], first.live, first.attempts, first.propensity) == (3, True, ("haiku",), 1.0)
    assert (first.recorded_at, first.decided_at, first["mode"]) == (NOON, NOON, "sync")
    assert frame.isna().iloc[1][["task_type", "items", "live", "note"]].all()


def test_every_fact_is_a_column_of_its_type(log):
    frame = log.to_pandas()
    assert set(FACTS) | {"specification", "tier", "verdict", "at"} <= set(frame.columns)
    types = frame.dtypes.astype(str)
    assert (types["items"], types["live"], types["tier"], types["at"]) == (
        "Int64",
        "boolean",
        "str",
        "datetime64[us, UTC]",
    )


def test_an_empty_log_has_the_same_columns_and_types(log, open_log, tmp_path):
    empty = open_log(f"sqlite:///{tmp_path / 'empty.db'}").to_pandas()
    assert len(empty) == 0
    assert empty.dtypes.tolist() == log.to_pandas().dtypes.tolist()


def test_a_frame_of_one_type_and_of_an_earlier_moment(log, clock):
    assert log.to_pandas(task_type="meta").decision_id.tolist() == ["d1"]
    assert log.to_pandas(as_of=NOON).decision_id.tolist() == ["d1"]
    assert len(log.to_pandas(as_of=NOON - HOUR)) == 0
    log.record_outcome("d1", "corrected")
    assert log.to_pandas(as_of=NOON).verdict.tolist() == ["failed"]
    assert log.to_pandas(task_type="meta").verdict.tolist() == ["corrected"]


def test_only_the_columns_asked_for_in_their_order(log):
    assert log.to_pandas(columns=["verdict", "items", "tier"]).columns.tolist() == [
        "verdict",
        "items",
        "tier",
    ]
    with pytest.raises(InvalidOutcome, match="Unknown column 'vredict'; did you mean 'verdict'"):
        log.to_pandas(columns=["vredict"])


def test_only_the_decisions_asked_for(log, monkeypatch):
    monkeypatch.setattr("tierwise.router.log.files._frame.IDS", 1)  # a statement for each
    frame = log.to_pandas(decision_ids=["d4", "d1", "unknown"], columns=["decision_id"])
    assert sorted(frame.decision_id) == ["d1", "d4"]
    assert len(log.to_pandas(decision_ids=[])) == 0


def test_a_long_log_is_read_in_pieces_and_is_whole(log, monkeypatch):
    monkeypatch.setattr("tierwise.router.log.files._frame.CHUNK", 7)
    rows = pd.DataFrame({"tier": "haiku", "verdict": "clean", "at": [NOON - n * HOUR for n in range(40)]})
    log.import_frame(rows)
    frame = log.to_pandas(columns=["at", "tier"])
    assert len(frame) == 42
    assert frame["at"].is_monotonic_increasing


def test_without_pandas_the_line_that_installs_it_is_named(log, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"'pandas'.* pip install 'tierwise\[train\]'"):
        log.to_pandas()


def test_counts_per_type_and_tier_with_their_intervals(log):
    stats = log.stats()
    assert (stats.n_decisions, stats.n_outcomes, stats.n_without_verdict) == (4, 4, 1)
    meta = stats.types["meta"]["sonnet"]
    assert (meta.counts, meta.n_evidence, meta.pass_rate, meta.last_seen) == (
        {"failed": 1},
        1,
        0.0,
        NOON - HOUR,
    )
    assert list(stats.types) == [None, "meta"]
    assert stats.to_dict()["types"][1]["tier"] == "sonnet"


@pytest.mark.parametrize(("clean", "n"), [(0, 10), (10, 10), (7, 10), (180, 200), (1, 1), (0, 1)])
def test_intervals_are_those_of_scipy(clean, n):
    from scipy.stats import binomtest

    from tierwise.router.log.figures._stats import wilson

    assert wilson(clean, n) == pytest.approx(
        binomtest(clean, n).proportion_ci(0.9, method="wilson"), abs=1e-5
    )


def test_without_outcomes_there_is_no_interval():
    from tierwise.router.log.figures._stats import wilson

    assert wilson(0, 0) is None
