"""The word table: bounded, safe to share, and never the reason for another result."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.classifier._words import MAX_WORD_CHARS, WordTable

WIDTH = 4
LONG = "x" * (MAX_WORD_CHARS + 1)


def row_of(word: str) -> np.ndarray:
    seed = sum(ord(char) * 31**place for place, char in enumerate(word[:12])) % 100_003
    return np.sin(np.arange(1, WIDTH + 1) * (seed + 0.1)).astype(np.float32)


def unit_of(word: str) -> int:
    return len(word) - 2


def table(max_words: int = 50) -> WordTable:
    return WordTable(row_of, unit_of, WIDTH, max_words=max_words)


def plainly(texts: list[list[str]]) -> tuple[list, list[int], list[list[int]]]:
    distinct = [list(dict.fromkeys(words)) for words in texts]
    rows = [row_of(word).tolist() for words in distinct for word in words]
    return rows, [len(words) for words in distinct], [[unit_of(word) for word in words] for words in texts]


def looked_up(words: WordTable, texts: list[list[str]]) -> tuple | None:
    found = words.look_up(texts)
    return None if found is None else (found.rows.tolist(), found.n_distinct, found.unit_ids)


def words_from(start: int, n: int) -> list[str]:
    return [f"w{index}" for index in range(start, start + n)]


TEXTS = st.lists(
    st.lists(st.sampled_from([*words_from(0, 12), "the", "a"]), min_size=1, max_size=8),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=6), TEXTS, st.integers(1, 20))
def test_what_was_read_before_never_changes_a_result(before, texts, max_words):
    used = table(max_words)
    for earlier in before:
        used.look_up(earlier)
        assert len(used) <= max_words
    found = looked_up(used, texts)
    if found is None:
        assert len({word for words in texts for word in words}) > max_words
    else:
        assert found == plainly(texts)


@settings(deadline=None)
@given(TEXTS)
def test_computing_past_the_table_gives_the_same_rows(texts):
    for words in texts:
        rows, unit_ids = table().compute(words)
        assert (rows.tolist(), [len(rows)], [unit_ids]) == plainly([words])


def test_a_repeated_word_has_one_row_but_keeps_its_places():
    found = table().look_up([["ab", "abcd", "ab"], ["abcd"]])
    assert found.n_distinct == [2, 1]
    assert found.unit_ids == [[0, 2, 0], [2]]
    assert found.rows.shape == (3, WIDTH)


def test_a_known_word_is_not_computed_again():
    asked = []

    def counting(word: str) -> np.ndarray:
        asked.append(word)
        return row_of(word)

    words = WordTable(counting, unit_of, WIDTH, max_words=10)
    words.look_up([["a", "b", "a"]])
    words.look_up([["b"], ["a", "c"]])
    assert asked == ["a", "b", "c"]


@pytest.mark.parametrize("max_words", [5, 7, 20])
def test_the_table_never_holds_more_words_than_it_may(max_words):
    words = table(max_words)
    for start in range(0, 200, 3):
        read = [words_from(start, 5)]
        assert looked_up(words, read) == plainly(read)
        assert len(words) <= max_words


def test_a_full_table_starts_anew_and_keeps_learning():
    words = table(10)
    words.look_up([words_from(0, 8)])
    assert len(words) == 8
    words.look_up([words_from(100, 5)])
    assert len(words) == 5


def test_a_word_at_the_limit_is_kept_and_a_longer_one_is_not():
    words = table()
    assert words.look_up([["x" * MAX_WORD_CHARS]]) is not None
    assert len(words) == 1
    assert words.look_up([["tag", LONG]]) is None
    assert len(words) <= 2
    rows, unit_ids = words.compute(["tag", LONG, "tag"])
    assert rows.tolist() == [row_of("tag").tolist(), row_of(LONG).tolist()]
    assert unit_ids == [1, unit_of(LONG), 1]


def test_more_words_than_the_table_holds_are_not_looked_up_but_can_be_computed():
    words = table(10)
    assert words.look_up([words_from(0, 300)]) is None
    assert len(words) <= 10
    assert len(words.compute(words_from(0, 300))[0]) == 300


def test_threads_that_crowd_each_other_out_get_the_same_results():
    words = table(12)
    texts = [words_from(start % 37, 2 + start % 9) for start in range(400)]
    expected = [plainly([text]) for text in texts]
    start_together = threading.Barrier(4)

    def read_all(offset: int) -> list[int]:
        start_together.wait()
        order = [(index + offset) % len(texts) for index in range(len(texts))]
        return [index for index in order if looked_up(words, [texts[index]]) != expected[index]]

    with ThreadPoolExecutor(4) as pool:
        wrong = list(pool.map(read_all, (0, 90, 180, 270)))
    assert wrong == [[], [], [], []]
    assert len(words) <= 12
