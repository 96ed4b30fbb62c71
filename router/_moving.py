"""The latest tasks of types, decided again with what the outcomes of their type say now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from ..classifier.belief._place import Place
from ..classifier.belief.posterior import Posterior
from ..classifier.belief.state import Seen, TypeState
from ..classifier.errors import InvalidTask
from ..classifier.model import TierModel
from ..classifier.reading._reader import Reading
from ..classifier.task import Task
from . import reasons
from ._unread import state_of
from ._view import View
from .ladder import Ladder
from .policy import LAMBDA_DOWN_MIN, Policy
from .rules._costs import expected_costs_usd
from .rules._decide import Choice, decide

if TYPE_CHECKING:
    from .movements import Judged, Recurring, Work

# codes of rules that are stronger than any probability
_RULES = {
    *(reasons.PIN, reasons.FLOOR, reasons.CEILING, reasons.CONSEQUENTIAL),
    *(reasons.FLOOR_LIVE, reasons.FLOOR_ORCHESTRATOR, reasons.FLOOR_REVIEWER),
    *(reasons.LIMIT_CONTEXT, reasons.LIMIT_OUTPUT),
}
_BINDING = ("pin", "floor", "ceiling", "live", "consequential", "role")


class Moved(NamedTuple):
    """A task that was done at rung `ran` and would now be given to `to`; without rules to `free`.

    plan : what would be tried in order.
    needed, text : P(needed tier) per rung, with the type's outcomes and by the text alone.
    costs : USD per rung, and `cost` of what was decided. rule : the code that decided, where a rule did.
    """

    direction: str
    ran: int
    to: int
    free: int
    plan: tuple[int, ...]
    rule: str | None
    needed: tuple[float, ...]
    text: tuple[float, ...]
    costs: tuple[float, ...]
    cost: float
    priced: bool
    lambda_down: float
    lambda_up: float


def moved_tasks(types: Sequence[Recurring], view: View, policy: Policy, ladder: Ladder) -> list[list[Moved]]:
    """Of each type, all read together: texts are read many at a time, and each once.

    Left out: tasks that no tier of this ladder did or can do, and steps that need no model.
    """
    model = view.model
    works = [[work for work in each.latest if work.tier in ladder.names] for each in types]
    judged = [[each for each in some.outcomes if each.work.tier in model.tiers] for some in types]
    read = _readings(model, chain(chain(*works), (each.work for some in judged for each in some)))
    states = _states(model, types, judged, read)
    told = _posteriors(model, [each.task_type for each in types], works, states, read)
    return [
        _moved_of_type(*pair, view, policy, ladder) for pair in zip(works, _like(works, told), strict=True)
    ]


def _moved_of_type(
    works: Sequence[Work], posteriors: Sequence[Posterior], view: View, policy: Policy, ladder: Ladder
) -> list[Moved]:
    found = []
    for work, posterior in zip(works, posteriors, strict=True):
        try:
            moved = _moved(work, posterior, view, policy, ladder)
        except InvalidTask:  # its bounds contradict each other, or no tier of today holds it
            continue
        if moved is not None:
            found.append(moved)
    return found


def _readings(model: TierModel, works: Iterable[Work]) -> dict[int, Reading]:
    """By the identity of the task: one that was judged is also among the latest of its type."""
    tasks = {id(work.task): work.task for work in works if _readable(work)}
    return dict(zip(tasks, model.reader.read_many(list(tasks.values())), strict=True))


def _states(
    model: TierModel,
    types: Sequence[Recurring],
    judged: Sequence[Sequence[Judged]],
    read: Mapping[int, Reading],
) -> list[TypeState]:
    """What each type's outcomes say under this model."""
    places = iter(_places(model, [each.work for some in judged for each in some], read))
    return [
        state_of(
            model,
            [_seen(each, place, model) for each, place in zip(some, places, strict=False)],
            {model.tiers.index(tier): n for tier, n in each.unread.items() if tier in model.tiers},
        )
        for each, some in zip(types, judged, strict=True)
    ]


def _places(model: TierModel, works: Sequence[Work], read: Mapping[int, Reading]) -> list[Place]:
    of_texts = iter(model.places_read([read[id(work.task)] for work in works if _readable(work)]))
    kept = iter(model.places_of([work.text or model.uninformed for work in works if not _readable(work)]))
    return [next(of_texts if _readable(work) else kept) for work in works]


def _seen(judged: Judged, place: Place, model: TierModel) -> Seen:
    work, tiers = judged.work, model.tiers
    failed = tuple(tiers.index(tier) for tier in dict.fromkeys(work.task.attempts) if tier in tiers)
    return Seen(judged.at, tiers.index(work.tier), judged.clean, place, failed)


def _posteriors(
    model: TierModel,
    names: Sequence[str],
    works: Sequence[Sequence[Work]],
    states: Sequence[TypeState],
    read: Mapping[int, Reading],
) -> list[Posterior]:
    of_type = dict(zip(names, states, strict=True))
    texts = [
        (name, work.task) for name, some in zip(names, works, strict=True) for work in some if _readable(work)
    ]
    of_texts = iter(
        model.posteriors(
            [_named(task, name) for name, task in texts],
            of_type,
            readings=[read[id(task)] for _, task in texts],
        )
    )
    return [
        next(of_texts)
        if _readable(work)
        else model.posterior_of_mass(work.text or model.uninformed, of_type[name])
        for name, some in zip(names, works, strict=True)
        for work in some
    ]


def _like(shape: Sequence[Sequence[Work]], flat: Sequence[Posterior]) -> list[list[Posterior]]:
    """The same values in groups as long as those of `shape`."""
    rest = iter(flat)
    return [list(islice(rest, len(some))) for some in shape]


def _named(task: Task, task_type: str) -> Task:
    return task if task.task_type == task_type else replace(task, task_type=task_type)


def _readable(work: Work) -> bool:
    """A text that was not kept stands as dots, or as nothing."""
    return work.text is None and bool(work.task.specification.strip("."))


def _moved(work: Work, posterior: Posterior, view: View, policy: Policy, ladder: Ladder) -> Moved | None:
    beliefs = view.beliefs(posterior)
    choice = decide(work.task, beliefs, policy, ladder)
    if choice.mode == "none":
        return None
    unbound = _unbound(work.task)
    free = choice if unbound is work.task else decide(unbound, beliefs, policy, ladder)
    ran = ladder.index(work.tier)
    text = view.on_ladder(posterior.text)
    costs = expected_costs_usd(choice, work.task, beliefs, policy, ladder)
    cost = costs[choice.rung] if choice.priced is None else choice.priced.expected_cost_usd
    rule = choice.codes[0] if choice.codes[0] in _RULES else None
    told = posterior.history is not None

    def way(given: Choice) -> str:
        return _way(ran, given, beliefs.needed, text, told, view)

    direction = way(choice) if rule is None else _by_rule(ran, choice.rung)
    if rule is not None and direction == "stay" and way(free) in ("down", "up"):
        direction = "held"
    return Moved(
        direction,
        ran,
        choice.rung,
        free.rung,
        choice.plan,
        rule,
        beliefs.needed,
        text,
        costs,
        cost,
        choice.priced is not None,
        view.lambda_down,
        view.lambda_up,
    )


def _unbound(task: Task) -> Task:
    if all(getattr(task, name) is None for name in _BINDING):
        return task
    free: dict[str, Any] = dict.fromkeys(_BINDING)
    return replace(task, **free)


def _by_rule(ran: int, to: int) -> str:
    return "stay" if to == ran else "down" if to < ran else "up"


def _way(
    ran: int, choice: Choice, needed: Sequence[float], text: Sequence[float], told: bool, view: View
) -> str:
    """Where the probabilities take a task: nowhere, unless they are as sure as the thresholds ask."""
    if not told:
        return "unsure"
    to = choice.rung
    if choice.priced is not None:
        return _by_rule(ran, to)
    if to > ran:
        above, by_text = sum(needed[ran + 1 :]), sum(text[ran + 1 :])
        sure = above >= view.lambda_up and (not choice.fallback or above > by_text)
        return "up" if sure else "unsure"
    if choice.fallback:
        return "unsure"
    if to < ran:
        return "down" if sum(needed[: to + 1]) >= _asked_down(choice, view) else "unsure"
    return "stay"


def _asked_down(choice: Choice, view: View) -> float:
    """Bulk work goes down at the lowest confidence that any policy allows."""
    return LAMBDA_DOWN_MIN if choice.codes[0] == reasons.MANY_ITEMS else view.lambda_down
