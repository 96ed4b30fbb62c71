"""TierModel: a task and its history in, probabilities per tier out. Immutable once loaded."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from operator import mul
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._artifact import Folder, read_folder
from ._evidence import word_evidence
from ._latent import LatentGrid, Widths, latent_grid
from ._reader import Reader, Reading
from ._stored import arrays_of, reader_from
from .errors import ArtifactCorrupt
from .history import Counts, parse_counts
from .posterior import Posterior
from .task import Task

NO_MASS = 1e-9  # a text never rules a tier out: history must be able to bring it back


class TierModel:
    """The classifier.

        model = TierModel.load("data/champion")
        model.pass_probabilities([Task("Tag these tickets")])     # (1, 3), never falls along a row
        model.needed_probabilities([Task("Tag these tickets")])   # (1, 3), rows sum to 1

    `manifest` holds what training reported: thresholds, metrics, fingerprints.
    """

    def __init__(self, reader: Reader, manifest: Mapping[str, Any], *, version: str = "unsaved") -> None:
        self.reader = reader
        self.manifest = dict(manifest)
        self.tiers: tuple[str, ...] = tuple(manifest["tiers"])
        self.version = version
        self.widths = Widths(**manifest["widths"])
        self.grid: LatentGrid = latent_grid(len(self.tiers), self.widths)
        self._mean_pass = self.grid.mean_pass.T.tolist()
        self._uninformed: tuple[float, ...] = tuple(manifest["uninformed"])

    @classmethod
    def load(cls, path_or_uri: str | os.PathLike[str]) -> TierModel:
        """Read a model folder and check all of it first.

        Raises ArtifactMissing, ArtifactCorrupt or ArtifactTooNew.
        """
        path = Path(path_or_uri)
        folder = read_folder(path)
        try:
            reader = reader_from(folder)
            model = cls(reader, folder.manifest, version=_version_of(folder))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ArtifactCorrupt(f"{path} is not a complete model: {error!r}.", about=path) from error
        return model

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the folder, whole or not at all."""
        from ._saving import write_folder  # what writes is not loaded by what predicts

        write_folder(
            Path(path), self.manifest, arrays_of(self.reader), list(self.reader.encoder.pieces.vocabulary)
        )

    def posterior(self, task: Task, history: Counts | None = None) -> Posterior:
        """Beliefs about one task. Attempts that are not tiers of the model teach nothing.

        Raises InvalidTask for a malformed history.
        """
        return self._posterior(task, self.reader.read(task), history)

    def posteriors(
        self, tasks: Sequence[Task], history: Mapping[str, Counts] | None = None
    ) -> list[Posterior]:
        """Each exactly as `posterior` gives it. `history` maps task types to counts."""
        known = history or {}
        return [
            self._posterior(task, reading, known.get(task.task_type or ""))
            for task, reading in zip(tasks, self.reader.read_many(tasks), strict=True)
        ]

    def _posterior(self, task: Task, reading: Reading, history: Counts | None) -> Posterior:
        counts = None if history is None else parse_counts(history, self.tiers)
        logits, guard = reading
        text = self._uninformed if guard is not None else _softmax(logits)
        tiers = self.tiers
        failed = [tiers.index(tier) for tier in dict.fromkeys(task.attempts) if tier in tiers]
        if counts is None and not failed:
            return Posterior(text, self._expected_pass(text), text, guard, None, self.grid, None)
        return self._updated(text, guard, counts, failed)

    def pass_probabilities(
        self, tasks: Sequence[Task], history: Mapping[str, Counts] | None = None
    ) -> NDArray[np.float64]:
        """(n_tasks, n_tiers): P(clean | task, tier). `history` maps task types to counts."""
        return np.array([p.pass_ for p in self.posteriors(tasks, history)]).reshape(-1, len(self.tiers))

    def needed_probabilities(
        self, tasks: Sequence[Task], history: Mapping[str, Counts] | None = None
    ) -> NDArray[np.float64]:
        """(n_tasks, n_tiers): P(needed tier); rows sum to 1."""
        return np.array([p.needed for p in self.posteriors(tasks, history)]).reshape(-1, len(self.tiers))

    def word_evidence(self, task: Task, *, most: int = 6) -> dict[str, list[tuple[str, float]]]:
        """Tier -> what in the text spoke for it, as (words, log-odds), strongest first."""
        return word_evidence(self.reader, task, self.tiers, most=most)

    def thresholds(self, max_under_tier: float) -> tuple[float, float]:
        """(lambda_down, lambda_up) for the largest stored rate that does not exceed the one asked for."""
        rows = [row for row in self.manifest["thresholds"] if row["max_under_tier"] <= max_under_tier]
        chosen = max(rows, key=lambda row: row["max_under_tier"], default=self.manifest["thresholds"][0])
        return chosen["lambda_down"], chosen["lambda_up"]

    def _expected_pass(self, mass: tuple[float, ...]) -> tuple[float, ...]:
        """Without outcomes the grid's mean per needed tier is all that a pass probability needs."""
        return tuple([sum(map(mul, mass, column)) for column in self._mean_pass])

    def _updated(
        self,
        text: tuple[float, ...],
        guard: str | None,
        counts: dict[int, tuple[float, float]] | None,
        failed: Sequence[int],
    ) -> Posterior:
        grid = self.grid
        weight = grid.posterior(np.array(text), grid.log_likelihood(counts or {}))
        pass_ = weight @ grid.pass_
        needed_weight = kept = weight
        if failed:
            joint = grid.after_failures(weight, failed)
            pass_ = np.einsum("pj,pjt->t", joint, grid.pass_given_residual)
            needed_weight, kept = joint.sum(axis=1), joint
        needed = grid.needed_mass(needed_weight)
        return Posterior(tuple(needed.tolist()), tuple(pass_.tolist()), text, guard, counts, grid, kept)


def _softmax(logits: Sequence[float]) -> tuple[float, ...]:
    largest = max(logits)
    weights = [math.exp(logit - largest) + NO_MASS for logit in logits]
    total = sum(weights)
    return tuple([weight / total for weight in weights])


def _version_of(folder: Folder) -> str:
    """Short name of a model: the hash of its arrays, which changes whenever the model does."""
    return str(folder.manifest["sha256"]["arrays.safetensors"])[:12]
