"""The model as MLflow serves it: MLflow stores this file and runs it, no pickle is involved.

A frame of tasks in (specification, optionally task_type and any facts of `Task`), one row each out: the
tier that serves, P(needed tier) and P(clean | tier).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from tierwise.classifier.model import TierModel  # MLflow runs a copy of this file, outside the package
from tierwise.router.predict import predict_tiers

ARTIFACT = "tierwise"


class TierPyfunc(PythonModel):  # type: ignore[misc]
    """Answers a frame of tasks with the model folder logged beside it."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read and check the folder, once."""
        self.model = TierModel.load(str(context.artifacts[ARTIFACT]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Columns: tier, mode, needed_<tier>, pass_<tier>. Raises InvalidTask, naming the row."""
        tasks = [_facts(row) for row in model_input.to_dict(orient="records")]
        decisions = list(predict_tiers(tasks, model=self.model))
        rows = [
            {
                "tier": str(decision.tier),
                "mode": decision.mode,
                **{f"needed_{tier}": value for tier, value in decision.probabilities.items()},
                **{f"pass_{tier}": value for tier, value in decision.pass_probabilities.items()},
            }
            for decision in decisions
        ]
        return pd.DataFrame(rows)


def _facts(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row without its empty cells."""
    return {str(name): value for name, value in row.items() if isinstance(value, list) or not pd.isna(value)}


set_model(TierPyfunc())
