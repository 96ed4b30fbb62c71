"""Packed rows: adding the ints adds every column, exactly and in any order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.classifier.reading._packed import MAX_REAL, ONE, Packing

PACKING = Packing(2, 3)
WHOLE = st.tuples(st.integers(0, 1 << 20), st.integers(0, 1))
REAL = st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3)
ROWS = st.lists(st.tuples(WHOLE, REAL), max_size=30)


@given(ROWS, st.randoms(use_true_random=False))
def test_a_sum_of_rows_has_the_sums_of_the_columns_in_any_order(rows, chance):
    packed = [PACKING.row(whole, real) for whole, real in rows]
    found = PACKING.unpack(sum(packed))
    whole, count, real = found
    assert count == len(rows)
    assert whole == tuple(sum(w[column] for w, _ in rows) for column in range(2))
    expected = [sum(r[column] for _, r in rows) for column in range(3)]
    assert real == pytest.approx(expected, abs=len(rows) / ONE + 1e-9)
    chance.shuffle(packed)
    assert PACKING.unpack(sum(packed)) == found


def test_nothing_adds_up_to_nothing():
    assert PACKING.unpack(0) == ((0, 0), 0, [0.0, 0.0, 0.0])


def test_rows_of_an_array_are_the_rows_of_its_values():
    values = np.array([[0.5, -2.25, 0.0], [1e9, -1e9, 3.0]], dtype=np.float32)
    assert PACKING.rows(values) == [PACKING.row((0, 0), row.tolist()) for row in values]


def test_as_many_rows_as_there_is_room_for_never_reach_into_the_next_column():
    n = (1 << 16) - 1
    extreme = [PACKING.row((1 << 15, 1), [sign * MAX_REAL * 2] * 3) for sign in (1.0, -1.0)]
    for sign, row in zip((1, -1), extreme, strict=True):
        whole, count, real = PACKING.unpack(n * row)
        assert (whole, count) == ((n << 15, n), n)
        assert real == [sign * n * MAX_REAL] * 3
