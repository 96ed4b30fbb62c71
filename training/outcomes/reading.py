"""The texts of a log, read once: what the base makes of them, and the features that outcomes may weigh.

The base's lexicon is joined with the words of the operator's own texts, so that outcomes can teach words
that the base has never seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...classifier.model import TierModel
from ...classifier.reading._lexicon import Lexicon
from ...classifier.reading._reader import Reader
from ...classifier.reading._shape import FEATURES, Shape
from ...classifier.task import Task
from ..features import design
from ..features.lexical import familiarity
from ..features.lexicon import build_lexicon, joined
from ..features.space import Blocks, FeatureSpace
from ..features.words import Words
from .kept import Kept, embeddings_of

Array = NDArray[np.float64]
MOST_TEXTS = 5_000  # of the operator's, the newest, for the lexicon


@dataclass(frozen=True)
class Texts:
    """mass : (n, n_tiers), P(needed tier) by the base. features : (n, n_features), zero where not read.

    space, shape : where the features come from. head : the base's weights in that space.
    """

    mass: Array
    features: Blocks
    space: FeatureSpace
    shape: Shape
    head: Reader

    def reader(self, weights: Array) -> Reader:
        """First columns that read like the base, and others with these (n_features, n_tiers) weights."""
        n_shape, n_tiers = len(FEATURES), weights.shape[1]
        of_text, of_shape = weights[:-n_shape], weights[-n_shape:].astype(np.float32)
        own = self.space.reader(of_text, np.zeros(n_tiers), self.head.guards)
        pairs = {
            name: np.hstack([getattr(self.head, name), getattr(own, name)])
            for name in ("lexical", "embedding", "facts", "bias")
        }
        shape = Shape(self.shape.centre, self.shape.spread, np.hstack([self.shape.weights, of_shape]))
        head = self.head
        return Reader(head.encoder, head.lexicon, head.guards, **pairs, asked=head.asked, shape=shape)


def read_texts(base: TierModel, tasks: Sequence[Task], kept: Sequence[Kept | None] = ()) -> Texts:
    """What `base` says of these tasks, in a space that knows their words too.

    kept : of each task what stands for its text; None where the text is there, empty where all are.
    """
    encoder, n_tiers = base.reader.encoder, len(base.tiers)
    words = Words.of_tasks(tasks)
    newest = words.some(max(len(words.texts) - MOST_TEXTS, 0), len(words.texts))
    lexicon, places = joined(base.reader.lexicon, build_lexicon(newest))
    head = _head(base, lexicon, places)
    counts, facts = design.lexical_counts(words, lexicon), design.facts(tasks)
    embedded, shapes = design.embeddings(words, encoder), design.shapes(words)
    lacking = np.array([each is not None for each in kept] or [False] * len(tasks), dtype=bool)
    stand_ins = [each for each in kept if each is not None]
    embedded[lacking] = embeddings_of(stand_ins, encoder.n_dims)
    shape = _standard(base, shapes[~lacking] if not lacking.all() else shapes)
    logits = counts @ head.lexical + embedded @ head.embedding + facts @ head.facts + head.bias
    if head.asked is not None:
        logits += design.asked_counts(words, lexicon, counts) @ head.asked
    logits += shape.standardised(shapes) @ shape.weights
    unread = _unread(head, words) & ~lacking
    mass = np.where(unread[:, None], np.asarray(base.uninformed), _mass(logits.astype(np.float64)))
    mass[lacking] = np.array([each.mass for each in stand_ins]).reshape(-1, n_tiers)
    space = FeatureSpace(
        encoder, lexicon, design.inverse_document_frequency(counts), design.embedding_scale(embedded)
    )
    sparse, dense = space.scaled(counts, embedded, facts)
    standard = shape.standardised(shapes) * ~lacking[:, None]  # of a text that is not there: as of most
    features = Blocks(sparse, np.hstack([dense, standard]), len(FEATURES))
    return Texts(mass, features.without(unread), space, shape, head)


def _head(base: TierModel, lexicon: Lexicon, places: NDArray[np.int64]) -> Reader:
    """The base's reading in a larger lexicon, without what outcomes added to it. places : of its features."""
    old, n_tiers = base.reader, len(base.tiers)

    def placed(weights: NDArray[np.float32]) -> NDArray[np.float32]:
        out = np.zeros((len(lexicon), n_tiers), dtype=np.float32)
        out[places] = weights[:, :n_tiers]
        return out

    return Reader(
        old.encoder,
        lexicon,
        old.guards,
        lexical=placed(old.lexical),
        embedding=old.embedding[:, :n_tiers],
        facts=old.facts[:, :n_tiers],
        bias=old.bias[:n_tiers],
        asked=None if old.asked is None else placed(old.asked),
    )


def _standard(base: TierModel, shapes: NDArray[np.float32]) -> Shape:
    """The scale of these shapes, or the base's own where its head reads shape; with the head's weights."""
    known, n_tiers = base.reader.shape, len(base.tiers)
    if known is not None:
        return Shape(known.centre, known.spread, known.weights[:, :n_tiers])
    spread = np.maximum(shapes.std(axis=0), 0.1)
    return Shape(shapes.mean(axis=0), spread, np.zeros((len(FEATURES), n_tiers), dtype=np.float32))


def _mass(logits: Array) -> Array:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True)) + 1e-9
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _unread(reader: Reader, words: Words) -> NDArray[np.bool_]:
    """(n,): texts of which the model that will serve says that it can't read them."""
    found = map(reader.guards.before_reading, words.lengths.tolist(), words.texts)
    before = np.array([guard is not None for guard in found], dtype=bool)
    return before[words.of_task] | (familiarity(words, reader.lexicon) < reader.guards.min_familiarity)
