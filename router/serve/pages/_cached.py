"""What takes the database seconds is counted aside, and shown as it was last counted, by whomever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any, NamedTuple

from ....classifier.errors import LogError
from ..._uncollected import uncollected
from ...log._times import utc_now
from ._saved import Saved

KEEP_S = 10.0  # and at least _REST times as long as counting takes, so that it never takes a core for itself
_REST = 20.0
WAIT_S = 0.05
_AFTER_PAGE_S = 0.2  # the page that shows what another process had counted is not to wait for the counting
_RETRY_S = 1.0  # after what could not be counted, however long that took: the log may be back
_UNREAD_S = 30.0  # after what could not be loaded: a page has several, and waits for one of them at most
_WORTH_SAVING_S, _SAVE_EVERY_S = 0.02, 300.0  # what is counted faster is soon counted again


class _Found(NamedTuple):
    """A value, or what counting raised. until : of time.monotonic(), when it is to be counted anew."""

    value: Future[Any]
    counted_at: datetime
    until: float


class Cached:
    """Values by name. A value that is there is answered at once and renewed in the background."""

    def __init__(self) -> None:
        self._turn = threading.Lock()  # one count at a time
        self._lock = threading.Lock()
        self._found: dict[str, _Found] = {}
        self._running: dict[str, Future[Any]] = {}
        self._loaded: dict[str, tuple[Any, datetime] | None] = {}  # what another process had counted
        self._saved_at: dict[str, float] = {}
        self._unread_until = 0.0

    def get(self, name: str, count: Callable[[], Any], saved: Saved | None = None) -> Any:
        """None while it is being counted for the first time ever, or after it could not be; raises what the
        last counting raised.

        saved : where it is kept beyond this process.
        """
        loaded = None if name in self._found else self._load(name, saved)
        with self._lock:
            found = self._found.get(name)
            running = self._running.get(name)
            if running is None and (found is None or time.monotonic() > found.until):
                after_s = 0.0 if loaded is None else _AFTER_PAGE_S
                running = self._running[name] = self._begun(name, count, saved, after_s)
        failed_before = running is not None and found is not None and found.value.exception() is not None
        if found is not None and not failed_before:
            return found.value.result()
        if loaded is not None:
            return loaded[0]
        assert running is not None
        try:
            return running.result(WAIT_S)
        except TimeoutError:
            return None

    def counted_at(self, *names: str) -> tuple[datetime | None, bool]:
        """When the oldest of these was counted, and whether by another process: a newer one will come."""
        moments, is_old = [], False
        for name in names:
            found, loaded = self._found.get(name), self._loaded.get(name)
            if found is not None:
                moments.append(found.counted_at)
            elif loaded is not None:
                moments.append(loaded[1])
                is_old = True
        return min(moments, default=None), is_old

    def forget(self, name: str) -> None:
        """Count it anew when it is next asked for."""
        with self._lock:
            self._found.pop(name, None)
            self._loaded[name] = None  # it is of no more use either

    def _load(self, name: str, saved: Saved | None) -> tuple[Any, datetime] | None:
        if saved is not None and name not in self._loaded and time.monotonic() > self._unread_until:
            try:
                self._loaded[name] = saved.load()
            except LogError:  # counting says so, if it lasts
                self._unread_until = time.monotonic() + _UNREAD_S
        return self._loaded.get(name)

    def _begun(self, *what: Any) -> Future[Any]:
        """Counting, in a thread that no stop waits for: nothing is lost with it."""
        running = Future[Any]()

        def work() -> None:
            with self._turn:
                try:
                    running.set_result(self._count(*what))
                except BaseException as error:
                    running.set_exception(error)

        threading.Thread(target=work, name="tierwise-pages", daemon=True).start()
        return running

    def _count(self, name: str, count: Callable[[], Any], saved: Saved | None, after_s: float) -> Any:
        time.sleep(after_s)
        begun_in: str | None = None
        started, at, done, failed = time.monotonic(), utc_now(), Future[Any](), False
        try:
            begun_in = None if saved is None else saved.era()
            with uncollected():  # a look at a million objects would hold up all that is served meanwhile
                done.set_result(count())
        except BaseException as error:
            done.set_exception(error)
            failed = True
            raise
        finally:
            now = time.monotonic()
            rest_s = max(KEEP_S, _REST * (now - started))
            with self._lock:
                self._found[name] = _Found(done, at, now + (_RETRY_S if failed else rest_s))
                del self._running[name]
        is_due = now > self._saved_at.get(name, 0.0) + _SAVE_EVERY_S or name not in self._saved_at
        if saved is not None and begun_in is not None and now - started > _WORTH_SAVING_S and is_due:
            self._saved_at[name] = now
            saved.save(done.result(), at, begun_in)
        return done.result()
