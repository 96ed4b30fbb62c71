"""The fast reader equals the plain features times the head's weights."""

from __future__ import annotations

import json
import math
import random
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_model import TIERS, UNITS, each_of, small_reader

from tierwise.classifier.reading import _reader
from tierwise.classifier.reading._evidence import LEAST, SENSE, word_evidence
from tierwise.classifier.reading._reader import Reader
from tierwise.classifier.reading._text import MAX_TEXTS, running_words
from tierwise.classifier.reading.features import FACT_FEATURES, fact_features
from tierwise.classifier.task import Task
from tierwise.data import SEED_TASKS
from tierwise.training.features import design
from tierwise.training.features.words import Words
from tierwise.training.seeds.tasks import read_seeds

SMALL = small_reader()
ASKS = small_reader(asks=True)
SMALL_ONES = pytest.mark.parametrize("reader", [SMALL, ASKS], ids=["whole text", "and its ask"])
WORDS = st.sampled_from(
    ["tag", "Tags", "the", "ticket,", "plan:", "12", "zebra", "--", "x-1", "中文", "\n", "🙂"]
)


def plain_logits(reader: Reader, tasks: list[Task]) -> np.ndarray:
    words = Words.of_tasks(tasks)
    counts = design.lexical_counts(words, reader.lexicon)
    asked = 0.0
    if reader.asked is not None:
        asked = design.asked_counts(words, reader.lexicon, counts) @ reader.asked
    return (
        counts @ reader.lexical
        + asked
        + design.embeddings(words, reader.encoder) @ reader.embedding
        + design.facts(tasks) @ reader.facts
        + reader.bias
    )


def fast_logits(reader: Reader, tasks: list[Task]) -> np.ndarray:
    return np.array([reader.read(task).logits for task in tasks])


def test_seed_tasks_are_read_as_training_reads_them(champion):
    lines = SEED_TASKS.read_text(encoding="utf-8").splitlines()
    sample = random.Random(3).sample(lines, 400)
    counts = (None, 0, 1, 10, 11, 120, 10_000_000)
    tasks = [
        Task(json.loads(line)["specification"], items=counts[index % len(counts)])
        for index, line in enumerate(sample)
    ]
    expected = plain_logits(champion.reader, tasks)
    np.testing.assert_allclose(fast_logits(champion.reader, tasks), expected, atol=1e-4)
    np.testing.assert_allclose(fast_logits(champion.reader, tasks), expected, atol=1e-4)  # now from the cache


LONG = " ".join(f"word{i} tag the ticket" for i in range(3000))
HARD = {
    "empty": "",
    "one word": "tag",
    "only signs": "-- !!",
    "only unknown": "zebra quagga okapi",
    "repeated": "tag " * 50,
    "a word too long to keep": "tag " + "x" * 500 + " the ticket",
    "very long": LONG,
    "lines": "tag:\nthe ticket\n12",
    "material": "tag the ticket:\nplan the plan, tags 12 the ticket",
    "a quotation": 'tag the "plan 12 tags, the ticket the plan" ticket',
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_hard_texts_are_read_as_training_reads_them(champion, text):
    for reader in (champion.reader, SMALL, ASKS):
        tasks = [Task(text), Task(text, items=30)]
        np.testing.assert_allclose(
            fast_logits(reader, tasks[: 2 if text else 1]),
            plain_logits(reader, tasks[: 2 if text else 1]),
            atol=1e-4,
            rtol=1e-4,
        )


@SMALL_ONES
@given(words=st.lists(WORDS, min_size=1, max_size=20), items=st.none() | st.integers(0, 10**9))
def test_any_words_are_read_as_training_reads_them(reader, words, items):
    tasks = [Task("plan " + " ".join(words), items=items)]
    np.testing.assert_allclose(fast_logits(reader, tasks), plain_logits(reader, tasks), atol=1e-4)


@SMALL_ONES
@given(texts=st.lists(st.lists(WORDS, max_size=9).map(" ".join), max_size=12))
def test_many_at_once_are_read_exactly_as_one_by_one(reader, texts):
    tasks = [Task(text) for text in texts]
    assert each_of(reader.read_many(tasks)) == [reader.read(task) for task in tasks]


def test_what_is_asked_speaks_once_more_than_what_comes_with_it():
    alone, pasted = Task("tag the ticket"), Task("tag the ticket\nplan")
    features = ASKS.lexicon.features("tag the ticket", ["tag", "the", "ticket"])
    of_ask = ASKS.asked[sorted(features)].sum(axis=0) / math.sqrt(len(features))
    for task in (alone, pasted):
        more = np.subtract(ASKS.read(task).logits, SMALL.read(task).logits)
        np.testing.assert_allclose(more, of_ask, atol=1e-5)


def test_a_lexicon_that_knows_nothing_leaves_bias_and_sense():
    reader = small_reader(units=(), pairs=(), marks=(), familiarity=())
    tasks = [Task("zebra quagga okapi"), Task("tag the ticket now")]
    np.testing.assert_allclose(fast_logits(reader, tasks), plain_logits(reader, tasks), atol=1e-4)


FAMILIAR = [
    ("", 1.0),
    ("-- 12 x-1", 1.0),
    ("zebra quagga", 0.0),
    ("the", 1.0),
    ("tag zebra", 0.25),
    ("tag tag tag zebra 12", 0.25),
    ("the ticket", 0.875),
]


@pytest.mark.parametrize(("text", "familiarity"), FAMILIAR)
def test_familiarity_is_the_mean_over_distinct_words_of_letters(text, familiarity):
    assert SMALL.familiarity(text) == pytest.approx(familiarity)


FACTS = [
    (None, None),
    (0, [1, 0, 0]),
    (10, [1, math.log(11) / 7, 0]),
    (11, [1, math.log(12) / 7, 1]),
    (10**12, [1, 1, 1]),
]


@pytest.mark.parametrize(("items", "values"), FACTS)
def test_the_facts_are_whether_and_how_many_items(items, values):
    found = fact_features(Task("Tag", items=items))
    if values is None:
        assert found is None
    else:
        assert found.tolist() == pytest.approx(values)
        assert len(found) == len(FACT_FEATURES)


def test_facts_of_the_caller_and_the_session_never_sway_the_classifier():
    text = "tag the ticket plan"
    callers = [
        Task(text),
        Task(text, live=True, role="orchestrator", floor="opus", context_used=900_000),
        Task(text, verifiable=True, reviewed=True, pin="haiku", input_tokens=10**6, consequential=True),
    ]
    assert len({SMALL.read(task).logits for task in callers}) == 1


def test_evidence_names_what_spoke_for_each_tier():
    found = word_evidence(SMALL, Task("tag the ticket: plan 12"), TIERS, most=3)
    assert tuple(found) == TIERS
    assert any(found.values())
    names = set(UNITS) | {
        "tag the",
        "the ticket",
        SENSE,
        "words<8",
        "opens:tag",
        "opens:tag the",
        "contains ':'",
    }
    for spoken in found.values():
        assert len(spoken) <= 3
        assert [strength for _, strength in spoken] == sorted((s for _, s in spoken), reverse=True)
        assert all(strength >= LEAST for _, strength in spoken)
        assert {name for name, _ in spoken} <= names


def test_evidence_below_the_least_is_left_out_and_most_bounds_the_rest():
    task = Task("tag the ticket: plan")
    everything = word_evidence(SMALL, task, TIERS, most=99)
    assert word_evidence(SMALL, task, TIERS, most=1) == {
        tier: spoken[:1] for tier, spoken in everything.items()
    }
    quiet = small_reader()
    quiet.lexical[:] = 0
    quiet.embedding[:] = 0
    assert word_evidence(quiet, task, TIERS, most=99) == {tier: [] for tier in TIERS}


def test_a_text_without_words_has_no_evidence():
    assert word_evidence(SMALL, Task(" \n"), TIERS, most=6) == {tier: [] for tier in TIERS}


def test_more_tasks_than_are_read_at_once_are_read_exactly_as_one_by_one(champion, monkeypatch):
    monkeypatch.setattr(_reader, "MAX_TEXTS", 128)
    lines = SEED_TASKS.read_text(encoding="utf-8").splitlines()[: 3 * 128 + 7]
    tasks = [Task(json.loads(line)["specification"], items=len(line) % 50 or None) for line in lines]
    tasks[128 + 3] = Task("tag " + "x" * 500 + " the ticket")
    tasks[2 * 128 + 1] = Task("")
    assert each_of(champion.reader.read_many(tasks)) == [champion.reader.read(task) for task in tasks]


def test_texts_without_words_are_read_apart():
    assert each_of(SMALL.read_many([])) == []
    tasks = [Task(""), Task("tag the ticket"), Task(" \n"), Task("plan 12")]
    assert each_of(SMALL.read_many(tasks)) == [SMALL.read(task) for task in tasks]
    assert each_of(SMALL.read_many(tasks[:1])) == [SMALL.read(tasks[0])]


def test_as_many_texts_as_fit_are_read_exactly_as_one_by_one(champion):
    lines = SEED_TASKS.read_text(encoding="utf-8").splitlines()[::6]
    tasks = [Task(json.loads(line)["specification"]) for line in lines]
    assert len(tasks) > MAX_TEXTS
    assert each_of(champion.reader.read_many(tasks)) == [champion.reader.read(task) for task in tasks]


def test_rows_of_many_words_are_those_of_each_alone(champion):
    """To the last bit, whatever the number of their pieces: texts say the same however they are read."""
    reader = champion.reader
    texts = [seed.task.specification for seed in islice(read_seeds(), 400)]
    words = sorted(
        {word for text in texts for word in running_words(text)} | {"\u200b", "Straße", "x" * 150, "é"}
    )
    assert reader._rows_of(words) == [reader._row_of(word) for word in words]
