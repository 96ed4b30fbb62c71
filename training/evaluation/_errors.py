"""Choices that were wrong, or that nobody can vouch for, with the cost of each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ._account import Account, costs
from ._evidence import NAMES, UNPROVED, evidence_of
from ._replay import Replayed
from ._setting import Setting


def errors_frame(setting: Setting, routed: Account, answers: Replayed) -> pd.DataFrame:
    """The costliest first. `error`: "too low" (it, or a higher tier, failed), "too high" (a lower tier did
    it), "unproved".

    distance : chosen minus logged tier, in rungs. p_clean : the model's, at the chosen tier. cost_usd,
    logged_cost_usd : expected and actual, corrections included; excess_cost_usd : against the cheapest
    tier that is known to do it, where one is.
    """
    units, names = setting.units, np.array(setting.ladder.names, dtype=object)
    every = np.arange(len(units))
    chosen, status = routed.chosen, routed.evidence.status
    # propensities make one task stand for many: here each stands for itself
    own = evidence_of(units, chosen, setting.world)
    cost = costs(units, routed._replace(evidence=own))[:, 0]
    tiers, here = np.arange(len(names)), units.known[every, chosen]
    failed_above = ((units.known == 0) & (tiers > chosen[:, None])).any(axis=1)
    too_low = (chosen < len(names) - 1) & ((here == 0) | (here < 0) & failed_above)
    too_high = ((units.known == 1) & (tiers < chosen[:, None])).any(axis=1)
    kind = np.select([too_low, too_high, status == UNPROVED], ["too low", "too high", "unproved"], "")
    done = np.where(units.known == 1, units.token_usd, np.inf).min(axis=1)
    some = np.flatnonzero(kind != "")
    tasks = [setting.rows.outcomes.tasks[row] for row in units.rows[some]]
    logged = units.token_usd[every, units.logged] + units.correction_usd * ~units.clean
    found = pd.DataFrame(
        {
            "decision_id": [setting.rows.ids[row] for row in units.rows[some]],
            "task_type": [task.task_type for task in tasks],
            "specification": [task.specification for task in tasks],
            "error": kind[some],
            "logged_tier": names[units.logged[some]],
            "verdict": np.where(units.clean[some], "clean", "not clean"),
            "chosen_tier": names[chosen[some]],
            "distance": chosen[some] - units.logged[some],
            "p_clean": answers.passes[units.rows[some], chosen[some]],
            "known_by": np.array(NAMES, dtype=object)[own.status[some]],
            "cost_usd": cost[some],
            "logged_cost_usd": logged[some],
            "excess_cost_usd": np.where(np.isfinite(done), cost - done, np.nan)[some],
        }
    )
    return found.sort_values("cost_usd", ascending=False, kind="stable").reset_index(drop=True)
