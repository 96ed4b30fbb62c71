"""train(): outcomes in, a model out that serves, with states for the types that it has seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from simulated_log import QUICK, TIERS, simulated
from small_model import ladder_of_two

from tierwise.classifier.errors import InvalidTraining, StateMismatch
from tierwise.classifier.model import TierModel
from tierwise.classifier.task import Task
from tierwise.training.outcomes.frame import read_frame
from tierwise.training.outcomes.learner import MIN_OUTCOMES, Config
from tierwise.training.promise.kept_apart import LATEST
from tierwise.training.seeds.tasks import read_seeds
from tierwise.training.train import TrainedModel, states_of, train


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulated()


@pytest.fixture(scope="module")
def model(rows) -> TrainedModel:
    return train(rows, config=QUICK)


@pytest.fixture(scope="module")
def states(model):
    return model.states()


@pytest.fixture(scope="module")
def tasks(rows) -> list[Task]:
    found = rows.drop_duplicates(["specification", "task_type"])
    pairs = zip(found["specification"], found["task_type"], strict=True)
    unread = [Task(text, task_type="new") for text in ("Hm", "42", "Přeložte smlouvu pro nájemce do češtiny")]
    return [*(Task(text, task_type=name) for text, name in pairs), *unread]


def test_the_report_says_what_it_was_made_of(model, rows):
    report = model.report
    assert report["rows"] == len(rows)
    assert report["task_types"] == rows["task_type"].nunique()
    apart = int(len(rows) * LATEST)  # the older half tunes, the newer judges
    assert report["metrics"]["split"] == f"the latest {apart - apart // 2} outcomes"
    assert report["metrics"]["mean_predicted"] == pytest.approx(report["metrics"]["clean_share"], abs=0.1)
    share = report["metrics"]["clean_share"]
    constant = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    assert report["metrics"]["log_loss"] < constant - 0.05
    low, high = report["intervals_90"]["epsilon"][1:]
    assert low <= report["widths"]["epsilon"] <= high


def test_the_same_outcomes_in_any_order_give_the_same_model(model, rows, tasks):
    twin = train(rows.sample(frac=1, random_state=0), config=QUICK)
    assert twin.manifest == model.manifest
    assert twin.fingerprint == model.fingerprint
    assert (twin.pass_probabilities(tasks) == model.pass_probabilities(tasks)).all()


def test_a_saved_model_answers_the_same(model, states, tasks, tmp_path):
    model.save(tmp_path / "model")
    again = TierModel.load(tmp_path / "model")
    assert again.fingerprint == model.fingerprint
    assert again.manifest["training"] == model.report
    for history in (None, states):
        assert (again.pass_probabilities(tasks, history) == model.pass_probabilities(tasks, history)).all()
        assert (
            again.needed_probabilities(tasks, history) == model.needed_probabilities(tasks, history)
        ).all()


def test_a_model_of_an_older_format_can_be_saved_and_read(champion, tmp_path):
    champion.save(tmp_path / "model")
    again = TierModel.load(tmp_path / "model")
    assert (again.widths, again.fingerprint) == (champion.widths, champion.fingerprint)


def test_many_tasks_are_answered_exactly_as_one_by_one(model, states, tasks):
    tried = [Task(t.specification, task_type=t.task_type, attempts=("haiku",)) for t in tasks[:20]]
    counts = {name: {"haiku": (3, 1)} for name in list(states)[:5]}
    for history in (states, counts, None):
        some = [*tasks, *tried] if history is not counts else [*tasks[:60], *tried]
        for task, found in zip(some, model.posteriors(some, history), strict=True):
            alone = model.posterior(task, (history or {}).get(task.task_type))
            assert (found.pass_, found.needed, found.guard) == (alone.pass_, alone.needed, alone.guard)
            assert found.top_suffices() == alone.top_suffices()


def test_pass_probabilities_never_fall_up_the_ladder(model, states, tasks):
    tried = [Task(t.specification, task_type=t.task_type, attempts=("haiku",)) for t in tasks]
    for history in (None, states):
        for some in (tasks, tried):
            found = model.pass_probabilities(some, history)
            assert (np.diff(found, axis=1) >= -1e-12).all()
            assert ((found > 0) & (found < 1)).all()
            needed = model.needed_probabilities(some, history)
            np.testing.assert_allclose(needed.sum(axis=1), 1)
            assert (needed >= -1e-12).all()


def test_a_type_that_haiku_never_does_is_told_from_its_text_twin(model, states, rows):
    texts = rows[rows["task_type"].str.startswith("twin")]["specification"].unique()
    easy, hard, new = (
        model.pass_probabilities([Task(text, task_type=name) for text in texts], states)[:, 0]
        for name in ("twin-easy", "twin-hard", "twin-new")
    )
    assert (hard < new).all()
    assert (new < easy).all()
    assert hard.max() < 0.3
    assert easy.min() > 0.7


def test_the_states_are_those_of_the_training_rows(model, states, rows):
    assert set(states) == set(rows["task_type"])
    sizes = rows["task_type"].value_counts()
    assert {name: state.n_outcomes for name, state in states.items()} == sizes.to_dict()
    assert states["twin-hard"].counts == {0: (0.0, float(sizes["twin-hard"]))}
    assert {state.model for state in states.values()} == {model.fingerprint}


def test_the_states_predict_the_training_rows_well(model, states, rows):
    """In the mean of a type, which is what its effects are there for."""
    tasks = [Task(s, task_type=t) for s, t in zip(rows["specification"], rows["task_type"], strict=True)]
    tiers = rows["tier"].map(TIERS.index).to_numpy()
    found = model.pass_probabilities(tasks, states)[np.arange(len(rows)), tiers]
    by_type = pd.DataFrame({"found": found, "clean": rows["verdict"].eq("clean"), "t": rows["task_type"]})
    means = by_type.groupby("t").mean()
    assert np.corrcoef(means["found"], means["clean"])[0, 1] > 0.9
    assert abs(means["found"] - means["clean"]).mean() < 0.12


def test_states_belong_to_their_model(states, champion):
    with pytest.raises(StateMismatch, match="Build the state anew"):
        champion.posterior(Task("a", task_type="twin-hard"), states["twin-hard"])


def test_a_row_that_is_there_twice_is_two_outcomes(model, rows, states):
    twice = states_of(model, read_frame(pd.concat([rows, rows]), TIERS))
    assert {n: s.n_outcomes for n, s in twice.items()} == {n: 2 * s.n_outcomes for n, s in states.items()}
    text = rows.loc[rows["task_type"] == "twin-hard", "specification"].iloc[0]
    once_, twice_ = (model.posterior(Task(text), s["twin-hard"]).pass_[0] for s in (states, twice))
    assert twice_ < once_


def test_states_of_two_logs_merge_to_the_state_of_both(model, rows, states, tasks):
    one, other = (states_of(model, read_frame(rows.iloc[half::2], TIERS)) for half in (0, 1))
    both = set(one) & set(other)
    assert len(both) > 20
    for kind in both:
        merged = model.merge(one[kind], other[kind])
        assert merged.counts == states[kind].counts
        some = [task for task in tasks if task.task_type == kind]
        found, whole = (model.pass_probabilities(some, {kind: state}) for state in (merged, states[kind]))
        assert found == pytest.approx(whole, abs=1e-9)


def test_a_trained_model_can_be_the_base(model, rows, tasks):
    fresh = train(rows.iloc[: len(rows) // 2], base=model, config=Config(rounds=1, max_iterations=20))
    assert fresh.tiers == model.tiers
    assert fresh.report["rows"] == len(rows) // 2
    assert fresh.manifest["calibration"]["slope"] == model.manifest["calibration"]["slope"]
    found = fresh.pass_probabilities(tasks)
    assert np.isfinite(found).all()
    assert np.corrcoef(found[:, 0], model.pass_probabilities(tasks)[:, 0])[0, 1] > 0.5


@pytest.mark.parametrize("n_rows", [120, 2_000])
def test_a_ladder_of_two_tiers_is_learned_without_seeds(n_rows, tmp_path):
    """2,000 are enough to look for a promise, too."""
    chance = np.random.default_rng(0)
    some = read_seeds()[::29]
    drawn = [some[i] for i in chance.integers(0, len(some), n_rows)]
    simple = np.array([seed.needed == 0 for seed in drawn])
    tier = chance.integers(0, 2, n_rows)
    clean = chance.random(n_rows) < np.where(tier == 1, 0.9, np.where(simple, 0.9, 0.1))
    frame = pd.DataFrame(
        {
            "specification": [seed.task.specification for seed in drawn],
            "task_type": [seed.task_type for seed in drawn],
            "tier": np.array(["small", "large"])[tier],
            "verdict": np.where(clean, "clean", "failed"),
            "at": pd.date_range("2026-01-01", periods=n_rows, freq="min", tz="UTC"),
        }
    )
    model = train(frame, base=ladder_of_two(), config=QUICK)
    assert model.tiers == ("small", "large")
    tasks = [Task(seed.task.specification, task_type=seed.task_type) for seed in drawn]
    found, told = model.pass_probabilities(tasks), model.pass_probabilities(tasks, model.states())
    if n_rows > 500:  # fewer texts don't make words familiar: then one answer for all
        assert told[simple, 0].mean() > told[~simple, 0].mean() + 0.25
        assert found[simple, 0].mean() > found[~simple, 0].mean()
    assert found[:, 1].mean() == pytest.approx(0.9, abs=0.08)
    assert len(model.manifest["thresholds"][0]) == (3 if n_rows < 500 else 8)
    model.save(tmp_path / "model")
    again = TierModel.load(tmp_path / "model")
    assert (again.pass_probabilities([Task(frame["specification"][0])]) == found[0]).all()


def test_texts_that_the_guards_refuse_are_learned_from_as_they_are_served(rows):
    """Without their words: so the others' words must say in what they differ."""
    alien = [f"zxq{'vwkjh'[i % 5]}p qrtzl {'bnmcd'[i % 5]}fgh jklpq wrtyz" for i in range(len(rows))]
    read = np.arange(len(rows)) % 2 == 1
    chance = np.random.default_rng(0)
    spoilt = rows.assign(
        specification=np.where(read, rows["specification"], alien),
        task_type=[f"kind {i % 39}" for i in range(len(rows))],
        tier="small",
        verdict=np.where(chance.random(len(rows)) < np.where(read, 0.25, 0.85), "clean", "corrected"),
    )
    model = train(spoilt, base=ladder_of_two(), config=QUICK)
    posteriors = model.posteriors([Task(text) for text in alien])
    assert {posterior.guard for posterior in posteriors} == {"unfamiliar"}
    # they were clean in 0.85, the others in 0.25; penalties pull towards the mean, 0.55
    assert np.mean([posterior.pass_[0] for posterior in posteriors]) > 0.6


KEEP = "Keep the champion"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.iloc[:0], f"^0 outcomes .* at least {MIN_OUTCOMES} are needed. {KEEP}"),
        (lambda rows: rows.iloc[: MIN_OUTCOMES - 1], f"^49 outcomes .* {KEEP}"),
        (lambda rows: rows.iloc[:MIN_OUTCOMES], f"^43 outcomes .* besides the latest 7, .* {KEEP}"),
        (lambda rows: rows.assign(verdict="refused"), f"^0 outcomes that speak of capability; .* {KEEP}"),
        (lambda rows: rows.assign(verdict="clean"), f"^All 700 outcomes are clean: .* {KEEP}"),
        (lambda rows: rows.assign(verdict="failed"), f"^All 700 outcomes are corrected or failed: .* {KEEP}"),
        (
            lambda rows: rows.assign(verdict=["clean"] * 650 + ["failed"] * 50),
            f"^All 595 outcomes besides the latest 105, .* are clean: .* {KEEP}",
        ),
        (lambda rows: rows.assign(specification=np.nan), "^Column 'specification' is empty in row 0"),
        (
            lambda rows: rows.assign(tier="large"),
            "^Column 'tier': 'large' in row 0.* Allowed: haiku, sonnet, opus",
        ),
        (lambda rows: rows.to_dict("list"), "^Outcomes come as a pandas DataFrame or a log; got dict"),
        (lambda rows: None, "got NoneType"),
    ],
    ids=range(11),
)
def test_where_nothing_can_be_learned_the_error_says_what_to_do(rows, change, message):
    with pytest.raises(InvalidTraining, match=message):
        train(change(rows))


@pytest.mark.parametrize(
    ("column", "value", "note"),
    [
        ("tier", "sonnet", "Outcomes of one tier only: the gaps between tiers are the seed tasks'."),
        ("task_type", "all alike", "One task type only: how much types differ can't be estimated."),
    ],
)
def test_one_tier_and_one_type_are_learned_from_and_said(rows, column, value, note):
    model = train(rows.iloc[:150].assign(**{column: value}), config=QUICK)
    assert note in model.report["notes"]
    passes = model.pass_probabilities([Task(text) for text in rows["specification"][:20]])
    assert np.isfinite(passes).all()
    assert (np.diff(passes, axis=1) >= 0).all()


def test_outcomes_of_another_ladder_are_refused(rows):
    with pytest.raises(InvalidTraining, match=r"^Column 'tier': .* Allowed: small, large\.$"):
        train(rows, base=ladder_of_two())


def test_a_log_is_asked_for_its_frame(rows):
    class Log:
        def to_pandas(self) -> pd.DataFrame:
            return rows.iloc[:10]

    with pytest.raises(InvalidTraining, match="^10 outcomes"):
        train(Log())


def test_a_share_held_back_that_is_none_is_refused(rows):
    with pytest.raises(InvalidTraining, match="held_back must be a share"):
        train(rows, held_back=1.0)
