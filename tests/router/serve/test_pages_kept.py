"""What was counted is shown at once by the next process, until it has counted itself; and goes when rows do."""

from __future__ import annotations

import gc
import time
from datetime import UTC, datetime

import pytest
from pages_served import COUNTING, OLDER, counted, pages

from tierwise import __version__, predict_tier
from tierwise.classifier.errors import LogError
from tierwise.router.log import OutcomeLog
from tierwise.router.log.demo import fill
from tierwise.router.log.figures._counts import Count, era, keep_count, kept_count
from tierwise.router.serve.pages import _cached, _counts
from tierwise.router.serve.pages._cached import Cached

PATHS = ("/?days=all", "/types", "/model", "/review")


@pytest.fixture
def slow(monkeypatch):
    """As on a log so large that everything counted takes long."""
    monkeypatch.setattr(_cached, "_WORTH_SAVING_S", 0.0)


@pytest.fixture
def halted(monkeypatch):
    """Nothing is ever counted to its end."""
    monkeypatch.setattr(Cached, "_count", lambda *_: time.sleep(0.2))
    monkeypatch.setattr(_cached, "WAIT_S", 0.0)


def body(html: str) -> str:
    """Without what is said of the counting."""
    main = html.partition("<main")[2].partition('<p class="note counted">')[0]
    return main.partition('name="form_token"')[0]


def test_what_one_process_has_counted_another_shows_while_it_counts(log, champion, slow, request):
    fill(log, 60)
    log.record_outcome(predict_tier("Tag this ticket by area"), "clean")  # of no type
    with pages(log, model=champion) as client:
        before = {path: counted(client, path) for path in PATHS}
    request.getfixturevalue("halted")
    with pages(log, model=champion) as client:
        for path in PATHS:
            html = client.get(path).text
            assert COUNTING not in html
            assert body(html) == body(before[path])
            assert (OLDER in html) is (path != "/review")  # which must not reload under a note


def test_without_anything_counted_before_it_says_that_it_counts(log, champion, halted):
    fill(log, 5)
    with pages(log, model=champion) as client:
        for path in PATHS:
            assert COUNTING in client.get(path).text


def test_what_is_counted_fast_is_not_written(log, champion, monkeypatch):
    monkeypatch.setattr(_cached, "_WORTH_SAVING_S", 60.0)  # a laden machine is not fast
    fill(log, 5)
    with pages(log, model=champion) as client:
        counted(client, "/")
        assert kept_count(log._database, _saved_name()) is None


def test_what_is_forgotten_takes_what_was_counted_along(log, champion, slow):
    fill(log, 60)
    name = next(iter(log.stats().types))
    with pages(log, model=champion) as client:
        assert name in counted(client, "/types")
        assert kept_count(log._database, _saved_name()) is not None
    log.forget(task_type=name)
    with pages(log, model=champion) as client:
        assert kept_count(log._database, _saved_name()) is None


def test_a_count_that_began_before_something_was_forgotten_is_not_kept(log):
    database, count = log._database, Count("[1]", 5)
    begun_in = era(database)
    assert keep_count(database, "a", count, begun_in)
    assert keep_count(database, "a", count._replace(at_us=6), begun_in)
    assert kept_count(database, "a") == ("[1]", 6)
    log.record_decision(predict_tier("Tag this", task_type="tags"))
    log.forget(task_type="tags")
    assert kept_count(database, "a") is None
    assert not keep_count(database, "a", count, begun_in)
    assert keep_count(database, "a", count, era(database))


def test_a_count_that_cannot_be_read_is_counted_again(log, champion, slow):
    fill(log, 30)
    with pages(log, model=champion) as client:
        before = counted(client, "/types")
        keep_count(log._database, _saved_name(), Count('{"n": null}', 5), era(log._database))
    with pages(log, model=champion) as client:
        assert body(counted(client, "/types")) == body(before)


def test_the_page_says_when_it_was_counted(log, champion):
    fill(log, 5)
    with pages(log, model=champion) as client:
        html = counted(client, "/")
    assert f'Counted <time datetime="{datetime.now(tz=UTC):%Y-%m-%d}' in html
    assert "http-equiv" not in html


def _saved_name() -> str:
    return f"{__version__} {_counts.STATS}"


def test_while_it_counts_nobody_waits_for_the_garbage_collector():
    assert gc.isenabled()
    cached = Cached()
    assert cached.get("is on", gc.isenabled) is False
    with pytest.raises(LogError):
        cached.get("fails", fails)
    assert gc.isenabled()


def test_a_log_that_is_back_is_shown_at_the_first_look(tmp_path, champion):
    """However long ago it was away; a page that says so does not reload by itself."""
    path, aside = tmp_path / "outcomes.db", tmp_path / "aside"
    aside.mkdir()
    with OutcomeLog(path) as log, pages(log, model=champion) as client:
        fill(log, 5)
        files = list(tmp_path.glob("outcomes.db*"))
        for file in files:
            file.rename(aside / file.name)
        assert {client.get(each).status_code for each in ("/", "/types", "/review")} == {503}
        for file in files:
            (aside / file.name).rename(file)
        time.sleep(_cached._RETRY_S + 0.1)
        for each in ("/", "/types", "/review"):
            assert client.get(each).status_code == 200, each
            assert "is away" not in counted(client, each)


def fails():
    raise LogError("No log.")
