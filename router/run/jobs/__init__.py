"""Many tasks as one job: one budget, and a journal by which the same call goes on where it ended."""

from ._result import RunSummary, TaskResult
from ._run_many import arun_many, run_many

__all__ = ["RunSummary", "TaskResult", "arun_many", "run_many"]
