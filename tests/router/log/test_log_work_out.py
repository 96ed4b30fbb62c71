"""Rows of a group say exactly what each decision would have said alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

import tierwise
from tierwise import Decision, OutcomeLog, Task, TierModel
from tierwise.data import CHAMPION, SEED_TASKS
from tierwise.router.log._decision_row import decision_row
from tierwise.router.log._schema import decisions
from tierwise.router.log._times import to_us
from tierwise.router.log.waiting._group import record_group, rows_of
from tierwise.router.log.waiting._unwritten import Unwritten

AT = datetime(2026, 5, 1, tzinfo=UTC)
HISTORIES = ({}, {"kind 1": {"haiku": (12, 3)}, "kind 2": {"opus": (1, 0)}})


@pytest.fixture(scope="module")
def model() -> TierModel:
    return TierModel.load(CHAMPION)


def _tasks() -> list[Task]:
    lines = SEED_TASKS.read_text(encoding="utf-8").splitlines()[:120]
    texts = [json.loads(line)["specification"] for line in lines]
    tried = [Task(texts[0], task_type="kind 1", attempts=("haiku",)), Task("哈囉 zürn 🙂 " * 5)]
    return [Task(text, task_type=f"kind {i % 5}") for i, text in enumerate(texts)] + tried


@pytest.mark.parametrize("history", HISTORIES)
def test_what_is_worked_out_together_is_what_each_works_out_alone(model: TierModel, history: dict) -> None:
    tasks = _tasks()
    together = [model.posterior(task, history.get(task.task_type)) for task in tasks]
    model.work_out(together)
    for task, posterior in zip(tasks, together, strict=True):
        alone = model.posterior(task, history.get(task.task_type))
        assert "_place" in posterior.__dict__
        if not task.attempts:  # such a one is left to be worked out on demand
            assert posterior.__dict__.keys() & {"pass_", "_of_counts"}
            assert posterior.is_weighed or "_of_counts" in posterior.__dict__
        assert posterior.place == alone.place
        assert posterior.pass_ == alone.pass_
        assert posterior.needed == alone.needed
    model.work_out([])  # nothing to do is no error


@pytest.mark.parametrize("dumps", [None, lambda value: orjson.dumps(value).decode()])
def test_rows_of_a_group_are_those_of_single_decisions(model: TierModel, tmp_path: Path, dumps) -> None:
    def decided() -> list[Decision]:
        return [tierwise.predict_tier(t.specification, task_type=t.task_type, model=model) for t in _tasks()]

    made, twins = decided(), decided()  # what one of them worked out, its twin does not know
    times = {"decided_at_us": to_us(AT), "recorded_at_us": 0}
    alone = {
        each.decision_id: decision_row(
            Decision(twin.task, twin.evidence, each.decision_id), store_text="full", follows=None, **times
        ).values
        for each, twin in zip(made, twins, strict=True)
    }
    with OutcomeLog(tmp_path / "log.db") as log:
        options = {} if dumps is None else {"dumps": dumps}
        record_group(log, rows_of(log, [Unwritten(each, AT, None) for each in made], **options), wait_s=5)
        record_group(
            log, rows_of(log, [Unwritten(each, AT, None) for each in made[:9]], **options), wait_s=5
        )  # no harm
        with log._database.read() as connection:
            rows = connection.execute(select(decisions)).mappings().all()
    assert len(rows) == len(made)
    for row in rows:
        assert {**row, "recorded_at_us": 0} == alone[row["decision_id"]]
