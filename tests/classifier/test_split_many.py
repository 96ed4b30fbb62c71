"""Words of many texts split in columns are those of `str.split`, and keys stand for words."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from tierwise.classifier.reading import _split_many
from tierwise.classifier.reading._hash_table import NONE
from tierwise.classifier.reading._split_many import Split, Splitter
from tierwise.classifier.reading._text import MAX_WORDS_READ, running_words
from tierwise.classifier.reading._words import MAX_WORD_CHARS
from tierwise.data import SEED_TASKS

LONG = "x" * (MAX_WORD_CHARS + 1)
SPACES = [chr(code) for code in range(0x3001) if chr(code).isspace()]


def checked(texts: list[str]) -> Split:
    """The split, which must be that of each text, words of one key being one word."""
    split, words = Splitter().of(texts), list(map(running_words, texts))
    together = [word for each in words for word in each]
    assert split.n_words.tolist() == list(map(len, words))
    assert split.chars.tolist() == list(map(len, together))
    keys: dict[str, set[int]] = {}
    for word, key in zip(together, split.key.tolist(), strict=True):
        keys.setdefault(word, set()).add(key)
    found = [key for of_word in keys.values() for key in of_word if key != NONE]
    assert len(found) == len(set(found))
    assert all(len(of_word - {NONE}) <= 1 for of_word in keys.values())
    assert all(key >= 0 for key in found)
    return split


@given(st.lists(st.text(st.sampled_from([*"ab01\0é中🙂\ud800", *SPACES]), max_size=30), max_size=6))
@example(["", " \n", "a b", "ab"])
def test_texts_are_split_as_str_does(texts):
    checked(texts)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_any_text_is(texts):
    checked(texts)


def test_every_white_space_parts_words_and_the_next_sign_does_not():
    assert checked(["a" + "a".join(SPACES) + "a"]).n_words.tolist() == [len(SPACES) + 1]
    assert checked(["a\u3001b \u200b"]).n_words.tolist() == [2]


def test_words_that_differ_by_one_sign_or_its_place_have_keys_of_their_own():
    words = ["1", "2", "12", "21", "a\0", "a", "\0a", "can", "ban", "CAN", "nac"]
    keys = checked([" ".join(words)]).key.tolist()
    assert len(set(keys)) == len(words)
    assert checked(["can", "x can"]).key[0] != NONE


def test_a_word_has_one_key_wherever_it_stands():
    split = checked(["tag the ticket", "the", "see\tthe tag"])
    tag, the, _, again, _, once_more, last = split.key.tolist()
    assert the == again == once_more
    assert tag == last


def test_a_word_too_long_to_keep_has_no_key():
    assert checked([f"tag {LONG} {LONG[:-1]}"]).key.tolist().index(NONE) == 1


def test_a_text_that_is_very_long_is_split_by_itself(monkeypatch):
    monkeypatch.setattr(_split_many, "_AT_ONCE", 6_000)
    very_long = "ab " * (MAX_WORDS_READ + 5)
    texts = ["tag", very_long, very_long, "plan it", "ab " * 1_333, "ab " * 1_333, "tag"]
    split = checked(texts)
    assert split.n_words.tolist() == [1, MAX_WORDS_READ, MAX_WORDS_READ, 2, 1_333, 1_333, 1]
    assert (split.key[1 : 1 + 2 * MAX_WORDS_READ] == NONE).all()
    assert split.key[0] == split.key[-1] != NONE


def test_two_splitters_share_no_keys():
    assert set(Splitter().of(["tag the ticket"]).key.tolist()).isdisjoint(
        Splitter().of(["tag the ticket"]).key.tolist()
    )


def test_tasks_that_ship_have_one_key_a_word():
    lines = SEED_TASKS.read_text(encoding="utf-8").splitlines()[::4]
    checked([json.loads(line)["specification"] for line in lines])
