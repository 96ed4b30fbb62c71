"""A canary that is judged again: it goes on as it was, ends where it is refused, and says when it is used up."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from simulated_log import simulated
from small_model import small_model

import tierwise
from tierwise import Canary, OutcomeLog, Router, compare
from tierwise.classifier.artifact._pointer import Canary as Record
from tierwise.classifier.artifact._pointer import Change
from tierwise.classifier.errors import InvalidTraining, NotInStore, PromotionRefused
from tierwise.classifier.model import TierModel
from tierwise.cli import main
from tierwise.cli.promote import _as_text
from tierwise.training.evaluation import GateReport
from tierwise.training.evaluation._checks import known
from tierwise.training.promotion._trial import trial_of
from tierwise.training.promotion.promote import settle
from tierwise.training.promotion.registry import ModelRegistry
from tierwise.training.promotion.store import ModelStore

REFUSED = {
    name: known(name != "pinned", 0.0, 0.0, "All stayed.", "It moved.") for name in ("unseen", "pinned")
}
UNSEEN = {
    name: known(name != "unseen", 7.0, 0.0, "None was.", "7 were in training.")
    for name in ("unseen", "pinned")
}


@pytest.fixture
def folder(tmp_path) -> Path:
    small_model(seed=7).save(tmp_path / "friday")
    return tmp_path / "friday"


@pytest.fixture
def store(tmp_path, champion, folder) -> ModelStore:
    """The shipped champion, and a challenger in its canary."""
    tierwise.promote(champion, to=tmp_path / "models", why="as shipped", force=True)
    store = ModelStore(tmp_path / "models")
    store.start_canary(Record(store.add(folder), 0.5, 40), why="it might")
    return store


@pytest.fixture
def tried(store, champion, tmp_path) -> Iterator[OutcomeLog]:
    """A log in which the canary has had all of its forty decisions, and work went on after them."""
    with OutcomeLog(tmp_path / "log.db") as log:
        canary = Canary(0.5, 40)
        challenger = store.load(store.canary().version)
        with Router(
            champion, None, log, challenger=challenger, canary=canary, rng=random.Random(0)
        ) as router:
            for number in range(150):
                decision = router.decide(
                    f"Tag these {number + 30} tickets by product area", task_type=f"tags-{number}"
                )
                router.record_outcome(decision, "clean")
        yield log


def settled(store: ModelStore, folder: Path, report: GateReport, log: object = None, **told: object):
    before, challenger = store.pointer(), TierModel.load(folder)
    trial = trial_of(store, before, challenger, log)
    return settle(store, folder, report, before, challenger, trial=trial, by="Bo", why="Friday", **told)


def test_what_speaks_against_a_challenger_ends_its_canary(store, folder):
    with pytest.raises(
        PromotionRefused, match=r"Refused: its canary is over, and .* serves alone. It moved\."
    ):
        settled(store, folder, GateReport("refuse", ("It moved.",), REFUSED))
    last = store.history()[-1]
    assert store.canary() is None
    assert (last.action, last.by, last.gate["reasons"]) == ("drop_canary", "Bo", ["It moved."])
    with pytest.raises(NotInStore, match="No challenger is tried") as caught:
        store.drop_canary()
    assert caught.value.about == store.where


def test_rows_that_it_can_not_be_judged_on_end_nothing(store, folder):
    before = store.pointer()
    with pytest.raises(PromotionRefused, match=r"nothing was changed\. 7 were in training\."):
        settled(store, folder, GateReport("refuse", ("7 were in training.",), UNSEEN))
    assert store.pointer() == before


def test_a_refused_rival_ends_nothing(store, tmp_path):
    before = store.pointer()
    small_model(seed=3, bias=[0.0, 1.0, 0.0]).save(tmp_path / "rival")
    with pytest.raises(PromotionRefused, match="nothing was changed") as caught:
        settled(store, tmp_path / "rival", GateReport("refuse", ("It moved.",), REFUSED))
    assert store.pointer() == before
    assert "canary" not in caught.value.gate


def test_a_canary_goes_on_as_it_was_or_with_what_it_is_given(store, folder):
    unsure = GateReport("canary", ("Not proved.",), {})
    assert (settled(store, folder, unsure).action, store.canary().share) == ("canary", 0.5)
    assert store.canary().max_decisions == 40
    change = settled(store, folder, unsure, canary=Canary(0.2, 900))
    assert (store.canary().share, store.canary().max_decisions) == (0.2, 900)
    assert change.gate["canary"]["max_decisions"] == 900


def test_a_canary_whose_model_is_gone_is_nobodys(store, folder):
    challenger = TierModel.load(folder)
    assert trial_of(store, store.pointer(), challenger, None) is not None
    shutil.rmtree(store.path / "versions" / store.canary().version)
    assert trial_of(store, store.pointer(), challenger, None) is None


def test_a_canary_began_when_it_was_first_recorded_since_it_ran_last(store, folder):
    """It is recorded again each time that it is judged; an earlier one of the same model had ended."""
    pointer, challenger = store.pointer(), TierModel.load(folder)
    *before, last = pointer.history
    one, two, three, four = (replace(last, at=f"2026-0{month}-01T00:00:00+00:00") for month in (2, 3, 4, 5))
    ended = replace(two, action="drop_canary")
    for history, month in ((one, two, three), 2), ((one, ended, three, four), 4):
        recorded = replace(pointer, history=(*before, *history))
        found = trial_of(store, recorded, challenger, None)
        assert found.since == datetime(2026, month, 1, tzinfo=UTC)


def test_another_challenger_says_whose_canary_it_ends(store, tmp_path):
    first = store.canary().version
    small_model(seed=3, bias=[0.0, 1.0, 0.0]).save(tmp_path / "rival")
    change = settled(store, tmp_path / "rival", GateReport("canary", ("Not proved.",), {}))
    assert change.gate["canary"] == {"replaces": first}


def test_a_full_canary_is_judged_up_to_its_last_decision(store, folder, tried, champion):
    challenger = TierModel.load(folder)
    found = trial_of(store, store.pointer(), challenger, tried)
    assert found.decisions == 40 == tried.tried_as_canary(challenger.version).decisions
    assert found.since < found.until < datetime.now(UTC)
    frame = tried.to_pandas()
    within = int((frame["decided_at"] <= found.until).sum())
    assert 50 < within < 150
    store.start_canary(Record(store.canary().version, 0.5, 41))  # one more may come
    assert trial_of(store, store.pointer(), challenger, tried).until is None
    assert tried.tried_as_canary("another").last is None


def test_the_time_until_a_full_canary_is_allowed_more_is_left_out(store, folder, tried, champion):
    """The champion served alone then: its tasks would count as undecided by chance for ever."""
    challenger = TierModel.load(folder)
    last = tried.tried_as_canary(challenger.version).last
    change = settled(store, folder, GateReport("canary", ("Not proved.",), {}), tried, canary=Canary(0.5, 60))
    allowed = datetime.fromisoformat(change.at) + timedelta(seconds=1)
    found = trial_of(store, store.pointer(), challenger, tried)
    assert found.pauses == ((last, datetime.fromisoformat(change.at)),)
    assert found.until is None
    frame = tried.to_pandas()
    kept = int((frame["decided_at"] <= last).sum())
    assert compare(champion, challenger, tried, pauses=[(last, allowed)]).about["tasks"] == kept < len(frame)
    assert compare(champion, challenger, tried).about["tasks"] == len(frame)


def test_too_soon_is_said_with_the_moment_from_which_a_canary_is_judged(store, folder):
    """And not with the end of its training: tasks from before the canary are no answer."""
    began = store.history()[-1].at
    said = f"0 of 120 tasks came since {re.escape(began)}, from when on .* Wait for more outcomes\\.$"
    with pytest.raises(InvalidTraining, match=said):
        tierwise.promote(folder, to=store.path, log=simulated(120, n_types=6), why="at once")
    assert store.canary() is not None


def test_compare_leaves_out_what_came_later(champion):
    rows = simulated(120, n_types=6)
    until = rows["at"].iloc[79].to_pydatetime()
    assert compare(champion, champion, rows, until=until).about["tasks"] == 80
    assert compare(champion, champion, rows, until=until + timedelta(hours=1)).about["tasks"] == 81


def test_the_command_ends_a_canary_that_has_shown_the_worse_model(store, folder, tried, tmp_path):
    """It hopes for haiku seldom, and everything was clean."""
    told = ["promote", str(folder), "--to", str(store.path), "--log", str(tmp_path / "log.db")]
    wrong = CliRunner().invoke(main, [*told, "--canary-share", "0.9"])
    assert (wrong.exit_code, "share must be a number > 0 and <= 0.5" in wrong.stderr) == (2, True)
    assert store.canary() is not None
    result = CliRunner().invoke(main, [*told, "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["gate"]["canary"]["decisions"] == 40
    assert "its canary is over" in result.stderr
    assert "It predicts verdicts worse than the champion" in result.stderr
    assert store.canary() is None


@pytest.mark.parametrize(
    ("canary", "says"),
    [
        ({"decisions": 7, "max_decisions": 500}, "It has made 7 of the 500 decisions of its canary"),
        ({"decisions": 500, "max_decisions": 500}, "has made all 500 .* --canary-decisions, or end it"),
        ({"decisions": None, "max_decisions": 500}, None),
        ({"replaces": "abc"}, "The canary of abc is over"),
        ({}, "decides 10% of the tasks, 500 at most: in a service that serves from models, or in Router"),
    ],
)
def test_the_command_says_how_far_a_canary_has_come(canary, says):
    change = Change(3, "canary", "new", "old", "Bo", "now", gate={"reasons": ["Why."], "canary": canary})
    lines = _as_text(change, "models").splitlines()
    assert lines[1] == "Why."
    assert lines[2:-1] == [] if says is None else re.search(says, lines[2])


def test_a_registry_knows_its_challenger_by_the_seal(mlflow_with_two):
    """Its versions are numbers, which no model carries."""
    registry = ModelRegistry("models:/tierwise")
    registry.promote("1")
    registry.start_canary(Record("2", 0.1, 500))
    challenger = TierModel.load("models:/tierwise/2")
    found = trial_of(registry, registry.pointer(), challenger, None)
    assert found.since.isoformat() == registry.history()[-1].at
    assert trial_of(registry, registry.pointer(), TierModel.load("models:/tierwise/1"), None) is None
