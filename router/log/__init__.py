"""The outcome log: decisions, what became of them, and what was learned. Needs `tierwise[log]`."""

from ...classifier.errors import MissingExtra

try:
    from .outcome_log import OutcomeLog
except ModuleNotFoundError as error:
    if error.name not in ("sqlalchemy", "alembic"):
        raise
    raise MissingExtra(error.name, "log") from error

__all__ = ["OutcomeLog"]
