"""The learner that ships, behind the slot: `train`, the states of its rows, posteriors of other tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from tierwise import Task
from tierwise.classifier.belief.posterior import Posterior
from tierwise.training.outcomes.learner import Config
from tierwise.training.train import TrainedModel, train

from ._slot import Array, Rungs


class Learner:
    """A Router. The rows' order stands in for the time that these data do not have."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config

    def fit(self, train_rows: pd.DataFrame) -> FittedLearner:
        start = pd.Timestamp("2026-01-01", tz="UTC")
        at = start + pd.to_timedelta(np.arange(len(train_rows)), unit="min")
        return FittedLearner(train(train_rows.assign(at=at), config=self.config))


class FittedLearner:
    """Posteriors with the states of the training rows."""

    def __init__(self, model: TrainedModel) -> None:
        self.model, self.states = model, model.states()
        self._last: tuple[int, list[Posterior]] | None = None

    def pass_probabilities(self, test: pd.DataFrame) -> Array:
        return np.array([posterior.pass_ for posterior in self._posteriors(test)])

    def fail_together(self, test: pd.DataFrame, rungs: Rungs) -> Array:
        return self._each(test, lambda posterior: posterior.all_fail(rungs))

    def _each(self, test: pd.DataFrame, value: Callable[[Posterior], float]) -> Array:
        return np.array([value(posterior) for posterior in self._posteriors(test)])

    def _posteriors(self, test: pd.DataFrame) -> Sequence[Posterior]:
        if self._last is None or self._last[0] != id(test):
            rows = zip(test["specification"], test["task_type"], strict=True)
            tasks = [Task(text, task_type=kind) for text, kind in rows]
            self._last = id(test), self.model.posteriors(tasks, self.states)
        return self._last[1]
