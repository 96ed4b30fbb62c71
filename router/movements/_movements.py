"""Which task types are ready to go down, which must go up, on what evidence, and what it would save.

Nothing here is a rule of its own: the type's latest tasks are decided again, each with its own facts and
with what the outcomes of its type say now, and that answer is compared with the tier that did the work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ...classifier.model import TierModel
from .._placing import CAPABILITY
from .._view import view_of
from ..ladder import Ladder, default_ladder
from ..policy import Policy
from ._moved import Moved, moved_tasks
from ._movement import Movement, Movements
from ._work import Recurring

WORTH_USD_PER_MONTH = 10.0  # ten minutes of a person at $60 an hour: to look at a type, once a month
_AT_ONCE = 32  # types
_MOST_OF = 0.5  # a type moves where more than this share of its latest tasks would


def movements(
    types: Iterable[Recurring],
    *,
    model: TierModel,
    policy: Policy | None = None,
    baseline: str | None = None,
    worth_usd: float = WORTH_USD_PER_MONTH,
    n_left_out: int = 0,
) -> Movements:
    """What should move, by this model and policy.

    baseline : a tier of the ladder (default: the production tier).

    Raises LadderMismatch for a model of other tiers than the policy's ladder, InvalidTask for a baseline that
    is no tier of it.
    """
    policy = policy or Policy()
    ladder = policy.ladder or default_ladder()
    base = ladder.production if baseline is None else ladder.index(baseline)
    view = view_of(model, ladder, policy)
    found = []
    for some in _groups(types):
        for each, tasks in zip(some, moved_tasks(some, view, policy, ladder), strict=True):
            if tasks:
                found.append(_movement(each, tasks, ladder, base, worth_usd))
    found.sort(key=lambda m: (-abs(m.saves_usd_per_1000) * m.tasks_per_month, m.task_type))
    priced = policy.correction_minutes is not None
    return Movements(tuple(found), ladder.names[base], worth_usd, priced, n_left_out)


def _groups(types: Iterable[Recurring]) -> Iterator[list[Recurring]]:
    """Some types at a time: their texts are read together, and those of all are not held."""
    rest = iter(types)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def _movement(seen: Recurring, tasks: list[Moved], ladder: Ladder, base: int, worth_usd: float) -> Movement:
    direction = _direction(tasks)
    movers = [task for task in tasks if task.direction == direction] or tasks
    now = _commonest(task.ran for task in tasks)
    moves = direction in ("down", "up", "held")
    to = _commonest(task.free if direction == "held" else task.to for task in movers) if moves else now
    plan = (
        _commonest(task.plan for task in movers if task.to == to) if moves and direction != "held" else (to,)
    )
    rungs = slice(now + 1, None) if to > now else slice(0, to + 1)
    threshold = movers[0].lambda_up if to > now else movers[0].lambda_down
    decided_by_p = moves and not any(task.priced for task in movers)
    usd = 1000.0 * _mean(task.cost for task in tasks)
    usd_at = {
        tier: 1000.0 * _mean(task.costs[rung] for task in tasks) for rung, tier in enumerate(ladder.names)
    }
    monthly = (usd_at[ladder.names[base]] - usd) * seen.tasks_per_month / 1000.0
    outcomes = _counts(seen, ladder)
    return Movement(
        seen.task_type,
        direction,
        ladder.names[now],
        ladder.names[to],
        tuple(ladder.names[rung] for rung in plan),
        _commonest(task.rule for task in movers) if moves else None,
        _mean(sum(task.needed[rungs]) for task in movers),
        _mean(by_text) if (by_text := [sum(task.text[rungs]) for task in movers if task.text]) else None,
        threshold if decided_by_p else None,
        _evidence(outcomes, ladder, now, to),
        outcomes,
        len(tasks),
        sum(task.direction == "down" for task in tasks),
        sum(task.direction == "up" for task in tasks),
        seen.tasks_per_month,
        usd,
        usd_at,
        1000.0 * _mean(task.costs[task.ran] for task in tasks) - usd,
        monthly,
        monthly >= worth_usd,
    )


def _direction(tasks: list[Moved]) -> str:
    for name in ("down", "up", "held", "unsure"):
        if sum(task.direction == name for task in tasks) > _MOST_OF * len(tasks):
            return name
    return "stay"


def _evidence(outcomes: dict[str, tuple[int, int]], ladder: Ladder, now: int, to: int) -> str:
    """Whether the outcomes that such a movement rests on are there at all."""
    corrected, highest = (True, now) if to > now else (False, to)
    told = any(outcomes.get(tier, (0, 0))[corrected] for tier in ladder.names[: highest + 1])
    return "outcomes" if told else "text"


def _counts(seen: Recurring, ladder: Ladder) -> dict[str, tuple[int, int]]:
    found = Counter((each.work.tier, CAPABILITY[each.verdict]) for each in seen.outcomes)
    for tier, (clean, unclean) in seen.unread.items():
        found.update({(tier, True): clean, (tier, False): unclean})
    tiers = [tier for tier in ladder.names if found[tier, True] or found[tier, False]]
    return {tier: (found[tier, True], found[tier, False]) for tier in tiers}


def _commonest(values: Iterable[Any]) -> Any:
    return Counter(values).most_common(1)[0][0]


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
