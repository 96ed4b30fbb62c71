"""The shape of a text: how long it is, how it is laid out, how much of it is numbers or code.

Continuous, where the lexicon's marks are binary: for a log that is about one kind of work (exercises in
arithmetic, code to be traced) size says much of the difficulty. The head that ships does not use it; what
outcomes teach may.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
SIGNS = ("0123456789", "([{", "=<>+*/%", "\"'`", ",;", ".", "?", "_$#@")
FEATURES = ("words", "lines", "characters a word", "longest word", *(f"any of {signs}" for signs in SIGNS))
_LIMIT = 3.0  # spreads; beyond it a text is no longer, for what it asks


def shape_of(text: str, words: Sequence[str]) -> list[float]:
    """Logarithms of counts, one for each of FEATURES."""
    lengths = list(map(len, words))
    counts = [sum(map(text.count, signs)) for signs in SIGNS]
    per_word = sum(lengths) / max(len(words), 1)
    return list(map(math.log1p, (len(words), text.count("\n"), per_word, max(lengths, default=0), *counts)))


class Shape:
    """Weights of the standardised shape. centre, spread : (n_shape,). weights : (n_shape, n_columns)."""

    def __init__(self, centre: Array, spread: Array, weights: Array) -> None:
        self.centre, self.spread, self.weights = centre, spread, weights

    def standardised(self, rows: Sequence[Sequence[float]]) -> Array:
        """(n, n_shape) of shapes as `shape_of` gives them."""
        found = np.asarray(rows, dtype=np.float32).reshape(len(rows), len(FEATURES))
        return np.clip((found - self.centre) / self.spread, -_LIMIT, _LIMIT)

    def logits(self, text: str, words: Sequence[str]) -> list[float]:
        """(n_columns,)."""
        logits: list[float] = (self.standardised([shape_of(text, words)])[0] @ self.weights).tolist()
        return logits
