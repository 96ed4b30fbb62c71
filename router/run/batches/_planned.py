"""A job as it is planned: a line an item with its request, in parts that are a batch each. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields

from ....classifier.errors import InvalidRequest
from ...decision import Decision
from .._bounds import expected_usd
from .._next import Next
from .._request import Options, build_request
from ._journal import Line


def item_of(decision: Decision, key: str | None, own: Options | None, shared: Options | None) -> Line:
    ladder = decision.evidence.ladder
    rung = ladder.rungs[ladder.index(decision.tier)]
    options = own or shared or Options()
    params, beside = build_request(decision.task, rung, options).kwargs, options.beside_the_body
    if beside is not None:
        raise InvalidRequest(
            f"{beside} is sent beside a request's body, and an item of a batch is nothing but a body. Leave "
            "it out; headers for all requests are the client's (default_headers=).",
            about=beside,
        )
    facts = {name: value for name, value in asdict(decision.task).items() if value not in (None, ())}
    return {
        "id": decision.decision_id,
        **({} if key is None else {"key": key}),
        "tier": str(decision.tier),
        "model": rung.model,
        "task": facts,
        "params": params,
        "sync_usd": expected_usd(Next(decision, options), None),
        **({} if rung.has_batch else {"part": None}),
        **({} if own is None else {"options": options_said(own, without="messages")}),
    }


def options_said(options: Options | None, *, without: str = "") -> Line:
    """As the journal keeps them."""
    if options is None:
        return {}
    names = (each.name for each in fields(options) if each.name != without)
    return {name: getattr(options, name) for name in names}


def plan_parts(items: Iterable[Line], *, max_requests: int, max_bytes: int) -> list[Line]:
    """Number the parts: by tier and model, in order, each within the limits.

    An item whose rung has no batch price has none already, and is in no part.
    """
    found: list[Line] = []
    open_: dict[tuple[str, str], tuple[int, int, int]] = {}  # number, requests, bytes
    n_parts = 0
    for item in items:
        if "part" in item:
            found.append({**item, "kind": "item"})
            continue
        key = item["tier"], item["model"]
        size = len(json.dumps({"custom_id": item["id"], "params": item["params"]})) + 1
        number, requests, used = open_.get(key, (-1, max_requests, 0))
        if requests >= max_requests or used + size > max_bytes:
            number, requests, used = n_parts, 0, 0
            n_parts += 1
        open_[key] = number, requests + 1, used + size
        found.append({**item, "kind": "item", "part": number})
    return found
