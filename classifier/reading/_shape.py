"""The shape of a text: how long it is, how it is laid out, how much of it is numbers or code.

Continuous, where the lexicon's marks are binary: for a log that is about one kind of work (exercises in
arithmetic, code to be traced) size says much of the difficulty. The head that ships does not use it; what
outcomes teach may.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
SIGNS = ("0123456789", "([{", "=<>+*/%", "\"'`", ",;", ".", "?", "_$#@")
FEATURES = ("words", "lines", "characters a word", "longest word", *(f"any of {signs}" for signs in SIGNS))
_MOST_CHARS = 4_000_000  # counted at once, of several texts
_SIGN_OF = np.zeros(256, dtype=np.uint8)  # by byte: 0 for none, 1 for the end of a line, then SIGNS
_SIGN_OF[ord("\n")] = 1
for _kind, _signs in enumerate(SIGNS, start=2):
    _SIGN_OF[list(_signs.encode())] = _kind
_LIMIT = 3.0  # spreads; beyond it a text is no longer, for what it asks


def shape_of(text: str, words: Sequence[str]) -> Array:
    """(n_shape,): logarithms of counts, one for each of FEATURES."""
    lengths = list(map(len, words))
    counts = [sum(map(text.count, signs)) for signs in SIGNS]
    per_word = sum(lengths) / max(len(words), 1)
    (found,) = _log1p([[len(words), text.count("\n"), per_word, max(lengths, default=0), *counts]])
    return np.asarray(found, dtype=np.float32)


def shapes_of(texts: Sequence[str], n_words: NDArray[np.int64], chars: NDArray[np.int64]) -> Array:
    """(n, n_shape): the same of many texts, to the last bit.

    n_words : (n,). chars : of all their words, text after text.
    """
    if len(texts) > 1 and sum(map(len, texts)) > _MOST_CHARS:
        half = len(texts) // 2
        words = int(n_words[:half].sum())
        halves = (
            shapes_of(texts[:half], n_words[:half], chars[:words]),
            shapes_of(texts[half:], n_words[half:], chars[words:]),
        )
        return np.concatenate(halves)
    # no ASCII character is part of another's bytes
    together, n_bytes = "".join(texts), list(map(len, texts))
    encoded = together.encode("utf-8", "surrogatepass")
    if len(encoded) > len(together):  # not all of it is ASCII
        n_bytes = [len(text.encode("utf-8", "surrogatepass")) for text in texts]
    sign = _SIGN_OF.take(np.frombuffer(encoded, dtype=np.uint8))
    where = np.flatnonzero(sign)
    text = np.searchsorted(np.cumsum(n_bytes), where, side="right")
    n_kinds = len(SIGNS) + 2
    found = np.bincount(text * n_kinds + sign.take(where), minlength=len(texts) * n_kinds)
    lines, *counts = found.reshape(len(texts), n_kinds)[:, 1:].T
    per_word, longest = np.zeros(len(texts)), np.zeros(len(texts))
    (filled,) = np.nonzero(n_words)
    starts = (np.cumsum(n_words) - n_words)[filled]
    if len(starts):
        per_word[filled] = np.add.reduceat(chars, starts) / n_words[filled]
        longest[filled] = np.maximum.reduceat(chars, starts)
    return _log1p(np.stack([n_words, lines, per_word, longest, *counts], axis=1))


def _log1p(rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> Array:
    return np.asarray(np.log1p(np.asarray(rows, dtype=np.float64)), dtype=np.float32)


class Shape:
    """Weights of the standardised shape. centre, spread : (n_shape,). weights : (n_shape, n_columns)."""

    def __init__(self, centre: Array, spread: Array, weights: Array) -> None:
        self.centre, self.spread, self.weights = centre, spread, weights

    def standardised(self, rows: Sequence[Array] | Array) -> Array:
        """(n, n_shape) of shapes as `shape_of` gives them."""
        found = np.asarray(rows, dtype=np.float32).reshape(len(rows), len(FEATURES))
        return np.asarray(np.clip((found - self.centre) / self.spread, -_LIMIT, _LIMIT), np.float32)

    def logits(self, rows: Sequence[Array] | Array) -> Array:
        """(n, n_columns) of shapes; added up one by one, so that many texts give what each gives alone."""
        return np.asarray((self.standardised(rows)[:, :, None] * self.weights).sum(axis=1))
