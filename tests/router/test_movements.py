"""Which types should move: on hand-made logs where the answer is plain, and on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import numpy as np
import pandas as pd
import pytest
from moving_rows import HAIKUS, SONNETS, moved_of, rows
from small_model import small_model

from tierwise import Ladder, OutcomeLog, Policy, Router, TierModel
from tierwise.classifier.belief import state
from tierwise.classifier.errors import ArtifactMissing, InvalidTask, LadderMismatch
from tierwise.classifier.task import Task
from tierwise.data import CHAMPION, IMAGES
from tierwise.router.log import movements_of
from tierwise.router.log.demo import fill
from tierwise.router.log.figures import _recurring
from tierwise.router.movements import Judged, Recurring, Work, movements


@pytest.fixture
def moved(log):
    return partial(moved_of, log)


def test_clean_passes_below_make_a_type_ready_to_go_down(moved):
    found = moved(
        rows("faq", SONNETS, "haiku", "clean", 60), rows("faq", SONNETS, "sonnet", "clean", 200, start=60)
    )
    each = found["faq"]
    assert (each.direction, each.now, each.to, each.rule) == ("down", "sonnet", "haiku", None)
    assert each.probability >= each.threshold > each.text_probability
    assert (each.evidence, each.outcomes) == ("outcomes", {"haiku": (60, 0), "sonnet": (200, 0)})
    assert each.saves_usd_per_1000 > 0
    assert (each.n_tasks, each.n_down, each.n_up) == (40, 40, 0)


def test_corrections_mean_that_a_type_must_go_up(moved):
    each = moved(rows("tag", HAIKUS, "haiku", "corrected", 20))["tag"]
    assert (each.direction, each.now) == ("up", "haiku")
    assert each.to in ("sonnet", "opus")
    assert each.probability >= each.threshold > each.text_probability
    assert each.saves_usd_per_1000 < 0
    assert each.outcomes == {"haiku": (0, 20)}


@pytest.mark.parametrize("most", [4, 100])
def test_an_outcome_weighs_as_much_as_in_a_decision(log, moved, monkeypatch, most):
    """What is imported less than what a person said; the same where older texts are not read."""
    monkeypatch.setattr(_recurring, "MOST_OUTCOMES", most)
    monkeypatch.setattr(_recurring, "LEAST_OUTCOMES", most)
    found = moved(
        *(rows(basis, HAIKUS, "haiku", "corrected", 6, basis=basis) for basis in ("imported", "person"))
    )
    for basis, each in found.items():
        decided = Router(log=log).decide(Task(HAIKUS, task_type=basis)).probabilities
        assert each.probability == pytest.approx(decided["sonnet"] + decided["opus"], abs=0.02), basis
    assert found["imported"].probability < found["person"].probability - 0.05


def test_nothing_moves_where_little_is_known(moved):
    found = moved(
        rows("new", SONNETS, "sonnet", "clean", 2),
        rows("mixed", "Sort out the supplier thing", "sonnet", "clean", 3, basis="person"),
        rows("strange", "zxqv wvut qqqq zzzz pppp", "haiku", "clean", 2),
        policy=Policy(lambda_down=0.9),
    )
    directions = {kind: each.direction for kind, each in found.items()}
    assert directions == {"new": "stay", "mixed": "unsure", "strange": "unsure"}
    assert all(each.now == each.to for each in found.values())


def test_a_text_that_no_outcome_confirms_is_called_text(moved):
    each = moved(rows("tag", HAIKUS, "sonnet", "clean", 30))["tag"]
    assert (each.direction, each.to, each.evidence) == ("down", "haiku", "text")


@pytest.mark.parametrize("facts", [{"pin": "sonnet"}, {"floor": "sonnet"}, {"live": True}])
def test_a_rule_holds_a_type_and_is_named(moved, facts):
    name = next(iter(facts))
    each = moved(
        rows("tag", HAIKUS, "haiku", "clean", 30),
        rows("tag", HAIKUS, "sonnet", "clean", 60, start=30, **facts),
    )["tag"]
    assert (each.direction, each.now, each.to) == ("held", "sonnet", "haiku")
    assert each.rule == {"live": "floor:live"}.get(name, name)
    assert each.saves_usd_per_1000 == 0


def test_a_floor_that_was_not_kept_forces_a_type_up(moved):
    each = moved(rows("tag", HAIKUS, "haiku", "clean", 30, live=True))["tag"]
    assert (each.direction, each.to, each.rule) == ("up", "sonnet", "floor:live")


def test_a_type_that_turned_hard_goes_up_in_spite_of_a_long_clean_past(moved):
    each = moved(
        rows("tag", HAIKUS, "haiku", "clean", 140), rows("tag", HAIKUS, "haiku", "failed", 10, start=140)
    )["tag"]
    assert each.direction == "up"


def test_retries_probes_and_steps_without_a_model_are_not_where_a_type_is(moved):
    each = moved(
        rows("faq", SONNETS, "sonnet", "clean", 10),
        rows("faq", SONNETS, "opus", "clean", 20, start=20, attempts=["sonnet"]),
        rows("faq", SONNETS, "haiku", "clean", 20, start=60, propensity=0.1),
        rows("faq", SONNETS, "haiku", "clean", 20, start=90, mode="none"),
    )["faq"]
    assert (each.now, each.n_tasks) == ("sonnet", 10)
    assert each.outcomes == {"haiku": (20, 0), "sonnet": (10, 0), "opus": (20, 0)}


def test_texts_that_this_model_has_read_before_are_not_read_again(log):
    """And it makes no difference."""
    fill(log, 150)
    model = TierModel.load(CHAMPION)
    found = movements_of(log, model=model)
    model.version = "the same by another name"
    again = movements_of(log, model=model)
    assert found.types
    for one, two in zip(found.types, again.types, strict=True):
        assert one.probability == pytest.approx(two.probability, abs=1e-9)
        assert (one.direction, one.to, one.outcomes) == (two.direction, two.to, two.outcomes)


def test_refusals_and_types_of_no_name_say_nothing(moved):
    assert moved(rows(None, SONNETS, "haiku", "clean", 5), rows("faq", SONNETS, "haiku", "refused", 5)) == {}


def test_savings_are_against_the_baseline_and_small_ones_do_not_pay(log):
    log.import_frame(
        pd.DataFrame(rows("tag", HAIKUS, "haiku", "clean", 200, input_tokens=2_000, output_tokens=1_000))
    )
    low, high = (movements_of(log, baseline="opus", worth_usd=worth) for worth in (1.0, 1e6))
    (each,) = low.types
    # 200 tasks in 8 days and 7 hours; the ladder's prices: $4 and $20 a million at Opus, $0.10 and $0.50 at Haiku
    usd = 2_000 * (4 - 0.1) / 1e6 + 1_000 * (20 - 0.5) / 1e6
    assert each.tasks_per_month == pytest.approx(200 / (199 / 24) * 30.4)
    assert low.baseline_saves_usd_per_month == pytest.approx(usd * each.tasks_per_month)
    assert (low.pays, each.pays, high.pays, high.types[0].pays) == (True, True, False, False)
    assert movements_of(log, baseline="haiku").baseline_saves_usd_per_month == 0


def test_a_priced_correction_decides_by_cost_and_is_in_the_sums(moved):
    policy = Policy(correction_minutes=10, hourly_rate_usd=60)
    each = moved(rows("tag", HAIKUS, "haiku", "corrected", 20), policy=policy)["tag"]
    assert (each.direction, each.threshold) == ("up", None)
    assert each.saves_usd_per_1000 > 100  # tokens alone would cost more


def test_types_with_most_verdicts_are_looked_at_first(log):
    log.import_frame(
        pd.DataFrame(rows("few", HAIKUS, "haiku", "clean", 2) + rows("many", HAIKUS, "haiku", "clean", 9))
    )
    found = movements_of(log, most_types=1)
    assert ([each.task_type for each in found.types], found.n_left_out) == (["many"], 1)


def test_types_read_together_move_as_each_alone(log, monkeypatch):
    """And so does what is read in groups; of the slow way, one type and one outcome at a time, nothing differs."""
    fill(log, 400)
    model = TierModel.load(CHAMPION)
    with log._database.read() as connection:
        kinds = _recurring.kinds(_recurring.tally(connection))
        seen = list(_recurring._recurring(connection, kinds, model, 100))
    together = {each.task_type: each for each in movements(seen, model=model).types}
    monkeypatch.setattr("tierwise.router.movements._movements._AT_ONCE", 3)
    in_groups = {each.task_type: each for each in movements(seen, model=model).types}
    monkeypatch.setattr(
        state, "log_likelihoods", lambda seen, grid: np.array([each.log_likelihood(grid) for each in seen])
    )
    alone = {each.task_type: each for one in seen for each in movements([one], model=model).types}
    assert len(alone) > 20
    assert together == in_groups == alone


def test_of_many_types_fewer_texts_each_are_read_and_all_outcomes_count(log, monkeypatch):
    log.import_frame(
        pd.DataFrame(rows("a", HAIKUS, "haiku", "clean", 60) + rows("b", HAIKUS, "haiku", "failed", 60))
    )
    read = []
    moving = _recurring.movements
    monkeypatch.setattr(_recurring, "movements", lambda types, **given: moving(_noted(types, read), **given))
    for most, n in ((200, 60), (100, 50), (4, _recurring.LEAST_OUTCOMES)):
        monkeypatch.setattr(_recurring, "MOST_READ", most)
        found = {each.task_type: each.outcomes for each in movements_of(log).types}
        assert found == {"a": {"haiku": (60, 0)}, "b": {"haiku": (0, 60)}}
        assert [len(each.outcomes) for each in read] == [n, n]
        read.clear()


def _noted(types, read):
    for each in types:
        read.append(each)
        yield each


def test_outcomes_whose_texts_are_not_read_change_little(sqlite_url, champion):
    """Against reading all; without them some types would get another answer."""
    with OutcomeLog(sqlite_url) as log:
        fill(log, 4_000)
        with log._database.read() as connection:
            shown = _recurring.kinds(_recurring.tally(connection))
            few, all_ = (list(_recurring._recurring(connection, shown, champion, n)) for n in (30, 10_000))
    alone = [each._replace(unread={}) for each in few]
    assert sum(n for each in few for pair in each.unread.values() for n in pair) > 1_000
    assert not any(each.unread for each in all_)
    exact, counted, left_out = (movements(seen, model=champion) for seen in (all_, few, alone))
    off = _off(counted, exact)
    assert len(off) >= len(exact.types) - 1  # one may stand at a threshold
    assert off.max() < 0.1
    assert len(_off(left_out, exact)) < 0.95 * len(exact.types)


def _off(found, exact):
    """How far the probabilities of the same answers lie apart."""
    answers = {(each.task_type, each.direction, each.to): each.probability for each in exact.types}
    keys = [((each.task_type, each.direction, each.to), each.probability) for each in found.types]
    return np.array([abs(p - answers[key]) for key, p in keys if key in answers])


def test_an_empty_log_has_no_movements(log):
    found = movements_of(log)
    assert (found.types, found.pays, found.to_dict()["types"]) == ((), False, [])


def test_a_model_or_baseline_that_does_not_fit_is_an_error(log, monkeypatch, tmp_path):
    with pytest.raises(InvalidTask, match="'sonet'"):
        movements_of(log, baseline="sonet")
    with pytest.raises(LadderMismatch):
        movements_of(log, policy=Policy(ladder=Ladder.load(IMAGES)))
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path / "nothing"))
    with pytest.raises(ArtifactMissing, match="Without a model"):
        movements_of(log)


def test_tasks_of_other_ladders_and_contradictory_ones_are_left_out():
    works = (
        Work(Task("Tag the tickets"), "gemini"),
        Work(Task("Tag the tickets", floor="opus", ceiling="haiku"), "haiku"),
        Work(Task("Tag the tickets", input_tokens=10**12), "haiku"),
        Work(Task("Run it", deterministic=True), "haiku"),
    )
    outcomes = tuple(Judged(work, "clean", "person", datetime.now(UTC)) for work in works)
    asked = [Recurring("tag", works, outcomes, 10.0)]
    assert movements(asked, model=small_model()).types == ()
