"""Reads a safetensors file that is in memory, without copying it.

`safetensors.numpy.load` says the same, but copies every array and takes about as long as all else that a
first decision does with its model; it writes what is read here, and a test holds the two together.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DTYPES = {  # those that NumPy has
    "BOOL": "?",
    **{f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}


def tensors(content: bytes) -> dict[str, NDArray[Any]]:
    """Name -> array, read-only. Raises ValueError, saying what is wrong."""
    end_of_header = 8 + int.from_bytes(content[:8], "little")
    if len(content) < 8 or end_of_header > len(content):
        raise ValueError("the header is cut short")
    try:
        header = json.loads(content[8:end_of_header])
        header.pop("__metadata__", None)
        about = [
            (begin, end, name, each["dtype"], tuple(each["shape"]))
            for name, each in header.items()
            for begin, end in [each["data_offsets"]]
        ]
        about.sort()
        return _arrays(content, end_of_header, about)
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"the header is malformed, {error!r}") from error


def _arrays(
    content: bytes, start: int, about: list[tuple[int, int, str, str, tuple[int, ...]]]
) -> dict[str, NDArray[Any]]:
    """Arrays lie one after the other, without a gap, up to the end."""
    found, expected = {}, 0
    for begin, end, name, code, shape in about:
        if code not in _DTYPES:
            raise ValueError(f"{name!r} is of {code}, which is not read")
        dtype, n = np.dtype(_DTYPES[code]), math.prod(shape)
        if begin != expected or end != begin + n * dtype.itemsize or min(shape, default=0) < 0:
            raise ValueError(f"{name!r} does not lie where its shape and its neighbours say")
        expected = end
        if start + end > len(content):
            raise ValueError(f"{name!r} is cut short")
        flat = np.frombuffer(content, dtype, n, start + begin) if n else np.empty(0, dtype)
        found[name] = flat.reshape(shape)
    if start + expected != len(content):
        raise ValueError("there is more than the arrays that its header lists")
    return found
