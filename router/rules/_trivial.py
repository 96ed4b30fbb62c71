"""Steps that a plain program does: no model is needed, whatever it costs."""

from __future__ import annotations

import re

from ...classifier.task import Task

# The whole text is one HTTP request: a command, options, one address. Anything more (a question, a
# complaint about the command) is a task about the step and not the step.
_REQUEST = r"""\s*(curl|wget)(\s+(-\S+|'[^']*'|"[^"]*"|/\S*|[A-Z]+))*\s+["']?https?://\S+\s*"""


def is_deterministic(task: Task) -> bool:
    """What the caller says; where nothing is said, whether the text is itself a request to run."""
    if task.deterministic is not None:
        return task.deterministic
    text = task.specification
    return text.lstrip()[:5] in ("curl ", "wget ") and re.fullmatch(_REQUEST, text) is not None
