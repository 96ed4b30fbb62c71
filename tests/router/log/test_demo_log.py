"""The demonstration log: the same every time, importable everywhere, like a log of real work, and marked."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pytest

from tierwise.router.log import demo
from tierwise.router.log._demo_world import N_TYPES, demo_types
from tierwise.router.log.demo import DAYS, NOTE, UNTIL, demo_rows, fill, log_or_demo


@pytest.fixture(scope="module")
def rows():
    return demo_rows(900)


@pytest.fixture(scope="module")
def first(rows):
    """One row a decision, by its id; what came later said of it has no tier."""
    return {row["decision_id"]: row for row in rows if "tier" in row}


def test_the_same_seed_gives_the_same_rows_and_another_seed_others():
    assert demo_rows(60, 7) == demo_rows(60, 7)
    assert demo_rows(60, 7) != demo_rows(60, 8)


@pytest.mark.parametrize("now", ["2026-11-23T00:05", "2026-11-28T18:00", "2026-11-29T23:59"])
def test_months_that_end_now_have_nothing_in_the_future(now):
    moment = datetime.fromisoformat(f"{now}+00:00")
    rows = demo_rows(600, until=demo.last_evening(moment))
    assert max(row.get("decided_at", row.get("at")) for row in rows) <= moment
    assert moment - max(row["decided_at"] for row in rows if "tier" in row) < timedelta(days=4)


def test_there_are_as_many_decisions_as_asked_for_oldest_first(first):
    assert len(first) == 900
    times = [row["decided_at"] for row in first.values()]
    assert times == sorted(times)
    assert UNTIL - timedelta(days=DAYS + 3) < times[0] < times[-1] < UNTIL
    fresh = [row["decided_at"] for row in first.values() if not row["follows"]]
    assert all(moment.weekday() < 5 and 8 <= moment.hour < 18 for moment in fresh)


def test_every_verdict_says_that_it_is_simulated_and_comes_after_its_decision(rows, first):
    judged = [row for row in rows if "verdict" in row]
    assert {row["note"] for row in judged} == {NOTE}
    assert all(first[row["decision_id"]]["decided_at"] < row["at"] < UNTIL for row in judged)


def test_verdicts_are_of_all_kinds_and_go_missing_unevenly(rows, first):
    assert {"clean", "corrected", "failed"} <= {row.get("verdict") for row in rows}
    assert {"check", "person"} <= {row.get("basis") for row in rows}
    by_person = [row for row in first.values() if not row.get("verifiable")]
    unheard = [row for row in by_person if "verdict" not in row]
    assert 0.2 < len(unheard) / len(by_person) < 0.7
    assert all(
        "verdict" in row
        for row in first.values()
        if row.get("verifiable") and row["decided_at"] < UNTIL - timedelta(days=1)
    )


def test_a_retry_names_what_failed_and_goes_higher(first):
    retries = [row for row in first.values() if row["follows"]]
    assert len(retries) > 20
    order = ("haiku", "sonnet", "opus")
    for row in retries:
        before = first[row["follows"]]
        assert before["tier"] in row["attempts"]
        assert before["decided_at"] < row["decided_at"]
        assert order.index(row["tier"]) > order.index(before["tier"])


def test_probes_are_logged_with_their_propensity(first):
    probes = [row for row in first.values() if row["reason"] == "probe"]
    assert probes
    assert {row["propensity"] for row in probes} == {demo._PROBED}
    assert {row["propensity"] for row in first.values()} == {demo._PROBED, 1 - demo._PROBED, 1.0}


def test_one_type_turns_hard_half_way():
    turning, *others = demo_types(np.random.default_rng(0))
    assert len(others) == N_TYPES - 1
    before, after = (turning.pass_probability(0, 0, 0.0, when) for when in (0.4, 0.6))
    assert before > 0.8 > 0.4 > after
    assert [kind.name for kind in others if kind.turns_at < 1.0] == []
    for kind in (turning, *others):
        for needed in range(3):
            passes = [kind.pass_probability(needed, tier, 0.0, 0.9) for tier in range(3)]
            assert passes == sorted(passes)


def test_it_comes_into_the_log_once(log):
    report = fill(log, 150)
    assert (report.n_decisions, report.bad) == (150, ())
    assert fill(log, 150).n_decisions == 0
    frame = log.to_pandas()
    assert len(frame) == 150 - log.stats().n_without_verdict
    assert set(frame["note"]) == {NOTE}


def test_its_decisions_can_be_replayed_but_for_probes(log):
    fill(log, 150)
    frame = log.to_pandas()
    chosen = frame.loc[frame["reason"] != "probe", "decision_id"].head(20)
    assert all(log.replay(each).same for each in chosen)


def test_demo_is_a_new_log_each_time_and_a_path_is_that_log(sqlite_url, open_log, monkeypatch):
    monkeypatch.setattr(demo, "N_DECISIONS", 3)
    open_log(sqlite_url)
    with log_or_demo(sqlite_url) as same:
        assert same.stats().n_decisions == 0


def test_rows_may_end_at_another_time():
    until = datetime.fromisoformat("2025-06-01T12:00:00+02:00")
    assert max(row["decided_at"] for row in demo_rows(20, until=until) if "tier" in row) < until


def test_types_have_unequal_volumes(first):
    counts = Counter(row["task_type"] for row in first.values())
    assert counts.most_common(1)[0][1] > 4 * np.median(list(counts.values()))
