"""promote and rollback: what serves changes here, after the gate has spoken, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ...classifier.artifact._pointer import Canary as CanaryRecord
from ...classifier.artifact._pointer import Change, Pointer
from ...classifier.artifact._store_folder import VERSIONS
from ...classifier.errors import LadderMismatch, PromotionRefused, StoreError
from ...classifier.model import TierModel
from ...data import CHAMPION
from ...router._champion import forget_champion
from ...router._view import view_of
from ...router.canary import Canary
from ...router.ladder import default_ladder
from ...router.policy import Policy
from ._shelf import Model, Shelf, model_folder
from ._trial import Trial, is_version, speaks_against_it, trial_of
from .store import ModelStore

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, int, int], None]
CANARY = Canary(share=0.1, max_decisions=500)


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
    policy: Policy | None = None,
    correction_usd: float | Mapping[str, float] | None = None,
    canary: Canary | None = None,
    since: datetime | None = None,
    by: str | None = None,
    why: str = "",
    force: bool = False,
    progress: Progress = lambda *_: None,
) -> Change:
    """Let a challenger serve, if the gate lets it through; what was done, as it is recorded.

        promote("trained/friday", to="models", log=log, why="a month of outcomes")

    model : a model, its folder, a version of this store, or an MLflow URI.
    to : a store folder, or "models:/NAME" for MLflow's registry.
    log : outcome log or frame on which champion and challenger are compared.
    champion : what it has to match; default: the store's champion, before there is one the shipped one.
    pinned : the operator's own cases, see `gate`. policy, correction_usd : as for `compare`.
    canary : how a challenger is tried where the log can't prove enough; default: as it is being tried, else
        CANARY.
    since : judge decisions from this moment on; default: after both trainings, and for the canary that runs,
        from its start to the last decision that it may make, but for the time until it was allowed more.
    by : default: the user of this process.
    force : ask no gate. Needs `why`, and is recorded.
    progress : called with what is being done, how many are done, and of how many.

    "promote" replaces the champion at once. "canary" leaves it and records the challenger with a share of
    the first decisions. Once they are in the log, promote the same version again: the gate then has them.
    It is promoted, goes on (what is recorded says how far it has come), or is refused, which ends its canary.

    Raises PromotionRefused, with the gate's report, where it is refused, and without one for what serves
    already; PromotionConflict where somebody else was faster; LadderMismatch, ArtifactError,
    StoreUnavailable. Nothing is changed then, but that a canary that is refused ends.
    """
    if force and not why.strip():
        raise StoreError("A forced promotion needs a reason, which is recorded: --why, in Python why=.")
    shelf = shelf_at(to)
    with model_folder(_of_this_shelf(shelf, model)) as folder:
        challenger = TierModel.load(folder)
        of = policy or Policy()
        view_of(challenger, of.ladder or default_ladder(), of)
        before = shelf.pointer()
        if force:
            change = shelf.promote(shelf.add(folder), by=by, why=why, forced=True, before=before)
        else:
            if before.champion is not None and is_version(shelf, before.champion, challenger):
                raise PromotionRefused(
                    f"Nothing was changed: {before.champion} serves in {shelf.where} already."
                )
            baseline = champion or _served(shelf, before.champion)
            _check_tiers(challenger, baseline)
            if log is None:
                raise PromotionRefused(
                    "Nothing to judge the challenger on: give log=, an outcome log or a frame of finished "
                    "tasks (or force=True with a reason)."
                )
            from ..evaluation import compare, gate

            trial = trial_of(shelf, before, challenger, log)
            of_trial = trial if since is None else None
            found = compare(
                baseline,
                challenger,
                log,
                policy=policy,
                correction_usd=correction_usd,
                since=since if of_trial is None else of_trial.since,
                until=None if of_trial is None else of_trial.until,
                pauses=() if of_trial is None else of_trial.pauses,
                progress=progress,
            )
            report = gate(found, pinned=pinned)
            change = settle(
                shelf, folder, report, before, baseline, canary=canary, trial=trial, by=by, why=why
            )
    forget_champion()
    return change


def settle(
    shelf: Shelf,
    folder: Path,
    report: Gate,
    before: Pointer,
    baseline: TierModel,
    *,
    canary: Canary | None = None,
    trial: Trial | None = None,
    by: str | None = None,
    why: str = "",
) -> Change:
    """Do what the gate said of the model in this folder.

    before : the pointer that it was judged on. baseline : what it was compared with; kept as the first
        champion of a shelf that has none, so that there is something to go back to.
    trial : the canary of this very challenger, if it runs. It ends where something speaks against it.

    Raises PromotionRefused, PromotionConflict.
    """
    gate = report.to_dict()
    if trial is not None:
        gate["canary"] = trial.to_dict()
    elif before.canary is not None and report.verdict != "refuse":
        gate["canary"] = {"replaces": before.canary.version}
    if report.verdict == "refuse" and trial is not None and speaks_against_it(gate):
        shelf.drop_canary(by=by, why="refused when it was judged again", gate=gate, before=before)
        raise PromotionRefused(
            f"Refused: its canary is over, and {before.champion} serves alone. {' '.join(report.reasons)}",
            gate=gate,
        )
    if report.verdict == "refuse":
        raise PromotionRefused(f"Refused, nothing was changed. {' '.join(report.reasons)}", gate=gate)
    version = shelf.add(folder)
    base = None if before.line else shelf.add(baseline)
    if report.verdict == "canary":
        of = canary or (CANARY if trial is None else trial.canary)
        record = CanaryRecord(version, of.share, of.max_decisions)
        if trial is not None:
            gate["canary"]["max_decisions"] = of.max_decisions  # it may have been given more
        return shelf.start_canary(record, by=by, why=why, gate=gate, before=before, base=base)
    return shelf.promote(version, by=by, why=why, gate=gate, before=before, base=base)


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
