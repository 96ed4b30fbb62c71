"""The head: the mass of each needed tier by the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...classifier.errors import InvalidTraining
from ...classifier.reading._encoder import StaticEncoder
from ...classifier.reading._guards import Guards
from ...classifier.reading._reader import Reader
from ...classifier.task import Task
from ..estimator import CensoredOrdinalClassifier
from ..features.space import FeatureSpace

STRENGTH = 3.0  # C of the classifier; set by hand, like the scales in design.py


def fit_reader(
    tasks: Sequence[Task],
    needed: NDArray[np.int64],
    encoder: StaticEncoder,
    *,
    n_tiers: int,
    guards: Guards,
    slope: float = 1.0,
) -> Reader:
    """A reader fitted to tasks with known needed tiers (indices), in the feature space that they span.

    slope : multiplies the logits; the calibration that held-out tasks asked for.

    Raises InvalidTraining unless every tier occurs.
    """
    missing = sorted(set(range(n_tiers)) - set(needed.tolist()))
    if missing:
        raise InvalidTraining(
            f"No task needs the tiers with index {missing}; each tier needs examples.", about=missing
        )
    space, rows = FeatureSpace.of(tasks, encoder)
    classifier = CensoredOrdinalClassifier(C=STRENGTH).fit(rows, needed)
    return space.reader(classifier.coef_.T * slope, classifier.intercept_ * slope, guards)
