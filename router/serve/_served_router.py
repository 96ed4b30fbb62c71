"""The router of a service: whoever asks, what it decides is counted, here or in the log that it shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...classifier.belief.history import Counts
from ...classifier.belief.state import TypeState
from ...classifier.task import Task
from .._decisions import Decisions
from .._engine import Engine
from ..decision import Decision
from ..policy import Policy
from ..predict import predict_tiers
from ..router import Router
from ._metrics import Metrics
from ._served_log import AT_ONCE, ServedLog
from ._source import Found


class ServedRouter(Router):
    """Of one champion; a swap makes another one that shares its log."""

    def __init__(self, found: Found, policy: Policy | None, log: ServedLog | None, metrics: Metrics) -> None:
        tried = log is not None and found.challenger is not None  # canaries are counted in a log
        super().__init__(
            found.model,
            policy,
            log,  # type: ignore[arg-type]
            challenger=found.challenger if tried else None,
            canary=found.canary if tried else None,
        )
        self.found, self.served_log, self._metrics = found, log, metrics
        self.engine = Engine.of(self.model, policy)
        probes = policy is not None and policy.probe_budget > 0.0
        self.explores = log is not None and (tried or probes)

    def decide(self, *task: Any, **options: Any) -> Decision:
        decision = super().decide(*task, **options)
        if self.served_log is None:  # which counts what passes it
            count(self._metrics, decision)
        return decision

    def decide_plainly(self, task: Task, known: Counts | TypeState | None) -> Decision:
        """What is left of `decide` where nothing is explored, the task follows no other, and what is known of
        its type is at hand.
        """
        decision = self.engine.decide(task, known)
        if self.served_log is None:
            count(self._metrics, decision)
        else:
            self.served_log.add(decision, None)
        return decision

    def decide_many(
        self, tasks: Sequence[Task], states: Mapping[str, TypeState]
    ) -> Decisions | Sequence[Decision]:
        """As `decide` answers one by one, but quicker; logged likewise. Raises InvalidTask."""
        if self.explores:  # who is tried on what depends on each decision before
            return [self._decided(number, task) for number, task in enumerate(tasks)]
        decisions = predict_tiers(tasks, history=states, model=self.model, policy=self.policy)
        if self.served_log is None:
            self._metrics.decisions(
                zip(map(str, decisions.tiers), decisions.reasons, decisions.fallbacks, strict=True)
            )
            return decisions
        self.served_log.add_all(list(decisions))
        return decisions

    def _decided(self, number: int, task: Task) -> Decision:
        if self.served_log is not None and number and number % AT_ONCE == 0:
            self.served_log.wait_for_room()
        return self.decide(task)


def count(metrics: Metrics, decision: Decision) -> None:
    """For Prometheus."""
    _, ladder, _, choice, *_ = decision.evidence
    metrics.decision(ladder.names[choice.rung], choice.codes[0], fallback=choice.fallback)
