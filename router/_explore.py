"""Chance in a router: canaries where two models differ, probes where they agree, and how likely they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from . import reasons
from ._engine import Weighed
from .canary import Canary
from .ladder import Ladder
from .policy import Policy
from .rules._probe import probe_of


class Chance(Protocol):
    """A `random.Random`, a NumPy generator: anything that draws from [0, 1)."""

    def random(self) -> float: ...


class Served(NamedTuple):
    """Where two models differ: what is served, whose it is, and the versions of both."""

    weighed: Weighed
    by_challenger: bool
    versions: Mapping[str, str]


def with_canary(
    champion: Weighed,
    challenger: Weighed,
    canary: Canary,
    chance: Chance,
    *,
    has_room: Callable[[], bool],
    versions: tuple[str, str],
) -> Served | None:
    """None where both choose the same tier, or the canary has had its decisions: nothing changes then.

    versions : of champion and challenger.
    """
    ours, theirs = champion[0], challenger[0]
    if ours.rung == theirs.rung or "none" in (ours.mode, theirs.mode) or not has_room():
        return None
    named = dict(zip(("champion", "challenger"), versions, strict=True))
    if chance.random() < canary.share:
        served = theirs._replace(codes=(reasons.CANARY, *theirs.codes), propensity=canary.share)
        return Served((served, *challenger[1:]), True, {**named, "model": versions[1]})
    kept = ours._replace(propensity=1.0 - canary.share)
    return Served((kept, *champion[1:]), False, {**named, "model": versions[0]})


def with_probe(
    weighed: Weighed, policy: Policy, ladder: Ladder, chance: Chance, *, has_room: Callable[[], bool]
) -> Weighed:
    """The same, with its propensity where a probe was possible, or the probe."""
    choice, task, beliefs, posterior = weighed
    if policy.probe_budget == 0.0:
        return weighed
    probe = probe_of(choice, task, beliefs, policy, ladder)
    if probe is None or not has_room():
        return weighed
    if chance.random() < policy.probe_budget:
        return probe._replace(propensity=policy.probe_budget), task, beliefs, posterior
    return choice._replace(propensity=1.0 - policy.probe_budget), task, beliefs, posterior
