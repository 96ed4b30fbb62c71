"""Reads a task: text and facts to one logit per needed tier. The serving path of the features.

Training computes the same features the plain way (`features.py`); a test holds the two together.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._encoder import StaticEncoder
from ._guards import Guards
from ._lexicon import Lexicon
from ._text import running_words
from ._words import WordTable
from .features import fact_features
from .task import Task

Array = NDArray[np.float32]


class Reading(NamedTuple):
    """Logits of the needed tier, (n_tiers,), and the guard that found the text unreadable, if any."""

    logits: tuple[float, ...]
    guard: str | None


class Reader:
    """Encoder, lexicon and a linear head, arranged for speed.

    Parameters
    ----------
    lexical : (n_features, n_tiers) weights of lexical features, idf included.
    embedding : (n_dims, n_tiers). facts : (n_facts, n_tiers). bias : (n_tiers,).
    """

    def __init__(
        self,
        encoder: StaticEncoder,
        lexicon: Lexicon,
        guards: Guards,
        *,
        lexical: Array,
        embedding: Array,
        facts: Array,
        bias: Array,
    ) -> None:
        self.encoder, self.lexicon, self.guards = encoder, lexicon, guards
        self.lexical, self.embedding, self.facts, self.bias = lexical, embedding, facts, bias
        self._words = WordTable(lambda word: encoder.word_vector(word)[0], lexicon.unit_id, encoder.n_dims)

    def read(self, task: Task) -> Reading:
        words = running_words(task.specification)
        guard = self.guards.before_reading(words, task.specification)
        if not words:
            return Reading(tuple(self.bias.tolist()), guard)
        summed, unit_ids = self._words.read(words)
        logits = self.bias + summed @ self.embedding / max(math.sqrt(summed @ summed), 1e-12)
        if guard is None:
            guard = self.guards.after_reading(self.lexicon.mean_familiarity(unit_ids))
        features = self.lexicon.features(task.specification, words, unit_ids)
        if features:
            weights = self.lexical.take(sorted(features), axis=0).sum(axis=0)
            logits = logits + weights / math.sqrt(len(features))
        known_facts = fact_features(task)
        if known_facts is not None:
            logits = logits + known_facts @ self.facts
        return Reading(tuple(logits.tolist()), guard)
