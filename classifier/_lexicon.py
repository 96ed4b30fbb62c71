"""Words, word pairs and marks of form that the classifier learned to read.

An embedding blurs "extract" and "summarise"; a lexicon does not. A *unit* is a whitespace word
without its outer punctuation, in lower case; a feature is a unit, a pair of neighbouring units, or
a *mark*: how the text opens, its length, its numbers, its punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

UNKNOWN_WORD = -1  # letters only, never seen in training: a sign of another language or of gibberish
NEUTRAL_WORD = -2  # numbers, identifiers, bare punctuation: says nothing about the language
_NO_FEATURE = {UNKNOWN_WORD, NEUTRAL_WORD}
NOT_A_WORD = -1.0  # the familiarity of a unit that is no word of letters

# A pair of unit ids as one int: no tuple per pair in the serving loop. A negative id on either side
# gives a key that no known pair has.
_PAIR_BASE = 1 << 20
_NUMBER = re.compile(r"\d+")
_OUTER = ".,;:!?()[]{}<>\"'`*_“”‘’«»…-–—"
_OPENS = "opens:"
_PUNCTUATION = ("?", "!", ":", ";", "{", '"', "/", "\n")
_LENGTHS = tuple(f"words<{1 << bits}" for bits in range(10))
_NUMBERS = ("no number", "one number", "two numbers", "several numbers")


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
        self.pairs = tuple((int(a), int(b)) for a, b in pairs)
        self.marks = tuple(marks)
        self.familiarity = tuple(familiarity)
        n_units, n_lexical = len(self.units), len(self.units) + len(self.pairs)
        self._unit_id = {unit: index for index, unit in enumerate(self.units)}
        self._pair_id = {_key(a, b): n_units + index for index, (a, b) in enumerate(self.pairs)}
        mark_id = {mark: n_lexical + index for index, mark in enumerate(self.marks)}
        self._opening_id = self._openings(mark_id)
        self._punctuation = [(sign, mark_id[sign]) for sign in _PUNCTUATION if sign in mark_id]
        self._length_id = [mark_id.get(length, UNKNOWN_WORD) for length in _LENGTHS]
        self._number_id = [mark_id.get(number, UNKNOWN_WORD) for number in _NUMBERS]

    def __len__(self) -> int:
        return len(self.units) + len(self.pairs) + len(self.marks)

    def unit_id(self, word: str) -> int:
        """Id of the word's unit, or UNKNOWN_WORD or NEUTRAL_WORD."""
        unit = unit_of(word)
        found = self._unit_id.get(unit)
        if found is not None:
            return found
        return UNKNOWN_WORD if unit.isalpha() else NEUTRAL_WORD

    def features(self, text: str, unit_ids: Sequence[int], n_numbers: int) -> set[int]:
        """Ids of the distinct features of a text, given as text, unit of each word, words with digits."""
        found = set(unit_ids)
        if found:
            keys = [a * _PAIR_BASE + b for a, b in pairwise(unit_ids)]
            pair_id = self._pair_id.get  # with a default: None in the set would make its order,
            found.update([pair_id(key, UNKNOWN_WORD) for key in keys])  # and the sums, differ by process
            found.update([mark for sign, mark in self._punctuation if sign in text])
            found.add(self._length_id[min(len(unit_ids), 256).bit_length()])
            found.add(self._number_id[min(n_numbers, 3)])
            found.add(self._opening_id.get(_key(0, unit_ids[0]), UNKNOWN_WORD))
            if keys and unit_ids[0] >= 0:
                found.add(self._opening_id.get(keys[0] + _PAIR_BASE, UNKNOWN_WORD))
        found -= _NO_FEATURE
        return found

    def name(self, feature: int) -> str:
        """The feature as text, for explanations."""
        if feature < len(self.units):
            return self.units[feature]
        feature -= len(self.units)
        if feature < len(self.pairs):
            a, b = self.pairs[feature]
            return f"{self.units[a]} {self.units[b]}"
        mark = self.marks[feature - len(self.pairs)]
        return f"contains {mark!r}" if mark in _PUNCTUATION else mark

    def _openings(self, mark_id: dict[str, int]) -> dict[int, int]:
        """Key of the first unit, (0, unit), or of the first two, (1 + first, second) -> feature."""
        out = {}
        for mark, feature in mark_id.items():
            if mark.startswith(_OPENS):
                ids = [self._unit_id.get(unit, UNKNOWN_WORD) for unit in mark[len(_OPENS) :].split(" ")]
                if min(ids) >= 0:
                    out[_key(0, ids[0]) if len(ids) == 1 else _key(1 + ids[0], ids[1])] = feature
        return out


def marks_of(text: str, words: Sequence[str]) -> list[str]:
    """Marks of form by name. Binary on purpose: no length or count may outweigh what is asked."""
    if not words:
        return []
    units = [unit_of(word) for word in words[:2]]
    return [
        *(sign for sign in _PUNCTUATION if sign in text),
        _LENGTHS[min(len(words), 256).bit_length()],
        _NUMBERS[min(sum(map(has_digit, set(words))), 3)],
        _OPENS + units[0],
        *([_OPENS + " ".join(units)] if len(units) > 1 else []),
    ]


def has_digit(word: str) -> bool:
    """Whether a word contains a decimal digit."""
    return not word.isalpha() and _NUMBER.search(word) is not None


def _key(a: int, b: int) -> int:
    return a * _PAIR_BASE + b
