"""Guards: texts about which the classifier must not have an opinion."""

from __future__ import annotations

import pytest

from tierwise.classifier.reading._guards import EMPTY, TOO_SHORT, UNFAMILIAR, VERY_LONG, Guards
from tierwise.classifier.reading._text import MAX_WORDS_READ, is_very_long, running_words, words_of
from tierwise.classifier.task import Task

LONG = "tag the ticket " * 1000

TEXTS = [
    ("", EMPTY),
    (" \n\t", EMPTY),
    ("?!… -- 🙂", EMPTY),
    ("... ??? !!! ---", EMPTY),
    ("Tag", TOO_SHORT),
    ("Tag tickets", TOO_SHORT),
    ("東京の天気をまとめて", TOO_SHORT),
    ("Tag the tickets", None),
    ("1 2 3", None),
    (LONG, VERY_LONG),
]


@pytest.mark.parametrize(("text", "code"), TEXTS, ids=[repr(text[:20]) for text, _ in TEXTS])
def test_each_guard_has_a_code_of_its_own(text, code):
    assert Guards(min_words=3).before_reading(len(running_words(text)), text) == code


def test_letters_far_behind_a_wall_of_signs_do_not_count():
    text = "- " * 6000 + "tag"
    assert Guards().before_reading(len(running_words(text)), text) == EMPTY


@pytest.mark.parametrize(
    ("familiarity", "code"), [(0.0, UNFAMILIAR), (0.49, UNFAMILIAR), (0.5, None), (1.0, None)]
)
def test_a_text_of_rare_words_is_unfamiliar(familiarity, code):
    assert Guards(min_familiarity=0.5).after_reading(familiarity) == code


def test_guards_survive_being_written_down():
    guards = Guards(min_words=4, min_familiarity=0.3)
    assert Guards(**guards.to_dict()) == guards


@pytest.mark.parametrize("n_words", [1, MAX_WORDS_READ - 1, MAX_WORDS_READ, MAX_WORDS_READ + 1, 2500, 9000])
@pytest.mark.parametrize("word", ["a", "ticket"])
def test_a_text_is_very_long_exactly_if_some_of_its_words_were_left_out(n_words, word):
    text = " ".join([word] * n_words)
    assert is_very_long(text) == (len(running_words(text)) < n_words)


def test_of_a_very_long_text_the_two_ends_are_read():
    words = [f"w{i}" for i in range(5000)]
    read = running_words(" ".join(words))
    assert read == words[:1000] + words[-1000:]
    assert words_of("b a b a c") == ["b", "a", "c"]


UNREADABLE = [
    ("", EMPTY),
    ("🙂 🙂 🙂", EMPTY),
    ("Tag it", TOO_SHORT),
    ("Zwqx vrtk plmn gthy bnvc qwsx zzkj", UNFAMILIAR),
    ("Опишите, пожалуйста, основные причины падения продаж за последний квартал", UNFAMILIAR),
    (LONG, VERY_LONG),
]


@pytest.mark.parametrize(("text", "code"), UNREADABLE, ids=[code for _, code in UNREADABLE])
def test_an_unreadable_text_gets_the_uninformed_belief(champion, text, code):
    found = champion.posterior(Task(text))
    assert found.guard == code
    assert found.needed == found.text == tuple(champion.manifest["uninformed"])


def test_a_readable_text_is_not_guarded(champion):
    found = champion.posterior(Task("Write a short summary of the customer feedback from the last week"))
    assert found.guard is None
    assert found.needed != tuple(champion.manifest["uninformed"])
