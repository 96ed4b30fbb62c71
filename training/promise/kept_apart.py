"""What the latest outcomes, kept apart from the fit, say of it: calibration, thresholds, how well it did.

The older half of them calibrates and the newer half judges: what is tuned on rows is not judged by them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...classifier.belief._effects import effect_grid
from ...classifier.belief._passing import Widths
from ..outcomes.calibrate import MOST_ROWS, Calibration, TypeEffects, calibrate, effects_by_type
from ..outcomes.frame import Outcomes
from .promised import MIN_PROMISED, promised_thresholds
from .thresholds import Threshold

Array = NDArray[np.float64]
LATEST = 0.15  # share of the outcomes


class Split(NamedTuple):
    """Rows, oldest first: what is learned from, what calibrates, what judges."""

    early: NDArray[np.int64]
    calibrating: NDArray[np.int64]
    judging: NDArray[np.int64]

    @classmethod
    def by_time(cls, n_rows: int) -> Split:
        early, late = np.split(np.arange(n_rows), [n_rows - int(n_rows * LATEST)])
        late = late[-MOST_ROWS:]
        return cls(early, late[: len(late) // 2], late[len(late) // 2 :])


class Judged(NamedTuple):
    """thresholds : None where there are too few outcomes to look for any. metrics : as a report has them."""

    calibration: Calibration
    thresholds: list[Threshold] | None
    metrics: dict[str, Any]


def judged(outcomes: Outcomes, places: Array, widths: Widths, split: Split) -> Judged:
    """places : (n, n_tiers), by what was learned from the early outcomes."""
    early, older, newest = map(outcomes.take, split)
    grid = effect_grid(places.shape[1], widths)
    known = effects_by_type(early, places[split.early], widths)
    of_older = TypeEffects(grid, known, older.types.tolist())
    calibration = calibrate(older, places[split.calibrating], of_older)
    at, of_newest = calibration.places(places[split.judging]), TypeEffects(grid, known, newest.types.tolist())
    enough = len(newest) >= MIN_PROMISED
    thresholds = promised_thresholds(newest, of_newest.needed(at)) if enough else None
    heard = grid.curve.heard(of_newest.pass_(at))
    return Judged(calibration, thresholds, _metrics(newest, heard[np.arange(len(newest)), newest.tiers]))


def _metrics(outcomes: Outcomes, passes: Array) -> dict[str, Any]:
    """passes : (n,), P(clean) of each outcome as it was predicted."""
    clean, found = outcomes.clean, np.clip(passes, 1e-9, 1 - 1e-9)
    figures = {
        "log_loss": -np.where(clean, np.log(found), np.log(1 - found)),
        "brier": (found - clean) ** 2,
        "clean_share": clean,
        "mean_predicted": found,
    }
    means = {name: round(float(each.mean()), 4) for name, each in figures.items()}
    return {"split": f"the latest {len(outcomes)} outcomes", **means}
