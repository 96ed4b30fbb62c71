"""Two ways to read the needed tier from text, on whole task types held out.

    python -m benchmarks.forms

"separate" is the regression that ships: a weight vector per tier. "cumulative" is what a pure
item-response form would read: one regression per boundary, P(needed <= t). Same features, same folds.
"""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import GroupKFold

from tierwise.classifier.model import TierModel
from tierwise.data import CHAMPION
from tierwise.training import metrics
from tierwise.training.estimator import CensoredOrdinalClassifier
from tierwise.training.features.space import FeatureSpace
from tierwise.training.seeds.crossval import N_FOLDS
from tierwise.training.seeds.head import STRENGTH
from tierwise.training.seeds.tasks import TIERS, read_seeds

from ._machine import write


def main() -> None:
    seeds = read_seeds()
    encoder = TierModel.load(CHAMPION).reader.encoder
    tasks, needed = [seed.task for seed in seeds], np.array([seed.needed for seed in seeds])
    types = np.array([seed.task_type for seed in seeds])
    found = {name: np.zeros((len(seeds), len(TIERS))) for name in ("separate", "cumulative")}
    folds = GroupKFold(n_splits=N_FOLDS, shuffle=True, random_state=0)
    for fitted, held_out in folds.split(types, groups=types):
        space, known = FeatureSpace.of([tasks[i] for i in fitted], encoder)
        new = space.matrix([tasks[i] for i in held_out])
        separate = CensoredOrdinalClassifier(C=STRENGTH).fit(known, needed[fitted])
        found["separate"][held_out] = separate.predict_proba(new)
        below = [
            CensoredOrdinalClassifier(C=STRENGTH).fit(known, needed[fitted] > tier).predict_proba(new)[:, 0]
            for tier in range(len(TIERS) - 1)
        ]
        edges = np.maximum.accumulate([np.zeros(len(held_out)), *below, np.ones(len(held_out))])
        found["cumulative"][held_out] = np.diff(edges, axis=0).T
    results = {name: _figures(mass, needed) for name, mass in found.items()}
    for name, figures in results.items():
        print(name, figures)
    print(f"written to {write('forms', results)}")


def _figures(mass: np.ndarray, needed: np.ndarray) -> dict[str, float]:
    best = mass.argmax(axis=1)
    return {
        "accuracy": round(float((best == needed).mean()), 4),
        "two_tier_errors": round(float((abs(best - needed) > 1).mean()), 4),
        "log_loss": round(metrics.log_loss(mass, needed), 4),
    }


if __name__ == "__main__":
    main()
