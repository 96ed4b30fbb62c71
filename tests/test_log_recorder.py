"""What can't be written, and what goes wrong on the way: it is said and counted, and keeps nobody else out."""

from __future__ import annotations

import logging

import pytest

from tierwise import Router, predict_tier
from tierwise.classifier.errors import InvalidTask
from tierwise.router.log._entries import Waiting

TAG = "Tag these 40 tickets by product area, JSON out"


@pytest.fixture
def router(log):
    with Router(log=log) as router:
        yield router


def waiting(router: Router, follows: str | None = None) -> Waiting:
    return Waiting(predict_tier(TAG), router.log._now(), follows)


@pytest.mark.parametrize("bad", ["a\x00b"])
def test_a_row_that_no_database_takes_is_given_up_and_the_others_are_written(router, bad, caplog):
    recorder = router._logged._recorder
    recorder.add([waiting(router), waiting(router, bad), waiting(router)])
    with caplog.at_level(logging.WARNING):
        recorder.settle()
    kept = 3 if router.log._database.is_sqlite and bad == "a\x00b" else 2  # SQLite keeps NUL
    assert (router.log.stats().n_decisions, recorder.n_dropped) == (kept, 3 - kept)
    assert (len(recorder.waiting), recorder.is_away) == (0, False)
    assert ("is not written" in caplog.text) is (kept < 3)


@pytest.mark.parametrize("attempts", [(), ("haiku",)])
@pytest.mark.parametrize("bad", ["a\x00b", "\ud800", "x" * 201, " "])
def test_what_can_be_no_id_is_followed_by_nothing(router, attempts, bad):
    with pytest.raises(InvalidTask, match="follows is the id of a decision"):
        router.decide(TAG, follows=bad, attempts=attempts)
    assert router.unlogged == 0


def test_a_closed_log_is_away_and_drops_nothing(router):
    router.log.close()
    router.decide(TAG)
    recorder = router._logged._recorder
    assert (len(recorder.waiting), recorder.n_dropped, recorder.is_away) == (1, 0, True)
