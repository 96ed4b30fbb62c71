"""Many decisions in one transaction: all or none, and as if written one by one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tierwise import predict_tier
from tierwise.classifier.errors import DecisionConflict
from tierwise.router.decision import Decision
from tierwise.router.log._schema import outcomes
from tierwise.router.log.waiting._group import record_group, rows_of
from tierwise.router.log.waiting._unwritten import Report, Unwritten


def rows(log, *decisions):
    return rows_of(log, [Unwritten(each, datetime.now(tz=UTC), None) for each in decisions])


def test_a_group_is_what_its_decisions_are_one_by_one(log):
    decisions = [predict_tier(f"Summarise ticket {i}", task_type="summary") for i in range(5)]
    log.record_decision(decisions[0])
    record_group(log, rows(log, *decisions), wait_s=1)
    record_group(log, rows(log, *decisions), wait_s=1)
    assert log.stats().n_decisions == 5
    assert all(log.replay(each.decision_id).same for each in decisions)


def test_a_foreign_id_in_a_group_undoes_the_group(log):
    first, second = predict_tier("Summarise the ticket"), predict_tier("Plan the launch", live=True)
    log.record_decision(first)
    taken = Decision(second.task, second.evidence, first.decision_id)
    with pytest.raises(DecisionConflict):
        record_group(log, rows(log, predict_tier("Tag it"), taken), wait_s=1)
    assert log.stats().n_decisions == 1


def reported(decision, *verdicts):
    """What a program said of it, a second apart."""
    return [
        Report(decision, None, verdict, None, 1_770_000_000_000_000 + number * 1_000_000, lambda *_: None)
        for number, verdict in enumerate(verdicts)
    ]


def test_what_is_said_of_a_decision_in_its_own_group_counts_as_if_said_later(log):
    """The first verdict is of a new row, of which nothing need be read; the others follow it."""
    first, again, alone = (predict_tier(f"Summarise ticket {i}", task_type="summary") for i in range(3))
    record_group(log, rows(log, alone), reported(alone, "clean"), wait_s=1)
    record_group(
        log,
        rows(log, first, again),
        [*reported(first, "failed", "clean", "clean"), *reported(again, "clean"), *reported(again, "clean")],
        wait_s=1,
    )
    record_group(log, rows(log, first), reported(first, "failed"), wait_s=1)  # all of it is there already
    with log._database.read() as connection:
        found = connection.execute(select(outcomes).order_by(outcomes.c.outcome_id)).all()
    said = [(each.decision_id, each.verdict, each.is_effective) for each in found]
    assert said == [
        (alone.decision_id, "clean", True),
        (first.decision_id, "failed", False),
        (first.decision_id, "clean", False),
        (first.decision_id, "clean", True),
        (again.decision_id, "clean", True),
    ]
    assert {(each.task_type, each.tier) for each in found} == {("summary", first.tier)}
