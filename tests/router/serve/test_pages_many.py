"""The pages with 100,000 decisions: all there, and counted aside."""

from __future__ import annotations

import pytest
from pages_served import counted, pages

from tierwise.router.log import OutcomeLog
from tierwise.router.log.demo import fill


@pytest.mark.slow
def test_every_page_shows_a_hundred_thousand_decisions(sqlite_url, champion):
    with OutcomeLog(sqlite_url) as log:
        fill(log, 100_000)
        with pages(log, model=champion) as client:
            assert "100,000 decisions" in counted(client, "/?days=all")
            assert "task types: share of clean work" in counted(client, "/types")
            assert "wait for a verdict" in counted(client, "/review")
            assert "predicted P(clean)" in counted(client, "/model")
