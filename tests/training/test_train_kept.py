"""Training on a log that did not keep its texts: what its decisions made of them stands for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from simulated_log import QUICK, simulated

from tierwise import OutcomeLog, TierModel, predict_tier
from tierwise.classifier.errors import InvalidTraining
from tierwise.classifier.task import Task
from tierwise.training.evaluation.evaluate import evaluate
from tierwise.training.outcomes.kept import COLUMN, Kept, kept_of, with_kept
from tierwise.training.outcomes.reading import read_texts
from tierwise.training.train import train

N_ROWS = 160
START = datetime(2026, 1, 1, tzinfo=UTC)


def filled(path, store_text, champion, rows) -> OutcomeLog:
    """The rows as decisions of the champion, each at the tier that did the work."""
    log = OutcomeLog(path, store_text=store_text)
    for hour, row in enumerate(rows.itertuples()):
        at = START + timedelta(hours=hour)
        decision = predict_tier(row.specification, task_type=row.task_type, pin=row.tier, model=champion)
        log.record_decision(decision, at=at)
        log.record_outcome(decision.decision_id, row.verdict, at=at)
    return log


@pytest.fixture(scope="module")
def rows():
    return simulated(N_ROWS, n_types=12)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, champion, rows):
    """store_text -> (log, the model trained on it)."""
    found = {}
    for store_text in ("full", "features", "none"):
        log = filled(tmp_path_factory.mktemp("log") / f"{store_text}.db", store_text, champion, rows)
        found[store_text] = log, train(log, config=QUICK, base=champion)
    yield found
    for log, _ in found.values():
        log.close()


@pytest.mark.slow
@pytest.mark.parametrize("store_text", ["features", "none"])
def test_every_row_is_trained_on_and_what_is_kept_says_what_the_text_said(trained, store_text, champion):
    _, model = trained[store_text]
    _, whole = trained["full"]
    assert model.report["rows"] == whole.report["rows"] == N_ROWS
    assert not [note for note in model.report["notes"] if "left out" in note]
    places = np.array([champion.place_of(each.mass) for each in model.outcomes.kept])
    assert places == pytest.approx(np.array(champion.places(whole.outcomes.tasks)), abs=1e-6)


@pytest.mark.slow
def test_the_embedding_teaches_and_words_do_not(trained, champion):
    n_tiers = len(champion.tiers)
    weights = {
        name: (
            np.abs(model.reader.embedding[:, n_tiers:]).max(),
            np.abs(model.reader.lexical[:, n_tiers:]).max(),
        )
        for name, (_, model) in trained.items()
    }
    assert min(weights["full"]) > 0
    assert weights["features"][0] > 0 == weights["features"][1]
    assert weights["none"] == (0, 0)


@pytest.mark.slow
def test_outcomes_are_felt_and_the_model_serves(trained, tmp_path):
    for _, model in trained.values():
        states = model.states()
        assert sum(state.n_outcomes for state in states.values()) == N_ROWS
        model.save(tmp_path / "model")
        TierModel.load(tmp_path / "model")


def test_what_was_kept_for_another_encoder_or_other_tiers_is_not_used(champion, rows, tmp_path):
    with filled(tmp_path / "log.db", "features", champion, rows[:1]) as log:
        row = log.to_pandas(columns=["features", "details"]).iloc[0]
    kept = kept_of(row.features, row.details, champion)
    assert kept is not None
    assert kept.embedding is not None
    assert kept.embedding.shape == (champion.reader.encoder.n_dims,)
    other = kept_of({**row.features, "encoder": "another"}, row.details, champion)
    assert (other.mass, other.embedding) == (kept.mass, None)
    bare = kept_of(None, row.details, champion)
    assert (bare.mass, bare.embedding) == (kept.mass, None)
    beliefs = {**row.details["beliefs"], "tiers": ["small", "large"]}
    assert kept_of(row.features, {"beliefs": beliefs}, champion) is None
    assert kept_of(row.features, None, champion) is None


def test_only_rows_without_their_text_get_what_was_kept_of_it(champion, rows, tmp_path):
    with filled(tmp_path / "log.db", "features", champion, rows[:3]) as log:
        frame = log.to_pandas()
        frame.loc[1, "specification"] = "a text that somebody had"
        found = with_kept(log, frame, champion)
        whole = frame.assign(specification="a text")
        assert with_kept(log, whole, champion) is whole
        details = log.to_pandas(columns=["details"])["details"]
    texts = [details[place]["beliefs"]["text"] for place in (0, 2)]
    assert [list(found[COLUMN][place].mass) for place in (0, 2)] == texts
    assert found[COLUMN][1] is None
    assert found.drop(columns=COLUMN).equals(frame)


@pytest.mark.slow
def test_such_rows_judge_no_model_and_that_is_said(trained):
    log, model = trained["features"]
    with pytest.raises(InvalidTraining, match=rf"No row can be evaluated \({N_ROWS} without their text\)"):
        evaluate(model, log)


def test_what_stands_for_a_text_is_read_beside_texts(champion, rows):
    """Its row has the kept mass and embedding, no words and no shape; the others are what they were."""
    tasks = [Task(text) for text in rows.specification[:6]]
    embedding = np.linspace(-1.0, 1.0, champion.reader.encoder.n_dims, dtype=np.float32)
    kept = (None, Kept((0.2, 0.3, 0.5), embedding), None, Kept((0.1, 0.1, 0.8), None), None, None)
    lacking = [1, 3]
    texts = [task if stand_in is None else Task("") for task, stand_in in zip(tasks, kept, strict=True)]
    found = read_texts(champion, texts, kept)
    plain = read_texts(champion, [tasks[index] for index in (0, 2, 4, 5)])
    assert found.mass[lacking].tolist() == [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]
    assert found.mass[[0, 2, 4, 5]] == pytest.approx(plain.mass)
    features = np.hstack([found.features._sparse.toarray(), found.features._dense])
    n_words, n_dims = found.features._sparse.shape[1], len(embedding)
    assert not features[lacking, :n_words].any()
    assert features[1, n_words : n_words + n_dims] == pytest.approx(embedding * found.space.embedding_scale)
    assert not features[3].any()
    assert not features[1, n_words + n_dims :].any()


def test_a_log_that_kept_nothing_of_texts_can_be_read(champion):
    kept = (Kept((0.2, 0.3, 0.5), None),) * 3
    found = read_texts(champion, [Task("")] * 3, kept)
    assert found.mass.tolist() == [[0.2, 0.3, 0.5]] * 3
    assert np.isfinite(found.features._dense).all()
