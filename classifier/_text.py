"""What the text alone says of a task: the mass of each needed tier, and the place that it stands for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .belief._passing import Array
from .belief._place import Link, Place
from .reading._reader import Reading, Readings

NO_MASS = 1e-9  # a text never rules a tier out: history must be able to bring it back
Mass = tuple[float, ...]  # P(needed tier), sums to 1


class OfText:
    """From the logits of texts to masses and places.

    uninformed : the mass of texts that are not read. correction : slopes and shifts of places, where outcomes
    taught any; the logits then have a column more for each tier, of what they taught of the words.
    """

    def __init__(
        self, link: Link, uninformed: Mass, correction: Mapping[str, Sequence[float]] | None
    ) -> None:
        self._link, self._uninformed, self._n_tiers = link, uninformed, len(uninformed)
        self.is_corrected = correction is not None
        if correction is not None:
            self._slopes, self._shifts = np.array(correction["slopes"]), np.array(correction["shifts"])

    def mass(self, reading: Reading) -> Mass:
        """P(needed tier) by the text, nothing corrected."""
        if reading.guard is not None:
            return self._uninformed
        return _softmax(reading.logits[: self._n_tiers])

    def masses(self, readings: Readings) -> list[Mass]:
        """The same of many."""
        masses = list(map(tuple, _softmaxes(readings.logits[:, : self._n_tiers]).tolist()))
        for row, guard in enumerate(readings.guards):
            if guard is not None:
                masses[row] = self._uninformed
        return masses

    def places(self, masses: Sequence[Mass], readings: Readings | None) -> list[Place]:
        """The places of texts, with what outcomes corrected in them.

        readings : None where they were not kept; what the words were taught is lost then.
        """
        if not masses:
            return []
        if len(masses) == 1 and not self.is_corrected:
            return [self._link.place(masses[0])]
        places = self._link.places(masses)
        if self.is_corrected:
            places = self._slopes * places + self._shifts
            if readings is not None:
                unread = np.array([guard is not None for guard in readings.guards])
                places += np.where(unread[:, None], 0.0, readings.logits[:, self._n_tiers :])
        return list(map(tuple, places.tolist()))

    def needed(self, places: Sequence[Place]) -> list[Mass]:
        """P(needed tier) of corrected places, for types of which nothing is known."""
        return list(map(tuple, self._link.masses(np.array(places)).tolist())) if places else []


def _softmax(logits: Sequence[float]) -> Mass:
    largest = max(logits)
    weights = [math.exp(logit - largest) + NO_MASS for logit in logits]
    total = sum(weights)
    return tuple([weight / total for weight in weights])


def _softmaxes(logits: Array) -> Array:
    """(n, n_tiers): each exactly as `_softmax` gives it; so exponentials and sums are Python's."""
    relative = logits - logits.max(axis=1, keepdims=True)
    weights = np.array(list(map(math.exp, relative.ravel().tolist()))).reshape(logits.shape) + NO_MASS
    return np.asarray(weights / np.array(list(map(sum, weights.tolist())))[:, None])
