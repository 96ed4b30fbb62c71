"""What the log keeps of a task's text, and what a row can't do without it."""

from __future__ import annotations

import base64
from typing import Any, Literal, get_args

import numpy as np

from ...classifier.errors import InvalidOutcome, suggestion
from ...classifier.model import TierModel
from ...classifier.reading._text import running_words

StoreText = Literal["full", "features", "none"]
STORE_TEXT: tuple[str, ...] = get_args(StoreText)

# what each way of storing can't do; an operator who asks "why is this row not used" reads this
CANNOT = {
    "full": "",
    "features": (
        "can't be read, embedded by another encoder, give words to the lexicon, or judge a model (evaluate, "
        "promote); train with the same encoder uses its embedding, and what its decision made of the text "
        "(of imported rows neither: they count in the history of their type)"
    ),
    "none": (
        "can't teach what a text means, or judge a model (evaluate, promote): it counts in the history of "
        "its type, and its logged probabilities can be calibrated, which train does, and replayed"
    ),
}


def check_store_text(value: object) -> StoreText:
    for known in get_args(StoreText):
        if value == known:
            return known  # type: ignore[no-any-return]
    hint = suggestion(value, STORE_TEXT) if isinstance(value, str) else "."
    raise InvalidOutcome(
        f"store_text must be one of {', '.join(STORE_TEXT)}; got {value!r}{hint}", about="store_text"
    )


def features_of(text: str, model: TierModel) -> dict[str, Any]:
    """What a fit with the same encoder needs of a text: its embedding, and two lengths.

    An embedding is no encryption: it tells roughly what a text was about, not what it said.
    """
    words = running_words(text)
    distinct = list(dict.fromkeys(words))
    embedding = model.reader.encoder.embed([distinct])[0].astype("<f2")
    return {
        "encoder": model.manifest["encoder"]["fingerprint"],
        "embedding": base64.b64encode(embedding.tobytes()).decode("ascii"),
        "n_words": len(words),
        "n_chars": len(text),
    }


def embedding_of(features: dict[str, Any]) -> np.ndarray:
    """(n_dims,) float32, as `features_of` stored it."""
    return np.frombuffer(base64.b64decode(features["embedding"]), dtype="<f2").astype(np.float32)
