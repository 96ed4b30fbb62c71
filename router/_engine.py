"""Model, policy and ladder put together, once per combination; what decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import __version__
from ..classifier.belief.history import Counts
from ..classifier.belief.posterior import Posterior
from ..classifier.errors import InvalidPolicy, LadderMismatch
from ..classifier.model import TierModel
from ..classifier.task import Task
from ._champion import champion
from ._ids import new_id
from ._view import View, view_of
from .decision import Decision, Evidence
from .ladder import Ladder, default_ladder
from .policy import Policy
from .rules._beliefs import Beliefs
from .rules._decide import Choice, decide

if TYPE_CHECKING:
    from ..classifier.belief.state import TypeState

_DEFAULT_POLICY = Policy()

Weighed = tuple[Choice, Task, Beliefs | None, Posterior | None]


class Engine:
    """Immutable; one per combination of model, policy and ladder."""

    def __init__(self, policy: Policy, ladder: Ladder, view: View | None, trouble: str | None) -> None:
        self.policy, self.ladder, self.view, self.trouble = policy, ladder, view, trouble
        self.model = None if view is None else view.model
        self.versions = {
            "tierwise": __version__,
            "ladder": ladder.name,
            "model": "none" if self.model is None else self.model.version,
        }

    @staticmethod
    def of(model: TierModel | None, policy: Policy | None) -> Engine:
        """Raises InvalidPolicy for what is no model or no policy."""
        if policy is None:
            policy = _DEFAULT_POLICY
        elif not isinstance(policy, Policy):
            raise _misgiven("policy", policy, "a Policy, such as Policy(max_under_tier=0.02)")
        if model is not None and not isinstance(model, TierModel):
            raise _misgiven("model", model, "a TierModel; load a folder with TierModel.load(path)")
        return _engine(model or champion(), policy, policy.ladder or default_ladder())

    def beliefs(self, posterior: Posterior | None) -> Beliefs | None:
        return None if self.view is None or posterior is None else self.view.beliefs(posterior)

    def choose(self, task: Task, beliefs: Beliefs | None) -> Choice:
        return decide(task, beliefs, self.policy, self.ladder, unavailable=self.trouble is not None)

    def weigh(self, task: Task, history: Counts | TypeState | None) -> Weighed:
        posterior = None if self.view is None else self.view.model.posterior(task, history)
        beliefs = self.beliefs(posterior)
        return self.choose(task, beliefs), task, beliefs, posterior

    def built(
        self, choice: Choice, task: Task, beliefs: Beliefs | None, posterior: Posterior | None
    ) -> Decision:
        evidence = Evidence(
            self.policy, self.ladder, beliefs, choice, posterior, self.model, self.trouble, self.versions
        )
        return Decision(task, evidence, new_id())

    def decide(self, task: Task, history: Counts | TypeState | None) -> Decision:
        return self.built(*self.weigh(task, history))


def _misgiven(name: str, found: object, allowed: str) -> InvalidPolicy:
    return InvalidPolicy(f"{name} must be {allowed}. Got {type(found).__name__}.", about=name)


_engines: dict[tuple[int, int, int], tuple[Engine, tuple[object, ...]]] = {}
_MAX_ENGINES = 64


def _engine(model: TierModel | str, policy: Policy, ladder: Ladder) -> Engine:
    """By identity: hashing a ladder for each decision would cost as much as the decision."""
    key = id(model), id(policy), id(ladder)
    known = _engines.get(key)
    if known is None:
        if len(_engines) >= _MAX_ENGINES:
            _engines.clear()
        # the parts are kept beside the engine, so that their ids are not given to other objects
        known = _engines[key] = (_assembled(model, policy, ladder), (model, policy, ladder))
    return known[0]


def _assembled(model: TierModel | str, policy: Policy, ladder: Ladder) -> Engine:
    if isinstance(model, str):
        return Engine(policy, ladder, None, model)
    try:
        return Engine(policy, ladder, view_of(model, ladder, policy), None)
    except LadderMismatch as error:
        # a ladder of other tiers has no trained model of its own: rules and its middle rung route it
        untrained = not set(model.tiers) & set(ladder.names)
        return Engine(policy, ladder, None, None if untrained else str(error))
