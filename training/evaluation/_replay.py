"""What a model would have answered, row by row, knowing of a type only what was recorded by then.

A type's outcomes are folded into its effects one after another, as its state would have been; the
beliefs are refreshed before every row while a type is new, later after every sixteenth part of what
is known of it. Between refreshes a row sees a little less than it might have, never more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...classifier.belief._effects import Effects, Grid, together
from ...classifier.belief.posterior import Posterior, mean_pass, needed_mass
from ...classifier.errors import ContradictoryTask, NoTierFits
from ...classifier.model import TierModel
from ...classifier.task import Task
from ...router._view import View, view_of
from ...router.ladder import Ladder
from ...router.policy import Policy
from ...router.rules._decide import decide
from ._rows import Rows

Array = NDArray[np.float64]
Int = NDArray[np.int64]
NOT_ROUTED = -1
PER_REFRESH = 16
_LEAST_MASS = 1e-6  # points with less are left out: together under half a percent
_CHUNK = 2_000
_POINTS = 50_000  # of a block, worked out at once


@dataclass(frozen=True)
class Replayed:
    """chosen : (n,) rung, NOT_ROUTED where no tier can take the task. passes : (n, n_rungs), P(clean | rung)
    with the history of the moment. text_passes : the same by the text alone.
    """

    chosen: Int
    passes: Array
    text_passes: Array


def replay(
    model: TierModel,
    rows: Rows,
    policy: Policy,
    ladder: Ladder,
    progress: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Choices and probabilities for every row, each as of its decision. progress : told of rows done.

    A task that was tried before is answered as on its first attempt. Raises LadderMismatch.
    """
    view = view_of(model, ladder, policy)
    tasks = [replace(task, attempts=()) if task.attempts else task for task in rows.outcomes.tasks]
    read = _read(model, tasks)
    places = np.array([posterior.place for posterior in read])
    by_text = _in_chunks(places, model.grid.thin_prior, model.grid)[1]
    walk = _Walk(model, view, rows, places, {rung: tier for tier, rung in enumerate(view.rung_of_tier)})
    n_rungs = len(ladder.rungs)
    found = Replayed(
        np.full(len(rows), NOT_ROUTED), np.zeros((len(rows), n_rungs)), np.zeros((len(rows), n_rungs))
    )
    for row, posterior in enumerate(read):
        posterior.__dict__["pass_"] = tuple(by_text[row].tolist())
        found.text_passes[row] = view.beliefs(posterior).pass_
    for kind in np.unique(rows.outcomes.types):
        of_type = np.flatnonzero(rows.outcomes.types == kind)
        for block, effects in walk.blocks(int(kind), of_type):
            posteriors = _believed(model.grid, effects, [read[row] for row in block], places[block])
            for row, posterior in zip(block.tolist(), posteriors, strict=True):
                beliefs = view.beliefs(posterior)
                found.passes[row] = beliefs.pass_
                try:
                    choice = decide(tasks[row], beliefs, policy, ladder)
                except (NoTierFits, ContradictoryTask):
                    continue
                if choice.mode != "none":
                    found.chosen[row] = choice.rung
            progress(len(block))
    return found


class _Walk:
    """Goes through the rows of a type in the order of their decisions, learning as verdicts arrive."""

    def __init__(
        self, model: TierModel, view: View, rows: Rows, places: Array, tier_of_rung: dict[int, int]
    ) -> None:
        self.grid, self.view, self.rows, self.places = model.grid, view, rows, places
        self.tier_of_rung = tier_of_rung

    def blocks(self, kind: int, of_type: Int) -> list[tuple[Int, Effects | None]]:
        """(rows, what is believed of the type before them); None while nothing is known of it."""
        rows, prior = self.rows, self.grid.prior
        weights, n_known = self._before(kind, of_type)
        arriving = of_type[np.argsort(rows.recorded[of_type], kind="stable")]
        arrived, start = 0, 0
        out: list[tuple[Int, Effects | None]] = []
        while start < len(of_type):
            now = rows.decided[of_type[start]]
            while arrived < len(arriving) and rows.recorded[arriving[arrived]] < now:
                weights, counted = self._after(weights, int(arriving[arrived]))
                n_known += counted
                arrived += 1
            block = of_type[start : start + max(1, n_known // PER_REFRESH)]
            out.append((block, None if n_known == 0 else _with_mass(prior, weights)))
            start += len(block)
        return out

    def _before(self, kind: int, of_type: Int) -> tuple[Array, int]:
        """Outcomes older than the rows at hand: as counts, at the type's median place."""
        counts = {
            self.tier_of_rung[rung]: (float(clean), float(unclean))
            for rung, (clean, unclean) in enumerate(self.rows.earlier[kind])
            if clean + unclean > 0 and rung in self.tier_of_rung
        }
        prior = self.grid.prior
        if not counts:
            return prior.weights, 0
        place = tuple(np.median(self.places[of_type], axis=0).tolist())
        known = prior.reweighted(self.grid.log_likelihood(place, counts))
        return known.weights, int(sum(map(sum, counts.values())))

    def _after(self, weights: Array, row: int) -> tuple[Array, int]:
        """Bayes' rule for one verdict, after the chance that the type has changed."""
        outcomes, hazard = self.rows.outcomes, self.grid.widths.hazard
        tier = self.tier_of_rung.get(int(outcomes.tiers[row]))
        if tier is None:  # a rung that the model does not know teaches it nothing
            return weights, 0
        failed = [self.tier_of_rung[t] for t in outcomes.failed[row] if t in self.tier_of_rung]
        log_likelihood = self.grid.log_outcome(
            tuple(self.places[row].tolist()), tier, bool(outcomes.clean[row]), failed
        )
        changed = (1.0 - hazard) * weights + hazard * self.grid.prior.weights
        changed *= np.exp(outcomes.weights[row] * (log_likelihood - log_likelihood.max()))
        return changed / changed.sum(), 1


def _read(model: TierModel, tasks: list[Task]) -> list[Posterior]:
    """Beliefs by the text, each distinct text read once."""
    keys = [(task.specification, task.items) for task in tasks]
    distinct = list(dict(zip(keys, tasks, strict=True)).items())
    read: dict[tuple[str, int | None], Posterior] = {}
    for start in range(0, len(distinct), _CHUNK):
        part = distinct[start : start + _CHUNK]
        found = model.posteriors([task for _, task in part])
        read.update(zip([key for key, _ in part], found, strict=True))
    return [read[key] for key in keys]


def _believed(grid: Grid, effects: Effects | None, read: list[Posterior], places: Array) -> list[Posterior]:
    if effects is None:
        return read
    needed, passes = _in_chunks(places, effects, grid)
    out = []
    for text, mass, pass_ in zip(read, needed.tolist(), passes.tolist(), strict=True):
        posterior = Posterior(grid, text.place, text.text, text.guard, effects=effects, history={})
        posterior.__dict__.update(needed=tuple(mass), pass_=tuple(pass_))
        out.append(posterior)
    return out


def _in_chunks(places: Array, effects: Effects, grid: Grid) -> tuple[Array, Array]:
    """(n, n_tiers) P(needed tier) and P(clean | tier)."""
    step = max(1, _POINTS // len(effects.weights))
    of_each = together([effects], np.zeros(1, dtype=np.int64))
    needed, passes = [], []
    for start in range(0, len(places), step):
        scores = of_each.scores(places[start : start + step].T)
        needed.append(needed_mass(scores, of_each.weights, of_each.widths, grid).T)
        passes.append(mean_pass(scores, of_each.weights, grid).T)
    return np.concatenate(needed), np.concatenate(passes)


def _with_mass(prior: Effects, weights: Array) -> Effects:
    some = weights > _LEAST_MASS
    kept = weights[some] / weights[some].sum()
    return Effects(prior.levels[some], prior.deviations[some], kept, prior.widths[some])
