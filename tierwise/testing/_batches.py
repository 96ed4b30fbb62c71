"""Message batches: made, polled, cancelled, read. Every item is answered when its batch ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ._wire import error_body, new_id

MAX_REQUESTS, MAX_BYTES = 100_000, 256 * 1024 * 1024  # the API's limits
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
Item = dict[str, Any]


@dataclass
class Batch:
    """One batch. `polls_left` retrievals still say that it is in progress."""

    requests: list[Item]
    polls_left: int
    id: str = field(default_factory=lambda: new_id("msgbatch"))
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    results: list[Item] | None = None


def refused(requests: object, n_bytes: int) -> tuple[int, str] | None:
    """Status and message, where the API would make no batch of these. Params are checked per item."""
    if not isinstance(requests, list) or not requests:
        return 400, "requests: at least one request is required"
    if n_bytes > MAX_BYTES:
        return 413, "Request exceeds the maximum size"
    if len(requests) > MAX_REQUESTS:
        return 400, f"requests: at most {MAX_REQUESTS} requests are allowed"
    ids = [each.get("custom_id") if isinstance(each, dict) else None for each in requests]
    for place, each in enumerate(ids):
        if not isinstance(each, str) or not _CUSTOM_ID.match(each):
            return 400, f"requests.{place}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
    if len(set(ids)) < len(ids):
        return 400, "requests: custom_ids must be unique"
    return None


class Batches:
    """All batches of a server, newest first when listed."""

    def __init__(self, answer: Callable[[Item], Item], polls: int) -> None:
        self._answer, self.polls = answer, polls
        self._all: dict[str, Batch] = {}

    def create(self, requests: list[Item]) -> Batch:
        batch = Batch(requests, self.polls)
        self._all[batch.id] = batch
        return batch

    def get(self, batch_id: str) -> Batch | None:
        return self._all.get(batch_id)

    def newest_first(self) -> list[Batch]:
        return list(reversed(self._all.values()))

    def delete(self, batch: Batch) -> None:
        del self._all[batch.id]

    def poll(self, batch: Batch) -> None:
        """A retrieval: the batch comes nearer to its end."""
        batch.polls_left -= 1
        if batch.polls_left < 0:
            self._end(batch)

    def cancel(self, batch: Batch) -> None:
        """What has not been answered yet is canceled at the next retrieval."""
        if batch.ended_at is None:
            batch.canceled_at = batch.canceled_at or datetime.now(UTC)
            batch.polls_left = 0

    def _end(self, batch: Batch) -> None:
        if batch.ended_at is not None:
            return
        canceled = batch.canceled_at is not None
        batch.results = [
            {
                "custom_id": each["custom_id"],
                "result": {"type": "canceled"} if canceled else self._answer(each["params"]),
            }
            for each in batch.requests
        ]
        batch.results.reverse()  # the API promises no order
        batch.ended_at = datetime.now(UTC)


def as_json(batch: Batch, url: str) -> Item:
    """The batch as the API writes it."""
    ended = batch.ended_at is not None
    kinds = [each["result"]["type"] for each in batch.results or ()]
    counts = {kind: kinds.count(kind) for kind in ("succeeded", "errored", "canceled", "expired")}
    in_progress = "in_progress" if batch.canceled_at is None else "canceling"
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": "ended" if ended else in_progress,
        "request_counts": {"processing": 0 if ended else len(batch.requests), **counts},
        "created_at": batch.created_at.isoformat(),
        "expires_at": (batch.created_at + timedelta(hours=24)).isoformat(),
        "ended_at": batch.ended_at.isoformat() if batch.ended_at else None,
        "cancel_initiated_at": batch.canceled_at.isoformat() if batch.canceled_at else None,
        "archived_at": None,
        "results_url": f"{url}/v1/messages/batches/{batch.id}/results" if ended else None,
    }


def results_lines(batch: Batch) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in batch.results or ())


def errored(status: int, message: str) -> Item:
    return {"type": "errored", "error": error_body(status, message)}
