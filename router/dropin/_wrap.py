"""`wrap`: the SDK is imported when it is called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from ...classifier.errors import InvalidRequest, MissingExtra
from ..policy import Policy
from ..router import Router

if TYPE_CHECKING:
    from ..log import OutcomeLog

Client = TypeVar("Client")


def wrap(
    client: Client,
    *,
    router: Router | None = None,
    policy: Policy | None = None,
    log: OutcomeLog | str | os.PathLike[str] | None = None,
    with_system: bool = False,
) -> Client:
    """The same client, sync or async; calls of its messages with `model="auto"` go to the tier they need.

        client = tierwise.wrap(anthropic.Anthropic(), log="outcomes.db")
        message = client.messages.create(model="auto", max_tokens=800, messages=[...],
                                         tierwise={"task_type": "meta-description", "verifiable": True})
        message.tierwise.tier, message.tierwise.explain()      # the decision
        client.record_outcome(message, "corrected")            # a person's verdict; in asyncio awaited

    Routed are `messages.create`, with `stream=True` too, `messages.stream`, `messages.parse`,
    `messages.count_tokens`, and `create` of `with_raw_response` and `with_streaming_response`. All else, and
    every other model's name, goes through the SDK's own code untouched. What is given back is of the SDK's
    own types; so are errors.

    The task is the text of the last user message that has any. The argument `tierwise=` has what is known
    beside it: facts of `Task`, `specification` where the message is not what is asked (a bare document, with
    the instruction in the system prompt), `follows`: the message, decision or id whose attempt at this very
    task failed. Parameters that the chosen model doesn't accept are translated or left out.

    The decision is `.tierwise` of a message, of a stream and of a raw response; `decision_of` finds it for
    any message that this client has seen lately, those of streams too. With a log, usage, cost and latency of
    each call are recorded; a refusal and an answer that was cut off are recorded apart from verdicts.

    client : an `anthropic.Anthropic` or `AsyncAnthropic`, or a subclass. It is not changed, and shares
        its connections with the result.
    router : with its model, policy and log. Or policy, log : of a router of this client's own, which
        `client.router.close()` closes.
    with_system : the system prompt is part of what is asked, for pipelines that keep the instruction there.

    Raises InvalidRequest for a client that is none, or for a router beside a policy or log.
    """
    try:
        from ._client import wrapped
    except ModuleNotFoundError as error:
        if error.name not in ("anthropic", "httpx2"):
            raise
        raise MissingExtra("anthropic", "anthropic") from error
    if router is not None and (policy is not None or log is not None):
        raise InvalidRequest(
            "A router has its own policy and log; give router=, or policy= and log=.", about="router"
        )
    made: Any = wrapped(client, router or Router(policy=policy, log=log), with_system=with_system)
    found: Client = made
    return found
