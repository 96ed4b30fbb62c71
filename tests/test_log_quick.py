"""Statements that go to the driver itself answer as SQLAlchemy's do, and fail as they do."""

from __future__ import annotations

import pytest
from small_decisions import decided
from sqlalchemy import select

from tierwise.classifier.errors import LogError
from tierwise.router.log._attempts import add_attempt
from tierwise.router.log._quick import Quick
from tierwise.router.log._schema import decisions, outcomes


def test_rows_are_the_same_types_and_values(log):
    log.record_outcome(decided("d1"), "clean", note="Prüfung")
    log.record_outcome("d1", "corrected")
    for statement in (select(decisions), select(outcomes).order_by(outcomes.c.outcome_id)):
        with log._database.read() as connection:
            wanted = [row._asdict() for row in connection.execute(statement)]
            found = [row._asdict() for row in Quick(statement)(connection, {})]
        assert found == wanted
        assert [[type(value) for value in row.values()] for row in found] == [
            [type(value) for value in row.values()] for row in wanted
        ]


def test_what_the_database_refuses_is_our_error_without_the_row(log):
    with pytest.raises(LogError, match="refused a row") as caught, log._database.write() as connection:
        add_attempt(connection, "nobody", {"number": 1, "mode": "sync", "model": "Zebra"}, 0)
    assert "Zebra" not in str(caught.value)
    assert log.attempts() == []
