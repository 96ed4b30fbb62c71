"""The work of half a year: seed tasks of some types, and what each tier would do with every one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tierwise.classifier.model import TierModel
from tierwise.classifier.task import Task
from tierwise.data import CHAMPION
from tierwise.router.ladder import Ladder
from tierwise.router.policy import Policy
from tierwise.router.rules._limits import tokens_of
from tierwise.router.rules._request_cost import rung_cost_usd
from tierwise.training.seeds.tasks import SeedTask, read_seeds

from ..simulator.tasks import Outcomes, Types, draw_effects, draw_outcomes
from ..simulator.worlds import WORLDS, Array, Integers, World

CORRECTION_USD = 4.0  # at 50,000 tokens the tiers' prices then stand to it as the simulator's do
POLICY = Policy(correction_minutes=4, hourly_rate_usd=60, probe_budget=0.05)
OUTPUT_TOKENS, INPUT_TOKENS = 50_000, 2_000
LEAST_TEXTS = 8


@dataclass(frozen=True)
class Months:
    """How much comes. tasks : a week and type, median, with a long tail of this sd of the log above it.

    slope, shift, gap, subject : how the truth strays from the shipped champion's reading; the first is the
    range of the slope of the level, the others are sds. reviewed : share of types that may be probed.
    trust : range of the sd that the first champion takes types' levels to have (the truth: 1.2); the less,
    the longer it believes the text in the face of outcomes.
    """

    weeks: int = 26
    first_types: int = 60
    new_types: int = 6  # each week
    tasks: float = 2.0
    tail: float = 1.0
    hazard: float = 0.01
    heard_clean: float = 0.2
    heard_corrected: float = 0.9
    retried: float = 0.5  # of corrected tasks below the top
    reviewed: float = 0.7
    slope: tuple[float, float] = (0.3, 1.0)
    shift: float = 1.5
    gap: float = 0.5
    subject: float = 0.7
    trust: tuple[float, float] = (0.2, 1.2)

    @property
    def heard_ratio(self) -> float:
        """As the models are told it."""
        return self.heard_corrected / self.heard_clean


class Tasks(NamedTuple):
    """Tasks with what the text truly says, (n, 3) logits, and their type's number."""

    tasks: tuple[Task, ...]
    f: Array
    type_ids: Integers


class Week(NamedTuple):
    """fates : what would happen at each tier. types : as they are in this week."""

    number: int
    work: Tasks
    fates: Outcomes
    types: Types


class Work:
    """All that a seed determines; the same for every policy."""

    def __init__(self, seed: int, months: Months, *, world: str = "first") -> None:
        self.months, self._rng = months, np.random.default_rng((seed, 7))
        n_types = months.first_types + months.new_types * (months.weeks - 1)
        texts = _texts(n_types, self._rng)
        self.prices = prices_usd()
        self.world = replace(
            WORLDS[world],
            hazard=months.hazard,
            heard_clean=months.heard_clean,
            heard_corrected=months.heard_corrected,
            prices=self.prices,
            correction=CORRECTION_USD,
        )
        reviewed = self._rng.random(n_types) < months.reviewed
        self._texts = [_tasks(of_type, bool(seen)) for of_type, seen in zip(texts, reviewed, strict=True)]
        self._f = _distorted(texts, months, TierModel.load(CHAMPION), self._rng)
        self._weekly = months.tasks * np.exp(months.tail * self._rng.normal(size=n_types))

    def weeks(self) -> Iterator[Week]:
        """Once: the types go on from where they are."""
        rng, months = self._rng, self.months
        n_types = len(self._texts)
        types = _first_types(self.world, n_types, rng)
        for number in range(months.weeks):
            if number:
                types = types.a_week_later(rng)
            ids = rng.permutation(
                np.repeat(np.arange(n_types), rng.poisson(self._weekly * self.present(number)))
            )
            work = self._drawn(ids, rng)
            yield Week(number, work, draw_outcomes(types, ids, work.f, ids, rng), types)

    def present(self, number: int) -> Array:
        """(n_types,): 1 for the types that come in this week, else 0."""
        n = self.months.first_types + self.months.new_types * number
        return (np.arange(len(self._texts)) < n).astype(float)

    def sample(self, number: int, size: int) -> Tasks:
        """Work of this week as it comes on average, other draws than the week's own."""
        rng = np.random.default_rng((number, 8))
        share = self._weekly * self.present(number)
        return self._drawn(rng.choice(len(share), size, p=share / share.sum()), rng)

    def _drawn(self, ids: Integers, rng: np.random.Generator) -> Tasks:
        which = [int(rng.integers(len(self._texts[kind]))) for kind in ids]
        tasks = tuple(self._texts[kind][text] for kind, text in zip(ids, which, strict=True))
        f = np.array([self._f[kind][text] for kind, text in zip(ids, which, strict=True)]).reshape(-1, 3)
        return Tasks(tasks, f, ids)


def prices_usd() -> tuple[float, float, float]:
    """Tokens of a task, per tier of the ladder that ships."""
    ladder = Ladder.load()
    task = Task("A task of the loop", input_tokens=INPUT_TOKENS, output_tokens=OUTPUT_TOKENS)
    tokens = tokens_of(task, POLICY, ladder.unit)
    haiku, sonnet, opus = (rung_cost_usd(rung, tokens, task, batch=False) for rung in ladder.rungs)
    return haiku, sonnet, opus


def _texts(n_types: int, rng: np.random.Generator) -> list[list[SeedTask]]:
    """Seed tasks of so many types, in an order of this seed's."""
    found: dict[str, list[SeedTask]] = {}
    for seed in read_seeds():
        found.setdefault(seed.task_type, []).append(seed)
    kinds = sorted(name for name, texts in found.items() if len(texts) >= LEAST_TEXTS)
    return [found[kinds[k]] for k in rng.permutation(len(kinds))[:n_types]]


def _tasks(seeds: list[SeedTask], reviewed: bool) -> list[Task]:
    return [
        Task(
            seed.task.specification,
            task_type=seed.task_type,
            reviewed=reviewed or None,
            input_tokens=INPUT_TOKENS,
            output_tokens=OUTPUT_TOKENS,
        )
        for seed in seeds
    ]


def _distorted(
    texts: list[list[SeedTask]], months: Months, champion: TierModel, rng: np.random.Generator
) -> list[Array]:
    """Per type (n_texts, 3): what its texts truly say, as logits per tier that rise."""
    slope, shift = rng.uniform(*months.slope), rng.normal(0.0, months.shift)
    gaps = rng.normal(0.0, months.gap, 2)
    domains = sorted({seed.domain for of_type in texts for seed in of_type})
    subject = dict(zip(domains, rng.normal(0.0, months.subject, len(domains)), strict=True))
    out = []
    for of_type in texts:
        places = np.array(champion.places([seed.task for seed in of_type]))
        level = slope * places[:, 0] + shift + np.array([subject[seed.domain] for seed in of_type])
        steps = np.logaddexp(0.0, np.minimum(places[:, 1:], 6.0) + gaps)
        out.append(np.column_stack([level, level + steps[:, 0], level + steps.sum(axis=1)]))
    return out


def _first_types(world: World, n_types: int, rng: np.random.Generator) -> Types:
    """The simulator's types; their texts are ours."""
    worse = np.where(rng.random(n_types) < world.non_monotone, rng.integers(1, 3, n_types), -1)
    return Types(world, np.zeros((n_types, 3)), draw_effects(world, n_types, rng), worse)
