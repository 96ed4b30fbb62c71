"""What a process holds of its log in memory: of each model that is in use, the states of task types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...classifier.model import TierModel
from ._keeper import StateKeeper
from ._outcome import Outcome
from ._states import Learn, TypeStates

if TYPE_CHECKING:
    from .waiting._unwritten import Unwritten

_MOST = 4  # champion, challenger, and those before them


class Keepers:
    """Threads may share them."""

    def __init__(self) -> None:
        self._by_model: dict[str, StateKeeper] = {}

    def of(self, model: TierModel) -> StateKeeper:
        keeper = self._by_model.get(model.fingerprint)
        if keeper is None:
            if len(self._by_model) >= _MOST:
                self._by_model.clear()
            keeper = self._by_model[model.fingerprint] = StateKeeper(model)
        return keeper

    def hold(self, task_type: str) -> bool:
        """Whether a state of this type that the log kept is in memory."""
        return any(keeper.holds(task_type) for keeper in self._by_model.values())

    def place(self, group: Sequence[Unwritten]) -> None:
        """Outcomes of these decisions then need no reading of their rows."""
        for each in group:
            decision = each.decision
            model, posterior = decision.evidence.model, decision.evidence.posterior
            if model is not None and posterior is not None and decision.task.task_type is not None:
                self.of(model).placed(decision.decision_id, posterior.place, decision.task.attempts)

    def learn(self, models: Sequence[TierModel]) -> Learn:
        """What an outcome teaches each of these models."""
        keepers = [self.of(model) for model in models]

        def learn(outcome: Outcome, states: TypeStates) -> None:
            for keeper in keepers:
                keeper.learn(outcome, states)

        return learn
