"""promote with the real evaluation and gate: it does what they say, and says what failed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from simulated_log import simulated
from small_model import small_model

import tierwise
from tierwise import OutcomeLog, compare, gate
from tierwise.classifier.artifact._pointer import Canary as Record
from tierwise.classifier.errors import InvalidTraining, PromotionRefused
from tierwise.classifier.model import TierModel
from tierwise.cli import main
from tierwise.training.promotion.store import ModelStore

# no model keeps both
CONTRADICTION = [{"specification": "Tag these 40 tickets", "tier": tier} for tier in ("haiku", "opus")]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulated(300, n_types=12)


@pytest.fixture
def store(tmp_path, champion) -> ModelStore:
    tierwise.promote(champion, to=tmp_path / "models", why="as shipped", force=True)
    return ModelStore(tmp_path / "models")


def test_it_does_what_the_gate_says_and_records_the_report(store, champion, rows):
    challenger = small_model()
    report = gate(compare(champion, challenger, rows))
    if report.verdict == "refuse":
        with pytest.raises(PromotionRefused) as caught:
            tierwise.promote(challenger, to=store.path, log=rows, why="the same")
        assert caught.value.gate == report.to_dict()
        assert all(reason in str(caught.value) for reason in report.reasons)
        assert len(store.history()) == 1
    else:
        change = tierwise.promote(challenger, to=store.path, log=rows, why="the same")
        assert (change.action, change.gate) == (report.verdict, report.to_dict())


def test_what_serves_already_is_not_promoted_again(store, champion, rows):
    """The weekly command run twice would be recorded as a change, and end the canary of another model."""
    store.start_canary(Record(store.add(small_model()), 0.1, 500))
    before = store.pointer()
    with pytest.raises(
        PromotionRefused, match=f"Nothing was changed: {champion.version} serves in .* already"
    ):
        tierwise.promote(champion, to=store.path, log=rows, why="again")
    assert store.pointer() == before


def test_what_breaks_a_pinned_case_is_refused_and_nothing_changes(store, champion, rows):
    before = (store.path / "champion.json").read_bytes()
    with pytest.raises(PromotionRefused, match="Refused, nothing was changed") as caught:
        tierwise.promote(small_model(), to=store.path, log=rows, pinned=CONTRADICTION, why="it should")
    assert caught.value.gate["verdict"] == "refuse"
    assert caught.value.gate["reasons"]
    assert (store.path / "champion.json").read_bytes() == before
    assert TierModel.load(store.path).version == champion.version


def test_a_pinned_case_that_moved_is_named(store, rows, tmp_path):
    """The command's file of pinned cases, and its exit code."""
    pinned, frame = tmp_path / "pinned.jsonl", tmp_path / "rows.jsonl"
    case = {"specification": "Tag these 40 tickets by product area", "items": 40, "tier": "opus"}
    pinned.write_text(json.dumps(case) + "\n")
    rows.assign(at=rows["at"].map(pd.Timestamp.isoformat)).to_json(frame, orient="records", lines=True)
    small_model().save(tmp_path / "friday")
    told = ["--frame", str(frame), "--pinned", str(pinned), "--why", "x", "--json"]
    result = CliRunner().invoke(main, ["promote", str(tmp_path / "friday"), "--to", str(store.path), *told])
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    assert report["action"] == "refuse"
    assert not report["gate"]["checks"]["pinned"]["passed"]
    assert "must be opus and came out as sonnet" in result.stderr


def test_an_outcome_log_with_too_little_in_it_is_said(store, tmp_path):
    with (
        OutcomeLog(tmp_path / "log.db") as log,
        pytest.raises(InvalidTraining),
    ):
        tierwise.promote(small_model(), to=store.path, log=log, why="too early")
    assert len(store.history()) == 1


def test_an_empty_store_is_judged_against_the_champion_that_ships(champion, rows, tmp_path):
    folder: Path = tmp_path / "models"
    report = gate(compare(champion, small_model(), rows), pinned=CONTRADICTION)
    with pytest.raises(PromotionRefused) as caught:
        tierwise.promote(small_model(), to=folder, log=rows, pinned=CONTRADICTION, why="first")
    assert caught.value.gate == report.to_dict()
    assert ModelStore(folder).versions() == ()


def test_what_is_likely_and_not_proved_leaves_the_champion(store, champion):
    """What was trained on 600 outcomes looks better on the next 300, and nothing proves it."""
    rows = simulated(900, n_types=12)
    challenger = tierwise.train(rows.iloc[:600])
    change = tierwise.promote(challenger, to=store.path, log=rows.iloc[600:], why="it might")
    assert change.action == "canary"
    assert TierModel.load(store.path).version == champion.version
    assert store.canary().version == change.version
