"""Words, word pairs and marks of form that the classifier learned to read.

An embedding blurs "extract" and "summarise"; a lexicon does not. A *unit* is a whitespace word
without its outer punctuation, in lower case; a feature is a unit, a pair of neighbouring units, or
a *mark*: how the text opens, its length, its numbers, its punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

UNKNOWN_WORD = -1  # letters only, never seen in training: a sign of another language or of gibberish
NEUTRAL_WORD = -2  # numbers, identifiers, bare punctuation: says nothing about the language
_NO_FEATURE = {UNKNOWN_WORD, NEUTRAL_WORD}
NOT_A_WORD = -1.0  # the familiarity of a unit that is no word of letters
_NUMBER = re.compile(r"\d+")
_OUTER = ".,;:!?()[]{}<>\"'`*_“”‘’«»…-–—"
OPENS = "opens:"
PUNCTUATION = ("?", "!", ":", ";", "{", '"', "/", "\n")
LENGTHS = tuple(f"words<{1 << bits}" for bits in range(10))
NUMBERS = ("no number", "one number", "two numbers", "several numbers")


def unit_of(word: str) -> str:
    """The unit that a whitespace word stands for; "" for bare punctuation. Numbers are all alike.

    >>> unit_of('"Draft:'), unit_of("JSON-LD,"), unit_of("--"), unit_of("155")
    ('draft', 'json-ld', '', '#')
    """
    unit = word.strip(_OUTER).lower()
    return unit if unit.isalpha() else _NUMBER.sub("#", unit)


class Lexicon:
    """Ids of features: units first, then pairs of units, then marks.

    pairs : (n, 2) ids of units.
    familiarity : per unit how common it was in training, 0 to 1; NOT_A_WORD for numbers and the like.
    """

    def __init__(
        self,
        units: Sequence[str],
        pairs: Sequence[tuple[int, int]] | NDArray[np.int32],
        marks: Sequence[str],
        familiarity: Sequence[float],
    ) -> None:
        self.units = tuple(units)
        self.pairs = np.asarray(pairs, dtype=np.int32).reshape(len(pairs), 2)
        self.marks = tuple(marks)
        self.familiarity = tuple(familiarity)
        self._unit_id = dict(zip(self.units, range(len(self.units)), strict=True))
        n_lexical = len(self.units) + len(self.pairs)
        self.all_marks = dict(zip(self.marks, range(n_lexical, n_lexical + len(self.marks)), strict=True))

    def __len__(self) -> int:
        return len(self.units) + len(self.pairs) + len(self.marks)

    def unit_id(self, word: str) -> int:
        """Id of the word's unit, or UNKNOWN_WORD or NEUTRAL_WORD."""
        return self.id_of(unit_of(word))

    def id_of(self, unit: str) -> int:
        """The same of a unit."""
        found = self._unit_id.get(unit)
        if found is not None:
            return found
        return UNKNOWN_WORD if unit.isalpha() else NEUTRAL_WORD

    def features(self, text: str, words: Sequence[str]) -> set[int]:
        """Ids of the distinct features of a text, given with its words; the plain way, by name."""
        unit_ids = [self.unit_id(word) for word in words]
        marks = [self.mark_id.get(mark, UNKNOWN_WORD) for mark in marks_of(text, words)]
        pairs = [self._pair_id.get(pair, UNKNOWN_WORD) for pair in pairwise(unit_ids)]
        return {*unit_ids, *pairs, *marks} - _NO_FEATURE

    @cached_property
    def _pair_id(self) -> dict[tuple[int, int], int]:
        return {(a, b): len(self.units) + index for index, (a, b) in enumerate(self.pairs.tolist())}

    @cached_property
    def mark_id(self) -> dict[str, int]:
        """Ids of the marks that can occur."""
        return {mark: feature for mark, feature in self.all_marks.items() if self._can_occur(mark)}

    def _can_occur(self, mark: str) -> bool:
        """An opening counts only if its units are known: a text of unknown words opens in no way."""
        return not mark.startswith(OPENS) or None not in self.opening(mark)

    def opening(self, mark: str) -> list[int | None]:
        """Ids of the one or two units of an opening; None for an unknown one."""
        return list(map(self._unit_id.get, mark[len(OPENS) :].split(" ")))

    def name(self, feature: int) -> str:
        """The feature as text, for explanations."""
        if feature < len(self.units):
            return self.units[feature]
        feature -= len(self.units)
        if feature < len(self.pairs):
            a, b = self.pairs[feature]
            return f"{self.units[a]} {self.units[b]}"
        mark = self.marks[feature - len(self.pairs)]
        return f"contains {mark!r}" if mark in PUNCTUATION else mark


def marks_of(text: str, words: Sequence[str]) -> list[str]:
    """Marks of form by name. Binary on purpose: no length or count may outweigh what is asked."""
    if not words:
        return []
    return [
        *(sign for sign in PUNCTUATION if sign in text),
        length_mark(len(words)),
        NUMBERS[min(sum(map(has_digit, set(words))), len(NUMBERS) - 1)],
        *opening_marks([unit_of(word) for word in words[:2]]),
    ]


def length_mark(n_words: int) -> str:
    """Lengths are told apart by powers of two, up to the last of LENGTHS."""
    return LENGTHS[min(n_words.bit_length(), len(LENGTHS) - 1)]


def opening_marks(units: Sequence[str]) -> list[str]:
    """Marks of a text that opens with these one or two units; none without any."""
    return [OPENS + " ".join(units[: n + 1]) for n in range(len(units))]


def has_digit(word: str) -> bool:
    """Whether a word contains a decimal digit."""
    return not word.isalpha() and _NUMBER.search(word) is not None
