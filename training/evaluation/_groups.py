"""Figures by tier and by task type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._account import Account, costs, under_bounds
from ._estimate import plain
from ._evidence import UNPROVED
from ._setting import Setting

Array = NDArray[np.float64]


def by_tier(setting: Setting, routed: Account, p: Array) -> tuple[dict[str, Any], ...]:
    """Per tier that did the work: tasks, predicted and clean share, how many the model would move."""
    units = setting.units
    fresh = units.fresh
    out = []
    for t, tier in enumerate(setting.ladder.names):
        of_tier = units.logged[fresh] == t
        w, moved = units.weights[fresh][of_tier], routed.chosen[fresh][of_tier]
        total = w.sum() if of_tier.any() else np.nan
        out.append(
            {
                "tier": tier,
                "tasks": int(of_tier.sum()),
                "clean": plain(float(w @ units.clean[fresh][of_tier] / total)),
                "predicted": plain(float(w @ p[of_tier] / total)),
                "moved_down": plain(float(w @ (moved < t) / total)),
                "moved_up": plain(float(w @ (moved > t) / total)),
            }
        )
    return tuple(out)


def by_type(setting: Setting, routed: Account, constant: Account) -> tuple[dict[str, Any], ...]:
    """Per task type, most tasks first: what it costs against the baseline, and how it may be under-tiered."""
    units = setting.units
    cost = costs(units, routed)[:, 0]
    saved = np.where(routed.chosen == constant.chosen, 0.0, costs(units, constant)[:, 0] - cost)
    proved, possible = under_bounds(units, routed)
    columns = {
        "clean_as_logged": units.clean.astype(float),
        "cost_usd": cost,
        "saving_usd": saved,
        "under_tiered": routed.evidence.under[:, 0],
        "under_tiered_proved": proved,
        "under_tiered_at_most": possible,
        "unproved": (routed.evidence.status == UNPROVED).astype(float),
    }
    kinds, index = np.unique(units.types, return_inverse=True)
    size = np.bincount(index, weights=units.weights)
    sums = {name: np.bincount(index, weights=units.weights * value) / size for name, value in columns.items()}
    mix = np.zeros((len(kinds), len(setting.ladder.names)))
    np.add.at(mix, (index, routed.chosen), units.weights)
    rows = np.bincount(index)
    return tuple(
        {
            "task_type": setting.rows.outcomes.type_names[kinds[k]],
            "tasks": int(rows[k]),
            "mostly": setting.ladder.names[int(mix[k].argmax())],
            **{name: plain(float(values[k])) for name, values in sums.items()},
        }
        for k in np.argsort(-size, kind="stable").tolist()
    )
