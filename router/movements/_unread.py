"""Outcomes whose texts were not read: they are taken to be of works like the ones that were."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np

from ...classifier.belief._effects import Grid
from ...classifier.belief._passing import Array
from ...classifier.belief.state import Bucket, Seen, TypeState
from ...classifier.model import TierModel


def state_of(model: TierModel, seen: Sequence[Seen], unread: Mapping[int, tuple[int, int]]) -> TypeState:
    """What a type's outcomes say.

    seen : those that were read, among them some of each tier of `unread`: tier index -> (clean, not clean) of
        older ones. They stand where `TypeState` puts old outcomes too: added up, before all others.
    """
    size = sum(map(sum, unread.values()))
    if not size:
        return model.observe(None, seen)
    total = sum(
        _log_likelihood([each for each in seen if each.tier == tier], counts, model.grid)
        for tier, counts in unread.items()
    )
    before = math.nextafter(min(each.at for each in seen), -math.inf)
    bucket = Bucket(before, before, size, np.ravel(total).astype(np.float32))
    counts = {tier: (float(clean), float(unclean)) for tier, (clean, unclean) in unread.items()}
    return model.observe(TypeState(model.fingerprint, (bucket,), (), counts), seen)


def _log_likelihood(alike: Sequence[Seen], counts: tuple[int, int], grid: Grid) -> Array:
    """(*grid.shape,): of so many clean passes and corrections, the mean over places and weights of these."""
    clean, unclean = counts
    total = np.zeros(grid.shape)
    for (tier, failed), some in _by_attempts(alike):
        heard = grid.heard(np.array([each.place for each in some]), tier, failed)
        weights = [each.weight for each in some]
        total += np.tensordot(weights, clean * np.log(heard) + unclean * np.log1p(-heard), axes=1)
    return total / len(alike)


def _by_attempts(seen: Iterable[Seen]) -> Iterable[tuple[tuple[int, tuple[int, ...]], list[Seen]]]:
    def key(each: Seen) -> tuple[int, tuple[int, ...]]:
        return each.tier, each.failed

    return ((kind, list(some)) for kind, some in groupby(sorted(seen, key=key), key))
