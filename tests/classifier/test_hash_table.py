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


@pytest.mark.parametrize("most", [50, 30_000, 2**40])
def test_many_keys_of_which_some_share_a_place(most):
    keys = np.random.default_rng(0).integers(0, most, 30_000)
    once = distinct(keys)
    assert np.array_equal(np.sort(once), np.unique(keys))
    found = Lookup(once[::2], np.arange(len(once[::2]))).of(once)
    assert np.array_equal(found[::2], np.arange(len(once[::2])))
    assert (found[1::2] == NONE).all()
