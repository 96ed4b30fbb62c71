"""Every error that tierwise raises, in one tree.

TierwiseError
├── InvalidTask            a task, fact or history that can't be routed as given      (ValueError)
│   ├── UnknownFact        a fact that doesn't exist; names the nearest one            (TypeError)
│   ├── ContradictoryTask  facts that exclude each other: floor above ceiling, …
│   └── NoTierFits         the task exceeds the limits of every tier that is allowed
├── InvalidPolicy          a threshold, price or budget outside its range             (ValueError)
├── InvalidLadder          a tiers file that can't be read, or that contradicts itself (ValueError)
├── InvalidPipeline        a step, template or article that can't be used as given     (ValueError)
├── InvalidTraining        training data or settings from which nothing can be learned (ValueError)
├── ArtifactError          a model folder that must not be used
│   ├── ArtifactMissing    nothing there, or not readable
│   ├── ArtifactCorrupt    truncated, altered, or of wrong shape
│   ├── ArtifactTooNew     written by a newer tierwise
│   ├── LadderMismatch     its tiers are not those of the ladder in use
│   └── StateMismatch      a type's state that another model placed
├── StoreError             a model store or registry that can't do what was asked
│   ├── StoreUnavailable   not reachable, not readable, not writable, or held by another for too long
│   ├── PromotionRefused   the gate found no proof that the challenger is as good; `gate` has its report
│   ├── PromotionConflict  somebody else changed the champion meanwhile
│   └── NotInStore         a version, alias or run that isn't there, or nothing to go back to (LookupError)
├── InvalidOutcome         a verdict, basis, time or row that can't be recorded as given (ValueError)
│   └── BadRows            rows of an import that can't be taken; `rows` has each of them
├── LogError               an outcome log that can't do what was asked
│   ├── LogUnavailable     not reachable, not readable, not writable
│   │   ├── LogLocked      another writer held it for longer than the timeout
│   │   └── LogFull        no space left where it is stored
│   ├── LogTooNew          written by a newer tierwise
│   ├── DecisionConflict   the id belongs to another decision                             (ValueError)
│   └── NotInLog           an id or task type that the log doesn't hold                   (LookupError)
├── InvalidRequest         options, a check or a limit that can't be used as given        (ValueError)
├── StepFailed             the function that does a pipeline's step without a model raised
├── BudgetExceeded         the next call may cost more than what is left of the budget
├── CallError              Claude was asked and gave no result; what was tried and paid is in it
│   ├── AccountRefused     no key, a wrong key, no permission, no credit
│   ├── RequestRefused     a parameter or the request as a whole (HTTP 400, 413, 422)         (ValueError)
│   ├── ModelNotServed     the model is retired or unknown (HTTP 404)                         (LookupError)
│   ├── ServiceBusy        rate limit or overload, longer than we may wait (HTTP 429, 529, 503)
│   ├── ServiceFailed      an error of the service, or an answer that broke off
│   ├── NotReachable       no connection: wrong base_url, no network, reset               (ConnectionError)
│   ├── DeadlineExceeded   no answer within the time that was given                           (TimeoutError)
│   └── CallInterrupted    the caller left before the answer came; in attempts and the log, never raised
├── JournalError           the record of a job that can't be read, written, or is another's
├── InvalidSetting         a setting of the service that can't be used as given           (ValueError)
└── MissingExtra           an optional package is needed; names the line that installs it (ImportError)

Each message says what was found, what is allowed and what to do. `about` carries the object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple


class TierwiseError(Exception):
    """Base of all errors of tierwise. `about` is the value, path or name the error speaks of."""

    def __init__(self, message: str, *, about: object = None) -> None:
        super().__init__(message)
        self.about = about


class InvalidTask(TierwiseError, ValueError):
    """A task, fact or history that can't be routed as given."""


class UnknownFact(InvalidTask, TypeError):
    """A fact that tierwise doesn't know."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        text = f"Unknown fact {name!r}{suggestion(name, known)} Known facts: {', '.join(known)}."
        super().__init__(text, about=name)


class ContradictoryTask(InvalidTask):
    """Facts that exclude each other."""


class NoTierFits(InvalidTask):
    """The task exceeds the limits of every tier that is allowed."""


class InvalidPolicy(TierwiseError, ValueError):
    """A threshold, price or budget outside its range."""


class InvalidLadder(TierwiseError, ValueError):
    """A tiers file that can't be read, or that contradicts itself."""


class InvalidPipeline(TierwiseError, ValueError):
    """A step, a template or an article that can't be used as given. Nothing was sent."""


class InvalidTraining(TierwiseError, ValueError):
    """Training data or settings from which nothing can be learned."""


class ArtifactError(TierwiseError):
    """A model folder that must not be used."""


class ArtifactMissing(ArtifactError):
    """Nothing there, or not readable."""


class ArtifactCorrupt(ArtifactError):
    """Truncated, altered, or of wrong shape."""


class ArtifactTooNew(ArtifactError):
    """Written by a newer tierwise."""


class LadderMismatch(ArtifactError):
    """The model's tiers are not those of the ladder in use."""


class StateMismatch(ArtifactError):
    """A type's state that another model placed: its numbers mean something else."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(
            f"The state was made by the model {found}, the model in use is {expected}. "
            "Build the state anew from the outcomes.",
            about=found,
        )


class StoreError(TierwiseError):
    """A model store or registry that can't do what was asked; what serves stays as it is."""


class StoreUnavailable(StoreError):
    """Not reachable, not readable, not writable, or held by another for too long."""


class PromotionRefused(StoreError):
    """The gate found no proof that the challenger is as good. `gate` is its report, as a mapping."""

    def __init__(self, message: str, *, gate: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, about=gate)
        self.gate = gate


class PromotionConflict(StoreError):
    """Somebody else changed the champion meanwhile."""


class NotInStore(StoreError, LookupError):
    """A version, alias or run that isn't there, or nothing to go back to."""


class InvalidOutcome(TierwiseError, ValueError):
    """A verdict, basis, time or row that can't be recorded as given."""


class BadRow(NamedTuple):
    """Where a row stands in its file or frame, and what is wrong with it."""

    number: int
    message: str


class BadRows(InvalidOutcome):
    """Rows of an import that can't be taken; nothing was imported. `rows` has each of them."""

    def __init__(self, message: str, rows: Sequence[BadRow]) -> None:
        super().__init__(message, about=tuple(rows))
        self.rows = tuple(rows)


class LogError(TierwiseError):
    """An outcome log that can't do what was asked."""


class LogUnavailable(LogError):
    """Not reachable, not readable, or not writable."""


class LogLocked(LogUnavailable):
    """Another writer held the log for longer than the timeout."""


class LogFull(LogUnavailable):
    """No space left where the log is stored."""


class LogTooNew(LogError):
    """Written by a newer tierwise."""


class DecisionConflict(LogError, ValueError):
    """The id belongs to another decision."""


class NotInLog(LogError, LookupError):
    """An id or task type that the log doesn't hold."""


class InvalidRequest(TierwiseError, ValueError):
    """Options, a check or a limit that can't be used as given. Nothing was sent."""


class StepFailed(TierwiseError):
    """The function that does a pipeline's step without a model raised; what it raised is the cause."""


class BudgetExceeded(TierwiseError):
    """The next call may cost more than what is left of the budget. It was not made."""


class CallError(TierwiseError):
    """Claude was asked and gave no result.

    status, error_type, request_id : of the last response, where there was one.
    retry_after_s : what the service asked to wait, where it did.
    n_requests, cost_usd : of the call that failed; `cost_is_exact` is False where the service may have used
        tokens that it told nobody of (a timeout, an answer that broke off).
    attempts : where a task was run: its tries so far, the failed one last; cost_usd is then that of all.
    """

    def __init__(
        self,
        message: str,
        *,
        about: object = None,
        status: int | None = None,
        error_type: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, about=about)
        self.status, self.error_type, self.request_id = status, error_type, request_id
        self.retry_after_s = retry_after_s
        self.n_requests, self.cost_usd, self.cost_is_exact = 0, 0.0, True
        self.attempts: tuple[object, ...] = ()


class AccountRefused(CallError):
    """No key, a wrong key, no permission, or no credit."""


class RequestRefused(CallError, ValueError):
    """The service refuses a parameter, or the request as a whole."""


class ModelNotServed(CallError, LookupError):
    """The model is retired or unknown."""


class ServiceBusy(CallError):
    """Rate limit or overload, for longer than we may wait."""


class ServiceFailed(CallError):
    """An error of the service, or an answer that broke off or can't be read."""


class NotReachable(CallError, ConnectionError):
    """No connection to the service."""


class DeadlineExceeded(CallError, TimeoutError):
    """No answer within the time that was given."""


class CallInterrupted(CallError):
    """The caller left: a cancelled task, or Ctrl-C. In attempts and the log; it is never raised."""


class JournalError(TierwiseError):
    """The record of a job can't be read or written, or another process works on it."""


class InvalidSetting(TierwiseError, ValueError):
    """A setting of the service, or its file of tokens, that can't be used as given."""


class MissingExtra(TierwiseError, ImportError):
    """An optional package is needed; it comes with an extra, or (without one) alone."""

    def __init__(self, package: str, extra: str | None = None) -> None:
        what = package if extra is None else f"'tierwise[{extra}]'"
        super().__init__(
            f"This needs the package {package!r}, which is not installed. "
            f"Install it with: pip install {what}",
            about=package,
        )


def suggestion(name: object, known: Iterable[str]) -> str:
    """ "; did you mean 'items'?" where something near is known, else a full stop."""
    from difflib import get_close_matches  # loaded by those who need it

    near = get_close_matches(str(name).lower(), list(known), n=1, cutoff=0.55)
    return f"; did you mean {near[0]!r}?" if near else "."
