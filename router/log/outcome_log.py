"""OutcomeLog: decisions and what became of them, in SQLite or PostgreSQL."""

from __future__ import annotations

import os
from datetime import datetime
from types import TracebackType
from typing import Any

from sqlalchemy import select

from ...classifier.errors import InvalidOutcome, NotInLog
from ..decision import Decision
from ._database import Database
from ._decision_row import decision_row
from ._outcome import Outcome
from ._read import history_counts
from ._replay import Replay, replayed
from ._schema import decisions, policies
from ._stats import Stats, collect
from ._text import check_store_text
from ._times import Clock, checked_us, to_us, utc_now
from ._upgrade import make_current
from ._url import parsed_url
from ._verdicts import check_basis, check_verdict
from ._write import Verdict, add_decision, add_outcome

MAX_NOTE_CHARS = 10_000


class OutcomeLog:
    """The log, opened; made where there is none, upgraded where it is of an older tierwise.

        with OutcomeLog("sqlite:///log.db") as log:
            log.record_decision(decision)
            log.record_outcome(decision.decision_id, "corrected", basis="person")
            log.history("meta-description")                 # {"haiku": (12, 1)}

    Parameters
    ----------
    url : a path or sqlite:///path.db for one machine, postgresql+psycopg://… for many.
    store_text : "full"; "features": an embedding in place of the text; "none". Notes are texts too.
    clock : for tests; answers with an aware datetime.
    durable : wait for the disk at every write; see `_database.py` for what else is promised.
    timeout_s : how long to wait for another writer, or for a connection.

    One object serves all threads of a process; several processes open the same log.
    """

    def __init__(
        self,
        url: str | os.PathLike[str],
        *,
        store_text: str = "full",
        clock: Clock = utc_now,
        durable: bool = False,
        timeout_s: float = 30.0,
    ) -> None:
        self.store_text = check_store_text(store_text)
        self._clock = clock
        self._database = Database(parsed_url(url), durable=durable, timeout_s=timeout_s)
        self._policies: set[str] = set()  # fingerprints that are known to be stored
        make_current(self._database)

    def record_decision(
        self, decision: Decision, *, at: datetime | None = None, follows: str | None = None
    ) -> bool:
        """True where it was new; the same decision once more changes nothing.

        at : when it was made (default: now).
        follows : id of the decision whose failed attempt this one answers.
        """
        now = self._now()
        row = self._row(decision, at, follows, now)
        with self._database.write() as connection:
            is_new = add_decision(connection, row, self._policies)
        self._policies.add(row.values["policy_fingerprint"])
        return is_new

    def record_outcome(
        self,
        decision_or_id: Decision | str,
        verdict: str,
        *,
        basis: str = "person",
        at: datetime | None = None,
        note: str | None = None,
    ) -> Outcome:
        """Record what was said of a finished task. A decision that was never logged is stored first.

        verdict : "clean", "corrected", "failed"; "refused" and "cut_off" say nothing about capability.
        basis : "person", "check", "downstream", "imported"; the latest verdict of the strongest counts.
        at : when it was said (default: now); late verdicts keep their time.
        note : kept where texts are.

        Raises NotInLog for an unknown id, InvalidOutcome for what can't be recorded.
        """
        check_verdict(verdict), check_basis(basis)
        kept = _checked_note(note) if self.store_text == "full" else None
        now = self._now()
        at_us = None if at is None else checked_us("at", at, now)
        row = None
        if isinstance(decision_or_id, Decision):
            row = self._row(decision_or_id, None, None, now)
            decision_id = decision_or_id.decision_id
        else:
            decision_id = _checked_id(decision_or_id)
        with self._database.write() as connection:
            if row is not None:
                add_decision(connection, row, self._policies)
            new = Verdict(verdict, basis, at_us, kept)
            now = self._now()  # after waiting for other writers: the log's times rise with its rows
            outcome = add_outcome(connection, decision_id, new, to_us(now))
        if row is not None:
            self._policies.add(row.values["policy_fingerprint"])
        return outcome

    def history(self, task_type: str, *, as_of: datetime | None = None) -> dict[str, tuple[int, int]]:
        """Tier -> (clean, not clean) of this type: what `predict_tier(history=)` takes.

        as_of : as the log knew it then; a verdict recorded later is not there, whatever time it gives.
        """
        as_of_us = None if as_of is None else checked_us("as_of", as_of, self._now())
        with self._database.read() as connection:
            return history_counts(connection, task_type, as_of_us)

    def stats(self) -> Stats:
        """Counts per task type and tier, pass rates with their intervals, when last seen."""
        with self._database.read() as connection:
            return collect(connection)

    def replay(self, decision_id: str) -> Replay:
        """The decision made again from its row alone. Raises NotInLog."""
        with self._database.read() as connection:
            row = connection.execute(select(decisions).where(decisions.c.decision_id == decision_id)).first()
            if row is None:
                raise NotInLog(f"The log holds no decision with the id {decision_id!r}.", about=decision_id)
            wanted = select(policies.c.body).where(policies.c.fingerprint == row.policy_fingerprint)
            body = connection.execute(wanted).scalar()
        return replayed(row._asdict(), body)

    def close(self) -> None:
        """Give up the connections. Closing twice is no error."""
        self._database.close()

    def __enter__(self) -> OutcomeLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OutcomeLog({self._database.name!r}, store_text={self.store_text!r})"

    def _now(self) -> datetime:
        now = self._clock()
        if now.utcoffset() is None:
            raise InvalidOutcome("clock must answer with a time zone; use datetime.now(tz=datetime.UTC).")
        return now

    def _row(self, decision: Decision, at: datetime | None, follows: str | None, now: datetime) -> Any:
        return decision_row(
            decision,
            store_text=self.store_text,
            decided_at_us=to_us(now) if at is None else checked_us("at", at, now),
            recorded_at_us=to_us(now),
            follows=follows,
        )


def _checked_id(decision_id: object) -> str:
    if isinstance(decision_id, str) and decision_id.strip():
        return decision_id
    raise InvalidOutcome(
        f"An outcome belongs to a Decision or to the id of one; got {decision_id!r}.", about=decision_id
    )


def _checked_note(note: object) -> str | None:
    if note is None:
        return None
    if not isinstance(note, str):
        raise InvalidOutcome(f"note must be text; got {type(note).__name__}.", about="note")
    if len(note) > MAX_NOTE_CHARS:
        raise InvalidOutcome(
            f"note has {len(note):,} characters; at most {MAX_NOTE_CHARS:,} are kept.", about="note"
        )
    if "\x00" in note or any("\ud800" <= char <= "\udfff" for char in note):
        raise InvalidOutcome("note contains NUL or a lone surrogate; is it binary data?", about="note")
    return note
