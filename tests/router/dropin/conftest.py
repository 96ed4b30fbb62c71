"""A server that stands in for the API, and a wrapped client of it."""

from __future__ import annotations

import pytest

import tierwise
from tierwise.testing import MessagesServer


@pytest.fixture
def server():
    with MessagesServer(answers="Done and tagged.") as running:
        yield running


@pytest.fixture
def client(server, tmp_path):
    made = tierwise.wrap(server.client(), log=tmp_path / "log.db")
    yield made
    made.router.close()
