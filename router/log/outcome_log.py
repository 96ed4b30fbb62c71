"""OutcomeLog: decisions and what became of them, in SQLite or PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .. import reasons
from ..decision import Decision
from . import _erase as erase
from ._add_decision import add_decision
from ._add_outcome import Verdict
from ._attempts import LoggedAttempt, logged_attempts
from ._checks import checked_note, checked_type
from ._counting import history_counts
from ._explored import Explored, explored
from ._opened import OpenedLog
from ._outcome import Outcome
from ._record import record
from ._replay import Replay, replay_of
from ._states import Learn, TypeState, TypeStates, lock_types, reading
from ._times import checked_us, to_us
from ._verdicts import check_basis, check_verdict
from .figures._stats import Stats, collect
from .files._export import exported_rows
from .files._frame import frame_of, rows_of
from .files._import import ImportReport, Row, import_rows
from .files._read import read_file, unit_of, with_progress
from .files._written import place_of_bad, write_bad, write_file

if TYPE_CHECKING:
    import pandas as pd

    from ...classifier.belief.state import TypeState as State
    from ...classifier.model import TierModel


class OutcomeLog(OpenedLog):
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
    durable : wait for the disk at every write; see `database/_connections.py` for what else is promised.
    timeout_s : how long to wait for another writer, or for a connection.
    create : make a log where there is none; False raises LogUnavailable instead.

    One object serves all threads of a process; several processes open the same log.
    """

    def record_decision(
        self,
        decision: Decision,
        *,
        at: datetime | None = None,
        follows: str | None = None,
        wait_s: float | None = None,
    ) -> bool:
        """True where it was new; the same decision once more changes nothing.

        at : when it was made (default: now).
        follows : id of the decision whose failed attempt this one answers.
        wait_s : for other writers, where that is less than the log's `timeout_s`.
        """
        now = self._now()
        row = self._row(decision, at, follows, now)
        with self._database.transaction(wait_s=wait_s) as transaction:
            is_new = add_decision(transaction, row, self._policies, commit=True)
        self._policies.add(row.values["policy_fingerprint"])
        return is_new

    def record_outcome(
        self,
        decision_or_id: Decision | str,
        verdict: str,
        *,
        basis: str = "person",
        at: datetime | str | None = None,
        note: str | None = None,
        learn: Learn | None = None,
    ) -> Outcome:
        """Record what was said of a finished task. A decision that was never logged is stored first.

        verdict : "clean", "corrected", "failed"; "refused" and "cut_off" say nothing about capability.
        basis : "person", "check", "downstream", "imported"; the latest verdict of the strongest counts.
        at : when it was said (default: now); late verdicts keep their time.
        note : kept where texts are.
        learn : called with the outcome and its type's states, in the same transaction, where the verdict
            that counts has changed; what it raises undoes the record.

        Raises NotInLog for an unknown id, InvalidOutcome for what can't be recorded.
        """
        check_verdict(verdict), check_basis(basis)
        kept = checked_note(note) if self.store_text == "full" else None
        said = Verdict(verdict, basis, None if at is None else checked_us("at", at, self._now()), kept)
        outcome = record(self, decision_or_id, said, learn=learn)
        assert outcome is not None  # there was a verdict
        return outcome

    def attempts(self, decision_id: str | None = None) -> list[LoggedAttempt]:
        """What was tried and what it took, of one decision or of all: `pandas.DataFrame(log.attempts())`."""
        with self._database.read() as connection:
            return logged_attempts(connection, decision_id)

    def states_of(self, task_type: str, model_version: str) -> dict[int, TypeState]:
        """Bucket -> state of a type under a model, to be read only; empty where none are kept."""
        with self.reading_states(task_type) as states:
            return states.get(model_version)

    def learned(self, task_type: str, model: TierModel) -> State | None:
        """What a `Router` goes by that has this log and this model; None where no outcome counts.

        It is kept in the log, else (after an import, or where no `Router` recorded the outcomes) it is built
        from the newest rows.
        """
        return self._keepers.of(model).state(self._database, checked_type(task_type))

    @contextmanager
    def reading_states(self, task_type: str) -> Iterator[TypeStates]:
        """The states of a type and the rows behind them, as they are at one moment; to be read only."""
        with reading(self._database, task_type) as states:
            yield states

    @contextmanager
    def type_states(self, task_type: str) -> Iterator[TypeStates]:
        """The states of a type to read, write or build from `rows()`, in one transaction."""
        with self._database.transaction() as transaction:
            lock_types(transaction.connection, [task_type])
            yield TypeStates(transaction, task_type, to_us(self._now()))

    def history(self, task_type: str, *, as_of: datetime | None = None) -> dict[str, tuple[int, int]]:
        """Tier -> (clean, not clean) of this type: what `predict_tier(history=)` takes.

        as_of : as the log knew it then; a verdict recorded later is not there, whatever time it gives.
        """
        as_of_us = None if as_of is None else checked_us("as_of", as_of, self._now())
        with self._database.brief(self._database.timeout_s), self._database.read() as connection:
            return history_counts(connection, checked_type(task_type), as_of_us)

    def tried_as_canary(self, model_version: str) -> Explored:
        """How many decisions a challenger of this version has made in its canaries, and when the last."""
        with self._database.read() as connection:
            return explored(connection, reasons.CANARY, model_version)

    def to_pandas(
        self,
        *,
        task_type: str | None = None,
        as_of: datetime | None = None,
        columns: Sequence[str] | None = None,
        decision_ids: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """One row per finished task, with the verdict that counts: what `train` and `evaluate` read.

        columns : which, in this order (default: all but "features" and "details", which are large).
        decision_ids : of these decisions only.

        Steps that needed no model are not in it. `text_stored` says what a row can't do; see CANNOT.
        `came_whole`: decision and verdict were written at once, as of work that was done elsewhere.
        """
        as_of_us = None if as_of is None else checked_us("as_of", as_of, self._now())
        chosen = {"columns": columns, "decision_ids": decision_ids}
        with self._database.read() as connection:
            return frame_of(connection, task_type=task_type, as_of_us=as_of_us, **chosen)

    def import_frame(
        self, frame: pd.DataFrame, *, partial: bool = False, tiers: Sequence[str] | None = None
    ) -> ImportReport:
        """Add the rows of a frame: `tier`, `verdict` and `at`, and whatever else `to_pandas` has.

        partial : leave out what can't be taken and name it in the report. Without it such rows raise
            BadRows, by position, and nothing is imported. Importing twice adds nothing.
        tiers : those that rows may name (default: any, a log may hold several ladders).
        """
        return self._import(rows_of(frame), "row", partial, tiers)

    def import_file(
        self,
        path: str | os.PathLike[str],
        *,
        partial: bool = False,
        bad_path: str | os.PathLike[str] | None = None,
        progress: bool = False,
        tiers: Sequence[str] | None = None,
    ) -> ImportReport:
        """Add the rows of a JSON lines, CSV or Parquet file; see `import_frame`.

        bad_path : where, with `partial`, bad rows are written (default: beside the file, .bad.jsonl).
        """
        source = Path(path)
        beside = place_of_bad(source, bad_path) if partial else source
        rows = with_progress(read_file(source), "rows", progress)
        report = self._import(rows, unit_of(source), partial, tiers)
        if not report.bad:
            return report
        write_bad(source, report.bad, beside, n_imported=report.n_rows - len(report.bad))
        return replace(report, bad_path=beside)

    def export(self, path: str | os.PathLike[str], *, progress: bool = False) -> int:
        """Write all decisions, attempts and verdicts as JSON lines, CSV or Parquet; how many rows."""
        with self._database.read() as connection, closing(exported_rows(connection)) as rows:
            return write_file(Path(path), with_progress(rows, "rows", progress))

    def forget(self, *, task_type: str | None = None, decision_id: str | None = None) -> int:
        """Remove a decision, or all of a type, with its outcomes and what was learned. How many decisions.

        Raises NotInLog where there is nothing of that name.
        """
        return erase.forget(self._database, task_type=task_type, decision_id=decision_id)

    def expire(self, *, older_than: timedelta, text_only: bool = False) -> int:
        """Remove decisions made longer ago than this, or only their texts and notes. How many."""
        now_us = to_us(self._now())
        return erase.expire(self._database, older_than=older_than, now_us=now_us, text_only=text_only)

    def stats(self) -> Stats:
        """Counts per task type and tier, pass rates with their intervals, when last seen."""
        with self._database.read() as connection:
            return collect(connection)

    def replay(self, decision_id: str) -> Replay:
        """The decision made again from its row alone. Raises NotInLog."""
        with self._database.read() as connection:
            return replay_of(connection, decision_id)

    def close(self) -> None:
        """Give up the connections. Closing twice is no error."""
        self._database.close()

    def __enter__(self) -> OutcomeLog:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OutcomeLog({self._database.name!r}, store_text={self.store_text!r})"

    def _import(
        self, rows: Iterable[Row], what: str, partial: bool, tiers: Sequence[str] | None = None
    ) -> ImportReport:
        return import_rows(
            self._database,
            rows,
            store_text=self.store_text,
            now=self._now(),
            partial=partial,
            what=what,
            tiers=tiers,
        )
