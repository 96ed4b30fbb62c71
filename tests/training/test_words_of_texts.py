"""The words of texts, read once for all features of training."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_model import small_reader

from tierwise.classifier.reading._text import words_of
from tierwise.classifier.task import Task
from tierwise.training.features import design
from tierwise.training.features import words as module
from tierwise.training.features.words import Words

TEXTS = st.lists(st.lists(st.sampled_from(["tag", "the", "12", "(x)"]), max_size=5).map(" ".join), max_size=6)


def lists(words: Words) -> list[list[str]]:
    """Per text its words, from their numbers."""
    found = [words.distinct[number] for number in words.number]
    ends = np.cumsum(words.lengths)
    return [found[end - n : end] for end, n in zip(ends, words.lengths, strict=True)]


@given(TEXTS)
def test_the_numbers_say_the_words_of_each_text(texts):
    words = Words.of(texts)
    assert lists(words) == [text.split() for text in texts]
    assert len(set(words.distinct)) == len(words.distinct)


@given(TEXTS)
def test_once_keeps_each_word_where_it_first_stands(texts):
    assert lists(Words.of(texts).once()) == list(map(words_of, texts))


def test_more_texts_than_are_read_at_once_have_one_numbering(monkeypatch):
    texts = [f"tag number {n % 3}" for n in range(7)]
    at_once = Words.of(texts)
    monkeypatch.setattr(module, "MAX_TEXTS", 2)
    assert lists(Words.of(texts)) == lists(at_once)
    assert lists(at_once.some(2, 5)) == [text.split() for text in texts[2:5]]


def test_a_text_of_several_tasks_is_read_once():
    words = Words.of_tasks([Task("tag this"), Task("plan that"), Task("tag this", items=3)])
    assert list(words.texts) == ["tag this", "plan that"]
    assert words.of_task.tolist() == [0, 1, 0]


@given(TEXTS)
def test_embeddings_of_many_texts_are_those_of_each(texts):
    encoder = small_reader().encoder
    expected = encoder.embed([words_of(text) for text in texts])
    np.testing.assert_array_equal(design.embeddings(Words.of(texts), encoder), expected)
