"""Rows of numbers as one int each: a text is read by adding ints.

Sums of ints are exact whatever their order, so a text gets the same numbers to the last bit however
it is read; and one addition adds all columns at once, which NumPy does no faster for thirty rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

import numpy as np
from numpy.typing import NDArray

ONE = 1 << 24  # fixed point: a real column is stored in units of 2**-24
_OFFSET = 1 << 44  # added to each real column, so that none is negative; taken off by the row count
MAX_REAL = float(_OFFSET // ONE)


class Packing:
    """Columns of whole numbers >= 0, lowest bits first, then the count of rows, then real columns.

    Room for 2**16 rows: no column of their sum reaches into the next one.

    >>> packing = Packing(1, 2)
    >>> packing.unpack(packing.row((7,), (0.5, -2.0)) + packing.row((1,), (0.25, 0.0)))
    ((8,), 2, [0.75, -2.0])
    """

    def __init__(self, n_whole: int, n_real: int) -> None:
        self._n_whole = n_whole
        self._struct = Struct("<" + "I" * (n_whole + 1) + "Q" * n_real)
        self._columns = np.dtype([("whole", "<u4", (n_whole + 1,)), ("real", "<u8", (n_real,))])

    def row(self, whole: Sequence[int], real: Sequence[float]) -> int:
        fixed = [round(max(-MAX_REAL, min(value, MAX_REAL)) * ONE) + _OFFSET for value in real]
        return int.from_bytes(self._struct.pack(*whole, 1, *fixed), "little")

    def rows(self, real: NDArray[np.floating], whole: NDArray[np.integer] | None = None) -> list[int]:
        """One int per row of (n, n_real) values and (n, n_whole) whole ones, 0 if not given."""
        table = np.zeros(len(real), dtype=self._columns)
        if whole is not None:
            table["whole"][:, :-1] = whole
        table["whole"][:, -1] = 1
        table["real"] = fixed_point(real) + _OFFSET
        return [int.from_bytes(row, "little") for row in table.view(f"V{table.itemsize}").tolist()]

    def unpack(self, total: int) -> tuple[tuple[int, ...], int, list[float]]:
        """Whole columns, count of rows and real columns of a sum of rows."""
        found = self._struct.unpack(total.to_bytes(self._struct.size, "little"))
        n_whole = self._n_whole
        count = found[n_whole]
        offset = count * _OFFSET
        return found[:n_whole], count, [(value - offset) / ONE for value in found[n_whole + 1 :]]

    def unpack_many(
        self, totals: Sequence[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """(n, n_whole), (n,) and (n, n_real): what `unpack` gives for each of n sums."""
        joined = b"".join([total.to_bytes(self._struct.size, "little") for total in totals])
        table = np.frombuffer(joined, dtype=self._columns)
        whole = table["whole"].astype(np.int64)
        count = whole[:, -1]
        return whole[:, :-1], count, (table["real"].astype(np.int64) - count[:, None] * _OFFSET) / ONE


def fixed_point(real: NDArray[np.floating]) -> NDArray[np.int64]:
    """Real values in units of 1 / ONE."""
    return np.rint(np.clip(real.astype(np.float64), -MAX_REAL, MAX_REAL) * ONE).astype(np.int64)
