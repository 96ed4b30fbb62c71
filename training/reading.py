"""The texts of a log, read once: what the base model makes of them, and the features that outcomes may correct.

The base's lexicon is joined with the words of the operator's own texts, so that outcomes can teach words
that the base has never seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..classifier._reader import Reader
from ..classifier._text import running_words
from ..classifier.model import TierModel
from ..classifier.task import Task
from . import design
from .features import Blocks, FeatureSpace
from .lexical import distinct, familiarity
from .lexicon import build_lexicon, joined

Array = NDArray[np.float64]
MOST_TEXTS = 5_000  # of the operator's, the newest, for the lexicon


@dataclass(frozen=True)
class Texts:
    """mass : (n, n_tiers), P(needed tier) by the base. features : (n, n_features), zero where not read.

    space : where the features come from. head : the base's weights in that space, for the model to come.
    """

    mass: Array
    features: Blocks
    space: FeatureSpace
    head: Reader

    def reader(self, weights: Array) -> Reader:
        """A reader whose first columns read like the base, and the others with these (n_features, n_tiers)."""
        own = self.space.reader(weights, np.zeros(weights.shape[1]), self.head.guards)
        pairs = {
            name: np.hstack([getattr(self.head, name), getattr(own, name)])
            for name in ("lexical", "embedding", "facts", "bias")
        }
        return Reader(self.head.encoder, self.head.lexicon, self.head.guards, **pairs)


def read_texts(base: TierModel, tasks: Sequence[Task]) -> Texts:
    """What `base` says of these tasks, in a space that knows their words too."""
    encoder, guards, n_tiers = base.reader.encoder, base.reader.guards, len(base.tiers)
    texts, _ = distinct(tasks)
    lexicon, places = joined(base.reader.lexicon, build_lexicon(texts[-MOST_TEXTS:]))
    lexical = np.zeros((len(lexicon), n_tiers), dtype=np.float32)
    lexical[places] = base.reader.lexical[:, :n_tiers]
    head = Reader(
        encoder,
        lexicon,
        guards,
        lexical=lexical,
        embedding=base.reader.embedding[:, :n_tiers],
        facts=base.reader.facts[:, :n_tiers],
        bias=base.reader.bias[:n_tiers],
    )
    counts, facts = design.lexical_counts(tasks, lexicon), design.facts(tasks)
    embedded = design.embeddings(tasks, encoder)
    logits = counts @ lexical + embedded @ head.embedding + facts @ head.facts + head.bias
    unread = _unread(head, tasks)
    mass = np.where(unread[:, None], np.asarray(base.uninformed), _mass(logits.astype(np.float64)))
    idf = design.inverse_document_frequency(counts)
    space = FeatureSpace(encoder, lexicon, idf, design.embedding_scale(embedded))
    return Texts(mass, space.blocks_of(counts, embedded, facts).without(unread), space, head)


def _mass(logits: Array) -> Array:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True)) + 1e-9
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _unread(reader: Reader, tasks: Sequence[Task]) -> NDArray[np.bool_]:
    """(n,): texts of which the model that will serve says that it can't read them."""
    texts, rows = distinct(tasks)
    guards = reader.guards
    before = [guards.before_reading(running_words(text), text) is not None for text in texts]
    after = familiarity(texts, reader.lexicon) < guards.min_familiarity
    return np.asarray((np.array(before) | after)[rows])
