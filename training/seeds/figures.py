"""How good predictions for held-out tasks are, beside what has to be beaten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import metrics


def held_out_figures(
    probabilities: NDArray[np.float64],
    needed: NDArray[np.int64],
    groups: Sequence[str],
    pair: tuple[float, float],
    table: NDArray[np.int64],
) -> dict[str, Any]:
    """Shares of `metrics.tier_figures` as value and 90 % interval, whole groups resampled; the others plain.

    pair : lambda_down and lambda_up. table : (n,) what a table of task types answers.
    """
    found = metrics.with_interval(
        lambda rows: metrics.tier_figures(probabilities[rows], needed[rows], *pair), groups
    )
    plain = {
        "log_loss": metrics.log_loss(probabilities, needed),
        "brier": metrics.brier(probabilities, needed),
        "ece": metrics.expected_calibration_error(probabilities, needed),
        "best_constant_accuracy": np.bincount(needed).max() / len(needed),
        "per_type_table_accuracy": (table == needed).mean(),
        "oracle_accuracy": 1.0,
    }
    return {
        **{name: [round(value, 4) for value in values] for name, values in found.items()},
        **{name: round(float(value), 4) for name, value in plain.items()},
    }
