"""What a run sends in batches, as the plan of its articles says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...classifier.errors import InvalidTask
from .._engine import Engine
from ..ladder import Rung
from ..rules._decide import Choice
from ..run._check import checking_usd
from ._plan import history_of, request_cost_usd, task_for, weighed
from ._tokens import StepTokens
from ._work import Work
from .pipeline import Pipeline
from .step import Step

if TYPE_CHECKING:
    from ..router import Router


class PlannedBatches:
    """The steps that the plan of these articles has in batch, also where an earlier run has done a part, as
    long as enough are left. tokens : of each step, as the plan has them."""

    def __init__(
        self, router: Router, pipeline: Pipeline, n_articles: int, tokens: Mapping[str, StepTokens]
    ) -> None:
        self._pipeline, self._tokens = pipeline, tokens
        self._engine = engine = Engine.of(router.model, router.policy)
        # as of now: a log that is away later stops no run
        self._histories = {step.name: history_of(router, step, engine) for step in pipeline.steps}
        self._rungs: dict[str, Rung] = {}
        for step in pipeline.steps:
            choice = self._choice(step, n_articles)
            if choice is not None and choice.mode == "batch":
                self._rungs[step.name] = engine.ladder.rungs[choice.rung]

    def is_for(self, step: str) -> bool:
        return step in self._rungs

    def is_worth(self, step: str, n_articles: int) -> bool:
        choice = self._choice(self._pipeline[step], n_articles)
        return choice is not None and choice.mode == "batch"

    def cost_usd(self, work: Work) -> float:
        """Of one request, in batch, at the tier of the plan; at the volume tier where only an earlier run, of
        other articles or another policy, had the step in batch."""
        task, ladder = work.keyed.task, self._engine.ladder
        tokens = self._tokens[work.step.name]
        tokens = tokens._replace(input=task.input_tokens or tokens.input)
        check = work.step.built_check
        checking = checking_usd(check, task, ladder, tokens.output)
        rung = self._rungs.get(work.step.name, ladder.rungs[ladder.volume])
        return checking + request_cost_usd(tokens, rung, batch=True)

    def _choice(self, step: Step, n_articles: int) -> Choice | None:
        if n_articles < 1:
            return None
        task = task_for(step, n_articles, self._tokens[step.name])
        try:
            return weighed(step, task, self._histories[step.name], self._engine)[0]
        except InvalidTask:  # it is run at once, which says why it can't be
            return None
