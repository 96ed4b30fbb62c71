"""The table behind reading many texts: words numbered once, whoever asks; and the shapes of many texts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from small_model import each_of, small_reader

from tierwise.classifier.reading import _many_texts
from tierwise.classifier.reading import _shape as shape
from tierwise.classifier.reading._packed import ONE, Packing
from tierwise.classifier.reading._text import running_words
from tierwise.classifier.reading._word_table import WordTable
from tierwise.classifier.reading._words import MAX_WORD_CHARS
from tierwise.classifier.task import Task

PACKING = Packing(2, 1)
LONG = "x" * (MAX_WORD_CHARS + 1)


def row_of(word: str) -> int:
    return PACKING.row((len(word), ord(word[0])), (len(word) / 8,))


def check(table: WordTable, texts: list[list[str]]) -> None:
    words = [word for text in texts for word in text]
    numbers, split = table.numbers(list(map(" ".join, texts)))
    columns = table.columns()
    assert split.n_words.tolist() == list(map(len, texts))
    assert split.chars.tolist() == list(map(len, words))
    assert columns.whole[:, numbers].T.tolist() == [[len(word), ord(word[0])] for word in words]
    assert (columns.real[0, numbers] / ONE).tolist() == [len(word) / 8 for word in words]
    assert len(set(numbers.tolist())) == len(set(words))


def test_each_word_has_one_number_and_its_row_in_the_columns_however_many_come():
    table = WordTable(row_of, PACKING)
    check(table, [["tag", "the"], ["the", "ticket"], []])
    many = [f"w{index}" for index in range(5_000)]
    check(table, [many[:2_000], many[2_000:4_000], many[4_000:]])  # more than there was room for
    check(table, [["tag", "new"], ["w4999"]])


def test_a_word_too_long_to_keep_has_a_number_and_is_not_kept():
    table = WordTable(row_of, PACKING)
    check(table, [[LONG, "tag"], [LONG, LONG + "x"]])
    assert all(len(word) < 2 * MAX_WORD_CHARS + 2 for word in WordTable(row_of, PACKING))
    assert LONG not in table


def test_a_word_too_long_to_keep_is_worked_out_once():
    asked = []
    table = WordTable(lambda word: asked.append(word) or row_of(word), PACKING)
    for _ in range(3):
        check(table, [["tag", LONG], [LONG]])
    assert sorted(asked) == sorted(["tag", LONG])


def test_threads_may_share_a_table():
    table = WordTable(row_of, PACKING)
    texts = [[f"w{(7 * start + index) % 900}" for index in range(400)] for start in range(64)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: check(table, [text]), texts))
    assert sorted(table.values()) == list(range(len(table)))


def test_a_full_table_starts_anew_and_says_the_same(monkeypatch):
    monkeypatch.setattr(_many_texts, "MAX_WORDS", 5)
    reader = small_reader()
    tasks = [Task(f"tag the ticket number {index} {index % 3}") for index in range(50)]
    for _ in range(2):
        for start in range(0, 50, 10):
            some = tasks[start : start + 10]
            assert each_of(reader.read_many(some)) == list(map(reader.read, some))
            assert len(reader._many._table) == 0


TEXT = st.text(st.sampled_from("ab 0(.,;?_'\n\t=é中🙂\x85"), max_size=60)


def shapes_at_once(texts):
    words = list(map(running_words, texts))
    chars = np.array([len(word) for each in words for word in each], dtype=np.int64)
    return shape.shapes_of(texts, np.array(list(map(len, words))), chars)


@given(st.lists(TEXT, min_size=1, max_size=6))
@example(["", "a 1", " "])
def test_shapes_of_many_texts_are_those_of_each(texts):
    expected = np.stack([shape.shape_of(text, running_words(text)) for text in texts])
    np.testing.assert_array_equal(shapes_at_once(texts), expected)


def test_shapes_of_long_texts_are_counted_some_at_a_time(monkeypatch):
    texts = ["tag (the) ticket, 12 times.", "plan\nthis = 3", "as well as that"]
    at_once = shapes_at_once(texts)
    monkeypatch.setattr(shape, "_MOST_CHARS", 10)
    np.testing.assert_array_equal(shapes_at_once(texts), at_once)
