"""How soon an outcome is felt."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from tierwise import OutcomeLog, Router, TierModel, predict_tier
from tierwise.data import CHAMPION
from tierwise.training.seeds.tasks import read_seeds

from ._rows import VERDICTS
from ._timing import Spent, spent, with_cpu

FELT_TYPES = 20


def felt(url: str) -> dict[str, Any]:
    """Microseconds until an outcome is felt, on a log of one process, after 200 outcomes to warm up.

    outcome : `Router.record_outcome` by id: the verdict and what it teaches, in one transaction.
    read : the type's state read from the log, and the next task of the type decided with it.
    felt : both, one after the other: from the verdict to a decision that knows of it.
    decide : in place of `read`, `Router.decide`, which logs that next decision as well.
    felt_and_logged : outcome and decide.
    unlearned : an outcome and a decision, both logged, of a type of which nothing is learned.

    cpu_median_us : of this process; on a machine that does something else, near what a quiet one would take.
    """
    seeds = [seed.task.specification for seed in islice(read_seeds(), 2_200)]
    names = ("outcome", "read", "felt", "decide", "felt_and_logged", "unlearned")
    found: dict[str, list[Spent]] = {name: [] for name in names}
    model = TierModel.load(CHAMPION)
    with OutcomeLog(url) as log, Router(model, log=log) as router:
        logged = router._logged
        assert logged is not None

        def read(text: str, kind: str) -> None:
            predict_tier(text, task_type=kind, history=logged.state(model, kind), model=model)

        def decide(text: str, kind: str) -> None:
            router.decide(text, task_type=kind)

        for number, text in enumerate(seeds):
            kind, verdict = f"type {number % FELT_TYPES}", VERDICTS[number % len(VERDICTS)]
            decision = router.decide(text, task_type=kind)
            outcome = spent(router.record_outcome, decision.decision_id, verdict)
            by_turns = (read, "read", "felt"), (decide, "decide", "felt_and_logged")
            call, name, sum_ = by_turns[number // FELT_TYPES % 2]
            following = spent(call, text, kind)
            other = predict_tier(text, task_type="other", model=model)
            log.record_decision(other)
            plain = spent(log.record_outcome, other.decision_id, verdict)
            plain += spent(lambda text=text: log.record_decision(predict_tier(text, task_type="other")))
            for part, each in zip(
                ("outcome", name, sum_, "unlearned"),
                (outcome, following, outcome + following, plain),
                strict=True,
            ):
                found[part] += [each] if number >= 200 else []
    parts = {name: with_cpu(np.array(each)) for name, each in found.items()}
    return {**parts, "n": len(found["outcome"])}
