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

from tierwise.classifier._text import words_of
from tierwise.classifier.model import TierModel
from tierwise.data import CHAMPION

from ._outcomes import TIERS
from ._slot import Array

_PENALTIES = {"C": [0.03, 0.1, 0.3, 1.0, 3.0]}


@dataclass(frozen=True)
class _PerTier:
    kinds: list[str]
    regressions: list[Any]

    def pass_probabilities(self, test: pd.DataFrame) -> Array:
        matrix = _matrix(test, self.kinds)
        return np.stack([model.predict_proba(matrix)[:, 1] for model in self.regressions], axis=1)


class TypeAndEmbedding:
    """One regression a tier, on the type (one-hot) and the shipped champion's embedding of the text.

    The penalty is chosen by five folds of the training rows.
    """

    def fit(self, train: pd.DataFrame) -> _PerTier:
        kinds = sorted(set(train["task_type"]))
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        regressions = []
        for tier in TIERS:
            rows = train[train["tier"] == tier]
            search = GridSearchCV(
                LogisticRegression(max_iter=1000), _PENALTIES, scoring="neg_log_loss", cv=folds
            )
            regressions.append(search.fit(_matrix(rows, kinds), rows["verdict"] == "clean"))
        return _PerTier(kinds, regressions)


def embeddings(specifications: pd.Series) -> NDArray[np.float32]:
    """(n_texts, n_dims) by the encoder of the shipped champion."""
    return np.stack([_embedding(text) for text in specifications])


def _matrix(frame: pd.DataFrame, kinds: list[str]) -> Array:
    one_hot = frame["task_type"].to_numpy()[:, None] == np.array(kinds)[None, :]
    return np.hstack([one_hot.astype(float), embeddings(frame["specification"])])


@cache
def _champion() -> TierModel:
    return TierModel.load(CHAMPION)


@cache
def _embedding(text: str) -> NDArray[np.float32]:
    return np.asarray(_champion().reader.encoder.embed([words_of(text)])[0])
