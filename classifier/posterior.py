"""What the classifier believes about one task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._latent import Array, LatentGrid


@dataclass(frozen=True, slots=True)
class Posterior:
    """Beliefs per tier of the model's ladder, lowest first.

    needed : P(needed tier). pass_ : P(clean | tier). text : P(needed tier) by the text alone.
    guard : why the text was not read, else None. history : outcomes that went in, else None.
    """

    needed: tuple[float, ...]
    pass_: tuple[float, ...]
    text: tuple[float, ...]
    guard: str | None
    history: dict[int, tuple[float, float]] | None
    grid: LatentGrid
    weight: Array | None  # (n_points,); None without history or attempts: then text and grid suffice

    def all_fail(self, tiers: Sequence[int]) -> float:
        """P(all of these tiers fail this very task); the residual that its attempts share is in it."""
        weight = self.weight
        if weight is None:
            weight = np.asarray(self.text) @ self.grid.shape
        return self.grid.fail_moment(weight, tiers)
