"""What the database refuses of an attempt."""

from __future__ import annotations

import pytest

from tierwise.classifier.errors import LogError
from tierwise.router.log._attempts import add_attempt


def test_what_the_database_refuses_is_our_error_without_the_row(log):
    values = {"number": 1, "mode": "sync", "model": "Zebra"}
    with pytest.raises(LogError, match="refused a row") as caught, log._database.transaction() as transaction:
        add_attempt(transaction, "nobody", values, 0)
    assert "Zebra" not in str(caught.value)
    assert log.attempts() == []
