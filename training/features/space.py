"""The feature space of a model: lexicon, idf and scales, in the form that fitting and serving share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ...classifier.reading._encoder import StaticEncoder
from ...classifier.reading._guards import Guards
from ...classifier.reading._lexicon import Lexicon
from ...classifier.reading._reader import Reader
from ...classifier.reading.features import FACT_FEATURES
from ...classifier.task import Task
from . import design
from .lexicon import build_lexicon
from .words import Words

Array = NDArray[np.float64]


class Blocks:
    """A design matrix as a sparse and a dense block of columns, the last `n_shape` of them the text's shape.
    shape : (n, n_features).
    """

    def __init__(self, sparse: csr_matrix, dense: NDArray[np.float32], n_shape: int = 0) -> None:
        self._sparse, self._dense, self.n_shape = sparse, dense, n_shape
        self._transposed = sparse.T.tocsr()
        self.n_sparse = sparse.shape[1]
        self.shape = (sparse.shape[0], sparse.shape[1] + dense.shape[1])

    def __matmul__(self, weights: Array) -> Array:
        """(n, n_columns)."""
        n_sparse = self._sparse.shape[1]
        return np.asarray(self._sparse @ weights[:n_sparse]) + self._dense @ weights[n_sparse:].astype(
            np.float32
        )

    def transposed_dot(self, by_row: Array) -> Array:
        """(n_features, n_columns): the transpose times (n, n_columns)."""
        of_dense = by_row.T.astype(np.float32) @ self._dense  # a third quicker than the transpose times rows
        return np.vstack([self._transposed @ by_row, of_dense.T])

    def squared_sums(self) -> Array:
        """(n_features,): sum of squares of each column."""
        sparse = np.asarray(self._sparse.multiply(self._sparse).sum(axis=0)).ravel()
        return np.concatenate([sparse, (self._dense**2).sum(axis=0, dtype=np.float64)])

    def without(self, rows: NDArray[np.bool_]) -> Blocks:
        """The same with zeros in these rows."""
        kept = (~rows).astype(np.float32)[:, None]
        return Blocks(csr_matrix(self._sparse.multiply(kept)), self._dense * kept, self.n_shape)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Blocks:
        return Blocks(self._sparse[rows], self._dense[rows], self.n_shape)


@dataclass(frozen=True)
class FeatureSpace:
    """From tasks to a design matrix, and from fitted weights to a reader."""

    encoder: StaticEncoder
    lexicon: Lexicon
    idf: Array
    embedding_scale: float

    @classmethod
    def of(cls, tasks: Sequence[Task], encoder: StaticEncoder) -> tuple[FeatureSpace, csr_matrix]:
        """The space that these tasks span, and their rows in it, (n_tasks, n_features)."""
        words = Words.of([task.specification for task in tasks])  # a text counts as often as it is there
        lexicon = build_lexicon(words)
        counts, embedded = design.lexical_counts(words, lexicon), design.embeddings(words, encoder)
        idf, scale = design.inverse_document_frequency(counts), design.embedding_scale(embedded)
        return cls(encoder, lexicon, idf, scale), design.design_matrix(
            counts,
            design.asked_counts(words, lexicon, counts),
            idf,
            embedded * scale,
            design.facts(tasks),
        )

    def matrix(self, tasks: Sequence[Task]) -> csr_matrix:
        """(n_tasks, n_features)."""
        words = Words.of_tasks(tasks)
        counts = design.lexical_counts(words, self.lexicon)
        embedded = design.embeddings(words, self.encoder) * self.embedding_scale
        asked = design.asked_counts(words, self.lexicon, counts)
        return design.design_matrix(counts, asked, self.idf, embedded, design.facts(tasks))

    def scaled(
        self, counts: csr_matrix, embedded: NDArray[np.float32], facts: NDArray[np.float32]
    ) -> tuple[csr_matrix, NDArray[np.float32]]:
        """The columns of `matrix` but for those of the asks, sparse and dense ones apart: products are then
        several times faster.
        """
        scaled = csr_matrix(counts.multiply(self.idf * design.LEXICAL_SCALE))
        dense = (embedded * np.float32(self.embedding_scale), facts * np.float32(design.FACT_SCALE))
        return scaled, np.hstack(dense)

    def reader(self, weights: Array, bias: Array, guards: Guards) -> Reader:
        """A reader with these (n_features, n_columns) weights, the scales folded into them; those of words in
        half precision, in which they are stored.

        Without those of the asks, which come last, the reader makes no difference between text and ask.
        """
        ends = np.cumsum([len(self.lexicon), self.encoder.n_dims, len(FACT_FEATURES)])
        lexical, embedding, facts, asked = np.split(np.ascontiguousarray(weights, dtype=np.float32), ends)
        scales = (self.idf * design.LEXICAL_SCALE)[:, None]
        return Reader(
            self.encoder,
            self.lexicon,
            guards,
            lexical=_in_half(lexical * scales),
            embedding=embedding * np.float32(self.embedding_scale),
            facts=facts * np.float32(design.FACT_SCALE),
            bias=bias.astype(np.float32),
            asked=_in_half(asked * scales) if len(asked) else None,
        )


def _in_half(weights: Array) -> NDArray[np.float32]:
    """Rounded: logits of a text move by some thousandths, and the stored model is smaller."""
    return weights.astype(np.float16).astype(np.float32)
