"""What is still done when the caller leaves in the middle of a step: a cancelled task, Ctrl-C, an exit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._steps import Interrupt, Send, Steps, Tell
from ._stream import Seen

LEAVING = (KeyboardInterrupt, SystemExit)  # of a blocking caller: Ctrl-C, or a signal's handler that exits


def last_words(steps: Steps[Any], step: Any, seen: Seen) -> Iterator[Tell]:
    """Where the caller left while this step was performed: hooks are told of what was in flight."""
    try:
        told = steps.throw(Interrupt(seen.message if isinstance(step, Send) else None))
        while isinstance(told, Tell):
            yield told
            told = steps.send(None)
    except (Interrupt, StopIteration):
        return


@contextmanager
def raised_by(left: BaseException) -> Iterator[None]:
    """The caller's leaving is what is raised, whatever a hook makes of it."""
    try:
        yield
    except Exception as error:
        raise left from error
