"""Which words, pairs and marks are worth a feature."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...classifier.reading._lexicon import NOT_A_WORD, Lexicon, marks_of, unit_of
from ...classifier.reading._text import running_words

MIN_TEXTS = 2  # a word seen in one text teaches the text, not the kind
MIN_TEXTS_OF_PAIR = 3  # half the table of pairs for the same accuracy on held-out types
FAMILIAR_SHARE = 0.55
COMMON_TEXTS = 50  # a word in that many texts is as familiar as a word can be


def build_lexicon(texts: Sequence[str]) -> Lexicon:
    """Units, pairs and marks that occur in at least MIN_TEXTS familiar texts.

    A text is familiar if most of its words also occur in other texts. A few texts in another
    language would otherwise make that language look known, and disarm the `unfamiliar` guard;
    where most texts are in it, it *is* the known one.
    """
    words = [running_words(text) for text in texts]
    units = [[unit_of(word) for word in each] for each in words]
    unit_count: Counter[str] = Counter()
    pair_count: Counter[tuple[str, str]] = Counter()
    mark_count: Counter[str] = Counter()
    for index in _familiar(units):
        unit_count.update({unit for unit in units[index] if unit})
        pair_count.update({pair for pair in zip(units[index], units[index][1:], strict=False) if all(pair)})
        if words[index]:
            mark_count.update(set(marks_of(texts[index], words[index])))
    kept = sorted(unit for unit, count in unit_count.items() if count >= MIN_TEXTS)
    id_of = {unit: index for index, unit in enumerate(kept)}
    pairs = sorted(
        (id_of[a], id_of[b])
        for (a, b), count in pair_count.items()
        if count >= MIN_TEXTS_OF_PAIR and a in id_of and b in id_of
    )
    marks = sorted(mark for mark, count in mark_count.items() if count >= MIN_TEXTS)
    familiarity = [
        min(1.0, math.log1p(unit_count[unit]) / math.log1p(COMMON_TEXTS)) if unit.isalpha() else NOT_A_WORD
        for unit in kept
    ]
    return Lexicon(kept, pairs, marks, familiarity)


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
    return _familiar([[unit_of(word) for word in running_words(text)] for text in texts])


def _familiar(units: Sequence[Sequence[str]]) -> list[int]:
    """Indices of texts of whose words most occur in other familiar texts; found by iteration."""
    kept = list(range(len(units)))
    for _ in range(5):
        count: Counter[str] = Counter()
        for index in kept:
            count.update(set(units[index]))
        still = [index for index in kept if _share_seen(units[index], count) >= FAMILIAR_SHARE]
        if len(still) == len(kept):
            break
        kept = still
    return kept


def _share_seen(units: Sequence[str], count: Counter[str]) -> float:
    words = {unit for unit in units if unit.isalpha()}
    if not words:
        return 1.0
    return float(np.mean([count[unit] > 1 for unit in words]))
