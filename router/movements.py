"""Which task types are ready to go down, which must go up, on what evidence, and what it would save.

Nothing here is a rule of its own: the type's latest tasks are decided again, each with its own facts and
with what the outcomes of its type say now, and that answer is compared with the tier that did the work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from ..classifier.model import TierModel
from ..classifier.task import Task
from ._moving import Moved, moved_tasks
from ._view import view_of
from .ladder import Ladder, default_ladder
from .policy import Policy

WORTH_USD_PER_MONTH = 10.0  # ten minutes of a person at $60 an hour: to look at a type, once a month
_AT_ONCE = 32  # types
_MOST_OF = 0.5  # a type moves where more than this share of its latest tasks would


class Work(NamedTuple):
    """A task and the tier that did it.

    text : P(needed tier) by its text, where the text itself was not kept; None where nothing is known.
    """

    task: Task
    tier: str
    text: tuple[float, ...] | None = None


class Judged(NamedTuple):
    """What was said of a work. at : seconds since 1970."""

    work: Work
    clean: bool
    at: float


class Recurring(NamedTuple):
    """A task type as a log knows it: its latest tasks, its outcomes, and how much of it there is.

    unread : tier -> (clean, not clean) of outcomes older than those; of each such tier some are among them.
    """

    task_type: str
    latest: tuple[Work, ...]
    outcomes: tuple[Judged, ...]
    tasks_per_month: float
    unread: Mapping[str, tuple[int, int]] = MappingProxyType({})


@dataclass(frozen=True)
class Movement:
    """What should become of one type.

    direction : "down", "up"; "held": a rule keeps it where it is, though its outcomes say otherwise;
        "unsure": too little is known; "stay".
    now, to : tier of most of its latest tasks, and where most of those that would move go (held: would go,
        were there no rule); equal where none should.
    plan : tiers to try in order, from `to` on.
    rule : code of the pin, floor or other rule that holds or forces it, else None.
    probability : P(needed tier > now) where `to` lies above, else P(needed tier <= to); mean over its tasks.
    text_probability : the same by the text alone, without any outcome.
    threshold : what `probability` had to reach; None where a price decided, or nothing moves.
    evidence : "outcomes"; "text" where no clean pass at `to`, or no correction at `now`, was seen.
    outcomes : tier -> (clean, not clean) that were counted in.
    n_tasks, n_down, n_up : latest tasks that were decided again, and how many of them would move.
    usd_per_1000, usd_per_1000_at : cost of its tasks as they would be decided now, and with one tier for all.
    saves_usd_per_1000 : against the tiers that did the work; negative where going up costs more.
    baseline_saves_usd_per_month : of the tiers decided now, against the baseline for all its tasks.
    pays : that is at least what a person's look at the type is worth.
    """

    task_type: str
    direction: str
    now: str
    to: str
    plan: tuple[str, ...]
    rule: str | None
    probability: float
    text_probability: float
    threshold: float | None
    evidence: str
    outcomes: dict[str, tuple[int, int]]
    n_tasks: int
    n_down: int
    n_up: int
    tasks_per_month: float
    usd_per_1000: float
    usd_per_1000_at: dict[str, float]
    saves_usd_per_1000: float
    baseline_saves_usd_per_month: float
    pays: bool


@dataclass(frozen=True)
class Movements:
    """All types, those first that change most.

    baseline : tier against which savings per month are counted. worth_usd : below it a month, routing does
    not pay. priced : corrections have a price and are in all sums; else tokens only.
    n_left_out : types of less volume, not looked at.
    """

    types: tuple[Movement, ...]
    baseline: str
    worth_usd: float
    priced: bool
    n_left_out: int = 0

    @property
    def baseline_saves_usd_per_month(self) -> float:
        return self.saves_usd_per_month(self.baseline)

    @property
    def pays(self) -> bool:
        return self.baseline_saves_usd_per_month >= self.worth_usd

    def saves_usd_per_month(self, tier: str) -> float:
        """Against this tier for everything; negative where routing costs more."""
        return sum(
            (each.usd_per_1000_at[tier] - each.usd_per_1000) * each.tasks_per_month / 1000.0
            for each in self.types
        )

    def of(self, *directions: str) -> list[Movement]:
        return [each for each in self.types if each.direction in directions]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        sums = {"baseline_saves_usd_per_month": self.baseline_saves_usd_per_month, "pays": self.pays}
        return {**asdict(self), **sums, "types": [asdict(each) for each in self.types]}


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
        _mean(sum(task.text[rungs]) for task in movers),
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
    found = Counter((each.work.tier, each.clean) for each in seen.outcomes)
    for tier, (clean, unclean) in seen.unread.items():
        found.update({(tier, True): clean, (tier, False): unclean})
    tiers = [tier for tier in ladder.names if found[tier, True] or found[tier, False]]
    return {tier: (found[tier, True], found[tier, False]) for tier in tiers}


def _commonest(values: Iterable[Any]) -> Any:
    return Counter(values).most_common(1)[0][0]


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
