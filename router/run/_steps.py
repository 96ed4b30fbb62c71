"""What the core asks of the outside world. The core is written once, as generators that yield these steps
and are sent what came of them; `_drive.py` performs them, blocking or in asyncio."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ...classifier.errors import CallError
from ._request import Request


class Send(NamedTuple):
    """Make one request, without retries; comes back as `Sent`."""

    request: Request
    timeout_s: float


class Sent(NamedTuple):
    """What came of a request: a message, or an error and what is known of a message that broke off."""

    message: Any | None
    error: Exception | None
    partial: Any | None = None
    latency_ms: float = 0.0


class Sleep(NamedTuple):
    """Wait; comes back as None."""

    seconds: float


class Api(NamedTuple):
    """Call a method of `messages.batches`, without retries; comes back as `Sent`.

    enough : of a list, which comes newest first: the first one that is not needed any more.
    """

    method: str
    arguments: dict[str, Any]
    timeout_s: float = 600.0
    enough: Callable[[Any], bool] | None = None


class Together(NamedTuple):
    """Perform these at the same time, at most so many; comes back as the list of their results.

    What one raises is raised when those that have begun are done; no other begins then.
    """

    parts: Sequence[Steps[Any]]
    at_once: int


class Ask(NamedTuple):
    """Call a function of the user that may fail or be async; comes back as `Told`."""

    function: Callable[[str], Any]
    text: str


class Told(NamedTuple):
    """What the function returned, or what it raised."""

    value: Any
    error: BaseException | None


class Tell(NamedTuple):
    """Call a function of ours or a hook; what it raises is raised. Comes back as what it returned."""

    hook: Callable[..., Any]
    arguments: tuple[Any, ...]


class Remembered(NamedTuple):
    """Look up what the client has found out; comes back as its `Retired`."""


class Interrupt(BaseException):
    """Thrown into steps when the caller has left: a task of asyncio was cancelled, Ctrl-C, or `sys.exit`.

    What it passes on its way out adds what was spent and has not been told yet, and may still yield `Tell`.

    partial : what is known of the message of the request that was out, if one was.
    """

    def __init__(self, partial: Any | None = None) -> None:
        super().__init__()
        self.partial = partial
        self.n_requests, self.cost_usd, self.cost_is_exact = 0, 0.0, True


def add_spent(to: CallError | Interrupt, n_requests: int, cost_usd: float, cost_is_exact: bool) -> None:
    """What went before, or came with it."""
    to.n_requests += n_requests
    to.cost_usd += cost_usd
    to.cost_is_exact &= cost_is_exact


Step: TypeAlias = "Send | Api | Sleep | Together | Ask | Tell | Remembered"
T = TypeVar("T")
Steps: TypeAlias = Generator[Step, Any, T]


@dataclass(frozen=True)
class Outside:
    """Clock and chance, passed in."""

    now_s: Callable[[], float]
    chance: Callable[[], float]
