"""The world behind the demonstration log: task types with pass probabilities that we made up.

Texts are our own seed tasks. How hard a task is follows from its seed label, its type (some are easier or
harder than their texts say, one turns hard half way) and the task itself.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ...data import SEED_TASKS

TIERS = ("haiku", "sonnet", "opus")
N_TYPES = 36
_LEAST_TEXTS = 12
# log-odds of a clean pass per tier, of a typical task that needs haiku, sonnet, opus
_TYPICAL = ((2.4, 3.2, 3.6), (-0.9, 2.6, 3.2), (-2.5, -0.6, 2.6))
_LEVEL_SD, _TIER_SD, TASK_SD = 0.6, 0.3, 0.8
_NEVER_CLEAN = 0.03  # of all outcomes, whatever the tier
# what the types that stand out add to these log-odds
_EASIER, _HARDER, _TURNED = (4.0, 0.8, 0.4), (-3.5, -0.8, -0.4), (-4.5, -0.8, -0.4)
_LARGE = 4.0  # so many times the usual number of tasks have they


@dataclass(frozen=True)
class DemoType:
    """A kind of task. texts : (specification, index of the tier that its seed label names).

    of_tier : log-odds that its texts don't show; it turns hard at `turns_at`, 0 to 1 of the time.
    share : of all tasks. checked : a program checks every result. items, tokens : typical ones. pin : a tier.
    """

    name: str
    texts: tuple[tuple[str, int], ...]
    of_tier: tuple[float, ...]
    turns_at: float
    share: float
    checked: bool
    items: int | None
    tokens: tuple[int, int]
    pin: str | None = None

    def pass_probability(self, needed: int, tier: int, special: float, when: float) -> float:
        """P(clean) of a task labelled `needed` at a tier; `special` is what is particular about it."""
        turned = _TURNED if when >= self.turns_at else (0.0, 0.0, 0.0)
        odds = max(_TYPICAL[needed][t] + self.of_tier[t] + turned[t] for t in range(tier + 1))
        return (1.0 - _NEVER_CLEAN) / (1.0 + math.exp(-(odds + special)))


def demo_types(rng: np.random.Generator) -> list[DemoType]:
    """N_TYPES kinds; the first turns hard, two are harder than they read, two easier, one is pinned."""
    texts = _texts()
    of_haiku = [name for name in texts if _share_of(texts[name], 0) > 0.9]
    of_sonnet = [name for name in texts if _share_of(texts[name], 1) > 0.9]
    turning, harder, harder_too, pinned = _some(rng, of_haiku, 4)
    first = [turning, harder, harder_too, *_some(rng, of_sonnet, 2), pinned]
    others = [name for name in texts if name not in first]
    names = [*first, *_some(rng, others, N_TYPES - len(first))]
    of_tier = rng.normal(0.0, _LEVEL_SD, (N_TYPES, 1)) + rng.normal(0.0, _TIER_SD, (N_TYPES, len(TIERS)))
    of_tier[:6] = [[0.5] * 3, _HARDER, _HARDER, _EASIER, _EASIER, [0.5] * 3]
    sizes = np.exp(rng.normal(0.0, 0.7, N_TYPES))
    sizes[:6] = _LARGE
    return [
        DemoType(
            name,
            texts[name],
            tuple(of_tier[i].tolist()),
            0.5 if name == turning else math.inf,
            float(sizes[i] / sizes.sum()),
            i in (3, 4)
            or bool(rng.random() < 0.3),  # an easier type is found out by probes, and so by checks
            int(rng.integers(5, 60)) if _share_of(texts[name], 0) > 0.9 and rng.random() < 0.5 else None,
            (int(rng.lognormal(8.5, 0.8)), int(rng.lognormal(6.5, 0.6))),
            "sonnet" if name == pinned else None,
        )
        for i, name in enumerate(names)
    ]


@cache
def _texts() -> dict[str, tuple[tuple[str, int], ...]]:
    """Type -> its seed tasks, of types that have enough of them."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    with SEED_TASKS.open(encoding="utf-8") as lines:
        for line in lines:
            seed: dict[str, Any] = json.loads(line)
            found[seed["task_type"]].append((seed["specification"], TIERS.index(seed["tier"])))
    return {name: tuple(texts) for name, texts in sorted(found.items()) if len(texts) >= _LEAST_TEXTS}


def _share_of(texts: tuple[tuple[str, int], ...], needed: int) -> float:
    return sum(label == needed for _, label in texts) / len(texts)


def _some(rng: np.random.Generator, names: list[str], n: int) -> list[str]:
    return [names[i] for i in rng.choice(len(names), n, replace=False)]
