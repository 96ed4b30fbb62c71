"""The head: the mass of each needed tier by the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...classifier.errors import InvalidTraining
from ...classifier.reading._encoder import StaticEncoder
from ...classifier.reading._guards import Guards
from ...classifier.reading._reader import Reader
from ...classifier.task import Task
from ..estimator import CensoredOrdinalClassifier
from ..features.space import FeatureSpace

STRENGTH = 5.0  # C of the classifier; set by hand, like the scales in design.py


class Head(NamedTuple):
    """weights : (n_features, n_tiers). bias : (n_tiers,)."""

    space: FeatureSpace
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def reader(self, guards: Guards) -> Reader:
        return self.space.reader(self.weights, self.bias, guards)


def fit_head(
    tasks: Sequence[Task],
    needed: NDArray[np.int64],
    space: FeatureSpace,
    *,
    n_tiers: int,
    slope: float = 1.0,
) -> Head:
    """A head fitted to tasks with known needed tiers (indices).

    slope : multiplies the logits; the calibration that held-out tasks asked for.

    Raises InvalidTraining unless every tier occurs.
    """
    missing = sorted(set(range(n_tiers)) - set(needed.tolist()))
    if missing:
        raise InvalidTraining(
            f"No task needs the tiers with index {missing}; each tier needs examples.", about=missing
        )
    classifier = CensoredOrdinalClassifier(C=STRENGTH).fit(space.matrix(tasks), needed)
    return Head(space, classifier.coef_.T * slope, classifier.intercept_ * slope)


def fit_reader(
    tasks: Sequence[Task],
    needed: NDArray[np.int64],
    encoder: StaticEncoder,
    *,
    n_tiers: int,
    guards: Guards,
    slope: float = 1.0,
) -> Reader:
    """A reader fitted to tasks with known needed tiers, in the feature space that they span."""
    space = FeatureSpace.of(tasks, encoder)
    return fit_head(tasks, needed, space, n_tiers=n_tiers, slope=slope).reader(guards)
