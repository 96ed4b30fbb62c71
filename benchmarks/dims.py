"""What the width of the encoder buys: fidelity to the teacher, routing, size; and the teacher itself.

python -m benchmarks.dims               (about half an hour on two cores)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.stats import spearmanr
from sklearn.model_selection import GroupKFold

from tierwise.classifier.reading._encoder import StaticEncoder
from tierwise.classifier.task import Task
from tierwise.training.estimator import CensoredOrdinalClassifier
from tierwise.training.features import design
from tierwise.training.features.lexicon import build_lexicon
from tierwise.training.features.words import Words
from tierwise.training.seeds.crossval import N_FOLDS
from tierwise.training.seeds.distil import FittingSet, Teacher, distil
from tierwise.training.seeds.head import STRENGTH
from tierwise.training.seeds.tasks import read_seeds

from ._machine import write
from .held_out import FOREIGN

DIMS = (64, 128, 256)


def main() -> None:
    seeds = read_seeds()
    tasks, needed = [seed.task for seed in seeds], np.array([seed.needed for seed in seeds])
    types = [seed.task_type for seed in seeds]
    foreign = [Task(json.loads(line)["specification"]) for line in FOREIGN.read_text().splitlines()]
    teacher = Teacher.load()
    fitting = FittingSet.build(teacher, [task.specification for task in tasks])
    judged = teacher.embed([task.specification for task in foreign])
    results: dict[str, Any] = {
        "lexicon_alone": {"accuracy": _accuracy(tasks, needed, types, np.zeros((len(tasks), 1), np.float32))},
        "teacher": {"accuracy": _accuracy(tasks, needed, types, fitting.targets[: len(tasks)])},
    }
    for n_dims in DIMS:
        encoder = distil(teacher, fitting, n_dims=n_dims)
        results[f"static_{n_dims}"] = {
            "fidelity_spearman": round(_fidelity(encoder, foreign, judged), 3),
            "accuracy": _accuracy(tasks, needed, types, design.embeddings(Words.of_tasks(tasks), encoder)),
            "table_mb": round(encoder.table.nbytes / 1e6, 1),
        }
    for name, found in results.items():
        print(f"{name}: {found}")
    write("dims", results)


def _fidelity(encoder: StaticEncoder, tasks: Sequence[Task], judged: np.ndarray) -> float:
    """Spearman correlation of pairwise cosines with the teacher's, on tasks that neither was fitted to."""
    ours = design.embeddings(Words.of_tasks(tasks), encoder)
    ours = ours / np.linalg.norm(ours, axis=1, keepdims=True)
    pairs = np.triu_indices(len(tasks), 1)
    return float(spearmanr((ours @ ours.T)[pairs], (judged @ judged.T)[pairs])[0])


def _accuracy(tasks: Sequence[Task], needed: np.ndarray, types: Sequence[str], embedded: np.ndarray) -> float:
    """Of the most probable tier, lexicon and embedding together, whole task types held out."""
    scaled = embedded * np.float32(design.embedding_scale(embedded))
    right = np.zeros(len(tasks), dtype=bool)
    folds = GroupKFold(n_splits=N_FOLDS, shuffle=True, random_state=0)
    for fitted, held_out in folds.split(types, groups=types):
        lexicon = build_lexicon(Words.of([tasks[i].specification for i in fitted]))
        words = Words.of_tasks(tasks)
        counts = design.lexical_counts(words, lexicon)
        idf = design.inverse_document_frequency(csr_matrix(counts[fitted]))
        asked = design.asked_counts(words, lexicon, counts)
        matrix = design.design_matrix(counts, asked, idf, scaled, design.facts(tasks))
        model = CensoredOrdinalClassifier(C=STRENGTH).fit(matrix[fitted], needed[fitted])
        right[held_out] = model.predict(matrix[held_out]) == needed[held_out]
    return round(float(right.mean()), 4)


if __name__ == "__main__":
    main()
