"""A model of a few words, built by hand: files of a test's own to break, and numbers known beforehand."""

from __future__ import annotations

import numpy as np

from tierwise.classifier.artifact._stored import manifest_of
from tierwise.classifier.belief._passing import Widths
from tierwise.classifier.model import TierModel
from tierwise.classifier.reading._encoder import StaticEncoder
from tierwise.classifier.reading._guards import Guards
from tierwise.classifier.reading._lexicon import Lexicon
from tierwise.classifier.reading._reader import Reader, Reading, Readings

TIERS = ("haiku", "sonnet", "opus")
VOCABULARY = ("[UNK]", "tag", "##s", "plan", "the", "ticket")
UNITS = ("#", "plan", "tag", "the", "ticket")
PAIRS = ((2, 3), (3, 4))
MARKS = ("\n", ":", "no number", "opens:plan", "opens:tag", "opens:tag the", "words<4")
FAMILIARITY = (-1.0, 0.5, 0.5, 1.0, 0.75)


def small_reader(
    *,
    units=UNITS,
    pairs=PAIRS,
    marks=MARKS,
    familiarity=FAMILIARITY,
    n_tiers=3,
    bias=None,
    asks=False,
    seed=0,
) -> Reader:
    """asks : whether it tells what a text asks from what comes with it."""
    chance = np.random.default_rng(seed)

    def some(*shape: int) -> np.ndarray:
        return chance.normal(size=shape).astype(np.float32)

    table = chance.integers(-127, 128, size=(len(VOCABULARY), 4)).astype(np.int8)
    encoder = StaticEncoder(VOCABULARY, table, np.full(len(VOCABULARY), 0.01, dtype=np.float32))
    lexicon = Lexicon(units, pairs, marks, familiarity)
    return Reader(
        encoder,
        lexicon,
        Guards(),
        lexical=some(len(lexicon), n_tiers),
        embedding=some(4, n_tiers),
        facts=some(3, n_tiers),
        bias=some(n_tiers) if bias is None else np.array(bias, dtype=np.float32),
        asked=some(len(lexicon), n_tiers) if asks else None,
    )


def small_manifest(reader: Reader, tiers=TIERS) -> dict:
    rates = ((0.02, 0.8, 0.2), (0.05, 0.6, 0.4))
    return {
        **manifest_of(reader),
        "tiers": list(tiers),
        "widths": Widths().to_dict(),
        "uninformed": [1 / len(tiers)] * len(tiers),
        "thresholds": [
            {"max_under_tier": rate, "lambda_down": down, "lambda_up": up} for rate, down, up in rates
        ],
    }


def small_model(**changes) -> TierModel:
    reader = small_reader(**changes)
    return TierModel(reader, small_manifest(reader))


def ladder_of_two() -> TierModel:
    reader = small_reader(n_tiers=2)
    return TierModel(reader, small_manifest(reader, tiers=("small", "large")))


def each_of(readings: Readings) -> list[Reading]:
    """One by one, as `Reader.read` gives them."""
    return [
        Reading(tuple(row), guard)
        for row, guard in zip(readings.logits.tolist(), readings.guards, strict=True)
    ]
