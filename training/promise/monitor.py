"""A monitor of the promise: looks at every outcome, and may stop at any time without losing its level.

Under the promise the rate of under-tiering is at most `rate`. Betting against it, one factor
1 + stake * (case - rate) per outcome, multiplies a wealth that stays a supermartingale while the
promise holds; it reaches 1 / alpha with probability at most alpha, ever (Ville 1939; Waudby-Smith and
Ramdas 2024). Several stakes are played at once and their wealth averaged. Not all is staked at the
start: before outcome n, 1 / (n (n + 1)) of the first wealth joins the game. Else a long time in which the
promise held would cost the wealth that has to show when it stops holding (Shin, Ramdas, Rinaldo 2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ...classifier.errors import InvalidTraining

_SHARES = (0.05, 0.1, 0.2, 0.4, 0.7)  # of the largest stake that can't lose everything


@dataclass(frozen=True)
class PromiseMonitor:
    """Immutable; `after` gives the monitor one outcome later.

    monitor = PromiseMonitor(rate=0.05)
    monitor = monitor.after(under_tiered=False)
    monitor.broken            # True once the promise is refuted at level alpha, and from then on
    """

    rate: float
    alpha: float = 0.05
    n: int = 0
    cases: int = 0
    log_wealth: tuple[float, ...] = (-math.inf,) * len(_SHARES)  # in play; the rest is 1 / (n + 1)
    broken: bool = False

    def __post_init__(self) -> None:
        for name in ("rate", "alpha"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 < value < 1.0:
                raise InvalidTraining(f"{name} must be a number between 0 and 1; got {value!r}.", about=name)

    def after(self, under_tiered: bool) -> PromiseMonitor:
        """The monitor after one more outcome."""
        gain = float(under_tiered) - self.rate
        joins = -math.log((self.n + 1) * (self.n + 2))
        wealth = tuple(
            _log_sum(w, joins) + math.log1p(share / self.rate * gain)
            for w, share in zip(self.log_wealth, _SHARES, strict=True)
        )
        later = replace(self, n=self.n + 1, cases=self.cases + under_tiered, log_wealth=wealth)
        return replace(later, broken=self.broken or later.evidence >= 1.0 / self.alpha)

    @property
    def evidence(self) -> float:
        """Wealth of the bet against the promise; 20 refutes it at 5 %."""
        largest = max(0.0, *self.log_wealth)
        mean = sum(math.exp(w - largest) for w in self.log_wealth) / len(self.log_wealth)
        return math.exp(min(largest, 700.0)) * (mean + math.exp(-largest) / (self.n + 1))


def _log_sum(a: float, b: float) -> float:
    """log(exp(a) + exp(b)); one of them may be minus infinity."""
    high, low = max(a, b), min(a, b)
    return high + math.log1p(math.exp(low - high))
