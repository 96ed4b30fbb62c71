"""Which words spoke for which tier: the head's arithmetic, taken apart for a reader."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..task import Task
from ._ask import ask_of
from ._lexical import feature_weight
from ._reader import Reader
from ._text import running_words

SENSE = "the sense of the whole"
LEAST = 0.05  # log-odds below this are noise to a reader


def word_evidence(
    reader: Reader, task: Task, tiers: Sequence[str], *, most: int
) -> dict[str, list[tuple[str, float]]]:
    """Tier -> its strongest evidence as (name, log-odds against the mean tier), strongest first."""
    found: dict[str, list[tuple[str, float]]] = {tier: [] for tier in tiers}
    for name, weights in _contributions(reader, task, len(tiers)):
        centred = weights - weights.mean()
        tier = int(centred.argmax())
        if centred[tier] >= LEAST:
            found[tiers[tier]].append((name, float(centred[tier])))
    return {tier: sorted(each, key=lambda pair: -pair[1])[:most] for tier, each in found.items()}


def _contributions(reader: Reader, task: Task, n_tiers: int) -> list[tuple[str, np.ndarray]]:
    """What speaks, by name, and what it adds to the logit of each tier."""
    words = running_words(task.specification)
    if not words:
        return []
    weights = _of_features(reader, task.specification, words)
    out = [(reader.lexicon.name(feature), weights[feature][:n_tiers]) for feature in sorted(weights)]
    embedded = reader.encoder.embed([list(dict.fromkeys(words))])[0]
    out.append((SENSE, (embedded @ reader.embedding)[:n_tiers]))
    return out


def _of_features(reader: Reader, text: str, words: Sequence[str]) -> dict[int, np.ndarray]:
    """Feature -> weights, in the whole text and, where the reader tells them apart, once more in its ask."""
    found = reader.lexicon.features(text, words)
    out = {feature: reader.lexical[feature] * feature_weight(len(found)) for feature in found}
    if reader.asked is not None:
        ask = ask_of(text)
        found = reader.lexicon.features(ask, running_words(ask))
        for feature in found:
            out.setdefault(feature, np.zeros(reader.lexical.shape[1]))
            out[feature][: reader.asked.shape[1]] += reader.asked[feature] * feature_weight(len(found))
    return out
