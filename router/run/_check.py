"""What a check is and what it says. Three answers: passed, failed, and not_run, which is no verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, cast

from ...classifier.errors import CallError, InvalidRequest
from ...classifier.task import Task
from ..ladder import Ladder
from ._limits import Limits
from ._steps import Ask, Interrupt, Outside, Steps, Told, add_spent

Status: TypeAlias = Literal["passed", "failed", "not_run"]
PASSED: Status = "passed"
FAILED: Status = "failed"
NOT_RUN: Status = "not_run"


@dataclass(frozen=True)
class CheckResult:
    """What a check said of one answer.

    status : "passed", "failed", or "not_run" (the check itself failed: no verdict on the answer).
    detail : why, without any text of the task. error : what the check raised, where it did.
    cost_usd, n_requests : of a check that asks a model; cost_is_exact as of an `Attempt`.
    parts : of a check made of several.
    """

    name: str
    status: Status
    detail: str = ""
    cost_usd: float = 0.0
    parts: tuple[CheckResult, ...] = ()
    error: BaseException | None = None
    n_requests: int = 0
    cost_is_exact: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; its cost is in that of the attempt."""
        return {"name": self.name, "status": self.status, "n_requests": self.n_requests}

    @property
    def said(self) -> str:
        """By its name."""
        return f"{self.name}: {self.detail}".rstrip(": ")

    @classmethod
    def failed(cls, detail: str = "", *, name: str = "") -> CheckResult:
        """For functions that say why: `return CheckResult.failed("no price given")`."""
        return cls(name, FAILED, detail)

    @classmethod
    def passed(cls, detail: str = "", *, name: str = "") -> CheckResult:
        return cls(name, PASSED, detail)


class Surroundings(NamedTuple):
    """What a check may use beyond the text."""

    task: Task
    ladder: Ladder
    limits: Limits
    outside: Outside


class Check(Protocol):
    """A check that may take steps, such as asking a model. Most are made by `checks` or from a function."""

    @property
    def name(self) -> str: ...

    def steps(self, text: str, around: Surroundings) -> Steps[CheckResult]: ...

    def expected_cost_usd(self, task: Task, ladder: Ladder) -> float: ...


CheckLike: TypeAlias = "Check | Callable[[str], Any]"


def check_steps(check: Check, text: str, around: Surroundings) -> Steps[CheckResult]:
    """What the check says, whoever has written it: one that raises, or says what no check can, has not run.

    What it had paid by then counts, as far as it says so.
    """
    try:
        found: Any = yield from check.steps(text, around)
    except Exception as error:  # of a user's own: the result has it
        spent = error if isinstance(error, CallError) else CallError("")
        return _not_run(check, f"raised {type(error).__name__}", spent, error)
    if not isinstance(found, CheckResult):
        return _not_run(check, _not_a_verdict(found))
    wrong = next((name for name, (is_fine, _) in _FINE.items() if not is_fine(getattr(found, name))), None)
    if wrong is None:
        return found
    why = f"returned a CheckResult whose {wrong} is not {_FINE[wrong][1]}"
    return _not_run(check, why, None if wrong in _MONEY else found)


def _not_run(check: Check, why: str, spent: Any = None, error: BaseException | None = None) -> CheckResult:
    found = CheckResult(str(getattr(check, "name", type(check).__name__)), NOT_RUN, why, error=error)
    if spent is None:
        return replace(found, cost_is_exact=False)
    money = {name: getattr(spent, name) for name in _MONEY}
    return replace(found, **money)


def _not_a_verdict(found: object) -> str:
    return f"returned {type(found).__name__}; expected True, False or a CheckResult"


def _is_number(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and 0 <= value < math.inf  # type: ignore[operator]


_MONEY = ("cost_usd", "n_requests", "cost_is_exact")
_FINE: dict[str, tuple[Callable[[Any], bool], str]] = {
    "cost_usd": (lambda value: _is_number(value, (int, float)), "a finite number >= 0"),
    "n_requests": (lambda value: _is_number(value, int), "a whole number >= 0"),
    "cost_is_exact": (lambda value: isinstance(value, bool), "True or False"),
    "status": (lambda value: value in ("passed", "failed", "not_run"), "passed, failed or not_run"),
    "name": (lambda value: isinstance(value, str), "a text"),
    "detail": (lambda value: isinstance(value, str), "a text"),
}


@dataclass(frozen=True)
class FunctionCheck:
    """A function of the answer's text that returns True, False, or a CheckResult; it may be async."""

    function: Callable[[str], Any]
    name: str

    def steps(self, text: str, around: Surroundings) -> Steps[CheckResult]:
        told: Told = yield Ask(self.function, text)
        if told.error is not None:
            return CheckResult(self.name, NOT_RUN, f"raised {type(told.error).__name__}", error=told.error)
        if isinstance(told.value, CheckResult):
            found = told.value
            return replace(found, name=found.name or self.name)
        if type(told.value).__name__ in ("bool", "bool_"):  # NumPy's bool too
            return CheckResult(self.name, PASSED if told.value else FAILED)
        return CheckResult(self.name, NOT_RUN, _not_a_verdict(told.value))

    def expected_cost_usd(self, task: Task, ladder: Ladder) -> float:
        return 0.0


@dataclass(frozen=True)
class AllOf:
    """Checks in order; the first that fails ends it, so that dear ones come last."""

    checks: tuple[Check, ...]
    name: str = "all_of"

    def steps(self, text: str, around: Surroundings) -> Steps[CheckResult]:
        parts: list[CheckResult] = []
        for check in self.checks:
            try:
                parts.append((yield from check_steps(check, text, around)))
            except Interrupt as stop:
                for part in parts:
                    add_spent(stop, part.n_requests, part.cost_usd, part.cost_is_exact)
                raise
            if parts[-1].status == FAILED:
                break
        worst = min(parts, key=lambda part: (FAILED, NOT_RUN, PASSED).index(part.status))
        detail = "" if worst.status == PASSED else worst.said
        return CheckResult(
            self.name,
            worst.status,
            detail,
            sum(part.cost_usd for part in parts),
            tuple(parts),
            worst.error,
            sum(part.n_requests for part in parts),
            all(part.cost_is_exact for part in parts),
        )

    def expected_cost_usd(self, task: Task, ladder: Ladder) -> float:
        return sum(check.expected_cost_usd(task, ladder) for check in self.checks)


def checking_usd(check: Check | None, task: Task, ladder: Ladder, output_tokens: float) -> float:
    """Of checking one answer that is expected to be this long, where the task doesn't say how long."""
    if check is None:
        return 0.0
    return check.expected_cost_usd(replace(task, output_tokens=math.ceil(output_tokens)), ladder)


def as_check_if_any(check: CheckLike | None) -> Check | None:
    return None if check is None else as_check(check)


def as_check(check: CheckLike, name: str | None = None) -> Check:
    """A Check as it is; a function with its name. Raises InvalidRequest for anything else."""
    if hasattr(check, "steps"):  # isinstance of a Protocol would cost as much as the rest of a run
        return cast(Check, check)
    if not callable(check):
        raise InvalidRequest(
            f"A check is a function of the answer's text or made by tierwise.router.run.checks; got "
            f"{type(check).__name__}.",
            about=check,
        )
    return FunctionCheck(check, name or str(getattr(check, "__name__", type(check).__name__)))
