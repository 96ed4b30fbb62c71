"""What reads safetensors in place says what the library says, and refuses what is malformed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import load, save

from tierwise.classifier.artifact._tensors import tensors
from tierwise.data import CHAMPION

KINDS = st.sampled_from(["?", "u1", "i1", "<u2", "<i2", "<f2", "<u4", "<i4", "<f4", "<u8", "<i8", "<f8"])
ARRAYS = arrays(KINDS, array_shapes(min_dims=0, min_side=0, max_side=4))


def same(found: dict, expected: dict) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), ARRAYS, max_size=4))
def test_it_reads_what_the_library_writes(given_arrays):
    given_arrays.pop("__metadata__", None)
    content = save(given_arrays)
    same(tensors(content), load(content))


def test_it_reads_the_champion_without_a_copy():
    content = (CHAMPION / "arrays.safetensors").read_bytes()
    found = tensors(content)
    same(found, load(content))
    whole = np.frombuffer(content, np.uint8)
    assert all(np.shares_memory(whole, array) and not array.flags.writeable for array in found.values())


def test_metadata_is_no_array():
    content = save({"x": np.arange(3)}, metadata={"made": "by hand"})
    same(tensors(content), {"x": np.arange(3)})


def written(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def one(dtype="I8", shape=(2,), data_offsets=(0, 2)) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": data_offsets}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the header is cut short"),
        (b"\x01\0\0\0", "the header is cut short"),
        (written(b"{}")[:-1], "the header is cut short"),
        (written(b"\xff\xfe\xff"), "codec can't decode"),
        (written(b"{"), "Expecting"),
        (written([1]), "the header is malformed"),
        (written({"x": 3}), "the header is malformed"),
        (written({"x": {"dtype": "I8"}}), "malformed, KeyError"),
        (written({"x": one(shape=["2"])}, b"ab"), "the header is malformed"),
        (written({"x": one(data_offsets=[0])}, b"ab"), "not enough values"),
        (written({"x": one(dtype="BF16")}, b"ab"), "'x' is of BF16, which is not read"),
        (written({"x": one()}, b"a"), "'x' is cut short"),
        (written({"x": one()}, b"abc"), "more than the arrays"),
        (written({"x": one(shape=[3])}, b"ab"), "'x' does not lie where"),
        (written({"x": one(shape=[-1, -2])}, b"ab"), "'x' does not lie where"),
        (written({"x": one(data_offsets=[1, 3])}, b"abc"), "'x' does not lie where"),
        (written({"x": one(data_offsets=[-2, 0])}, b"ab"), "'x' does not lie where"),
        (written({"x": one(), "y": one()}, b"ab"), "'y' does not lie where"),
    ],
)
def test_what_is_malformed_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        tensors(content)
