"""What the operator decides: risk, prices of a correction, batch rule. Checked once, frozen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..classifier.errors import InvalidPolicy
from .ladder import Ladder

LAMBDA_DOWN_MIN = 0.6  # going down needs confidence; no policy may ask for less
MAX_PROBE_BUDGET = 0.5  # above it the probe would be the policy


@dataclass(frozen=True)
class Policy:
    """How predictions become decisions.

        Policy()                                             # Sonnet unless; thresholds of the model
        Policy(max_under_tier=0.02)                          # a stricter promise
        Policy(correction_minutes=6, hourly_rate_usd=80)     # least expected cost instead

    Parameters
    ----------
    ladder : the tiers to choose from (default: the ladder in use, see `Ladder.load`).
    max_under_tier : the rate of under-tiering, over all decisions, that the operator accepts; picks
        a pair of thresholds from the model's table.
    lambda_down, lambda_up : probabilities that override that pair; lambda_down is at least 0.6.
    correction_minutes, hourly_rate_usd : price of a correction; both or none.
    correction_minutes_by_type : task type -> minutes, where a type differs.
    check_false_pass, check_false_fail : error rates of the program that checks verifiable work.
    check_cost_usd : what one check costs, where a model does it (`Grade.expected_cost_usd`).
    batch_over_items : more items than this may go in batch.
    batch_wait_ceiling_s : after this many seconds a batch falls back to sync.
    many_items_over : extraction and formatting over more items than this is volume work.
    default_output_tokens : assumed per item where a task does not say.
    probe_budget : probability with which a `Router` tries the tier below, where a probe can do no harm
        and can teach something (`router/rules/_probe.py` says where); so at most this share of all decisions.
    probe_max_per_day : and no more than so many in 24 hours, all processes together (default: no limit).

    Raises
    ------
    InvalidPolicy : naming the setting, what was found and what is allowed.
    """

    ladder: Ladder | None = None
    max_under_tier: float = 0.05
    lambda_down: float | None = None
    lambda_up: float | None = None
    correction_minutes: float | None = None
    hourly_rate_usd: float | None = None
    correction_minutes_by_type: Mapping[str, float] = field(default_factory=dict, hash=False)
    check_false_pass: float = 0.02
    check_false_fail: float = 0.01
    check_cost_usd: float = 0.0
    batch_over_items: int = 20
    batch_wait_ceiling_s: float = 86_400.0
    many_items_over: int = 10
    default_output_tokens: int = 400
    probe_budget: float = 0.0
    probe_max_per_day: int | None = None

    def __post_init__(self) -> None:
        _check_kind("ladder", self.ladder, (Ladder, type(None)), "a Ladder, such as Ladder.load(path)")
        _check_kind(
            "correction_minutes_by_type", self.correction_minutes_by_type, Mapping, "task types with minutes"
        )
        for name in ("max_under_tier", "check_false_pass", "check_false_fail"):
            _check_range(name, getattr(self, name), 0.0, 1.0)
        if self.lambda_down is not None:
            _check_range("lambda_down", self.lambda_down, LAMBDA_DOWN_MIN, 1.0)
        if self.lambda_up is not None:
            _check_range("lambda_up", self.lambda_up, 0.0, 1.0)
        _check_range("probe_budget", self.probe_budget, 0.0, MAX_PROBE_BUDGET)
        if self.probe_max_per_day is not None:
            _check_range("probe_max_per_day", self.probe_max_per_day, 0.0, math.inf)
        _check_range("check_cost_usd", self.check_cost_usd, 0.0, math.inf)
        for name in ("batch_over_items", "many_items_over", "default_output_tokens", "batch_wait_ceiling_s"):
            _check_range(name, getattr(self, name), 0.0, math.inf)
        for name in ("correction_minutes", "hourly_rate_usd"):
            if getattr(self, name) is not None:
                _check_range(name, getattr(self, name), 0.0, math.inf)
        for kind, minutes in self.correction_minutes_by_type.items():
            _check_range(f"correction_minutes_by_type[{kind!r}]", minutes, 0.0, math.inf)
        if (self.correction_minutes is None) != (self.hourly_rate_usd is None):
            raise InvalidPolicy(
                "A correction is priced by both correction_minutes and hourly_rate_usd; got only one.",
                about="correction_minutes",
            )
        if self.correction_minutes_by_type and self.correction_minutes is None:
            raise InvalidPolicy(
                "correction_minutes_by_type needs correction_minutes (for all other types) and "
                "hourly_rate_usd; got neither.",
                about="correction_minutes_by_type",
            )
        # a read-only copy: a policy that changes after it was read could not be replayed
        frozen = MappingProxyType(dict(self.correction_minutes_by_type))
        object.__setattr__(self, "correction_minutes_by_type", frozen)

    def __reduce__(self) -> tuple[object, ...]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["correction_minutes_by_type"] = dict(self.correction_minutes_by_type)
        return _restore, (values,)  # a read-only mapping can't be pickled

    def correction_cost_usd(self, task_type: str | None) -> float | None:
        """USD of a person's time per correction of this type; None where corrections have no price."""
        if self.correction_minutes is None or self.hourly_rate_usd is None:
            return None
        minutes = self.correction_minutes_by_type.get(task_type or "", self.correction_minutes)
        return minutes * self.hourly_rate_usd / 60.0


def _restore(values: dict[str, Any]) -> Policy:
    return Policy(**values)


def _check_kind(name: str, value: object, kind: type | tuple[type, ...], what: str) -> None:
    if not isinstance(value, kind):
        raise InvalidPolicy(f"{name} must be {what}; got {type(value).__name__}.", about=name)


def _check_range(name: str, value: object, low: float, high: float) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not low <= value <= high or value == math.inf:  # type: ignore[operator]
        upper = "" if high == math.inf else f" and <= {high:g}"
        raise InvalidPolicy(f"{name} must be a number >= {low:g}{upper}; got {value!r}.", about=name)
