"""Lexical features of many texts at once: which units, pairs and marks occur in which text.

They are found as serving finds those of many texts. `Lexicon.features` says the same of one text, by name; a
test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ...classifier.reading._lexical_many import LexicalFeatures, OfTexts
from ...classifier.reading._lexicon import NOT_A_WORD, Lexicon, has_digit
from ...classifier.reading._text import MAX_TEXTS, running_words
from ...classifier.task import Task

Ints = NDArray[np.int64]


def distinct(tasks: Sequence[Task]) -> tuple[list[str], Ints]:
    """The distinct texts, and for each task the index of its own."""
    index: dict[str, int] = {}
    rows = [index.setdefault(task.specification, len(index)) for task in tasks]
    return list(index), np.array(rows, dtype=np.int64)


def lexical_features(tasks: Sequence[Task], lexicon: Lexicon) -> csr_matrix:
    """(n_tasks, n_features), ones where a feature occurs; indices sorted."""
    texts, rows_of_tasks = distinct(tasks)
    known = [(row, text, words) for row, text in enumerate(texts) if (words := running_words(text))]
    finder = LexicalFeatures(lexicon)
    rows, columns = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for start in range(0, len(known), MAX_TEXTS):
        places, some, words_of_some = zip(*known[start : start + MAX_TEXTS], strict=True)
        found = _found(finder, some, words_of_some)
        rows.append(np.array(places).take(found.text))
        columns.append(found.value)
    row, column = np.concatenate(rows), np.concatenate(columns)
    matrix = csr_matrix((np.ones(len(row)), (row, column)), shape=(len(texts), len(lexicon)))
    matrix.sort_indices()
    return matrix if len(texts) == len(tasks) else csr_matrix(matrix[rows_of_tasks])


def _found(finder: LexicalFeatures, texts: Sequence[str], words: Sequence[Sequence[str]]) -> OfTexts:
    """Features as the lexicon counts them, each once in each text."""
    numbered, lexicon, all_words = finder.numbered, finder.numbered.lexicon, _Words.of(words)
    place = np.array(
        [lexicon.unit_id(word) % numbered.n_places for word in all_words.distinct], dtype=np.int64
    )
    is_number = np.array([has_digit(word) for word in all_words.distinct])
    once = OfTexts(all_words.number, all_words.text).once_per_text()
    n_numbers = np.bincount(once.text, is_number.take(once.value), len(texts)).astype(np.int64)
    places = OfTexts(place.take(all_words.number), all_words.text)
    feature, text = finder.of(texts, places, np.array(list(map(len, words))), n_numbers)
    n_units, after = len(lexicon.units), numbered.n_places
    some = (feature < n_units) | (feature >= after)
    return OfTexts(np.where(feature < n_units, feature, feature - (after - n_units))[some], text[some])


class _Words(NamedTuple):
    """The words of texts. number : (n,), of each word among the distinct ones. text : (n,), its text."""

    distinct: list[str]
    number: Ints
    text: Ints

    @classmethod
    def of(cls, words: Sequence[Sequence[str]] | Sequence[set[str]]) -> _Words:
        index = {word: i for i, word in enumerate(dict.fromkeys(chain.from_iterable(words)))}
        number = np.fromiter((index[word] for each in words for word in each), dtype=np.int64)
        return cls(list(index), number, np.repeat(np.arange(len(words)), [len(each) for each in words]))


def familiarity(texts: Sequence[str], lexicon: Lexicon) -> NDArray[np.float64]:
    """(n_texts,): mean familiarity of the distinct words, as `Reader.familiarity` has it."""
    words = _Words.of([set(running_words(text)) for text in texts])
    of_units = np.array([*lexicon.familiarity, NOT_A_WORD, 0.0])  # the last two: neutral and unknown words
    known = of_units[
        np.array([lexicon.unit_id(word) for word in words.distinct], dtype=np.int64)[words.number]
    ]
    is_word = known != NOT_A_WORD
    n_words = np.bincount(words.text[is_word], minlength=len(texts))
    total = np.bincount(words.text[is_word], weights=known[is_word], minlength=len(texts))
    return np.where(n_words > 0, total / np.maximum(n_words, 1), 1.0)
