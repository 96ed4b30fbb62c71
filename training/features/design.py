"""The design matrix: the features of tasks, computed in columns.

`classifier/reading/_reader.py` computes the same for decisions; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, vstack

from ...classifier.reading._ask import ask_of
from ...classifier.reading._encoder import StaticEncoder, length_weight
from ...classifier.reading._lexicon import Lexicon
from ...classifier.reading._shape import FEATURES, shapes_of
from ...classifier.reading._text import MAX_TEXTS
from ...classifier.reading.features import FACT_FEATURES, fact_features
from ...classifier.task import Task
from .lexical import lexical_features
from .words import Words

# Relative strength of the blocks under one ridge penalty. Set by hand on held-out task types, where the
# accuracy is flat around these values; change one and ask `python -m benchmarks.held_out`.
LEXICAL_SCALE = 0.5
EMBEDDING_NORM = 0.8
FACT_SCALE = 0.5
_EMBEDDED_AT_ONCE = 1 << 16  # texts; the vectors of their words are held in memory


def lexical_counts(words: Words, lexicon: Lexicon) -> csr_matrix:
    """(n_tasks, n_features), 1 / sqrt(number of features of the task) where a feature occurs."""
    found = lexical_features(words, lexicon)
    n_features = np.diff(found.indptr)
    found.data = np.repeat(np.maximum(n_features, 1.0) ** -0.5, n_features)
    return found


def asked_counts(words: Words, lexicon: Lexicon, counts: csr_matrix) -> csr_matrix:
    """(n_tasks, n_features), the same of what each task asks. counts : of the whole texts."""
    asks = list(map(ask_of, words.texts))
    differ = np.array([ask is not text for ask, text in zip(asks, words.texts, strict=True)], dtype=bool)
    if not differ.any():
        return counts
    some = Words.of([asks[text] for text in np.flatnonzero(differ)])
    of_ask = counts.shape[0] + np.cumsum(differ) - 1
    rows = np.where(differ[words.of_task], of_ask[words.of_task], np.arange(len(words.of_task)))
    return csr_matrix(vstack([counts, lexical_counts(some, lexicon)], format="csr")[rows])


def inverse_document_frequency(counts: csr_matrix) -> NDArray[np.float64]:
    """(n_features,) smoothed idf, as scikit-learn's TfidfTransformer defines it."""
    n_tasks = counts.shape[0]
    occurs = np.asarray((counts > 0).sum(axis=0)).ravel()
    return np.asarray(np.log((1 + n_tasks) / (1 + occurs)) + 1)


def embeddings(words: Words, encoder: StaticEncoder) -> NDArray[np.float32]:
    """(n_tasks, n_dims), as `StaticEncoder.embed` has them."""
    once, out = words.once(), np.zeros((len(words.texts), encoder.n_dims), dtype=np.float32)
    for start in range(0, len(out), _EMBEDDED_AT_ONCE):
        some = once.some(start, start + _EMBEDDED_AT_ONCE)
        numbers, column = np.unique(some.number, return_inverse=True)
        vectors = encoder.word_vectors([words.distinct[number] for number in numbers])
        ends = np.concatenate([[0], np.cumsum(some.lengths)])
        of_texts = csr_matrix(
            (np.ones(len(column), np.float32), column, ends), (len(some.texts), len(numbers))
        )
        weights = np.array(list(map(length_weight, some.lengths.tolist())), dtype=np.float32)
        out[start : start + _EMBEDDED_AT_ONCE] = (of_texts @ vectors) * weights[:, None]
    return out[words.of_task]


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


def shapes(words: Words) -> NDArray[np.float32]:
    """(n_tasks, n_shape): the shape of each text, not standardised."""
    chars = np.array(list(map(len, words.distinct)), dtype=np.int64)
    found = [np.empty((0, len(FEATURES)), dtype=np.float32)]
    for start in range(0, len(words.texts), MAX_TEXTS):
        some = words.some(start, start + MAX_TEXTS)
        found.append(shapes_of(some.texts, some.lengths, chars.take(some.number)))
    return np.concatenate(found)[words.of_task]


def design_matrix(
    counts: csr_matrix,
    asked: csr_matrix,
    idf: NDArray[np.float64],
    embedded: NDArray[Any],
    known_facts: NDArray[Any],
) -> csr_matrix:
    """Lexical, embedding and fact blocks side by side, then the lexical one of the asks; `embedded` comes
    scaled.
    """
    blocks: list[Any] = [
        counts.multiply(idf * LEXICAL_SCALE),
        csr_matrix(embedded),
        csr_matrix(known_facts * FACT_SCALE),
        asked.multiply(idf * LEXICAL_SCALE),
    ]
    return csr_matrix(hstack(blocks))
