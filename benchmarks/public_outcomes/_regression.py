"""Logistic regression on type and static embedding: the router that anyone would build first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from tierwise.classifier.model import TierModel
from tierwise.classifier.reading._text import words_of
from tierwise.data import CHAMPION

from ._outcomes import TIERS
from ._slot import Array, Beliefs

_PENALTIES = {"C": [0.1, 0.3, 1.0, 3.0]}


@dataclass(frozen=True)
class _Regression:
    kinds: list[str]
    model: Any

    def beliefs(self, test: pd.DataFrame) -> Beliefs:
        asked = [_matrix(test, np.full(len(test), tier), self.kinds) for tier in TIERS]
        passes = [self.model.predict_proba(matrix)[:, 1] for matrix in asked]
        return Beliefs.independent(np.stack(passes, axis=1))


class TypeAndEmbedding:
    """One regression on the type at each tier (one-hot) and the shipped champion's embedding of the text.

    The text's slopes are shared by the tiers: one regression a tier learns less from the same rows. The
    penalty is chosen by five folds of the training rows.
    """

    def fit(self, train: pd.DataFrame) -> _Regression:
        kinds = sorted(set(train["task_type"]))
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        regression = LogisticRegression(solver="newton-cholesky")
        search = GridSearchCV(regression, _PENALTIES, scoring="neg_log_loss", cv=folds)
        matrix = _matrix(train, train["tier"].to_numpy(), kinds)
        return _Regression(kinds, search.fit(matrix, train["verdict"] == "clean").best_estimator_)


def embeddings(specifications: pd.Series) -> NDArray[np.float32]:
    """(n_texts, n_dims) by the encoder of the shipped champion."""
    return np.stack([_embedding(text) for text in specifications])


def _matrix(frame: pd.DataFrame, tiers: NDArray[Any], kinds: list[str]) -> Array:
    """Embedding, type, tier, and type at each tier."""
    of_type = (frame["task_type"].to_numpy()[:, None] == np.array(kinds)).astype(float)
    at_tier = (tiers[:, None] == np.array(TIERS)).astype(float)
    both = (of_type[:, :, None] * at_tier[:, None, :]).reshape(len(frame), -1)
    return np.hstack([embeddings(frame["specification"]), of_type, at_tier, both])


@cache
def _champion() -> TierModel:
    return TierModel.load(CHAMPION)


@cache
def _embedding(text: str) -> NDArray[np.float32]:
    return np.asarray(_champion().reader.encoder.embed([words_of(text)])[0])
