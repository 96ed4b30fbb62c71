"""Distilling a real teacher, on few texts: the command that made the shipped encoder."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tierwise.classifier.errors import MissingExtra
from tierwise.classifier.reading._encoder import StaticEncoder, quantised
from tierwise.training.seeds import corpus
from tierwise.training.seeds.distil import FittingSet, Teacher, _initial_table, distil, piece_ids
from tierwise.training.seeds.tasks import read_seeds

pytest.importorskip("sentence_transformers")


@pytest.fixture(scope="module")
def texts():
    return [seed.task.specification for seed in read_seeds()[::12]]


@pytest.fixture(scope="module")
def teacher(texts):
    import os

    os.environ["HF_HUB_OFFLINE"] = "1"
    return Teacher.load()


@pytest.fixture(scope="module")
def fitting(teacher, texts):
    """The teacher's embeddings of few tasks and of every piece."""
    pieces = teacher.embed([piece.removeprefix("##") for piece in teacher.vocabulary])
    return FittingSet(list(texts), teacher.embed(texts), len(texts), pieces)


def test_the_teacher_embeds_to_unit_length(teacher):
    vectors = teacher.embed(["tag these tickets", "label those tickets", "prove the theorem"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert "##ing" in teacher.vocabulary


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_student_points_where_the_teacher_points(teacher, fitting, texts):
    encoder = distil(teacher, fitting, n_dims=32)
    assert encoder.table.dtype == np.int8
    assert encoder.table.shape == (len(teacher.vocabulary), 32)
    ids = piece_ids(texts, teacher.vocabulary)
    start = StaticEncoder(teacher.vocabulary, *quantised(_initial_table(fitting, ids, 32)))
    before, after = _likeness(start, fitting, texts), _likeness(encoder, fitting, texts)
    assert after > before
    assert after > 0.3


def _likeness(encoder, fitting, texts) -> float:
    """Correlation of the pairwise cosines with the teacher's."""
    embedded = encoder.embed([list(dict.fromkeys(text.split())) for text in texts])
    embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
    pairs = np.triu_indices(len(texts), 1)
    ours, theirs = embedded @ embedded.T, fitting.targets @ fitting.targets.T
    return float(np.corrcoef(ours[pairs], theirs[pairs])[0, 1])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_same_seed_gives_the_same_table(teacher, fitting):
    first, second = (distil(teacher, fitting, n_dims=8) for _ in range(2))
    assert (first.table == second.table).all()


def test_pieces_are_those_that_serving_reads(champion):
    vocabulary = champion.reader.encoder.pieces.vocabulary
    (ids,) = piece_ids(["Tagging tickets, tickets!"], vocabulary)
    assert [vocabulary[i] for i in ids[:2]] == ["tag", "##ging"]


def test_spans_are_runs_of_the_texts():
    text = " ".join(f"w{i}" for i in range(40))
    found = corpus.spans([text])
    assert found == corpus.spans([text])
    assert all(f" {span} " in f" {text} " for span in found)


def test_prose_is_the_same_each_time_and_limited():
    first = corpus.prose(limit=50)
    assert first == corpus.prose(limit=50)
    assert len(first) == 50


def test_a_missing_teacher_package_names_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tierwise\[encoders\]'"):
        Teacher.load()
