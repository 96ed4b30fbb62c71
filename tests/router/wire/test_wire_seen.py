"""Usage from the bytes of an answer, however they are cut into pieces."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.router.ladder import Ladder
from tierwise.router.run import Usage
from tierwise.router.wire import Seen
from tierwise.testing import Answer
from tierwise.testing._wire import events, message_of

REQUEST = {"model": "claude-haiku-5-5", "max_tokens": 500, "messages": [{"role": "user", "content": "Hi"}]}
ANSWER = Answer('{"type": "error"} event: message_stop', None, 70, 12, 30, 5, 9, thinking_tokens=2)
MESSAGE = message_of(REQUEST, ANSWER, Ladder.load().rungs[0])
STREAM = b"".join(events(MESSAGE))
USAGE = Usage(70, 12, 30, 5, 9, 2)


def fed(data, cuts, *, is_stream):
    seen = Seen(is_stream=is_stream)
    edges = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(edges):
        seen.feed(data[start:end])
    seen.end()
    return seen


@given(st.lists(st.integers(0, len(STREAM)), max_size=12), st.booleans())
def test_a_stream_in_any_pieces(cuts, windows):
    data = STREAM.replace(b"\n", b"\r\n") if windows else STREAM
    seen = fed(data, cuts, is_stream=True)
    assert (seen.usage, seen.stop_reason, seen.message_id) == (USAGE, "end_turn", MESSAGE["id"])
    assert (seen.is_whole, seen.has_error) == (True, False)


@given(st.lists(st.integers(0, 200), max_size=5))
def test_a_message_in_any_pieces(cuts):
    seen = fed(json.dumps(MESSAGE).encode(), cuts, is_stream=False)
    assert (seen.usage, seen.stop_reason, seen.is_whole) == (USAGE, "end_turn", True)


def test_what_has_come_of_a_stream_that_breaks_off():
    seen = fed(STREAM[: STREAM.index(b"event: content_block_delta")], [], is_stream=True)
    assert (seen.usage.input_tokens, seen.is_whole, seen.stop_reason) == (70, False, None)


def test_an_error_inside_a_stream():
    data = STREAM[: STREAM.index(b"event: message_delta")]
    data += b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}\n\n'
    seen = fed(data, [], is_stream=True)
    assert (seen.has_error, seen.is_whole) == (True, False)


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"[1]",
        b'{"type": "error"}',
        b'{"usage": 5, "id": 7}',
        b"event: message_start\ndata: {broken\n",
        b'event: message_start\ndata: {"type": "message_start", "message": [1]}\n',
        b'event: message_delta\ndata: {"type": "message_delta", "delta": 3, "usage": {"output_tokens": "x"}}\n',
    ],
)
def test_what_is_no_message_has_no_usage(data, is_stream):
    seen = fed(data, [], is_stream=is_stream)
    assert (seen.usage, seen.is_whole, seen.stop_reason) == (Usage(), False, None)


def test_the_id_is_told_as_soon_as_it_is_known():
    told = []
    seen = Seen(is_stream=True, on_id=told.append)
    seen.feed(STREAM[: STREAM.index(b"event: ping")])
    assert told == [MESSAGE["id"]]
