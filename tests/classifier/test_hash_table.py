"""Distinct keys and look-ups without a sort say what sets and dictionaries say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.classifier.reading._hash_table import NONE, Lookup, distinct

KEYS = st.lists(st.integers(0, 40) | st.integers(0, 2**62), max_size=60)


def ints(keys: list[int]) -> np.ndarray:
    return np.array(keys, dtype=np.int64)


@given(KEYS)
def test_each_key_is_found_once(keys):
    assert sorted(distinct(ints(keys)).tolist()) == sorted(set(keys))


@given(KEYS, KEYS)
def test_a_look_up_is_a_dictionary(known, asked):
    known = list(dict.fromkeys(known))
    numbers = {key: number for number, key in enumerate(known)}
    found = Lookup(ints(known), ints(list(numbers.values()))).of(ints(asked + known))
    assert found.tolist() == [numbers.get(key, NONE) for key in asked + known]


@given(st.lists(KEYS, max_size=8))
def test_keys_may_come_later_twice_and_beside_none(batches):
    table, numbers = Lookup(ints([]), ints([])), {}
    for batch in batches:
        for key in batch:
            numbers.setdefault(key, len(numbers))
        table.add(ints([*batch, NONE]), ints([*map(numbers.__getitem__, batch), 7]))
        assert table.of(ints(list(numbers))).tolist() == list(numbers.values())
    assert table.of(ints([NONE, 41])).tolist() == [NONE, numbers.get(41, NONE)]


def test_a_table_grows_with_its_keys_and_keeps_room():
    keys = np.random.default_rng(1).permutation(50_000)
    table = Lookup(ints([]), ints([]))
    for start in range(0, len(keys), 700):
        table.add(keys[start : start + 700], keys[start : start + 700] + 1)
    assert np.array_equal(table.of(keys), keys + 1)
    assert 4 * len(keys) <= len(table._keys) <= 32 * len(keys)


@pytest.mark.parametrize("most", [50, 30_000, 2**40])
def test_many_keys_of_which_some_share_a_place(most):
    keys = np.random.default_rng(0).integers(0, most, 30_000)
    once = distinct(keys)
    assert np.array_equal(np.sort(once), np.unique(keys))
    found = Lookup(once[::2], np.arange(len(once[::2]))).of(once)
    assert np.array_equal(found[::2], np.arange(len(once[::2])))
    assert (found[1::2] == NONE).all()
