"""Sends each task to the cheapest model tier that will do it well enough.

    from tierwise import predict_tier
    decision = predict_tier("Tag these 40 tickets by product area", items=40)

Public names are loaded on first use, so that importing tierwise costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .classifier import Task, TierModel, TierwiseError
    from .router import Canary, Decision, Ladder, Policy, Tier, predict_tier, predict_tiers
    from .router.dropin import wrap
    from .router.log import OutcomeLog
    from .router.router import Router
    from .router.session import Session
    from .training.estimator import CensoredOrdinalClassifier
    from .training.evaluation.compare import Comparison, compare
    from .training.evaluation.evaluate import Evaluation, evaluate
    from .training.evaluation.gate import GateReport, gate
    from .training.promotion.promote import promote, rollback
    from .training.promotion.store import ModelStore
    from .training.promotion.tracking import log_training
    from .training.train import TrainedModel, train

__version__ = "0.1.0"

_HOME = {
    "Task": "classifier",
    "TierModel": "classifier",
    "TierwiseError": "classifier",
    "Canary": "router",
    "Decision": "router",
    "Ladder": "router",
    "OutcomeLog": "router.log",
    "Policy": "router",
    "Router": "router.router",
    "Session": "router.session",
    "Tier": "router",
    "predict_tier": "router",
    "predict_tiers": "router",
    "wrap": "router.dropin",
    "CensoredOrdinalClassifier": "training.estimator",
    "ModelStore": "training.promotion.store",
    "TrainedModel": "training.train",
    "log_training": "training.promotion.tracking",
    "promote": "training.promotion.promote",
    "rollback": "training.promotion.promote",
    "train": "training.train",
    "Comparison": "training.evaluation.compare",
    "compare": "training.evaluation.compare",
    "Evaluation": "training.evaluation.evaluate",
    "evaluate": "training.evaluation.evaluate",
    "GateReport": "training.evaluation.gate",
    "gate": "training.evaluation.gate",
}

__all__ = [
    "Canary",
    "CensoredOrdinalClassifier",
    "Comparison",
    "Decision",
    "Evaluation",
    "GateReport",
    "Ladder",
    "ModelStore",
    "OutcomeLog",
    "Policy",
    "Router",
    "Session",
    "Task",
    "Tier",
    "TierModel",
    "TierwiseError",
    "TrainedModel",
    "__version__",
    "compare",
    "evaluate",
    "gate",
    "log_training",
    "predict_tier",
    "predict_tiers",
    "promote",
    "rollback",
    "train",
    "wrap",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'tierwise' has no attribute {name!r}")
    from importlib import import_module

    try:
        value = getattr(import_module(f".{home}", __name__), name)
    except ModuleNotFoundError as error:
        if home.startswith("training") and not (error.name or "").startswith(__name__):
            from .classifier.errors import MissingExtra

            raise MissingExtra(str(error.name), "train") from error
        raise
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
