"""Predictions for tasks whose type the fit has never seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from ...classifier.reading._encoder import StaticEncoder
from ...classifier.reading._guards import Guards
from ..features.lexical import familiarity
from ..features.words import Words
from .head import fit_reader
from .tasks import SeedTask

N_FOLDS = 8
NO_GUARDS = Guards(min_words=0, min_familiarity=0.0)


def held_out_logits(
    seeds: Sequence[SeedTask],
    encoder: StaticEncoder,
    *,
    n_tiers: int,
    groups: Sequence[str] | None = None,
    n_folds: int = N_FOLDS,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logits (n_seeds, n_tiers) and mean familiarity (n_seeds,), each from a fit without its group.

    groups : default: the task types.
    """
    names = np.array([seed.task_type for seed in seeds] if groups is None else groups)
    needed = np.array([seed.needed for seed in seeds])
    logits = np.zeros((len(seeds), n_tiers))
    familiar = np.zeros(len(seeds))
    folds = GroupKFold(n_splits=min(n_folds, len(set(names))), shuffle=True, random_state=0)
    for fitted, held_out in folds.split(names, groups=names):
        tasks = [seeds[i].task for i in fitted]
        reader = fit_reader(tasks, needed[fitted], encoder, n_tiers=n_tiers, guards=NO_GUARDS)
        new = [seeds[i].task for i in held_out]
        logits[held_out] = reader.read_many(new).logits
        familiar[held_out] = familiarity(Words.of_tasks(new), reader.lexicon)
    return logits, familiar
