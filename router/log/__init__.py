"""The outcome log: decisions, what became of them, and what was learned. Needs `tierwise[log]`."""

from ...classifier import errors as _errors

try:
    from ._attempts import LoggedAttempt
    from ._outcome import Outcome
    from ._replay import Replay
    from ._states import JudgedRow, TypeState, TypeStates
    from .figures._recurring import movements_of
    from .figures._stats import Stats, TierStats
    from .files._import import ImportReport
    from .outcome_log import OutcomeLog
except ModuleNotFoundError as _error:
    if _error.name != "sqlalchemy":
        raise
    raise _errors.MissingExtra("sqlalchemy", "log") from _error

__all__ = ["ImportReport", "JudgedRow", "LoggedAttempt", "Outcome", "OutcomeLog", "Replay", "Stats"]
__all__ += ["TierStats", "TypeState", "TypeStates", "movements_of"]
