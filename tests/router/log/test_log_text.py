"""What is kept of a text, and that nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from small_decisions import TEXT, decided

from tierwise import Decision
from tierwise.classifier.errors import InvalidOutcome
from tierwise.classifier.reading._text import running_words
from tierwise.router.log._text import CANNOT, STORE_TEXT, embedding_of, features_of

SECRET = "Xylophone marmalade"
NOTE = "Quokka"


def stored_bytes(url: str) -> bytes:
    """All that was written to the disk for this log."""
    path = Path(url.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def dumped(log) -> str:
    """All that the log gives out, on either database."""
    frame = log.to_pandas(columns=["specification", "note", "features", "details", "reason", "task_type"])
    return repr(frame.to_dict("records"))


@pytest.mark.parametrize("mode", STORE_TEXT)
def test_only_a_full_log_holds_words_of_texts_and_notes(open_log, log_url, mode):
    log = open_log(store_text=mode)
    log.record_outcome(decided("d1", text=f"{SECRET}: {TEXT}"), "failed", note=f"{NOTE} was wrong")
    kept = {SECRET in dumped(log), NOTE in dumped(log)}
    assert kept == {mode == "full"}
    if log_url.startswith("sqlite"):
        log.close()
        found = stored_bytes(log_url)
        assert [word.encode() in found for word in (*SECRET.split(), NOTE)] == [mode == "full"] * 3


@pytest.mark.parametrize("mode", STORE_TEXT)
def test_rows_say_what_was_kept_and_what_they_can_not_do(open_log, mode):
    log = open_log(store_text=mode)
    log.record_outcome(decided("d1"), "clean")
    assert log.to_pandas().text_stored.tolist() == [mode]
    assert log.stats().texts == {mode: 1}
    assert bool(CANNOT[mode]) == (mode != "full")


def test_features_are_what_a_fit_with_the_same_encoder_needs(open_log, champion):
    log = open_log(store_text="features")
    log.record_outcome(decided("d1"), "clean")
    (features,) = log.to_pandas(columns=["features"]).features
    words = list(dict.fromkeys(running_words(TEXT)))
    np.testing.assert_allclose(
        embedding_of(features), champion.reader.encoder.embed([words])[0], rtol=2e-3, atol=1e-3
    )
    assert features["encoder"] == champion.manifest["encoder"]["fingerprint"]
    assert features["n_chars"] == len(TEXT)
    assert features == features_of(TEXT, champion)


def test_without_text_the_inputs_of_the_posterior_stay(open_log):
    log = open_log(store_text="none")
    log.record_outcome(decided("d1"), "clean")
    (details,) = log.to_pandas(columns=["details"]).details
    assert len(details["beliefs"]["text"]) == 3
    assert sum(details["beliefs"]["text"]) == pytest.approx(1)
    assert details["pass_probabilities"].keys() == {"haiku", "sonnet", "opus"}


def test_a_decision_from_another_process_has_no_model_with_it_and_the_one_in_use_embeds(open_log):
    decision = decided("d1")
    travelled = Decision(decision.task, decision.evidence._replace(model=None), decision.decision_id)
    log = open_log(store_text="features")
    log.record_outcome(travelled, "clean")
    assert log.to_pandas().text_stored.tolist() == ["features"]


def test_where_no_model_can_be_loaded_the_row_says_that_it_has_no_features(open_log, monkeypatch, tmp_path):
    monkeypatch.setenv("TIERWISE_MODEL", os.fspath(tmp_path / "nowhere"))
    log = open_log(store_text="features")
    log.record_outcome(decided("d1"), "clean")
    assert log.to_pandas().text_stored.tolist() == ["none"]


@pytest.mark.parametrize("mode", ["all", "Full", None, True, 3])
def test_another_way_of_storing_is_refused(open_log, mode):
    with pytest.raises(InvalidOutcome, match="store_text must be one of full, features, none; got"):
        open_log(store_text=mode)
