"""predict_tier: the pure decision with its edges added. No network, no disk write, thread-safe."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, overload, runtime_checkable

from .. import __version__
from ..classifier.belief.history import Counts
from ..classifier.belief.posterior import Posterior
from ..classifier.errors import InvalidTask, LadderMismatch
from ..classifier.model import TierModel
from ..classifier.task import Task, check_fact_names
from ._champion import champion
from ._uncollected import uncollected
from ._view import View, view_of
from .decision import Decision, Evidence
from .ladder import Ladder, default_ladder
from .policy import Policy
from .rules._beliefs import Beliefs
from .rules._decide import Choice, decide

if TYPE_CHECKING:
    from ..classifier.belief.state import TypeState

_DEFAULT_POLICY = Policy()


def predict_tier(
    specification: str,
    *,
    task_type: str | None = None,
    history: Counts | TypeState | Log | None = None,
    model: TierModel | None = None,
    policy: Policy | None = None,
    **facts: Any,
) -> Decision:
    """The tier, mode and plan for one task, with reasons, probabilities and costs.

        predict_tier("Write meta descriptions for 120 posts, JSON out", items=120, verifiable=True)

    history : outcomes of this task type: {"haiku": (clean, not clean), ...}, a `TypeState`, or an
        outcome log, which is asked for those of `task_type`: the state that a `Router` keeps there
        for this model, else the counts.
    model : default: the champion in the folder `TIERWISE_MODEL`, else the one that ships.
    facts : what is known about the task; see `Task` for all of them.

    Raises InvalidTask for bad input (UnknownFact, ContradictoryTask, NoTierFits are kinds of it). A
    model that can't be loaded raises nothing: the decision is the production tier and says why.
    """
    if not facts and task_type is None:
        task = Task.of_text(specification)
    else:
        check_fact_names(facts)
        task = Task(specification, task_type=task_type, **facts)
    engine = _Engine.of(model, policy)
    return engine.decide(task, None if history is None else _asked(history, task_type, engine.model))


def predict_tiers(
    tasks: Iterable[Task | str | Mapping[str, Any]],
    *,
    history: Mapping[str, Counts | TypeState] | Log | None = None,
    model: TierModel | None = None,
    policy: Policy | None = None,
) -> Decisions:
    """Decisions for many tasks, each exactly as `predict_tier` gives it.

    tasks : `Task`s, texts, or mappings with a "specification" and facts.
    history : task type -> counts or `TypeState`; or an outcome log.

    Raises InvalidTask, naming the position, for the first task that can't be routed.
    """
    engine = _Engine.of(model, policy)
    checked: list[Task] = []
    try:
        for each in tasks:
            checked.append(_as_task(each))
    except InvalidTask as error:
        _name_position(error, len(checked))
        raise
    view = engine.view
    if isinstance(history, Log):
        kinds = dict.fromkeys(task.task_type for task in checked)
        log, asked = history, [kind for kind in kinds if kind is not None]
        history = {kind: known for kind in asked if (known := _asked(log, kind, engine.model)) is not None}
    posteriors: Sequence[Posterior | None]
    choices: list[Choice] = []
    with uncollected():
        posteriors = [None] * len(checked) if view is None else view.model.posteriors(checked, history)
        try:
            for task, posterior in zip(checked, posteriors, strict=True):
                beliefs = engine.beliefs(posterior)
                choices.append(
                    decide(
                        task, beliefs, engine.policy, engine.ladder, unavailable=engine.trouble is not None
                    )
                )
        except InvalidTask as error:
            _name_position(error, len(choices))
            raise
    return Decisions(engine, checked, posteriors, choices)


@runtime_checkable
class Log(Protocol):
    """What a decision asks of an outcome log: the outcomes of a task type, as counts or a state."""

    def history(self, task_type: str) -> Counts | TypeState: ...


@runtime_checkable
class StateLog(Log, Protocol):
    """A log that keeps what a model has learned of a type."""

    def learned(self, task_type: str, model: TierModel) -> TypeState | None: ...


def _asked(
    history: Counts | TypeState | Log | None, task_type: str | None, model: TierModel | None
) -> Counts | TypeState | None:
    if not isinstance(history, Log):
        return history
    if task_type is None:
        return None
    learned = history.learned(task_type, model) if model and isinstance(history, StateLog) else None
    return history.history(task_type) if learned is None else learned


def _name_position(error: InvalidTask, position: int) -> None:
    error.args = (f"Task {position}: {error}",)


class Decisions(Sequence[Decision]):
    """Decisions as columns; a `Decision` is built when its row is read.

    tiers, models, modes, reasons, fallbacks : one value per task.
    """

    def __init__(
        self,
        engine: _Engine,
        tasks: Sequence[Task],
        posteriors: Sequence[Posterior | None],
        choices: Sequence[Choice],
    ) -> None:
        self._engine, self._tasks, self._posteriors, self._choices = engine, tasks, posteriors, choices
        self._built: dict[int, Decision] = {}

    @property
    def tiers(self) -> list[str]:
        names = self._engine.ladder.tiers
        return [names[choice.rung] for choice in self._choices]

    @property
    def modes(self) -> list[str]:
        return [choice.mode for choice in self._choices]

    @property
    def reasons(self) -> list[str]:
        return [choice.codes[0] for choice in self._choices]

    @property
    def fallbacks(self) -> list[bool]:
        return [choice.fallback for choice in self._choices]

    def __len__(self) -> int:
        return len(self._choices)

    @overload
    def __getitem__(self, index: int) -> Decision: ...
    @overload
    def __getitem__(self, index: slice) -> list[Decision]: ...
    def __getitem__(self, index: int | slice) -> Decision | list[Decision]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        if index not in self._built:  # kept, so that its decision_id stays the same
            posterior, choice = self._posteriors[index], self._choices[index]
            beliefs = self._engine.beliefs(posterior)  # made anew: a million of them need not be kept
            self._built[index] = self._engine.built(choice, self._tasks[index], beliefs, posterior)
        return self._built[index]

    def __iter__(self) -> Iterator[Decision]:
        return (self[index] for index in range(len(self)))


class _Engine:
    """Model, policy and ladder put together; immutable, one per combination."""

    def __init__(self, policy: Policy, ladder: Ladder, view: View | None, trouble: str | None) -> None:
        self.policy, self.ladder, self.view, self.trouble = policy, ladder, view, trouble
        self.model = None if view is None else view.model
        self.versions = {
            "tierwise": __version__,
            "ladder": ladder.name,
            "model": "none" if self.model is None else self.model.version,
        }

    @staticmethod
    def of(model: TierModel | None, policy: Policy | None) -> _Engine:
        policy = policy or _DEFAULT_POLICY
        ladder = policy.ladder or default_ladder()
        return _engine(model or champion(), policy, ladder)

    def choose(self, task: Task, posterior: Posterior | None) -> tuple[Choice, Task, Any, Any]:
        beliefs = self.beliefs(posterior)
        unavailable = self.trouble is not None
        choice = decide(task, beliefs, self.policy, self.ladder, unavailable=unavailable)
        return choice, task, beliefs, posterior

    def beliefs(self, posterior: Posterior | None) -> Beliefs | None:
        return None if self.view is None or posterior is None else self.view.beliefs(posterior)

    def built(self, choice: Choice, task: Task, beliefs: Any, posterior: Any) -> Decision:
        evidence = Evidence(
            self.policy, self.ladder, beliefs, choice, posterior, self.model, self.trouble, self.versions
        )
        return Decision(task, evidence, os.urandom(16).hex())

    def weigh(self, task: Task, history: Counts | TypeState | None) -> tuple[Choice, Task, Any, Any]:
        posterior = None if self.view is None else self.view.model.posterior(task, history)
        return self.choose(task, posterior)

    def decide(self, task: Task, history: Counts | TypeState | None) -> Decision:
        posterior = None if self.view is None else self.view.model.posterior(task, history)
        return self.built(*self.choose(task, posterior))


_engines: dict[tuple[int, int, int], tuple[_Engine, tuple[object, ...]]] = {}
_MAX_ENGINES = 64


def _engine(model: TierModel | str, policy: Policy, ladder: Ladder) -> _Engine:
    """By identity: hashing a ladder for each decision would cost as much as the decision."""
    key = id(model), id(policy), id(ladder)
    known = _engines.get(key)
    if known is None:
        if len(_engines) >= _MAX_ENGINES:
            _engines.clear()
        # the parts are kept beside the engine, so that their ids are not given to other objects
        known = _engines[key] = (_assembled(model, policy, ladder), (model, policy, ladder))
    return known[0]


def _assembled(model: TierModel | str, policy: Policy, ladder: Ladder) -> _Engine:
    if isinstance(model, str):
        return _Engine(policy, ladder, None, model)
    try:
        return _Engine(policy, ladder, view_of(model, ladder, policy), None)
    except LadderMismatch as error:
        # a ladder of other tiers has no trained model of its own: rules and its middle rung route it
        untrained = not set(model.tiers) & set(ladder.names)
        return _Engine(policy, ladder, None, None if untrained else str(error))


def _as_task(each: Task | str | Mapping[str, Any]) -> Task:
    if isinstance(each, Task):
        return each
    if isinstance(each, str):
        return Task.of_text(each)
    if isinstance(each, Mapping):
        return Task.from_mapping(each)
    raise InvalidTask(f"A task must be a Task, a text or a mapping; got {type(each).__name__}.", about=each)
