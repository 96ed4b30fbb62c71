"""Which words, pairs and marks are worth a feature."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...classifier.reading._lexicon import NOT_A_WORD, Lexicon, marks_of
from .words import Words

Ints = NDArray[np.int64]

MIN_TEXTS = 2  # a word seen in one text teaches the text, not the kind
MIN_TEXTS_OF_PAIR = 3  # half the table of pairs for the same accuracy on held-out types
FAMILIAR_SHARE = 0.55
COMMON_TEXTS = 50  # a word in that many texts is as familiar as a word can be


def build_lexicon(words: Words) -> Lexicon:
    """Units, pairs and marks that occur in at least MIN_TEXTS familiar texts.

    A text is familiar if most of its words also occur in other texts. A few texts in another
    language would otherwise make that language look known, and disarm the `unfamiliar` guard;
    where most texts are in it, it *is* the known one.
    """
    units = _Units.of(words)
    familiar = np.zeros(len(words.texts), dtype=bool)
    familiar[_familiar(units, len(words.texts))] = True
    n_texts = np.bincount(units.once[familiar[units.text_of_once]], minlength=len(units.names))
    kept = sorted(
        (name, number) for number, name in enumerate(units.names) if name and n_texts[number] >= MIN_TEXTS
    )
    id_of = np.full(len(units.names), -1)
    id_of[[number for _, number in kept]] = np.arange(len(kept))
    marks = Counter(
        chain.from_iterable(set(_marks(words, text)) for text in np.flatnonzero(familiar).tolist())
    )
    most = math.log1p(COMMON_TEXTS)
    familiarity = [
        min(1.0, math.log1p(n_texts[number]) / most) if name.isalpha() else NOT_A_WORD
        for name, number in kept
    ]
    return Lexicon(
        [name for name, _ in kept],
        _pairs(units, id_of, familiar),
        sorted(mark for mark, count in marks.items() if count >= MIN_TEXTS),
        familiarity,
    )


class _Units(NamedTuple):
    """names : distinct units. all, text_of_all : (n_words,), the unit and the text of each word. once,
    text_of_once : each unit once in each text.
    """

    names: list[str]
    all: Ints
    text_of_all: Ints
    once: Ints
    text_of_once: Ints

    @classmethod
    def of(cls, words: Words) -> _Units:
        numbers, of_word = np.unique(words.number, return_inverse=True)
        index: dict[str, int] = {}
        unit = [index.setdefault(words.units[number], len(index)) for number in numbers]
        units, text = np.array(unit, dtype=np.int64).take(of_word), words.text()
        once = np.unique(text * len(index) + units)
        return cls(list(index), units, text, once % len(index), once // len(index))


def _pairs(units: _Units, id_of: Ints, familiar: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(n, 2) ids of neighbours in at least MIN_TEXTS_OF_PAIR familiar texts, in order."""
    first, second, text = id_of[units.all[:-1]], id_of[units.all[1:]], units.text_of_all[:-1]
    n_units = max(int(id_of.max(initial=-1)) + 1, 1)
    some = (first >= 0) & (second >= 0) & (text == units.text_of_all[1:]) & familiar[text]
    once = np.unique(text[some] * n_units**2 + first[some] * n_units + second[some])
    pairs, counts = np.unique(once % n_units**2, return_counts=True)
    pairs = pairs[counts >= MIN_TEXTS_OF_PAIR]
    return np.stack([pairs // n_units, pairs % n_units], axis=1).astype(np.int32)


def _marks(words: Words, text: int) -> list[str]:
    some = words.some(text, text + 1)
    return marks_of(words.texts[text], [words.distinct[number] for number in some.number])


def joined(base: Lexicon, other: Lexicon) -> tuple[Lexicon, NDArray[np.int64]]:
    """What either knows, and where the base's features are in it. A word is as familiar as to the one that
    knows it best.
    """
    id_of = dict(zip(base.units, range(len(base.units)), strict=True))
    familiarity = list(base.familiarity)
    for unit, share in zip(other.units, other.familiarity, strict=True):
        if id_of.setdefault(unit, len(id_of)) == len(familiarity):
            familiarity.append(share)
        else:
            familiarity[id_of[unit]] = max(familiarity[id_of[unit]], share)
    ids = np.array([id_of[unit] for unit in other.units], dtype=np.int64)
    known = set(map(tuple, base.pairs.tolist()))
    new = [pair for pair in map(tuple, ids[other.pairs].tolist()) if pair not in known]
    pairs = np.array([*base.pairs.tolist(), *new], dtype=np.int32).reshape(-1, 2)
    marks = [*base.marks, *(mark for mark in other.marks if mark not in set(base.marks))]
    places = np.concatenate(
        [
            np.arange(len(base.units)),
            len(id_of) + np.arange(len(base.pairs)),
            len(id_of) + len(pairs) + np.arange(len(base.marks)),
        ]
    )
    return Lexicon(list(id_of), pairs, marks, familiarity), places


def familiar_texts(texts: Sequence[str]) -> list[int]:
    """Indices of the texts whose words mostly occur in other texts: those in the known languages."""
    return list(map(int, _familiar(_Units.of(Words.of(texts)), len(texts))))


def _familiar(units: _Units, n_texts: int) -> Ints:
    """Indices of texts of whose words most occur in other familiar texts; found by iteration."""
    is_word = np.array([name.isalpha() for name in units.names], dtype=bool)
    unit, text = (each[is_word[units.once]] for each in (units.once, units.text_of_once))
    n_words = np.bincount(text, minlength=n_texts)
    kept = np.ones(n_texts, dtype=bool)
    for _ in range(5):
        in_texts = np.bincount(unit[kept[text]], minlength=len(is_word))
        n_seen = np.bincount(text, in_texts[unit] > 1, n_texts)
        share = np.where(n_words > 0, n_seen / np.maximum(n_words, 1), 1.0)
        still = kept & (share >= FAMILIAR_SHARE)
        if (still == kept).all():
            break
        kept = still
    return np.flatnonzero(kept)
