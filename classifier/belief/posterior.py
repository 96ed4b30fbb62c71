"""What the classifier believes about one task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ._counted import after_counts
from ._effects import Effects, Grid, failure_weights, together
from ._passing import Array
from ._place import Link, Place

_AT_ONCE = 128  # tasks: what is worked out of them stays in the processor's cache


class Posterior:
    """Beliefs per tier of the model's ladder, lowest first. Immutable; the costly parts on demand.

    text : P(needed tier) by the text alone. guard : why the text was not read, else None.
    history : outcomes of the type that went in, tier index -> (clean, not clean), else None.
    effects : what is believed of the type; None where only its text is known, or counts: these are taken to
        have been at this task's place.
    """

    _is_counted = False

    def __init__(
        self,
        grid: Grid,
        place: Place,
        text: tuple[float, ...],
        guard: str | None,
        *,
        effects: Effects | None = None,
        history: Mapping[int, tuple[float, float]] | None = None,
        failed: Sequence[int] = (),
    ) -> None:
        self.text, self.guard, self.history = text, guard, history
        self._grid, self._place, self._failed = grid, place, tuple(failed)
        self._is_counted = effects is None and history is not None
        if effects is not None:
            self._effects = effects

    @cached_property
    def needed(self) -> tuple[float, ...]:
        """P(needed tier), sums to 1."""
        if self.is_of_counts:
            return self._of_counts[0]
        return tuple(needed_mass(self._scores, self._weights, self._effects.widths, self._grid).tolist())

    @property
    def place(self) -> Place:
        """Where the text puts the task."""
        return self._place

    @property
    def is_of_few_points(self) -> bool:
        """Whether the effects are thinned ones, and nothing failed at this very task."""
        return not self._failed and not self._is_counted and not self._effects.shape

    @property
    def is_of_counts(self) -> bool:
        """Whether the type is known by counts, and nothing failed at this very task."""
        return self._is_counted and not self._failed

    @property
    def is_weighed(self) -> bool:
        """Whether P(needed tier) is known already."""
        return "needed" in self.__dict__

    @property
    def is_unplaced(self) -> bool:
        """Whether nobody has asked yet where its text is placed."""
        return "_place" not in self.__dict__

    def top_suffices(self) -> bool:
        """Whether the top tier is expected to pass at least `min_pass`."""
        return self.pass_[-1] >= self._grid.widths.min_pass

    def passes(self) -> tuple[float, ...]:
        """`pass_`, as a call."""
        return self.pass_

    @cached_property
    def pass_(self) -> tuple[float, ...]:
        """P(clean | tier), never falls up the ladder."""
        if self.is_of_counts:
            return self._of_counts[1]
        if not self._failed:
            return tuple(mean_pass(self._scores, self._weights, self._grid).tolist())
        return tuple((self._joint[..., None] * self._given_residual).sum(axis=(0, 1)).tolist())

    def all_fail(self, tiers: Sequence[int]) -> float:
        """P(all of these tiers fail this very task); the residual that its attempts share is in it."""
        fails = np.prod(1.0 - self._given_residual[:, :, list(tiers)], axis=2)
        return float((self._joint * fails).sum())

    @cached_property
    def _effects(self) -> Effects:
        if self.history is None:
            return self._grid.prior
        return self._grid.prior.reweighted(self._grid.log_likelihood(self._place, self.history))

    @cached_property
    def _of_counts(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """`needed` and `pass_`."""
        [found] = _after_counts(self._grid, [self])
        return found

    @cached_property
    def _scores(self) -> Array:
        return self._effects.scores(self._place)

    @cached_property
    def _weights(self) -> Array:
        """(n_points,): the failed attempts are in it."""
        return np.asarray(self._joint.sum(axis=1)) if self._failed else self._effects.weights

    @cached_property
    def _joint(self) -> Array:
        """(n_points, n_nodes): weights of point and residual."""
        failures = failure_weights(self._grid.curve, [self._scores[:, tier] for tier in self._failed])
        joint = self._effects.weights[:, None] * failures
        return np.asarray(joint / joint.sum())

    @cached_property
    def _given_residual(self) -> Array:
        """(n_points, n_nodes, n_tiers)."""
        return np.moveaxis(self._grid.curve.given_residual(self._scores), 1, 2)


class TextPosterior(Posterior):
    """Beliefs by the text alone: P(needed tier) is known, all else is worked out on demand.

    place : None where `needed` is just what the text says; it then follows from it.
    """

    def __init__(
        self,
        grid: Grid,
        link: Link,
        text: tuple[float, ...],
        guard: str | None,
        *,
        needed: tuple[float, ...],
        place: Place | None = None,
    ) -> None:
        self.text, self.guard, self.history, self.needed = text, guard, None, needed  # type: ignore[misc]
        self._grid, self._link, self._failed = grid, link, ()
        if place is not None:
            self._place = place  # type: ignore[misc]

    def top_suffices(self) -> bool:
        return self._grid.top_suffices if self.is_unplaced else super().top_suffices()

    @cached_property
    def _place(self) -> Place:  # type: ignore[override]
        return self._link.place(self.text)

    @cached_property
    def _effects(self) -> Effects:
        return self._grid.thin_prior


def work_out_texts(grid: Grid, link: Link, posteriors: Sequence[Posterior]) -> None:
    """The same with what is not worked out yet of tasks of one model, places of texts included."""
    texts = [each for each in posteriors if each.is_unplaced]
    if texts:
        places = link.places([each.text for each in texts]).tolist()
        for posterior, place in zip(texts, places, strict=True):
            posterior.__dict__["_place"] = tuple(place)
    work_out(grid, [each for each in posteriors if "pass_" not in each.__dict__])


def work_out(grid: Grid, posteriors: Sequence[Posterior]) -> None:
    """Work out what is believed of tasks of known types at once; each exactly as it would be alone.

    But for those of which something failed: these are worked out one by one, on demand.
    """
    _work_out_few_points(grid, [each for each in posteriors if each.is_of_few_points])
    counted = [each for each in posteriors if each.is_of_counts]
    for posterior, found in zip(counted, _after_counts(grid, counted), strict=True):
        posterior._of_counts = found


def _after_counts(
    grid: Grid, posteriors: Sequence[Posterior]
) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    if not posteriors:
        return []
    places, counts = (
        np.array([each._place for each in posteriors]),
        [each.history or {} for each in posteriors],
    )
    needed, passes = after_counts(grid, places, counts)
    return list(zip(map(tuple, needed.tolist()), map(tuple, passes.tolist()), strict=True))


def _work_out_few_points(grid: Grid, posteriors: Sequence[Posterior]) -> None:
    types, of_each = _by_points([posterior._effects for posterior in posteriors])
    order = np.argsort(of_each, kind="stable")
    for start in range(0, len(order), _AT_ONCE):
        rows = order[start : start + _AT_ONCE]
        some, kinds = [posteriors[row] for row in rows.tolist()], of_each[rows]
        effects = together(types[kinds[0] : kinds[-1] + 1], kinds - kinds[0])
        places = np.fromiter(chain.from_iterable(each._place for each in some), np.float64)
        scores = effects.scores(places.reshape(len(some), -1).T)
        passes = mean_pass(scores, effects.weights, grid).tolist()
        for posterior, pass_ in zip(some, zip(*passes, strict=True), strict=True):
            posterior.pass_ = pass_
        if all(posterior.is_weighed for posterior in some):  # of a text alone it is known
            continue
        needed = needed_mass(scores, effects.weights, effects.widths, grid).tolist()
        for posterior, mass in zip(some, zip(*needed, strict=True), strict=True):
            posterior.__dict__.setdefault("needed", mass)


def _by_points(effects: Sequence[Effects]) -> tuple[list[Effects], NDArray[np.int64]]:
    """The distinct ones by their number of points, so that few are added that weigh nothing; and of each,
    which it is.
    """
    ids = list(map(id, effects))
    distinct = sorted(dict(zip(ids, effects, strict=True)).values(), key=_n_points)
    number = {id(each): index for index, each in enumerate(distinct)}
    return distinct, np.fromiter(map(number.__getitem__, ids), np.int64, len(ids))


def _n_points(effects: Effects) -> int:
    return len(effects.weights)


def mean_pass(scores: Array, weights: Array, grid: Grid) -> Array:
    """P(clean | tier), (n_tiers, ...), from (n_points, n_tiers, ...) scores and (n_points, ...) weights."""
    passes = grid.curve.of(scores)
    passes *= weights[:, None]
    return np.asarray(passes.sum(axis=0))


def needed_mass(scores: Array, weights: Array, widths: Array, grid: Grid) -> Array:
    """P(needed tier), (n_tiers, ...), from (n_points, n_tiers, ...) scores and (n_points, ...) weights."""
    suffices = scores[:, :-1] - grid.curve.cut
    suffices /= widths[:, None]
    suffices += 0.5
    np.clip(suffices, 0.0, 1.0, out=suffices)
    suffices *= weights[:, None]
    at_most = np.minimum(suffices.sum(axis=0), 1.0)
    edge = np.zeros((1, *at_most.shape[1:]))
    mass: Array = np.diff(np.concatenate([edge, at_most, edge + 1.0]), axis=0)
    return mass
