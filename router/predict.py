"""predict_tier: the pure decision with its edges added. No network, no disk write, thread-safe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..classifier.belief.history import Counts
from ..classifier.belief.posterior import Posterior
from ..classifier.errors import InvalidTask
from ..classifier.model import TierModel
from ..classifier.task import Task
from ._decisions import Decisions
from ._engine import Engine
from ._tasks import task_of
from ._uncollected import uncollected
from .decision import Decision
from .policy import Policy
from .rules._decide import Choice

if TYPE_CHECKING:
    from ..classifier.belief.state import TypeState


def predict_tier(
    specification: str | Task | Mapping[str, Any],
    *,
    task_type: str | None = None,
    history: Counts | TypeState | Log | None = None,
    model: TierModel | None = None,
    policy: Policy | None = None,
    **facts: Any,
) -> Decision:
    """The tier, mode and plan for one task, with reasons, probabilities and costs.

        predict_tier("Write meta descriptions for 120 posts, JSON out", items=120, verifiable=True)

    specification : what the model would be asked; or a `Task`, or a mapping, that has its facts with it.
    task_type : the recurring kind of work, such as "meta-description"; history is kept per type.
    history : outcomes of this task type: {"haiku": (clean, not clean), ...}, a `TypeState`, or an
        outcome log, which is asked for those of `task_type`: as a `Router` of this log and model would.
    model : default: the champion in the folder `TIERWISE_MODEL`, else the one that ships.
    policy : accepted risk, price of a correction, ladder; default: `Policy()`.
    facts : what is known about the task: items, verifiable, live, floor, …; see `Task` for all of them.

    Raises InvalidTask for bad input (UnknownFact, ContradictoryTask, NoTierFits are kinds of it),
    InvalidPolicy for a policy or model that is none, InvalidLadder for a tiers file that can't be read. A
    model that can't be loaded raises nothing: the decision is the production tier and says why.
    """
    task, engine = task_of(specification, task_type, facts), Engine.of(model, policy)
    return engine.decide(task, None if history is None else asked(history, task.task_type, engine.model))


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

    model, policy : as for `predict_tier`.

    Raises InvalidTask, naming the position, for the first task that can't be routed; InvalidPolicy.
    """
    if isinstance(tasks, str | Mapping) or not isinstance(tasks, Iterable):
        raise InvalidTask(
            f"predict_tiers takes a list of tasks; got {type(tasks).__name__}. For one task: predict_tier.",
            about=tasks,
        )
    if hasattr(tasks, "columns"):  # a DataFrame, of which iteration gives the names of its columns
        raise InvalidTask(
            "predict_tiers takes tasks, and iterating a DataFrame gives the names of its columns. Give "
            "frame['specification'], or frame.to_dict('records') with None for what is missing.",
            about="tasks",
        )
    engine = Engine.of(model, policy)
    checked: list[Task] = []
    try:
        for each in tasks:
            checked.append(_as_task(each))
    except InvalidTask as error:
        _name_position(error, len(checked))
        raise
    view = engine.view
    if isinstance(history, Log):
        log, kinds = history, dict.fromkeys(task.task_type for task in checked if task.task_type is not None)
        history = {kind: known for kind in kinds if (known := asked(log, kind, engine.model)) is not None}
    posteriors: Sequence[Posterior | None]
    choices: list[Choice] = []
    with uncollected():
        posteriors = [None] * len(checked) if view is None else view.model.posteriors(checked, history)
        try:
            for task, posterior in zip(checked, posteriors, strict=True):
                choices.append(engine.choose(task, engine.beliefs(posterior)))
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
    """A log that also says what a model learns from its outcomes of a type."""

    def history(self, task_type: str) -> Counts: ...

    def learned(self, task_type: str, model: TierModel) -> TypeState | None: ...


def asked(
    history: Counts | TypeState | Log | None, task_type: str | None, model: TierModel | None
) -> Counts | TypeState | None:
    if not isinstance(history, Log):
        return history
    if task_type is None:
        return None
    if model is None or not isinstance(history, StateLog):
        return history.history(task_type)
    learned = history.learned(task_type, model)
    if learned is not None:
        return learned
    counts = history.history(task_type)  # also of tiers of other ladders: one log may serve several
    return {tier: pair for tier, pair in counts.items() if tier in model.tiers}


def _name_position(error: InvalidTask, position: int) -> None:
    error.args = (f"Task {position}: {error}",)


def _as_task(each: Task | str | Mapping[str, Any]) -> Task:
    if isinstance(each, Task):
        return each
    if isinstance(each, str):
        return Task.of_text(each)
    if isinstance(each, Mapping):
        return Task.from_mapping(each)
    raise InvalidTask(f"A task must be a Task, a text or a mapping; got {type(each).__name__}.", about=each)
