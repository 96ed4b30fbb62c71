"""What evaluation and comparison both start from: rows read, prices set, choices replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...classifier.errors import InvalidTraining
from ...classifier.model import TierModel
from ...router.ladder import Ladder, default_ladder
from ...router.policy import Policy
from ._cutoff import moment
from ._latent import MIN_RETRIES, heard
from ._replay import NOT_ROUTED, Replayed
from ._rows import MOST_ROWS, Rows, read_rows
from ._table import table_choices, table_rates
from ._units import DEFAULT_CORRECTION_USD, Units, check_correction, units_of
from ._world import Retries, World, world_of

Progress = Callable[[str, int, int], None]  # what is being done, rows done, rows in all


@dataclass(frozen=True)
class Setting:
    """rows : all that were read; units : the tasks that are judged, of them."""

    rows: Rows
    units: Units
    world: World
    policy: Policy
    ladder: Ladder
    notes: tuple[str, ...]
    heard_ratio: float = 1.0

    @property
    def heard_weights(self) -> NDArray[np.float64]:
        """(n,): of the judged tasks as they were heard: what predictions of verdicts are tested on."""
        return self.rows.weights[self.units.rows]

    def heard(self, passes: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(clean | a verdict was heard), from P(clean)."""
        return heard(passes, self.heard_ratio)

    @property
    def types(self) -> int:
        return len(np.unique(self.units.types))


def read_setting(
    log_or_frame: Any,
    *,
    policy: Policy | None,
    correction_usd: float | Mapping[str, float] | None,
    heard_ratio: float,
    progress: Progress,
) -> Setting:
    """Rows and prices; all tasks are judged, until `judged` narrows that down.

    heard_ratio : how many times likelier a correction is to be heard than a clean pass.
    """
    check_correction(correction_usd)
    policy = policy or Policy()
    ladder = policy.ladder or default_ladder()
    progress("reading the log", 0, 1)
    rows = read_rows(log_or_frame, ladder.names, most=MOST_ROWS)
    units = units_of(rows, policy, ladder, correction_usd, heard_ratio=heard_ratio)
    progress("estimating what each tier does", 0, 1)
    n_types, n_tiers = len(rows.outcomes.type_names), len(ladder.rungs)
    world = world_of(units, _retries(rows), n_types, n_tiers, heard_ratio=heard_ratio)
    notes = _notes(rows, policy, correction_usd, world, heard_ratio)
    return Setting(rows, units, world, policy, ladder, notes, heard_ratio)


def judged(setting: Setting, some: NDArray[np.bool_], *replayed: Replayed) -> Setting:
    """Of the tasks those whose row is in `some` and that every policy can route."""
    rows = setting.units.rows
    routed = np.all([each.chosen[rows] != NOT_ROUTED for each in replayed], axis=0) & some[rows]
    if not routed.any():
        raise InvalidTraining("No task that can be routed is left to judge by.", about=0)
    unrouted = int((some[rows] & ~routed).sum())
    notes = setting.notes
    if unrouted:
        notes = (*notes, f"{unrouted} tasks exceed every tier that they are allowed; they are left out.")
    units = setting.units.take(routed)
    return replace(setting, units=units, notes=notes)


def counted(progress: Progress, what: str, total: int) -> Callable[[int], None]:
    """To be told of rows that were done since; `progress` is told of all that are done."""
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(what, done, total)

    return count


def rival_table(setting: Setting, model: TierModel) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Per judged task: (n, n_tiers) P(clean | heard) by the table of types, and what it would choose."""
    rows, units = setting.rows, setting.units
    rates = table_rates(rows, len(setting.ladder.rungs), units.rows[units.fresh])[units.rows]
    tasks = [rows.outcomes.tasks[row] for row in units.rows]
    widths = model.widths
    odds = setting.heard_ratio * rates  # the table counts what is heard; it chooses by what is
    true = odds / (odds + 1.0 - rates)
    chosen = table_choices(true, tasks, setting.policy, setting.ladder, widths.min_pass, widths.tolerance)
    return rates, np.where(chosen == NOT_ROUTED, units.logged, chosen)


def about(setting: Setting) -> dict[str, Any]:
    """What was judged, for a report."""
    units, rows = setting.units, setting.rows
    decided = rows.decided[units.rows]
    prices = units.correction_usd
    return {
        "tasks": len(units),
        "stands_for": round(float(units.weights.sum())),
        "task_types": setting.types,
        "from": moment(float(decided.min())),
        "until": moment(float(decided.max())),
        "rows_in_log": rows.n_log,
        "left_out": dict(rows.left_out),
        "correction_usd": [round(float(prices.min()), 4), round(float(prices.max()), 4)],
    }


def _retries(rows: Rows) -> Retries:
    """Of what a later verdict called clean after all, a second attempt is none that failed before."""
    outcomes = rows.outcomes
    answered_clean = (rows.answers >= 0) & outcomes.clean[rows.answers]
    tried = np.array([bool(failed) for failed in outcomes.failed], dtype=bool)
    again = np.flatnonzero(tried & ~answered_clean)
    before = np.array([max(outcomes.failed[row]) for row in again], dtype=np.int64)
    return Retries(outcomes.types[again], before, outcomes.tiers[again], outcomes.clean[again])


def _notes(
    rows: Rows,
    policy: Policy,
    given: float | Mapping[str, float] | None,
    world: World,
    heard_ratio: float,
) -> tuple[str, ...]:
    notes = []
    if heard_ratio != 1.0:
        notes.append(
            f"A correction is taken to be heard {heard_ratio:.3g} times as often as a clean pass, as the "
            "model was told in training; each clean verdict stands for so many more tasks."
        )
    if given is None and policy.correction_minutes is None:
        notes.append(
            f"Nobody priced a correction: {DEFAULT_CORRECTION_USD:.2f} USD is assumed (5 minutes at 60 USD "
            "an hour)."
        )
    if len(rows) < rows.n_log:
        notes.append(
            f"Of {rows.n_log:,} rows the latest {len(rows):,}, as many of each type as fit, are judged; each "
            "stands for others of its type, and older ones count as history."
        )
    notes += [f"{n} rows left out: {why}." for why, n in rows.left_out.items()]
    if len(rows) > 1 and rows.recorded.min() >= rows.decided.max():
        notes.append(
            "Nothing counts as history, for a model or for the table of types: every verdict became known "
            "(`recorded_at`) after the last task was decided."
        )
    if world.upsets["retries"] < MIN_RETRIES:
        notes.append(
            f"{world.upsets['retries']} retries don't tell how often a higher tier fails what a lower one "
            "passes: what is imputed takes tasks to be as they usually are, and its interval spans the rest."
        )
    if len(np.unique(rows.outcomes.tiers)) == 1:
        notes.append("One tier only did all the work: of the others nothing is known but what is imputed.")
    if len(rows.outcomes.type_names) == 1:
        notes.append("One task type only: there are no intervals.")
    return tuple(notes)
