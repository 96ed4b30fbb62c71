"""A router with a log, on a test file's own server."""

from __future__ import annotations

import pytest

from tierwise import Router


@pytest.fixture
def router(server, tmp_path):
    with Router(log=tmp_path / "log.db", client=server.client()) as made:
        yield made
