"""Which words spoke for which tier: the head's arithmetic, taken apart for a reader."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..task import Task
from ._reader import Reader
from ._text import running_words

SENSE = "the sense of the whole"
LEAST = 0.05  # log-odds below this are noise to a reader


def word_evidence(
    reader: Reader, task: Task, tiers: Sequence[str], *, most: int
) -> dict[str, list[tuple[str, float]]]:
    """Tier -> its strongest evidence as (name, log-odds against the mean tier), strongest first."""
    found: dict[str, list[tuple[str, float]]] = {tier: [] for tier in tiers}
    for name, weights in _contributions(reader, task):
        centred = weights - weights.mean()
        tier = int(centred.argmax())
        if centred[tier] >= LEAST:
            found[tiers[tier]].append((name, float(centred[tier])))
    return {tier: sorted(each, key=lambda pair: -pair[1])[:most] for tier, each in found.items()}


def _contributions(reader: Reader, task: Task) -> list[tuple[str, np.ndarray]]:
    words = running_words(task.specification)
    if not words:
        return []
    features = sorted(reader.lexicon.features(task.specification, words))
    scale = 1 / math.sqrt(max(len(features), 1))
    out = [(reader.lexicon.name(f), reader.lexical[f] * scale) for f in features]
    embedded = reader.encoder.embed([list(dict.fromkeys(words))])[0]
    out.append((SENSE, embedded @ reader.embedding))
    return out
