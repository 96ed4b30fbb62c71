"""Calls of the batches endpoint as steps: with retries where a repetition does no harm."""

from __future__ import annotations

from typing import Any, NamedTuple

from ....classifier.errors import ModelNotServed, RequestRefused, ServiceBusy
from .._call import wait_s
from .._faults import Failure, failure_of
from .._limits import Limits
from .._request import Request
from .._steps import Api, Outside, Sent, Sleep, Steps


class Created(NamedTuple):
    """A new batch, or None where nobody knows whether it was made."""

    batch: Any | None


def read_steps(call: Api, limits: Limits, outside: Outside) -> Steps[Any]:
    """A call that changes nothing, or nothing twice: repeated within the limits."""
    ends_s, n_requests = outside.now_s() + limits.deadline_s, 0
    while True:
        sent: Sent = yield call
        if sent.error is None:
            return sent.message
        n_requests += 1
        failure = _failure(sent.error, call)
        pause_s = wait_s(failure.error, n_requests, limits, outside.chance())
        if not failure.may_pass or n_requests > limits.max_retries or outside.now_s() + pause_s >= ends_s:
            raise failure.error
        yield Sleep(pause_s)


def create_steps(requests: list[dict[str, Any]], limits: Limits, outside: Outside) -> Steps[Created]:
    """Make a batch. Repeated only where the service says that it took nothing (it is busy)."""
    call, n_requests = Api("create", {"requests": requests}), 0
    while True:
        sent: Sent = yield call
        if sent.error is None:
            return Created(sent.message)
        n_requests += 1
        failure = _failure(sent.error, call)
        if not failure.may_pass:
            raise failure.error
        if not isinstance(failure.error, ServiceBusy):
            return Created(None)  # it may have been made: look before sending again
        if n_requests > limits.max_retries:
            raise failure.error
        yield Sleep(wait_s(failure.error, n_requests, limits, outside.chance()))


def _failure(error: Exception, call: Api) -> Failure:
    request = Request({"model": "the batch", "messages": call.arguments.get("requests")}, False, ())
    found = failure_of(error, request, call.timeout_s)
    batch_id = call.arguments.get("message_batch_id")
    if batch_id is None or not isinstance(found.error, ModelNotServed):
        return found
    said = {name: getattr(found.error, name) for name in ("status", "error_type", "request_id")}
    text = (
        f"There is no batch {batch_id}: it was deleted, the key is of another workspace, or base_url is "
        f"wrong (HTTP {said['status']}). If it is gone, submit the tasks that have no result with another "
        "journal."
    )
    return Failure(RequestRefused(text, about=batch_id, **said), may_pass=False)
