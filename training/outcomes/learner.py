"""What finished tasks teach: a correction of what texts say, and how far types differ from their texts.

In a few rounds: correction and type effects given the widths, then the widths given the correction.
What texts say, P(needed tier), is given; `training/train.py` makes a classifier of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...classifier.belief._passing import Widths, pass_curve
from ...classifier.belief._place import Link, solve_gaps
from ...classifier.errors import InvalidTraining
from ..features.space import Blocks
from .correction import fit_correction
from .frame import Outcomes
from .likelihood import scores_of
from .marginal import fit_marginal
from .penalties import Correction, Penalties, no_correction
from .widths import fit_epsilon, fit_omega, fit_widths, sample, type_likelihoods

Array = NDArray[np.float64]
ROUNDS = 3
MIN_OUTCOMES = 50
ROWS_FOR_WIDTHS = 25_000  # that the rounds before the last look at
# More odd types than of a model that has seen no outcomes: where types do stray from their texts, a small
# share learns it late, and where they do not, nothing is lost (`benchmarks.simulator`, both worlds).
STANDARD = Widths(odd_share=0.15)
_CLOSE = Widths(level_sd=1.2, deviation_sd=0.5)
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Config:
    """Settings of `train`. widths : where the search for them starts, and what few outcomes keep."""

    penalties: Penalties = field(default_factory=Penalties)
    widths: Widths = STANDARD
    rounds: int = ROUNDS
    max_iterations: int = 40


@dataclass(frozen=True)
class Learned:
    """What outcomes taught. intervals : 90 %, of epsilon and, where tasks were tried again, omega."""

    correction: Correction
    widths: Widths
    intervals: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def learn(
    outcomes: Outcomes,
    mass: Array,
    features: Blocks,
    config: Config,
    *,
    start: Correction | None = None,
    progress: Progress = lambda _: None,
) -> Learned:
    """Correction, type effects and widths for these outcomes; deterministic.

    mass : (n, n_tiers), P(needed tier) by the text. features : (n, n_features) that outcomes may weigh.

    Raises InvalidTraining where nothing can be learned.
    """
    check_enough(outcomes)
    n_tiers = mass.shape[1]
    widths = config.widths
    intervals: dict[str, tuple[float, float, float]] = {}
    correction = start or no_correction(features.shape[1], n_tiers, len(outcomes.type_names))
    for number in range(config.rounds):
        progress(f"round {number + 1} of {config.rounds}")
        last = number == config.rounds - 1
        some, some_mass, some_features = outcomes, mass, features
        if not last and len(outcomes) > ROWS_FOR_WIDTHS:
            rows = sample(len(outcomes), ROWS_FOR_WIDTHS)
            some, some_mass, some_features = outcomes.take(rows), mass[rows], features[rows]
        text_places = places_of(some_mass, widths)
        correction = _fitted(some, text_places, some_features, widths, config, correction)
        if last:
            break
        places = correction.places(text_places, some_features)
        widths, intervals = _refit_widths(some, places, correction, widths, config.widths)
    return Learned(correction, widths, intervals, tuple(_notes(outcomes)))


def check_enough(outcomes: Outcomes, *, apart: int = 0) -> None:
    """Raises InvalidTraining where there is too little to learn from; the champion then stays.

    apart : further outcomes, kept apart to calibrate on.
    """
    besides = f" besides the latest {apart}, on which the model is calibrated" if apart else ""
    if len(outcomes) < MIN_OUTCOMES:
        raise InvalidTraining(
            f"{len(outcomes)} outcomes that speak of capability{besides}; at least {MIN_OUTCOMES} are "
            "needed. Keep the champion: it takes outcomes of a type into account before any retraining.",
            about=len(outcomes),
        )
    if outcomes.clean.all() or not outcomes.clean.any():
        found = "clean" if outcomes.clean.all() else "corrected or failed"
        raise InvalidTraining(
            f"All {len(outcomes)} outcomes{besides} are {found}: nothing tells one task from another. "
            "Keep the champion, and check whether the other verdicts are reported.",
            about=found,
        )


def places_of(mass: Array, widths: Widths) -> Array:
    """(n, n_tiers): level and gaps by the text."""
    return Link(pass_curve(widths), solve_gaps(widths)).places(mass)


def _fitted(
    outcomes: Outcomes,
    text_places: Array,
    features: Blocks,
    widths: Widths,
    config: Config,
    start: Correction,
) -> Correction:
    """Types kept close to their texts say where to begin; from there the marginal likelihood decides."""
    close = replace(
        widths,
        level_sd=min(widths.level_sd, _CLOSE.level_sd),
        deviation_sd=min(widths.deviation_sd, _CLOSE.deviation_sd),
    )
    given = (outcomes, text_places, features)
    begun = fit_correction(
        *given, pass_curve(close), config.penalties, start, max_iterations=config.max_iterations
    )
    return fit_marginal(
        *given, pass_curve(widths), config.penalties, begun, max_iterations=config.max_iterations
    )


def _refit_widths(
    outcomes: Outcomes, places: Array, correction: Correction, widths: Widths, standard: Widths
) -> tuple[Widths, dict[str, tuple[float, float, float]]]:
    n_tiers = places.shape[1]
    scores, _ = scores_of(places, correction.effects[outcomes.types])
    intervals = {"epsilon": fit_epsilon(outcomes, places, widths)}
    found = replace(widths, epsilon=intervals["epsilon"][0])
    omega = fit_omega(outcomes, scores, widths)
    if omega is not None:
        intervals["omega"] = omega
        found = replace(found, omega=omega[0])
    if len(np.unique(outcomes.types)) > 1:
        likelihoods = type_likelihoods(outcomes, places, widths)
        spread = fit_widths(likelihoods, n_tiers, widths, standard)
        found = replace(spread, epsilon=found.epsilon, omega=found.omega)
    return found, intervals


def _notes(outcomes: Outcomes) -> list[str]:
    notes = []
    if len(np.unique(outcomes.tiers)) == 1:
        notes.append("Outcomes of one tier only: the gaps between tiers are the seed tasks'.")
    if len(np.unique(outcomes.types)) == 1:
        notes.append("One task type only: how much types differ can't be estimated.")
    return notes
