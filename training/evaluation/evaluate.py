"""evaluate(model, log): how good it would have been on the operator's own work, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ...classifier.errors import InvalidTraining, suggestion
from ...classifier.model import TierModel
from ...router.policy import Policy
from ._account import Account, Summary, account, costs, oracle_usd, summary
from ._calibration import Calibration, calibration, reliability
from ._cutoff import after, trained_until, unseen
from ._errors import errors_frame
from ._estimate import Estimate, mean
from ._groups import by_tier, by_type
from ._replay import Replayed, replay
from ._setting import Progress, Setting, about, counted, judged, read_setting, rival_table
from ._text import evaluation_text


@dataclass(frozen=True)
class Evaluation:
    """What a model would have done with the tasks of a log. `print` it, or `to_dict()` for JSON.

    about : tasks, types, dates, prices. notes : what a reader must know, as sentences.
    with_history, by_text : calibration of P(clean | tier) as of each decision, and by the text alone.
    policies : figures per task of "routed", "as logged", each tier for everything, "table of types".
    saving_usd : baseline minus routed, per task. oracle_usd : cheapest tier known to have done it.
    reliability, by_tier, by_type : tables. errors : a frame, one row per wrong or uncertain choice.
    upsets : how often a higher tier fails what a lower one passes.
    """

    about: dict[str, Any]
    baseline: str
    with_history: Calibration
    by_text: Calibration
    table: Calibration
    policies: tuple[Summary, ...]
    saving_usd: Estimate
    oracle_usd: Estimate
    best_constant: str
    upsets: dict[str, Any]
    reliability: dict[str, list[dict[str, Any]]]
    by_tier: tuple[dict[str, Any], ...]
    by_type: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    errors: pd.DataFrame = field(repr=False, compare=False)

    @property
    def routed(self) -> Summary:
        return self.policies[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; without `errors`, which hold the texts."""
        return {
            "about": self.about,
            "baseline": self.baseline,
            "calibration": {
                "with_history": self.with_history.to_dict(),
                "by_text": self.by_text.to_dict(),
                "table_of_types": self.table.to_dict(),
            },
            "policies": [each.to_dict() for each in self.policies],
            "saving_usd": self.saving_usd.to_dict(),
            "oracle_usd": self.oracle_usd.to_dict(),
            "best_constant": self.best_constant,
            "upsets": self.upsets,
            "reliability": self.reliability,
            "by_tier": list(self.by_tier),
            "by_type": list(self.by_type),
            "errors": len(self.errors),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return evaluation_text(self)


def evaluate(
    model: TierModel,
    log_or_frame: Any,
    *,
    policy: Policy | None = None,
    baseline: str = "sonnet",
    correction_usd: float | Mapping[str, float] | None = None,
    since: datetime | None = None,
    progress: Progress = lambda *_: None,
) -> Evaluation:
    """How the model, under this policy, would have done on a log of finished tasks.

        report = evaluate(TierModel.load("models/friday"), OutcomeLog("log.db"), correction_usd=4.0)
        print(report)
        report.errors.head()

    Each task is answered as of its decision, with the history that had been recorded by then. The log
    shows what the tier that was chosen did; what another would have done is observed in retries, imputed
    (clean at a lower tier, not clean at a higher one), weighed by propensities, or unproved, and the
    report says how much is which. Intervals are 90 %, over whole task types.

    Parameters
    ----------
    log_or_frame : an `OutcomeLog`, or a frame as `train` takes it; `decided_at`, `recorded_at`,
        `propensity`, `decision_id` and `follows` are used where they are there.
    baseline : the tier that did everything, against which the saving is counted.
    correction_usd : price of one correction, or task type -> price (default: the policy's; else 5 USD).
    since : judge decisions from this moment on. Default: verdicts after those that the model was trained on;
        where there are none, all, and the report says that its figures flatter.
    progress : called with (what, rows done, rows in all).

    Raises
    ------
    InvalidTraining : bad rows, nothing that can be judged, an unknown baseline or a price that is none.
    LadderMismatch : the model's tiers are not on the ladder.
    """
    setting = read_setting(
        log_or_frame,
        policy=policy,
        correction_usd=correction_usd,
        heard_ratio=model.widths.heard_ratio,
        progress=progress,
    )
    names = setting.ladder.names
    if baseline not in names:
        raise InvalidTraining(
            f"The baseline {baseline!r} is no tier of the ladder{suggestion(baseline, names)} Allowed: "
            f"{', '.join(names)}.",
            about=baseline,
        )
    done = counted(progress, "answering the tasks", len(setting.rows))
    answers = replay(model, setting.rows, setting.policy, setting.ladder, done)
    some, note = _judged_rows(setting, model, since)
    setting = judged(setting, some, answers)
    return _report(setting, model, answers, baseline, note)


def _judged_rows(setting: Setting, model: TierModel, since: datetime | None) -> tuple[Any, tuple[str, ...]]:
    new = unseen(setting.rows, model)
    until = trained_until(model)
    if since is not None:
        some = after(setting.rows, since)
        n_old = int((some & ~new).sum())
    elif new.any():
        return new, () if until is None else (
            f"Judged on verdicts after {until:%Y-%m-%d %H:%M} UTC, the last one in training.",
        )
    else:
        some, n_old = ~new, len(new)
    if not n_old:
        return some, ()
    return some, (f"{n_old} of these rows were in the model's own training: the figures flatter it.",)


def _report(
    setting: Setting, model: TierModel, answers: Replayed, baseline: str, note: tuple[str, ...]
) -> Evaluation:
    units, world, names = setting.units, setting.world, setting.ladder.names
    rates, by_table = rival_table(setting, model)
    chosen = answers.chosen[units.rows]
    routed = account(units, chosen, world)
    constants = {tier: account(units, np.full(len(units), t), world) for t, tier in enumerate(names)}
    accounts: dict[str, Account] = {
        "routed": routed,
        "as logged": account(units, units.logged, world),
        **{f"{tier} for everything": each for tier, each in constants.items()},
        "table of types": account(units, by_table, world),
    }
    policies = tuple(summary(name, units, each, names) for name, each in accounts.items())
    at_constant = dict(zip(names, policies[2 : 2 + len(names)], strict=True))
    best = min(names, key=lambda tier: at_constant[tier].cost_usd.value)
    same = chosen == names.index(baseline)
    saved = costs(units, constants[baseline]) - costs(units, routed)
    saved[same] = 0.0
    fresh = units.fresh
    seen = (units.clean[fresh], setting.heard_weights[fresh], units.types[fresh])
    rows, logged = units.rows[fresh], units.logged[fresh]
    passes = answers.passes[rows, logged]
    p = setting.heard(passes)
    return Evaluation(
        about={**about(setting), "model": model.version},
        baseline=baseline,
        with_history=calibration(p, *seen),
        by_text=calibration(setting.heard(answers.text_passes[rows, logged]), *seen),
        table=calibration(np.maximum.accumulate(rates, axis=1)[fresh, logged], *seen),
        policies=policies,
        saving_usd=mean(saved, units.weights, units.types),
        oracle_usd=oracle_usd(units),
        best_constant=best,
        upsets=world.upsets,
        reliability={
            tier: reliability(p[logged == t], seen[0][logged == t], seen[1][logged == t])
            for t, tier in enumerate(names)
        },
        by_tier=by_tier(setting, routed, passes),
        by_type=by_type(setting, routed, constants[baseline]),
        notes=(*setting.notes, *note),
        errors=errors_frame(setting, routed, answers),
    )
