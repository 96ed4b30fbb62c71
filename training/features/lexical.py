"""Lexical features of many texts at once: which units, pairs and marks occur in which text.

`Lexicon.features` says the same of one text, by name; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from ...classifier.reading._lexicon import (
    LENGTHS,
    NOT_A_WORD,
    NUMBERS,
    OPENS,
    PUNCTUATION,
    Lexicon,
    has_digit,
    unit_of,
)
from ...classifier.reading._text import running_words
from ...classifier.task import Task

Ints = NDArray[np.int64]
_NONE = -1


def distinct(tasks: Sequence[Task]) -> tuple[list[str], Ints]:
    """The distinct texts, and for each task the index of its own."""
    index: dict[str, int] = {}
    rows = [index.setdefault(task.specification, len(index)) for task in tasks]
    return list(index), np.array(rows, dtype=np.int64)


def lexical_features(tasks: Sequence[Task], lexicon: Lexicon) -> csr_matrix:
    """(n_tasks, n_features), ones where a feature occurs; indices sorted."""
    texts, rows_of_tasks = distinct(tasks)
    words = list(map(running_words, texts))
    index = {word: i for i, word in enumerate(dict.fromkeys(chain.from_iterable(words)))}
    flat = np.fromiter((index[word] for each in words for word in each), dtype=np.int64)
    rows = np.repeat(np.arange(len(texts)), [len(each) for each in words])
    units = np.array([_known(lexicon.unit_id(word)) for word in index], dtype=np.int64)[flat]
    of_pairs = _pairs(lexicon, units, rows)
    same_row, columns = _marks(lexicon, texts, words, index, flat, rows)
    all_rows = np.concatenate([rows, rows[:-1], same_row])
    all_columns = np.concatenate([units, of_pairs, columns])
    kept = all_columns != _NONE
    ones = np.ones(int(kept.sum()))
    shape = (len(texts), len(lexicon))
    matrix = csr_matrix(
        coo_matrix((ones, (all_rows[kept], all_columns[kept])), shape=shape)
    )  # adds doubles up
    matrix.data[:] = 1.0
    matrix.sort_indices()
    return matrix if len(texts) == len(tasks) else csr_matrix(matrix[rows_of_tasks])


def familiarity(texts: Sequence[str], lexicon: Lexicon) -> NDArray[np.float64]:
    """(n_texts,): mean familiarity of the distinct words, as `Reader.familiarity` has it."""
    words = [set(running_words(text)) for text in texts]
    index = {word: i for i, word in enumerate(dict.fromkeys(chain.from_iterable(words)))}
    flat = np.fromiter((index[word] for each in words for word in each), dtype=np.int64)
    rows = np.repeat(np.arange(len(texts)), [len(each) for each in words])
    of_units = np.array([*lexicon.familiarity, NOT_A_WORD, 0.0])  # the last two: neutral and unknown words
    known = of_units[np.array([lexicon.unit_id(word) for word in index], dtype=np.int64)[flat]]
    is_word = known != NOT_A_WORD
    n_words = np.bincount(rows[is_word], minlength=len(texts))
    total = np.bincount(rows[is_word], weights=known[is_word], minlength=len(texts))
    return np.where(n_words > 0, total / np.maximum(n_words, 1), 1.0)


def _known(unit: int) -> int:
    return unit if unit >= 0 else _NONE


def _pairs(lexicon: Lexicon, units: Ints, rows: Ints) -> Ints:
    """(n_words - 1,): feature of each word with its neighbour in the same text."""
    out = np.full(max(len(units) - 1, 0), _NONE)
    if not len(lexicon.pairs) or not len(out):
        return out
    n_units = len(lexicon.units)
    keys = lexicon.pairs[:, 0].astype(np.int64) * n_units + lexicon.pairs[:, 1]
    order = np.argsort(keys)
    near = np.flatnonzero((units[:-1] >= 0) & (units[1:] >= 0) & (rows[:-1] == rows[1:]))
    wanted = units[near] * n_units + units[near + 1]
    place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    hit = keys[order][place] == wanted
    out[near[hit]] = n_units + order[place[hit]]
    return out


def _marks(
    lexicon: Lexicon,
    texts: Sequence[str],
    words: Sequence[Sequence[str]],
    index: dict[str, int],
    flat: Ints,
    rows: Ints,
) -> tuple[Ints, Ints]:
    """Rows and features of the marks of form; texts without words have none."""
    some = np.flatnonzero([len(each) > 0 for each in words])
    id_of = lexicon.mark_id
    punctuation = [
        (row, id_of.get(sign, _NONE)) for row in some.tolist() for sign in PUNCTUATION if sign in texts[row]
    ]
    lengths = [
        (row, id_of.get(LENGTHS[min(len(words[row]), 256).bit_length()], _NONE)) for row in some.tolist()
    ]
    openings = [(row, id_of.get(mark, _NONE)) for row in some.tolist() for mark in _openings(words[row])]
    numeric = np.array([has_digit(word) for word in index], dtype=bool)
    seen = np.unique(np.column_stack([rows, flat])[numeric[flat]], axis=0)[:, 0]
    counts = np.minimum(np.bincount(seen, minlength=len(texts)), len(NUMBERS) - 1)[some]
    numbers = [
        (row, id_of.get(NUMBERS[n], _NONE)) for row, n in zip(some.tolist(), counts.tolist(), strict=True)
    ]
    found = np.array([*punctuation, *lengths, *openings, *numbers], dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _openings(words: Sequence[str]) -> list[str]:
    units = [unit_of(word) for word in words[:2]]
    return [OPENS + units[0], *([OPENS + " ".join(units)] if len(units) > 1 else [])]
