"""Fitting from seed tasks: what is chosen, and that it can be made again."""

from __future__ import annotations

import numpy as np
import pytest

from tierwise.classifier.errors import InvalidTraining
from tierwise.classifier.model import TierModel
from tierwise.classifier.reading._guards import Guards
from tierwise.training import metrics
from tierwise.training.features.lexicon import build_lexicon, familiar_texts
from tierwise.training.features.space import FeatureSpace
from tierwise.training.features.words import Words
from tierwise.training.promise.thresholds import RATES, choose_thresholds, path, served
from tierwise.training.seeds.champion import build_champion, calibration_slope
from tierwise.training.seeds.crossval import held_out_logits
from tierwise.training.seeds.head import fit_reader
from tierwise.training.seeds.tasks import read_seeds


@pytest.fixture(scope="module")
def some_seeds():
    return read_seeds()[::9]


@pytest.fixture(scope="module")
def small_model(some_seeds, champion):
    return build_champion(some_seeds, champion.reader.encoder)


def test_a_model_built_from_seeds_can_be_saved_and_read(small_model, tmp_path, some_seeds):
    small_model.save(tmp_path / "model")
    again = TierModel.load(tmp_path / "model")
    tasks = [seed.task for seed in some_seeds[:50]]
    assert (again.needed_probabilities(tasks) == small_model.needed_probabilities(tasks)).all()
    assert again.manifest["training"]["rows"] == len(some_seeds)


def test_the_same_seeds_give_the_same_model(small_model, some_seeds, champion):
    twin = build_champion(some_seeds, champion.reader.encoder)
    assert twin.manifest == small_model.manifest
    assert (twin.reader.lexical == small_model.reader.lexical).all()


def test_the_manifest_shows_what_has_to_be_beaten(small_model):
    found = small_model.manifest["metrics"]
    assert found["accuracy"][1] <= found["accuracy"][0] <= found["accuracy"][2]
    assert found["accuracy"][0] > found["best_constant_accuracy"] + 0.2
    assert {"per_type_table_accuracy", "oracle_accuracy", "ece", "near_boundary_accuracy"} <= set(found)


def test_the_shipped_model_was_fitted_to_the_seeds_that_ship(champion):
    assert champion.manifest["training"]["rows"] == len(read_seeds())


def test_held_out_types_are_really_held_out(some_seeds, champion):
    """Labels that follow the type alone can't be learned from other types."""
    types = sorted({seed.task_type for seed in some_seeds})
    chance = np.random.default_rng(0)
    label = dict(zip(types, chance.integers(0, 3, len(types)), strict=True))
    from dataclasses import replace

    shuffled = [replace(seed, needed=int(label[seed.task_type])) for seed in some_seeds]
    logits, _ = held_out_logits(shuffled, champion.reader.encoder, n_tiers=3)
    accuracy = (logits.argmax(axis=1) == [seed.needed for seed in shuffled]).mean()
    assert accuracy < 0.45


def test_a_space_gives_the_tasks_that_span_it_the_rows_it_gives_any_task(some_seeds, champion):
    tasks = [seed.task for seed in some_seeds[:200]]
    space, rows = FeatureSpace.of(tasks, champion.reader.encoder)
    assert rows.nnz > 0
    assert (rows[150:] != space.matrix(tasks[150:])).nnz == 0


def test_every_tier_needs_examples(some_seeds, champion):
    tasks = [seed.task for seed in some_seeds[:20]]
    with pytest.raises(InvalidTraining, match=r"No task needs the tiers with index \[1, 2\]"):
        fit_reader(tasks, np.zeros(20, dtype=np.int64), champion.reader.encoder, n_tiers=3, guards=Guards())


def test_a_row_that_is_no_seed_task_names_its_line(tmp_path):
    bad = tmp_path / "seeds.jsonl"
    bad.write_text('{"id": "a", "specification": "x", "task_type": "t", "tier": "gpt", "domain": "d"}\n')
    with pytest.raises(InvalidTraining, match="Line 1 of .* is no seed task"):
        read_seeds(bad)


def test_the_path_tightens_at_every_step():
    steps = path()
    assert (np.diff(steps[:, 0]) >= 0).all()
    assert (np.diff(steps[:, 1]) < 0).all()
    assert steps[:, 0].min() >= 0.6


def test_a_stricter_rate_never_has_looser_thresholds():
    chance = np.random.default_rng(1)
    needed = chance.integers(0, 3, 2000)
    probabilities = metrics.softmax(chance.normal(size=(2000, 3)) + 2 * np.eye(3)[needed])
    found = choose_thresholds(probabilities, needed, [str(i % 80) for i in range(2000)])
    assert [threshold.max_under_tier for threshold in found] == list(RATES)
    downs = [threshold.lambda_down for threshold in found]
    ups = [threshold.lambda_up for threshold in found]
    assert downs == sorted(downs, reverse=True)
    assert ups == sorted(ups)
    assert all(t.under_tiered <= t.max_under_tier for t in found if t.found)


def test_no_threshold_may_be_found_and_that_is_said():
    probabilities = np.tile([0.98, 0.01, 0.01], (300, 1))
    found = choose_thresholds(probabilities, np.full(300, 2), ["a", "b", "c"] * 100)
    assert not any(threshold.found for threshold in found)


def test_served_is_sonnet_unless():
    rows = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.3, 0.2, 0.5], [0.1, 0.8, 0.1]])
    assert served(rows, 0.6, 0.45).tolist() == [0, 1, 2, 1]


def test_the_slope_undoes_overconfidence():
    chance = np.random.default_rng(0)
    logits = chance.normal(size=(20_000, 3))
    needed = np.array([chance.choice(3, p=row) for row in metrics.softmax(logits)])
    assert calibration_slope(logits * 4, needed) == pytest.approx(0.25, abs=0.02)


def test_calibrated_probabilities_have_a_small_calibration_error():
    chance = np.random.default_rng(0)
    logits = chance.normal(size=(20_000, 3))
    needed = np.array([chance.choice(3, p=row) for row in metrics.softmax(logits)])
    assert metrics.expected_calibration_error(metrics.softmax(logits), needed) < 0.02
    assert metrics.expected_calibration_error(metrics.softmax(logits * 4), needed) > 0.15


def test_a_few_texts_in_another_language_do_not_make_it_known():
    english = [f"please sort the {word} list by name and date" for word in ("guest", "stock", "price") * 5]
    german = ["bitte sortiere unsere bestellungen nach datum", "fasse diese besprechung kurz zusammen"]
    assert familiar_texts(english + german) == list(range(15))
    assert "bitte" not in build_lexicon(Words.of(english + german)).units
    mostly = [f"bitte sortiere die {word} nach datum" for word in ("liste", "akten", "preise") * 5]
    assert "bitte" in build_lexicon(Words.of(mostly)).units
