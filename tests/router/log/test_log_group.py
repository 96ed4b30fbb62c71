"""Many decisions in one transaction: all or none, and as if written one by one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tierwise import predict_tier
from tierwise.classifier.errors import DecisionConflict
from tierwise.router.decision import Decision
from tierwise.router.log.waiting._group import record_group, rows_of
from tierwise.router.log.waiting._unwritten import Unwritten


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
