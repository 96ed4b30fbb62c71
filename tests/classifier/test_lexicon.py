"""The lexicon: units, pairs and marks, found fast, equal to what their names say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tierwise.classifier.reading._lexical import LexicalRows
from tierwise.classifier.reading._lexicon import (
    NEUTRAL_WORD,
    UNKNOWN_WORD,
    Lexicon,
    has_digit,
    marks_of,
    unit_of,
)
from tierwise.classifier.reading._text import MAX_TEXTS
from tierwise.classifier.task import Task
from tierwise.training.features.lexical import lexical_features
from tierwise.training.features.words import Words

UNITS = [
    ("Draft", "draft"),
    ('"Draft:', "draft"),
    ("JSON-LD,", "json-ld"),
    ("--", ""),
    ("155", "#"),
    ("v2.10", "v#.#"),
    ("(12%)", "#%"),
    ("don't", "don't"),
    ("“Größe”", "größe"),
    ("東京", "東京"),
    ("٣٤", "#"),
    ("🙂", "🙂"),
    ("", ""),
]


@pytest.mark.parametrize(("word", "unit"), UNITS, ids=[repr(word) for word, _ in UNITS])
def test_a_unit_is_the_word_without_outer_signs_and_with_all_numbers_alike(word, unit):
    assert unit_of(word) == unit


@pytest.mark.parametrize(
    ("word", "found"), [("abc", False), ("a1", True), ("12", True), ("-", False), ("²", False)]
)
def test_a_digit_is_a_decimal_one(word, found):
    assert has_digit(word) is found


MARKS = [
    ("", []),
    ("Tag it", ["words<4", "no number", "opens:tag", "opens:tag it"]),
    ("Tag", ["words<2", "no number", "opens:tag"]),
    ("Why 5?", ["?", "words<4", "one number", "opens:why", "opens:why #"]),
    ("1 2 2", ["words<4", "two numbers", "opens:#", "opens:# #"]),
    ("1 2 3 4", ["words<8", "several numbers", "opens:#", "opens:# #"]),
    ("a:\nb", [":", "\n", "words<4", "no number", "opens:a", "opens:a b"]),
    (" ".join(["a"] * 5000), ["words<512", "no number", "opens:a", "opens:a a"]),
]


@pytest.mark.parametrize(("text", "marks"), MARKS, ids=[repr(text[:12]) for text, _ in MARKS])
def test_marks_say_how_a_text_opens_how_long_it_is_and_what_signs_it_has(text, marks):
    assert marks_of(text, text.split()) == marks


KNOWN = ("#", "aa", "bb", "cc")
ALL_MARKS = (
    *("?", ":", "\n", '"'),
    *("words<2", "words<4", "words<8", "words<16"),
    *("no number", "one number", "two numbers", "several numbers"),
    *("opens:#", "opens:aa", "opens:bb", "opens:aa bb", "opens:bb aa", "opens:# aa"),
)
LEXICON = Lexicon(KNOWN, [(0, 1), (1, 2), (2, 1), (1, 1), (3, 0)], ALL_MARKS, [-1, 0.5, 0.5, 1.0])


def found_names(text: str) -> list[str]:
    """By the fast way; each feature weighs its own power of two, so the sum says which were added."""
    words = text.split()
    places = [ROWS.place(LEXICON.unit_id(word)) for word in words]
    if not words:
        return []
    n_numbers = sum(map(has_digit, set(words)))
    count, sums = ROWS.sums(text, places, n_numbers)
    assert LexicalRows(LEXICON, _powers()).sums(text, places, n_numbers) == (count, sums)  # its first text
    names = [LEXICON.name(f) for f in range(len(LEXICON)) if int(sums[f // 16]) >> f % 16 & 1]
    assert count == len(names)
    return sorted(names)


def plain_names(text: str) -> list[str]:
    return sorted(map(LEXICON.name, LEXICON.features(text, text.split())))


def _powers() -> np.ndarray:
    weights = np.zeros((len(LEXICON), len(LEXICON) // 16 + 1))
    for feature in range(len(LEXICON)):
        weights[feature, feature // 16] = 1 << feature % 16
    return weights


ROWS = LexicalRows(LEXICON, _powers())
ROWS.sums("aa", [1], 0)  # from the second text on it has its tables


def expected_names(text: str) -> list[str]:
    """The plain way: by name, from the whole text."""
    words = text.split()
    units = [unit_of(word) for word in words]
    known_pairs = {f"{KNOWN[a]} {KNOWN[b]}" for a, b in LEXICON.pairs}
    pairs = {f"{a} {b}" for a, b in pairwise(units)}
    marks = {mark for mark in marks_of(text, words) if mark in ALL_MARKS}
    named = {f"contains {mark!r}" if len(mark) == 1 else mark for mark in marks}
    return sorted((set(units) & set(KNOWN)) | (pairs & known_pairs) | named)


WORDS = st.sampled_from(["aa", "Bb,", "cc", "zz", "12", "7", "--", "12a", '"aa"', "bb?", ":", "🙂"])


@given(st.lists(WORDS, max_size=9), st.sampled_from([" ", "\n"]))
@example(["zz", "bb"], " ")
@example(["zz"], " ")
@example(["bb"], " ")
@example(["--", "aa"], " ")
@example([], " ")
def test_the_features_are_exactly_those_that_the_text_has(words, between):
    text = between.join(words)
    assert plain_names(text) == expected_names(text)
    assert found_names(text) == expected_names(text)


@given(st.lists(st.lists(WORDS, max_size=9).map(" ".join), max_size=6))
@example(["", " "])
@example(["aa"] * 3)
def test_training_finds_in_many_texts_what_the_names_say_of_each(texts):
    found = lexical_features(Words.of_tasks([Task(text) for text in texts]), LEXICON)
    expected = [LEXICON.features(text, text.split()) for text in texts]
    assert found.shape == (len(texts), len(LEXICON))
    assert [set(row.indices.tolist()) for row in found] == expected
    assert found.nnz == sum(map(len, expected))
    assert set(found.data) <= {1.0}


def test_training_finds_more_texts_than_are_read_at_once():
    texts = [f"aa {'zz ' * (n % 9)}bb {n}" for n in range(MAX_TEXTS + 7)]
    found = lexical_features(Words.of_tasks([Task(text) for text in texts]), LEXICON)
    expected = [LEXICON.features(text, text.split()) for text in texts]
    assert [set(row.indices.tolist()) for row in found] == expected


def test_a_second_word_does_not_open_a_text_whose_first_word_is_unknown():
    assert "opens:bb" not in found_names("zz bb")


def test_a_text_of_one_word_opens_with_that_word_only():
    assert [name for name in found_names("cc") if name.startswith("opens:")] == []
    assert [name for name in found_names("bb") if name.startswith("opens:")] == ["opens:bb"]


def test_unknown_words_and_neutral_ones_are_told_apart():
    assert LEXICON.unit_id("zebra") == UNKNOWN_WORD
    assert LEXICON.unit_id("x-ray") == LEXICON.unit_id("--") == LEXICON.unit_id("🙂") == NEUTRAL_WORD
    assert LEXICON.unit_id("99") == 0


def test_features_are_numbered_units_first_then_pairs_then_marks():
    assert len(LEXICON) == len(KNOWN) + 5 + len(ALL_MARKS)
    assert LEXICON.name(1) == "aa"
    assert LEXICON.name(len(KNOWN)) == "# aa"
    assert LEXICON.name(len(KNOWN) + 5) == "contains '?'"
    assert LEXICON.name(len(LEXICON) - 1) == "opens:# aa"


def test_an_opening_of_unknown_units_is_kept_but_never_found():
    lexicon = Lexicon(["aa"], [], ["opens:zz", "opens:zz aa", "opens:aa zz"], [1.0])
    assert lexicon.features("zz aa", ["zz", "aa"]) == {0}
    assert len(lexicon) == 4


def test_an_empty_lexicon_finds_nothing():
    lexicon = Lexicon([], [], [], [])
    assert len(lexicon) == 0
    assert lexicon.features("tag it", ["tag", "it"]) == set()
