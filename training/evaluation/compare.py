"""compare(champion, challenger, log): which of two models would have done better on a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...classifier.errors import InvalidTraining
from ...classifier.model import TierModel
from ...router.policy import Policy
from ._account import Account, account
from ._calibration import Calibration, calibration, log_losses
from ._cutoff import after, moment, outside, trained_until, unseen, up_to
from ._difference import difference
from ._estimate import Estimate, mean, plain
from ._replay import Replayed, replay
from ._setting import Progress, Setting, about, counted, judged, read_setting, rival_table
from ._text import comparison_text

MIN_TASKS = 50


@dataclass(frozen=True)
class Comparison:
    """Challenger minus champion, per task. Below 0 the challenger is cheaper, or under-tiers less.

    identified : tasks on which both choose the same tier, or chance decided between their two choices (a
        canary, a probe), weighed by propensities. likely : all tasks, what is not known as the table of types
        has it. worst : all tasks, outer ends of the intervals whatever the unproved are (Manski's bounds).
    at_most : upper ends of the first four at the level PROOF (99.9 %), on which a promotion rests.
    table : challenger minus table of types, on what is identified between these two; table_likely : on all
        tasks, those of a type taken to be alike, as the table takes them.
    new_types : types without a verdict in training. weighed : where the log chose by chance.
    log_loss : of P(clean | logged tier, heard), as of each decision.
    seen_in_training : judged rows that the challenger, or the champion, was trained on.
    """

    about: dict[str, Any]
    identified_usd: Estimate
    identified_under: Estimate
    likely_usd: Estimate
    likely_under: Estimate
    at_most: dict[str, float]
    worst_usd: tuple[float, float]
    worst_under: tuple[float, float]
    table_usd: Estimate
    table_under: Estimate
    table_likely_usd: Estimate
    new_types_usd: Estimate
    new_types_under: Estimate
    log_loss: Estimate
    table_log_loss: Estimate
    calibration: Calibration
    shares: dict[str, float]
    weighed: dict[str, Any] | None
    upsets: dict[str, Any]
    seen_in_training: int
    notes: tuple[str, ...]
    champion: TierModel = field(repr=False, compare=False)
    challenger: TierModel = field(repr=False, compare=False)
    policy: Policy = field(repr=False, compare=False)

    @property
    def identified_share(self) -> float:
        """Of all tasks."""
        return round(self.shares["same"] + self.shares["by_chance"], 4)

    @property
    def unproved_share(self) -> float:
        """Of the tasks that would move, those of which no chance has decided; 0 if none moves."""
        moved = 1.0 - self.shares["same"]
        return max(0.0, round(1.0 - self.shares["by_chance"] / moved, 4)) if moved > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the models."""
        found: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            if name not in ("champion", "challenger", "policy"):
                found[name] = _as_plain(getattr(self, name))
        return {**found, "identified_share": self.identified_share, "unproved_share": self.unproved_share}

    def __str__(self) -> str:
        return comparison_text(self)


def compare(
    champion: TierModel,
    challenger: TierModel,
    log_or_frame: Any,
    *,
    policy: Policy | None = None,
    correction_usd: float | Mapping[str, float] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    pauses: Sequence[tuple[datetime, datetime]] = (),
    progress: Progress = lambda *_: None,
) -> Comparison:
    """Champion against challenger on the tasks of a log that neither was trained on.

        found = compare(TierModel.load("models/now"), TierModel.load("models/friday"), log)
        print(found)
        gate(found, pinned="pinned.jsonl").verdict

    Rows are split by time only: what comes after the last verdict that either model was trained on.
    Types that came new since then are shown apart. For the other parameters see `evaluate`.
    Where the challenger was told that corrections are heard more often than clean passes (`heard_ratio` of
    its widths), tasks are weighed so that they stand for all, and predictions are of what is heard.

    since : judge decisions from this moment on, whatever the models were trained on; rows of their training
        are counted in `seen_in_training`, and no gate lets such a comparison pass.
    until : judge no decisions after this moment; they count as history all the same.
    pauses : nor those in these spans, in which a canary had used up what it was allowed.

    Raises InvalidTraining where fewer than MIN_TASKS tasks are left, and as `evaluate` does.
    """
    setting = read_setting(
        log_or_frame,
        policy=policy,
        correction_usd=correction_usd,
        heard_ratio=challenger.widths.heard_ratio,
        progress=progress,
    )
    new = unseen(setting.rows, champion) & unseen(setting.rows, challenger)
    some = new if since is None else after(setting.rows, since)
    some = some & up_to(setting.rows, until) & outside(setting.rows, pauses)
    _check_enough(int(some[setting.units.rows].sum()), len(setting.units), champion, challenger, since)
    answers = []
    for name, model in (("champion", champion), ("challenger", challenger)):
        done = counted(progress, f"answering as the {name}", len(setting.rows))
        answers.append(replay(model, setting.rows, setting.policy, setting.ladder, done))
    everything = setting
    setting = judged(setting, some, *answers)
    seen = int((~new)[setting.units.rows].sum())
    return _compared(setting, everything, champion, challenger, answers, seen)


def _compared(
    setting: Setting,
    everything: Setting,
    champion: TierModel,
    challenger: TierModel,
    answers: list[Replayed],
    seen: int,
) -> Comparison:
    units, world = setting.units, setting.world
    old, new = (account(units, each.chosen[units.rows], world) for each in answers)
    rates, by_table = rival_table(setting, challenger)
    rival = account(units, by_table, world)
    found = difference(units, new, old, world=world)
    beside_table = difference(units, new, rival, world=world)
    fresh_types = _new_types(everything, setting, champion, challenger)
    of_new = difference(units, new, old, among=fresh_types)
    first = units.fresh
    rows, logged, clean = units.rows[first], units.logged[first], units.clean[first]
    at = (setting.heard_weights[first], units.types[first])
    p_old, p_new = (setting.heard(each.passes[rows, logged]) for each in answers)
    p_table = np.maximum.accumulate(rates, axis=1)[first, logged]
    losses = log_losses(p_new, clean)
    notes = list(setting.notes)
    if seen:
        notes.append(f"{seen} of the judged tasks were in the training of one of the models: no fair test.")
    return Comparison(
        about={
            **about(setting),
            "champion": champion.version,
            "challenger": challenger.version,
            "champion_trained_until": _until(champion),
            "challenger_trained_until": _until(challenger),
            "tasks_of_new_types": int(fresh_types.sum()),
        },
        identified_usd=found.identified_usd,
        identified_under=found.identified_under,
        likely_usd=found.likely_usd,
        likely_under=found.likely_under,
        at_most=found.at_most,
        worst_usd=found.worst_usd,
        worst_under=found.worst_under,
        table_usd=beside_table.identified_usd,
        table_under=beside_table.identified_under,
        table_likely_usd=beside_table.likely_usd,
        new_types_usd=of_new.likely_usd,
        new_types_under=of_new.likely_under,
        log_loss=mean(losses - log_losses(p_old, clean), *at),
        table_log_loss=mean(losses - log_losses(p_table, clean), *at),
        calibration=calibration(p_new, clean, *at),
        shares=found.shares,
        weighed=_weighed(setting, new, old),
        upsets=world.upsets,
        seen_in_training=seen,
        notes=tuple(notes),
        champion=champion,
        challenger=challenger,
        policy=setting.policy,
    )


def _weighed(setting: Setting, new: Account, old: Account) -> dict[str, Any] | None:
    """Self-normalised inverse propensity weighting, alone, on the tasks where both have overlap."""
    units = setting.units
    both = np.isfinite(new.off) & np.isfinite(old.off)
    if not (both.any() and new.off[both].any() and old.off[both].any()):
        return None
    w, types = units.weights[both], units.types[both]
    money, under = [], []
    for each in (new, old):
        off = each.off[both] / (w @ each.off[both]) * w.sum()
        tokens = units.token_usd[np.arange(len(units)), each.chosen][both]
        failed = ~units.clean[both]
        # under-tiering of a logged failure: what a retry or the table says of the top
        logged = account(units, units.logged, setting.world, weighing=False)
        rate = logged.evidence.under[both, 0]
        money.append(tokens + off * failed * units.correction_usd[both])
        under.append(off * rate)
    return {
        "tasks": int(both.sum()),
        "effective": round(min(_effective(each.off[both]) for each in (new, old)), 1),
        "ips_usd": mean(money[0] - money[1], w, types),
        "ips_under": mean(under[0] - under[1], w, types),
    }


def _effective(weights: NDArray[np.float64]) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum())


def _new_types(
    everything: Setting, setting: Setting, champion: TierModel, challenger: TierModel
) -> NDArray[np.bool_]:
    """(n,): the task's type has no verdict that either model may have been trained on."""
    old = ~(unseen(everything.rows, champion) & unseen(everything.rows, challenger))
    known = np.unique(everything.rows.outcomes.types[old])
    older = everything.rows.earlier[setting.units.types].sum(axis=(1, 2)) > 0
    return np.asarray(~np.isin(setting.units.types, known) & ~older)


def _check_enough(
    left: int, n: int, champion: TierModel, challenger: TierModel, since: datetime | None
) -> None:
    if left >= MIN_TASKS:
        return
    moments = [each for each in (trained_until(champion), trained_until(challenger)) if each is not None]
    why, else_ = "in that time ", ""
    if since is not None:
        why = f"since {moment(since.timestamp())}, from when on they are judged, "
    elif moments:
        why = f"after {moment(max(moments).timestamp())}, the last verdict in training, "
        else_ = ", or train on older ones only"
    raise InvalidTraining(
        f"{left} of {n} tasks came {why}and at least {MIN_TASKS} are needed to compare by. Wait for more "
        f"outcomes{else_}.",
        about=left,
    )


def _until(model: TierModel) -> str | None:
    until = trained_until(model)
    return None if until is None else until.isoformat(timespec="seconds")


def _as_plain(value: Any) -> Any:
    if isinstance(value, (Estimate, Calibration)):
        return value.to_dict()
    if isinstance(value, dict):
        return {key: _as_plain(each) for key, each in value.items()}
    if isinstance(value, float):
        return plain(value)
    return [_as_plain(each) for each in value] if isinstance(value, tuple) else value
