"""The table of words: bounded, safe to share, and never the reason for another result."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.classifier.reading._words import MAX_WORD_CHARS, WordRows

LONG = "x" * (MAX_WORD_CHARS + 1)


def row_of(word: str) -> int:
    return sum(ord(char) * 31**place for place, char in enumerate(word))


def words_from(start: int, n: int) -> list[str]:
    return [f"w{index}" for index in range(start, start + n)]


@given(st.lists(st.sampled_from([*words_from(0, 12), "the", LONG])), st.integers(1, 20))
def test_what_was_read_before_never_changes_a_row_and_the_table_stays_bounded(words, max_words):
    table = WordRows(row_of, max_words=max_words)
    for word in words:
        assert table[word] == row_of(word)
        assert len(table) <= max_words


def test_a_known_word_is_not_computed_again():
    asked = []

    def counting(word: str) -> int:
        asked.append(word)
        return row_of(word)

    table = WordRows(counting, max_words=10)
    for word in ("a", "b", "a", "b", "c"):
        assert table[word] == row_of(word)
    assert asked == ["a", "b", "c"]


def test_a_full_table_starts_anew_and_keeps_learning():
    table = WordRows(row_of, max_words=10)
    for word in words_from(0, 10):
        table[word]
    assert len(table) == 10
    table["one more"]
    assert list(table) == ["one more"]


@pytest.mark.parametrize(("word", "kept"), [("x" * MAX_WORD_CHARS, True), (LONG, False)])
def test_a_word_at_the_limit_is_kept_and_a_longer_one_is_not(word, kept):
    table = WordRows(row_of)
    assert table[word] == row_of(word)
    assert (word in table) is kept


def test_threads_that_crowd_each_other_out_get_the_same_rows():
    table = WordRows(row_of, max_words=12)
    words = [word for start in range(300) for word in words_from(start % 37, 2 + start % 9)]
    start_together = threading.Barrier(4)

    def read_all(offset: int) -> list[str]:
        start_together.wait()
        order = [words[(index + offset) % len(words)] for index in range(len(words))]
        return [word for word in order if table[word] != row_of(word)]

    with ThreadPoolExecutor(4) as pool:
        wrong = list(pool.map(read_all, (0, 90, 180, 270)))
    assert wrong == [[], [], [], []]
    assert len(table) <= 12 + 4
