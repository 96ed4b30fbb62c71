"""The learner that ships, behind the slot: `train`, the states of its rows, posteriors of other tasks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tierwise import Task
from tierwise.training.outcomes.learner import Config
from tierwise.training.train import TrainedModel, train

from ._slot import PLANS, Beliefs


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

    def beliefs(self, test: pd.DataFrame) -> Beliefs:
        rows = zip(test["specification"], test["task_type"], strict=True)
        tasks = [Task(text, task_type=kind) for text, kind in rows]
        posteriors = self.model.posteriors(tasks, self.states)
        fail = np.array([[posterior.all_fail(rungs) for rungs in PLANS] for posterior in posteriors])
        return Beliefs(np.array([posterior.pass_ for posterior in posteriors]), fail)
