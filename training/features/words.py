"""The words of many texts, read once for all features: numbered, each text and each word once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ...classifier.reading._lexicon import Lexicon, unit_of
from ...classifier.reading._text import MAX_TEXTS, running_words
from ...classifier.task import Task

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Words:
    """of_task : of each task the index of its text. distinct : the words, numbered as they come up. units :
    of each of them. number : (n_words,), of all words, text after text. lengths : (n_texts,), their words.
    """

    texts: Sequence[str]
    of_task: Ints
    distinct: list[str]
    units: list[str]
    number: NDArray[np.int32]
    lengths: Ints

    @classmethod
    def of_tasks(cls, tasks: Sequence[Task]) -> Words:
        """Of their distinct texts."""
        index: dict[str, int] = {}
        of_task = [index.setdefault(task.specification, len(index)) for task in tasks]
        return replace(cls.of(list(index)), of_task=np.array(of_task, dtype=np.int64))

    @classmethod
    def of(cls, texts: Sequence[str]) -> Words:
        """Of each of these texts, as if it were a task of its own."""
        index, lengths = _Index(), np.zeros(len(texts), dtype=np.int64)
        number = [np.empty(0, dtype=np.int32)]
        for start in range(0, len(texts), MAX_TEXTS):  # few words at a time are held in memory
            words = list(map(running_words, texts[start : start + MAX_TEXTS]))
            lengths[start : start + MAX_TEXTS] = some = list(map(len, words))
            numbers = map(index.__getitem__, chain.from_iterable(words))
            number.append(np.fromiter(numbers, np.int32, sum(some)))
        units = list(map(unit_of, index))
        return cls(texts, np.arange(len(texts)), list(index), units, np.concatenate(number), lengths)

    @cached_property
    def all_differ(self) -> bool:
        """Whether each task has a text of its own, in the order of the texts."""
        return np.array_equal(self.of_task, np.arange(len(self.texts)))

    def some(self, start: int, end: int) -> Words:
        """These texts; words keep their numbers."""
        first, last = int(self.lengths[:start].sum()), int(self.lengths[:end].sum())
        texts, lengths = self.texts[start:end], self.lengths[start:end]
        number = self.number[first:last]
        return replace(self, texts=texts, of_task=np.arange(len(texts)), number=number, lengths=lengths)

    def once(self) -> Words:
        """Each word once in each text, where it first stands."""
        text = self.text()
        _, first = np.unique(text * len(self.distinct) + self.number, return_index=True)
        first.sort()
        return replace(
            self, number=self.number[first], lengths=np.bincount(text[first], minlength=len(self.texts))
        )

    def text(self) -> Ints:
        """(n_words,): the text of each word."""
        return np.repeat(np.arange(len(self.texts)), self.lengths)

    def unit_ids(self, lexicon: Lexicon) -> Ints:
        """(n_distinct,), as `Lexicon.unit_id` has them."""
        return np.fromiter(map(lexicon.id_of, self.units), np.int64, len(self.units))


class _Index(dict[str, int]):
    """Word -> its number, given when it first comes up."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number
