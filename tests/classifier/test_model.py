"""TierModel: a task and its history in, probabilities per tier out."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_model import TIERS, small_manifest, small_model, small_reader

from tierwise.classifier import Posterior
from tierwise.classifier.errors import InvalidTask
from tierwise.classifier.model import TierModel
from tierwise.classifier.task import Task
from tierwise.data import SEED_TASKS

SMALL = small_model()
TEXT = "Tag these support tickets by product area and write the result as JSON"

TEXTS = st.one_of(
    st.text(max_size=60).filter(lambda t: "\x00" not in t and t.isprintable()),
    st.lists(
        st.sampled_from(["tag", "the", "ticket", "plan", "12", "zebra", "why?", "東京"]), max_size=30
    ).map(" ".join),
)
COUNTS = st.dictionaries(st.sampled_from(TIERS), st.tuples(st.integers(0, 60), st.integers(0, 60)))
TASKS = st.builds(
    Task,
    TEXTS,
    task_type=st.sampled_from([None, "tagging"]),
    items=st.none() | st.integers(0, 500),
    attempts=st.lists(st.sampled_from([*TIERS, "fable"]), max_size=4),
)


@pytest.fixture(scope="module")
def seed_tasks() -> list[Task]:
    rows = map(json.loads, SEED_TASKS.read_text(encoding="utf-8").splitlines()[::25])
    return [Task(row["specification"], task_type=row["task_type"]) for row in rows]


@given(TASKS, st.none() | COUNTS)
def test_beliefs_are_probabilities_that_never_fall_up_the_ladder(champion, task, history):
    for model in (champion, SMALL):
        found = model.posterior(task, history)
        assert sum(found.needed) == pytest.approx(1)
        assert sum(found.text) == pytest.approx(1)
        assert min(found.needed) >= 0
        assert min(found.pass_) > 0
        assert max(found.pass_) <= 1 - model.widths.epsilon + 1e-9
        assert (np.diff(found.pass_) >= -1e-12).all()


def test_a_row_per_task_and_a_column_per_tier(champion, seed_tasks):
    needed, passes = champion.needed_probabilities(seed_tasks), champion.pass_probabilities(seed_tasks)
    assert needed.shape == passes.shape == (len(seed_tasks), len(champion.tiers))
    np.testing.assert_allclose(needed.sum(axis=1), 1)
    assert (np.diff(passes, axis=1) >= -1e-12).all()
    assert len(np.unique(needed.argmax(axis=1))) == len(champion.tiers)


def test_no_tasks_are_no_rows():
    assert SMALL.needed_probabilities([]).shape == SMALL.pass_probabilities([]).shape == (0, 3)
    assert SMALL.posteriors([]) == []


def test_many_tasks_are_answered_exactly_as_one_by_one(champion, seed_tasks):
    history = {seed_tasks[0].task_type: {"haiku": (9, 1)}, seed_tasks[-1].task_type: {"opus": (0, 2)}}
    rows = champion.needed_probabilities(seed_tasks, history)
    alone = [champion.posterior(task, history.get(task.task_type)).needed for task in seed_tasks]
    assert rows.tolist() == [list(row) for row in alone]


@pytest.mark.parametrize("history", [None, {}, {"haiku": (0, 0)}], ids=repr)
def test_an_empty_history_changes_nothing(champion, history):
    plain = champion.posterior(Task(TEXT))
    found = champion.posterior(Task(TEXT), history)
    assert (found.needed, found.pass_, found.history) == (plain.needed, plain.pass_, None)


def test_history_moves_beliefs_but_not_what_the_text_says(champion):
    plain = champion.posterior(Task(TEXT))
    praised = champion.posterior(Task(TEXT), {"haiku": (30, 0)})
    blamed = champion.posterior(Task(TEXT), {"haiku": (0, 30)})
    assert blamed.needed[0] < plain.needed[0] < praised.needed[0]
    assert blamed.pass_[0] < plain.pass_[0] < praised.pass_[0]
    assert blamed.text == plain.text == praised.text
    assert praised.history == {0: (30.0, 0.0)}


def test_history_is_looked_up_by_task_type(champion):
    tasks = [Task(TEXT, task_type="tagging"), Task(TEXT, task_type="other"), Task(TEXT)]
    known, other, none = champion.posteriors(tasks, {"tagging": {"haiku": (0, 30)}})
    assert known.needed != other.needed == none.needed


def test_a_history_that_cannot_be_read_is_refused(champion):
    with pytest.raises(InvalidTask, match="did you mean 'sonnet'"):
        champion.posterior(Task(TEXT), {"sonet": (1, 0)})


@pytest.mark.parametrize("attempts", [("haiku",), ("sonnet",), ("haiku", "sonnet"), TIERS])
def test_a_failed_attempt_lowers_every_pass_probability(champion, attempts):
    plain, after = champion.posterior(Task(TEXT)), champion.posterior(Task(TEXT, attempts=attempts))
    assert all(np.array(after.pass_) < np.array(plain.pass_))
    assert after.needed[0] < plain.needed[0]
    assert after.text == plain.text
    assert after.history is None


def test_the_order_of_attempts_and_attempts_outside_the_ladder_do_not_matter(champion):
    once = champion.posterior(Task(TEXT, attempts=("haiku", "sonnet"))).needed
    assert champion.posterior(Task(TEXT, attempts=("sonnet", "haiku"))).needed == pytest.approx(once)
    assert champion.posterior(Task(TEXT, attempts=("haiku", "sonnet", "haiku"))).needed == once
    plain = champion.posterior(Task(TEXT)).needed
    assert champion.posterior(Task(TEXT, attempts=("fable",))).needed == plain


def test_attempts_are_weighed_together_with_history(champion):
    history = {"haiku": (30, 0)}
    praised = champion.posterior(Task(TEXT), history)
    failed = champion.posterior(Task(TEXT, attempts=("haiku",)), history)
    assert failed.pass_[0] < praised.pass_[0]
    assert failed.pass_[0] > champion.posterior(Task(TEXT, attempts=("haiku",))).pass_[0]


@pytest.mark.parametrize("history", [None, {"haiku": (3, 1)}], ids=repr)
def test_all_tiers_fail_no_more_often_than_the_best_of_them(champion, history):
    found: Posterior = champion.posterior(Task(TEXT), history)
    for tier in range(3):
        assert found.all_fail([tier]) == pytest.approx(1 - found.pass_[tier], rel=1e-3)
    assert found.all_fail([0, 1]) <= found.all_fail([1]) + 1e-12
    assert found.all_fail([0, 1]) >= found.all_fail([0]) * found.all_fail([1])


def test_a_text_never_rules_a_tier_out():
    reader = small_reader(bias=[100.0, 0.0, -1000.0])
    model = TierModel(reader, small_manifest(reader))
    task = Task("tag the ticket plan")
    assert 0 < min(model.posterior(task).needed) < 1e-6
    assert model.posterior(task, {"haiku": (0, 80), "sonnet": (0, 80), "opus": (80, 0)}).needed[2] > 0.9


THRESHOLDS = [
    (0.05, (0.6, 0.4)),
    (0.5, (0.6, 0.4)),
    (0.049, (0.8, 0.2)),
    (0.02, (0.8, 0.2)),
    (0.001, (0.8, 0.2)),
]


@pytest.mark.parametrize(("rate", "pair"), THRESHOLDS)
def test_the_thresholds_are_those_of_the_largest_rate_that_is_no_larger(rate, pair):
    assert SMALL.thresholds(rate) == pair


def test_a_stricter_rate_never_gives_looser_thresholds(champion):
    pairs = [champion.thresholds(rate) for rate in np.linspace(0.001, 0.3, 40)]
    downs, ups = zip(*pairs, strict=True)
    assert list(downs) == sorted(downs, reverse=True)
    assert list(ups) == sorted(ups)
    assert min(downs) >= 0.6


def test_a_saved_model_gives_identical_numbers(champion, seed_tasks, tmp_path):
    history = {seed_tasks[3].task_type: {"sonnet": (4, 1)}}
    champion.save(tmp_path / "model")
    loaded = TierModel.load(str(tmp_path / "model"))
    assert loaded.version == champion.version
    assert loaded.manifest == champion.manifest
    assert loaded.tiers == champion.tiers
    for ask in (TierModel.needed_probabilities, TierModel.pass_probabilities):
        assert ask(loaded, seed_tasks, history).tolist() == ask(champion, seed_tasks, history).tolist()
    assert loaded.word_evidence(Task(TEXT)) == champion.word_evidence(Task(TEXT))


def test_the_version_changes_with_the_arrays(tmp_path):
    versions = []
    for seed in (0, 0, 1):
        small_model(seed=seed).save(tmp_path / "model")
        versions.append(TierModel.load(tmp_path / "model").version)
    assert versions[0] == versions[1] != versions[2]
    assert SMALL.version == "unsaved"


def test_a_ladder_may_have_any_number_of_rungs():
    for tiers in (("small", "large"), ("a", "b", "c", "d")):
        reader = small_reader(n_tiers=len(tiers))
        model = TierModel(reader, small_manifest(reader, tiers))
        found = model.posterior(Task("tag the ticket plan", attempts=(tiers[0],)), {tiers[1]: (3, 0)})
        assert sum(found.needed) == pytest.approx(1)
        assert len(found.pass_) == len(tiers)


def test_threads_share_a_model_and_get_the_same_answers(seed_tasks, champion, tmp_path):
    champion.save(tmp_path / "model")
    expected = [champion.posterior(task).needed for task in seed_tasks]
    fresh = TierModel.load(tmp_path / "model")

    def answer(offset: int) -> list[int]:
        order = [(index + offset) % len(seed_tasks) for index in range(len(seed_tasks))]
        return [index for index in order if fresh.posterior(seed_tasks[index]).needed != expected[index]]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(answer, (0, 50, 100, 150))) == [[], [], [], []]
