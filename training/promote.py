"""promote and rollback: what serves changes here, after the gate has spoken, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..classifier._pointer import VERSIONS, Canary, Change
from ..classifier.errors import LadderMismatch, PromotionRefused, StoreError
from ..classifier.model import TierModel
from ..data import CHAMPION
from ..router._champion import forget_champion
from ..router._view import view_of
from ..router.ladder import default_ladder
from ..router.policy import Policy
from ._shelf import Model, Shelf, model_folder
from .store import ModelStore

if TYPE_CHECKING:
    import pandas as pd

CANARY_SHARE = 0.1
CANARY_DECISIONS = 500


class Gate(Protocol):
    """What a promotion asks of the gate's report."""

    @property
    def verdict(self) -> str: ...
    @property
    def reasons(self) -> Sequence[str]: ...
    def to_dict(self) -> dict[str, Any]: ...


def promote(
    model: Model,
    *,
    to: str | os.PathLike[str],
    log: Any | pd.DataFrame | None = None,
    champion: TierModel | None = None,
    pinned: Any = None,
    by: str | None = None,
    why: str = "",
    force: bool = False,
) -> Change:
    """Let a challenger serve, if the gate lets it through; what was done, as it is recorded.

        promote("trained/friday", to="models", log=log, why="a month of outcomes")

    model : a model, its folder, a version of this store, or an MLflow URI.
    to : a store folder, or "models:/NAME" for MLflow's registry.
    log : outcome log or frame on which champion and challenger are compared.
    champion : what it has to match; default: the store's champion, before there is one the shipped one.
    pinned : the operator's own cases, see `gate`.
    by : default: the user of this process.
    force : ask no gate. Needs `why`, and is recorded.

    "promote" replaces the champion at once. "canary" leaves it and records the challenger with a share of
    0.1 of the first 500 decisions.

    Raises PromotionRefused, with the gate's report, where it is refused; PromotionConflict where somebody
    else was faster; LadderMismatch, ArtifactError, StoreUnavailable. Nothing is changed then.
    """
    if force and not why.strip():
        raise StoreError("A forced promotion needs a reason: why='…'. It is recorded.")
    shelf = shelf_at(to)
    with model_folder(_of_this_shelf(shelf, model)) as folder:
        challenger = TierModel.load(folder)
        view_of(challenger, default_ladder(os.environ.get("TIERWISE_LADDER")), Policy())
        before = shelf.pointer()
        report = None
        baseline: TierModel | None = None
        if not force:
            baseline = champion or _served(shelf, before.champion)
            _check_tiers(challenger, baseline)
            report = _judged(baseline, challenger, log, pinned)
            _check_verdict(report)
        version = shelf.add(folder)
        base = None if before.line or baseline is None else shelf.add(baseline)
        told: dict[str, Any] = {"by": by, "why": why, "before": before, "base": base}
        told["gate"] = None if report is None else report.to_dict()
        if report is not None and report.verdict == "canary":
            change = shelf.start_canary(Canary(version, CANARY_SHARE, CANARY_DECISIONS), **told)
        else:
            change = shelf.promote(version, forced=force, **told)
    forget_champion()
    return change


def rollback(to: str | os.PathLike[str], *, by: str | None = None, why: str = "") -> Change:
    """End the canary or, without one, go back to the champion before; once more goes further back.

        rollback("models", why="complaints about legal clauses")

    Raises NotInStore where there is nothing to go back to.
    """
    change = shelf_at(to).rollback(by=by, why=why)
    forget_champion()
    return change


def shelf_at(to: str | os.PathLike[str]) -> Shelf:
    """The store in this folder, or the registered model "models:/NAME"."""
    if isinstance(to, str) and to.startswith("models:/"):
        from .registry import ModelRegistry

        return ModelRegistry(to)
    return ModelStore(to)


def _of_this_shelf(shelf: Shelf, model: Model) -> Model:
    """A bare name that is no path can be a version of the store."""
    if not isinstance(shelf, ModelStore) or not isinstance(model, str) or Path(model).exists():
        return model
    return shelf.path / VERSIONS / model if model in shelf.versions() else model


def _served(shelf: Shelf, version: str | None) -> TierModel:
    return TierModel.load(CHAMPION) if version is None else shelf.load(version)


def _check_tiers(challenger: TierModel, champion: TierModel) -> None:
    if challenger.tiers != champion.tiers:
        raise LadderMismatch(
            f"The challenger knows the tiers {', '.join(challenger.tiers)}, the champion "
            f"{', '.join(champion.tiers)}: they can't be compared. Promote it with force, or into a store "
            "of its own.",
            about=challenger.tiers,
        )


def _judged(champion: TierModel, challenger: TierModel, log: Any, pinned: Any) -> Gate:
    if log is None:
        raise PromotionRefused(
            "Nothing to judge the challenger on: give log=, an outcome log or a frame of finished tasks "
            "(or force=True with a reason)."
        )
    from .evaluation import compare, gate

    report: Gate = gate(compare(champion, challenger, log), pinned=pinned)
    return report


def _check_verdict(report: Gate) -> None:
    if report.verdict == "refuse":
        found: Mapping[str, Any] = report.to_dict()
        raise PromotionRefused(
            f"Refused, and nothing was changed: {' '.join(report.reasons)}", gate=found
        )
