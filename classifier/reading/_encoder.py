"""Static embeddings: one int8 vector per word piece, summed. Fitted to a sentence-transformers teacher.

Unlike a transformer it needs no matrix products per token, hence microseconds and NumPy alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ._wordpiece import WordPiece

Vector = NDArray[np.float32]
LENGTH_EXPONENT = 0.6


class StaticEncoder:
    """Embeds words and texts.

    Parameters
    ----------
    vocabulary : the pieces; their order is the table's.
    table : (n_pieces, n_dims) int8.
    scale : (n_pieces,) float32; a piece's vector is its row times its scale.
    """

    def __init__(self, vocabulary: Sequence[str], table: NDArray[np.int8], scale: Vector) -> None:
        self.pieces = WordPiece(vocabulary)
        self.table = table
        self.scale = scale

    @property
    def n_dims(self) -> int:
        return int(self.table.shape[1])

    def word_vector(self, word: str) -> Vector:
        """(n_dims,) sum over the word's pieces."""
        ids = self.pieces.ids(word)
        if not ids:
            return np.zeros(self.n_dims, dtype=np.float32)
        return np.asarray(self.scale[ids] @ self.table[ids].astype(np.float32))

    def word_vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """(n, n_dims): each exactly as `word_vector` gives it, words of as many pieces at once."""
        ids = list(map(self.pieces.ids, words))
        by_length: dict[int, list[int]] = {}
        for index, some in enumerate(ids):
            by_length.setdefault(len(some), []).append(index)
        out = np.zeros((len(words), self.n_dims), dtype=np.float32)
        for n_pieces, which in by_length.items():
            if n_pieces:
                of_each = np.array([ids[index] for index in which])
                rows = self.table[of_each].astype(np.float32)
                out[which] = np.matmul(self.scale[of_each][:, None, :], rows)[:, 0]
        return out

    def embed(self, word_lists: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """(n_texts, n_dims) of texts given as their distinct words; the plain way, one by one."""
        out = np.zeros((len(word_lists), self.n_dims), dtype=np.float32)
        for row, words in zip(out, word_lists, strict=True):
            row[:] = self.word_vectors(words).sum(axis=0) * length_weight(len(words))
        return out


def length_weight(n_words: int) -> float:
    """What a text's sum of word vectors is multiplied by.

    A function of the length alone and not of the sum, so that the head can be folded into the words:
    a text then costs a few additions per word. The exponent was set by hand on held-out task types.
    """
    return float(max(n_words, 1) ** -LENGTH_EXPONENT)


def quantised(vectors: NDArray[np.floating]) -> tuple[NDArray[np.int8], Vector]:
    """int8 table and per-row scale of (n_pieces, n_dims) vectors; the error is < 0.4 % of a row's maximum."""
    largest = np.abs(vectors).max(axis=1)
    scale = np.where(largest > 0, largest / 127.0, 1.0).astype(np.float32)
    return np.rint(vectors / scale[:, None]).astype(np.int8), scale
