"""Words, word pairs and marks of form that the classifier learned to read.

An embedding blurs "extract" and "summarise"; a lexicon does not. A *unit* is a whitespace word
without its outer punctuation, in lower case; a feature is a unit, a pair of neighbouring units, or
a *mark*: how the text opens, its length, its numbers, its punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

UNKNOWN_WORD = -1  # letters only, never seen in training: a sign of another language or of gibberish
NOT_A_WORD = -1.0
NEUTRAL_WORD = -2  # numbers, identifiers, bare punctuation: says nothing about the language
_PAIR_BASE = 1 << 20  # a pair of unit ids as one int: no tuple per pair in the serving loop. A
# negative id on either side gives a key that no known pair has.
_NUMBER = re.compile(r"\d+")
_OUTER = ".,;:!?()[]{}<>\"'`*_“”‘’«»…-–—"


def unit_of(word: str) -> str:
    """The unit that a whitespace word stands for; "" for bare punctuation. Numbers are all alike.

    >>> unit_of('"Draft:'), unit_of("JSON-LD,"), unit_of("--"), unit_of("155")
    ('draft', 'json-ld', '', '#')
    """
    unit = word.strip(_OUTER).lower()
    return unit if unit.isalpha() else _NUMBER.sub("#", unit)


class Lexicon:
    """Ids of features: units first, then pairs of units, then marks.

    familiarity : per unit how common it was in training, 0 to 1; NOT_A_WORD for numbers and the like.
    """

    def __init__(
        self,
        units: Sequence[str],
        pairs: Iterable[tuple[int, int]],
        marks: Sequence[str],
        familiarity: Sequence[float],
    ) -> None:
        self.units = tuple(units)
        self.familiarity = tuple(familiarity)
        # UNKNOWN_WORD and NEUTRAL_WORD index this list from its end
        self._familiarity = [*familiarity, NOT_A_WORD, 0.0]
        self.pairs = tuple((int(a), int(b)) for a, b in pairs)
        self.marks = tuple(marks)
        n_units, n_lexical = len(self.units), len(self.units) + len(self.pairs)
        self._unit_id = {unit: index for index, unit in enumerate(self.units)}
        self._pair_id = {a * _PAIR_BASE + b: n_units + index for index, (a, b) in enumerate(self.pairs)}
        self._mark_id = {mark: n_lexical + index for index, mark in enumerate(self.marks)}

    def __len__(self) -> int:
        return len(self.units) + len(self.pairs) + len(self.marks)

    def unit_id(self, word: str) -> int:
        """Id of the word's unit, or UNKNOWN_WORD or NEUTRAL_WORD."""
        unit = unit_of(word)
        found = self._unit_id.get(unit)
        if found is not None:
            return found
        return UNKNOWN_WORD if unit.isalpha() else NEUTRAL_WORD

    def mean_familiarity(self, unit_ids: Sequence[int]) -> float:
        """How common the words of a text are, 0 to 1; 1 for a text without words of letters."""
        known = [f for f in map(self._familiarity.__getitem__, unit_ids) if f >= 0]
        return sum(known) / len(known) if known else 1.0

    def features(self, text: str, words: Sequence[str], unit_ids: Sequence[int]) -> set[int]:
        """Ids of the distinct features of a text, given as text, running words and their units."""
        found = {unit for unit in unit_ids if unit >= 0}
        pair_id, mark_id = self._pair_id.get, self._mark_id.get
        found.update([pair_id(a * _PAIR_BASE + b, -1) for a, b in zip(unit_ids, unit_ids[1:], strict=False)])
        found.update([mark_id(mark, -1) for mark in marks_of(text, words)])
        found.discard(-1)
        return found

    def name(self, feature: int) -> str:
        """The feature as text, for explanations."""
        if feature < len(self.units):
            return self.units[feature]
        feature -= len(self.units)
        if feature < len(self.pairs):
            a, b = self.pairs[feature]
            return f"{self.units[a]} {self.units[b]}"
        return MARK_NAMES.get(mark := self.marks[feature - len(self.pairs)], mark)


def marks_of(text: str, words: Sequence[str]) -> list[str]:
    """Marks of form. Binary on purpose: no length or count may outweigh what is asked."""
    if not words:
        return []
    marks = [mark for mark in _PUNCTUATION if mark in text]
    marks.append(_LENGTH_MARKS[min(len(words), 256).bit_length()])
    marks.append(f"opens:{unit_of(words[0])}")
    if len(words) > 1:
        marks.append(f"opens:{unit_of(words[0])} {unit_of(words[1])}")
    marks.append(_NUMBER_MARKS[min(sum(map(_has_digit, words)), 3)])
    return marks


def _has_digit(word: str) -> bool:
    return not word.isalpha() and any(map(str.isdigit, word))


_PUNCTUATION = ("?", "!", ":", ";", "{", '"', "/", "\n")
_LENGTH_MARKS = tuple(f"words<{1 << bits}" for bits in range(10))
_NUMBER_MARKS = ("no number", "one number", "two numbers", "several numbers")
MARK_NAMES = {mark: f"contains {mark!r}" for mark in _PUNCTUATION}
