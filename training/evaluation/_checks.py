"""What the gate found: single checks, and the report of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._estimate import Estimate, plain


@dataclass(frozen=True)
class Check:
    """figure : what was found. bound : where it would just pass. says : what was found, in a sentence, and
    why that passes or does not.

    speaks_against : it is not only unproved; the challenger is refused. estimate : what the figure is an
    end of.
    """

    passed: bool
    figure: float
    bound: float
    says: str
    speaks_against: bool = False
    estimate: Estimate | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "figure": plain(self.figure),
            "bound": plain(self.bound),
            "says": self.says,
            "speaks_against": self.speaks_against,
            "estimate": None if self.estimate is None else self.estimate.to_dict(),
        }


def known(passed: bool, figure: float, bound: float, says: str, fails: str) -> Check:
    """A check that no further outcomes are needed for: not passed is refused. says, fails : of either."""
    return Check(passed, figure, bound, says if passed else fails, speaks_against=not passed)


@dataclass(frozen=True)
class GateReport:
    """verdict : "promote", "canary" (all that is known speaks for it, too much is not known) or "refuse".

    reasons : why it is no "promote", a sentence each: of a refusal what speaks against it, of a canary what
    is not proved. checks : name -> passed, figure, bound.
    """

    verdict: str
    reasons: tuple[str, ...]
    checks: Mapping[str, Check]

    def to_dict(self) -> dict[str, Any]:
        checks = {name: check.to_dict() for name, check in self.checks.items()}
        return {"verdict": self.verdict, "reasons": list(self.reasons), "checks": checks}

    def __str__(self) -> str:
        lines = [f"gate: {self.verdict}", *(f"- {reason}" for reason in self.reasons)]
        width = max(len(name) for name in self.checks)
        for name, check in self.checks.items():
            mark = "passed" if check.passed else "FAILED" if check.speaks_against else "OPEN  "
            lines.append(f"{mark}  {name:{width}}  {check.figure:>10.4f}  bound {check.bound:.4f}")
        return "\n".join(lines)
