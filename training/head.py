"""The head: a multinomial logistic regression gives the mass of each needed tier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from ..classifier._encoder import StaticEncoder
from ..classifier._guards import Guards
from ..classifier._reader import Reader
from ..classifier.errors import InvalidTraining
from ..classifier.task import Task
from . import design
from .lexicon import build_lexicon

STRENGTH = 5.0  # C of the regression; set by hand, like the scales in design.py


def fit_reader(
    tasks: Sequence[Task],
    needed: NDArray[np.int64],
    encoder: StaticEncoder,
    *,
    n_tiers: int,
    guards: Guards,
    slope: float = 1.0,
    weights: NDArray[np.float64] | None = None,
) -> Reader:
    """A reader fitted to tasks with known needed tiers (indices).

    slope : multiplies the logits; the calibration that held-out tasks asked for.

    Raises InvalidTraining unless every tier occurs.
    """
    missing = sorted(set(range(n_tiers)) - set(needed.tolist()))
    if missing:
        raise InvalidTraining(
            f"No task needs the tiers with index {missing}; each tier needs examples.", about=missing
        )
    lexicon = build_lexicon([task.specification for task in tasks])
    counts = design.lexical_counts(tasks, lexicon)
    idf = design.inverse_document_frequency(counts)
    embedded = design.embeddings(tasks, encoder)
    scale = design.embedding_scale(embedded)
    matrix = design.design_matrix(counts, idf, embedded * scale, design.facts(tasks))
    regression = LogisticRegression(C=STRENGTH, max_iter=1000).fit(matrix, needed, sample_weight=weights)
    coef = (regression.coef_.T * slope).astype(np.float32)
    n_lexical, n_dims = len(lexicon), encoder.n_dims
    return Reader(
        encoder,
        lexicon,
        guards,
        lexical=(coef[:n_lexical] * (idf * design.LEXICAL_SCALE)[:, None]).astype(np.float32),
        embedding=coef[n_lexical : n_lexical + n_dims] * np.float32(scale),
        facts=coef[n_lexical + n_dims :] * np.float32(design.FACT_SCALE),
        bias=(regression.intercept_ * slope).astype(np.float32),
    )
