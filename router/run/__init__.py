"""Executes decisions: calls Claude, checks answers (module `checks`), escalates. Extra: `anthropic`."""

from ._call import Answered
from ._check import Check, CheckResult
from ._drive import AsyncDriver, Driver
from ._execute import aexecute, execute
from ._grade import Grade
from ._limits import Limits
from ._request import Options, Request, build_request
from ._result import Attempt, Begun, Hooks, RunResult
from ._usage import Usage, usage_cost_usd, usage_of

__all__ = [
    "Answered",
    "AsyncDriver",
    "Attempt",
    "Begun",
    "Check",
    "CheckResult",
    "Driver",
    "Grade",
    "Hooks",
    "Limits",
    "Options",
    "Request",
    "RunResult",
    "Usage",
    "aexecute",
    "build_request",
    "execute",
    "usage_cost_usd",
    "usage_of",
]
