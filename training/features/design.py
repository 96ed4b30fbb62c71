"""The design matrix: the features of tasks, computed in columns.

`classifier/reading/_reader.py` computes the same features fast; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from ...classifier.reading._encoder import StaticEncoder
from ...classifier.reading._lexicon import Lexicon
from ...classifier.reading._shape import FEATURES, shape_of
from ...classifier.reading._text import running_words, words_of
from ...classifier.reading.features import FACT_FEATURES, fact_features
from ...classifier.task import Task
from .lexical import distinct, lexical_features

# Relative strength of the blocks under one ridge penalty. Set by hand on held-out task types, where the
# accuracy is flat around these values; change one and ask `python -m benchmarks.held_out`.
LEXICAL_SCALE = 0.5
EMBEDDING_NORM = 0.8
FACT_SCALE = 0.5


def lexical_counts(tasks: Sequence[Task], lexicon: Lexicon) -> csr_matrix:
    """(n_tasks, n_features), 1 / sqrt(number of features of the task) where a feature occurs."""
    found = lexical_features(tasks, lexicon)
    n_features = np.diff(found.indptr)
    found.data = np.repeat(np.maximum(n_features, 1.0) ** -0.5, n_features)
    return found


def inverse_document_frequency(counts: csr_matrix) -> NDArray[np.float64]:
    """(n_features,) smoothed idf, as scikit-learn's TfidfTransformer defines it."""
    n_tasks = counts.shape[0]
    occurs = np.asarray((counts > 0).sum(axis=0)).ravel()
    return np.asarray(np.log((1 + n_tasks) / (1 + occurs)) + 1)


def embeddings(tasks: Sequence[Task], encoder: StaticEncoder) -> NDArray[np.float32]:
    """(n_tasks, n_dims); rows of one text are computed once."""
    texts, rows = distinct(tasks)
    return encoder.embed([words_of(text) for text in texts])[rows]


def embedding_scale(embedded: NDArray[np.float32]) -> float:
    """The factor that gives embeddings a mean length of EMBEDDING_NORM."""
    mean = float(np.linalg.norm(embedded, axis=1).mean())
    return EMBEDDING_NORM / mean if mean > 0.0 else 1.0  # 0 where no text was kept


def facts(tasks: Sequence[Task]) -> NDArray[np.float32]:
    """(n_tasks, n_facts); zeros where nothing is known."""
    out = np.zeros((len(tasks), len(FACT_FEATURES)), dtype=np.float32)
    for row, task in zip(out, tasks, strict=True):
        known = fact_features(task)
        if known is not None:
            row[:] = known
    return out


def shapes(tasks: Sequence[Task]) -> NDArray[np.float32]:
    """(n_tasks, n_shape): the shape of each text, not standardised."""
    texts, rows = distinct(tasks)
    found = [shape_of(text, running_words(text)) for text in texts]
    return np.array(found, dtype=np.float32).reshape(-1, len(FEATURES))[rows]


def design_matrix(
    counts: csr_matrix, idf: NDArray[np.float64], embedded: NDArray[Any], known_facts: NDArray[Any]
) -> csr_matrix:
    """Lexical, embedding and fact blocks side by side; `embedded` comes scaled."""
    blocks: list[Any] = [
        counts.multiply(idf * LEXICAL_SCALE),
        csr_matrix(embedded),
        csr_matrix(known_facts * FACT_SCALE),
    ]
    return csr_matrix(hstack(blocks))
