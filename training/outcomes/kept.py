"""What a log kept of texts in place of them, so that their rows can be learned from all the same.

A fit needs two things of a text: what the base made of it, P(needed tier), which every decision logs, and the
features that outcomes may weigh. Of these `store_text="features"` keeps the embedding; words and shape are
lost, and so is the embedding for a base with another encoder. An imported row that never had a decision has
nothing of the first, and an embedding alone would have to stand for the whole text: it is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...classifier.model import TierModel

COLUMN = "tierwise:kept"  # of a frame; no column of a user's is called so


class Kept(NamedTuple):
    """mass : P(needed tier) by the text. embedding : (n_dims,) by the base's encoder, None if not known."""

    mass: tuple[float, ...]
    embedding: NDArray[np.float32] | None


def with_kept(log: Any, frame: pd.DataFrame, base: TierModel) -> pd.DataFrame:
    """The log's frame with what it kept of texts that it did not keep, where that can be asked of it."""
    without = frame["specification"].isna().to_numpy(dtype=bool)
    if not without.any() or "decision_ids" not in inspect.signature(log.to_pandas).parameters:
        return frame
    ids = frame["decision_id"][without].tolist()
    found = log.to_pandas(columns=["decision_id", "features", "details"], decision_ids=ids)
    by_id = {
        row.decision_id: kept_of(row.features, row.details, base) for row in found.itertuples(index=False)
    }
    return frame.assign(**{COLUMN: [by_id.get(name) for name in frame["decision_id"]]})


def kept_of(
    features: Mapping[str, Any] | None, details: Mapping[str, Any] | None, base: TierModel
) -> Kept | None:
    """None where no model of these tiers has read the text."""
    beliefs = (details or {}).get("beliefs") or {}
    if tuple(beliefs.get("tiers") or ()) != base.tiers or not beliefs.get("text"):
        return None
    is_known = bool(features and features["encoder"] == base.manifest["encoder"]["fingerprint"])
    if not is_known or beliefs.get("guard") is not None:
        return Kept(tuple(beliefs["text"]), None)
    from ...router.log._text import embedding_of

    return Kept(tuple(beliefs["text"]), embedding_of(dict(features or {})))


def embeddings_of(kept: Sequence[Kept], n_dims: int) -> NDArray[np.float32]:
    """(n, n_dims), zero where it is not known."""
    nothing = np.zeros(n_dims, dtype=np.float32)
    found = [nothing if each.embedding is None else each.embedding for each in kept]
    return np.array(found, dtype=np.float32).reshape(-1, n_dims)
