"""Routers that nobody has closed: what waits for their logs is written as the process ends, and a child of it
begins with locks of its own.
"""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._recorder import Recorder

_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()
_log = logging.getLogger("tierwise")


def see_to(recorder: Recorder) -> None:
    """For as long as it is there: while something waits in it, the thread that is to write it holds it."""
    _recorders.add(recorder)


def _in_child() -> None:
    for recorder in list(_recorders):
        recorder.make_locks()


def _at_exit() -> None:
    for recorder in list(_recorders):
        try:
            if recorder.n_waiting:
                recorder.catch_up()
        except Exception:
            _log.exception("A fault of tierwise's in writing what waited for the log.")
        if recorder.n_waiting:
            _log.warning(
                "%d decisions and attempts are not in the log %s, and are lost as the process ends.",
                recorder.n_waiting,
                recorder.log._database.name,
            )


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
