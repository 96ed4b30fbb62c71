"""A model seen through a ladder and a policy: its beliefs, rung by rung."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..classifier.belief.posterior import Posterior
from ..classifier.errors import LadderMismatch
from ..classifier.model import TierModel
from .ladder import Ladder
from .policy import Policy
from .rules._beliefs import Beliefs


class View(NamedTuple):
    """What stays the same from task to task; built once and reused."""

    model: TierModel
    rung_of_tier: tuple[int, ...]
    n_rungs: int
    lambda_down: float
    lambda_up: float

    def beliefs(self, posterior: Posterior) -> Beliefs:
        needed = posterior.needed
        passes: Callable[[], tuple[float, ...]] = posterior.passes
        all_fail: Callable[[Sequence[int]], float] = posterior.all_fail
        if len(self.rung_of_tier) != self.n_rungs:  # some rungs have no tier of the model
            needed = self.on_ladder(needed)
            passes = lambda: self._pass_on_ladder(posterior.pass_)  # noqa: E731
            all_fail = self._all_fail_on_ladder(posterior)
        return Beliefs(
            needed,
            passes,
            posterior.guard,
            posterior.history is not None,
            self.lambda_down,
            self.lambda_up,
            self.model.widths.min_pass,
            all_fail,
            posterior.top_suffices,
        )

    def on_ladder(self, mass: tuple[float, ...]) -> tuple[float, ...]:
        """P(needed tier) per rung; none is on rungs that the model does not know."""
        on_rung = dict(zip(self.rung_of_tier, mass, strict=True))
        return tuple(on_rung.get(rung, 0.0) for rung in range(self.n_rungs))

    def _pass_on_ladder(self, pass_: tuple[float, ...]) -> tuple[float, ...]:
        """A rung without outcomes is taken to pass as often as the nearest known rung below it."""
        out, last = [], pass_[0]
        on_rung = dict(zip(self.rung_of_tier, pass_, strict=True))
        for rung in range(self.n_rungs):
            last = on_rung.get(rung, last)
            out.append(last)
        return tuple(out)

    def _all_fail_on_ladder(self, posterior: Posterior) -> Callable[[Sequence[int]], float]:
        known = {rung: tier for tier, rung in enumerate(self.rung_of_tier)}
        return lambda rungs: posterior.all_fail(
            sorted({known[max(r for r in known if r <= max(rung, min(known)))] for rung in rungs})
        )


def view_of(model: TierModel, ladder: Ladder, policy: Policy) -> View:
    """Raises LadderMismatch unless every tier of the model is a rung, in the same order."""
    missing = [tier for tier in model.tiers if tier not in ladder.names]
    rungs = tuple(ladder.names.index(tier) for tier in model.tiers if tier in ladder.names)
    if missing or list(rungs) != sorted(rungs):
        raise LadderMismatch(
            f"The model knows the tiers {', '.join(model.tiers)}; the ladder {ladder.name!r} has "
            f"{', '.join(ladder.names)}. Train a model on outcomes of this ladder, or use its own.",
            about=ladder.name,
        )
    down, up = model.thresholds(policy.max_under_tier)
    return View(
        model,
        rungs,
        len(ladder.names),
        down if policy.lambda_down is None else policy.lambda_down,
        up if policy.lambda_up is None else policy.lambda_up,
    )
