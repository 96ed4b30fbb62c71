"""Which tier holds how much of a conversation in its prompt cache, and until when.

A conversation is known by hashes of its beginnings: no text is kept. Memory is bounded, the longest unused
is forgotten first; what is forgotten is priced as not cached.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from .._plain import blocks_of, read_of
from ..run import Usage

TTL_5M_S, TTL_1H_S = 300.0, 3_600.0  # each use of a cached prefix starts its time anew
_MAX_KNOWN = 20_000
_as_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class Cached(NamedTuple):
    """Of one tier: tokens in its cache, when they are gone, and how long they last when used."""

    tokens: int
    until_s: float
    ttl_s: float


class Known(NamedTuple):
    """What is known of a request's beginning.

    cached : tier -> its cache of the longest beginning that it has, where it hasn't expired.
    prompt_tokens, n_messages : of the longest beginning that was sent before; the count is the service's.
    """

    cached: Mapping[str, Cached]
    prompt_tokens: int
    n_messages: int


class _Entry(NamedTuple):
    prompt_tokens: int
    cached: dict[str, Cached]


class Conversations:
    """Threads may share it. `clock` gives seconds that only rise."""

    def __init__(self, *, max_known: int = _MAX_KNOWN, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_known, self._clock = max_known, clock
        self._salt = os.urandom(16)  # hashes mean nothing outside this object
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def beginnings(self, request: Mapping[str, Any], scope: str = "") -> list[bytes]:
        """A hash for each number of messages, from none on. Caches of one scope (an account) are apart.

        Where a cache breakpoint stands changes nothing of what was sent, so it isn't read; a text and one
        block of text are the same.
        """
        digest = hashlib.blake2b(key=self._salt, digest_size=16)
        read = read_of(request)
        messages, head = read["messages"], [scope, read["tools"], blocks_of(read["system"])]
        found = []
        for part in (head, *(messages if isinstance(messages, list) else ())):
            digest.update(_as_json(_unmarked(part)).encode("utf-8", "surrogatepass"))
            found.append(digest.copy().digest())
        return found

    def known(self, beginnings: list[bytes]) -> Known:
        """What was learned from earlier answers of this conversation."""
        now_s = self._clock()
        cached: dict[str, Cached] = {}
        longest: tuple[int, int] | None = None
        with self._lock:
            for number, entry in self._found(beginnings):
                longest = longest or (entry.prompt_tokens, number)
                for tier, each in entry.cached.items():
                    if each.until_s > now_s:
                        cached.setdefault(tier, each)
        return Known(cached, *(longest or (0, 0)))

    def answered(self, beginnings: list[bytes], tier: str, usage: Usage) -> None:
        """Learn from the usage of an answer: what was read or written is now in the tier's cache."""
        written_1h, written_5m = usage.cache_write_1h_tokens, usage.cache_write_5m_tokens
        tokens = usage.cache_read_tokens + written_1h + written_5m
        before = self.known(beginnings).cached.get(tier)
        ttl_s = TTL_1H_S if written_1h else TTL_5M_S
        if not written_1h and not written_5m and before is not None:
            ttl_s = before.ttl_s
        with self._lock:
            entry = self._entries.pop(beginnings[-1], _Entry(0, {}))
            cached = {each: kept for each, kept in entry.cached.items() if each != tier}
            if tokens:
                cached[tier] = Cached(tokens, self._clock() + ttl_s, ttl_s)
            self._entries[beginnings[-1]] = _Entry(usage.prompt_tokens, cached)
            while len(self._entries) > self._max_known:
                self._entries.popitem(last=False)

    def _found(self, beginnings: list[bytes]) -> Iterator[tuple[int, _Entry]]:
        """The longest first, with its number of messages."""
        for number in range(len(beginnings) - 1, 0, -1):
            entry = self._entries.get(beginnings[number])
            if entry is not None:
                self._entries.move_to_end(beginnings[number])
                yield number, entry


def asks_for_cache(request: Mapping[str, Any]) -> bool:
    """Whether a breakpoint stands anywhere: without one nothing is read from a cache."""
    read = read_of(request)
    return read["cache_control"] is not None or any(
        _is_marked(read[part]) for part in ("system", "tools", "messages")
    )


def _is_marked(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("cache_control") is not None or _is_marked(value.get("content"))
    return isinstance(value, list) and any(map(_is_marked, value))


def _unmarked(value: Any) -> Any:
    """Without breakpoints, texts as blocks."""
    if isinstance(value, list):
        return [_unmarked(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _unmarked(each) for key, each in value.items() if key != "cache_control"}
    if isinstance(value.get("content"), str):
        kept["content"] = blocks_of(value["content"])
    if kept.get("type") == "text" and kept.get("citations", ...) is None:
        del kept["citations"]  # an SDK block says that it has none, a block written by hand says nothing
    return kept
