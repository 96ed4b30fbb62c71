"""A policy and its ladder as plain values, under a fingerprint, and back."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from ..ladder import Ladder, Rung
from ..ladder.prices import PriceStep
from ..policy import Policy

_known: dict[tuple[int, int], tuple[str, dict[str, Any], object]] = {}
_MAX_KNOWN = 64


def policy_body(policy: Policy, ladder: Ladder) -> tuple[str, dict[str, Any]]:
    """(fingerprint, body); computed once per pair, by identity, as a policy never changes."""
    key = id(policy), id(ladder)
    known = _known.get(key)
    if known is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        body = _body(policy, ladder)
        # both are kept beside, so that their ids are not given to other objects
        known = _known[key] = (fingerprint_of(body), body, (policy, ladder))
    return known[0], known[1]


def fingerprint_of(body: Mapping[str, Any]) -> str:
    whole = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(whole.encode("utf-8")).hexdigest()[:16]


def policy_from(body: Mapping[str, Any]) -> tuple[Policy, Ladder]:
    """The policy and the ladder that were in force."""
    rungs = tuple(_rung(each) for each in body["ladder"]["rungs"])
    ladder = Ladder(body["ladder"]["name"], rungs, body["ladder"]["unit"])
    return Policy(**body["policy"]), ladder


def _body(policy: Policy, ladder: Ladder) -> dict[str, Any]:
    values = {f.name: getattr(policy, f.name) for f in fields(policy) if f.name != "ladder"}
    values["correction_minutes_by_type"] = dict(policy.correction_minutes_by_type)
    rungs = [{name: _plain(value) for name, value in asdict(rung).items()} for rung in ladder.rungs]
    return {"policy": values, "ladder": {"name": ladder.name, "unit": ladder.unit, "rungs": rungs}}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _rung(values: Mapping[str, Any]) -> Rung:
    dates = {
        name: None if values[name] is None else datetime.date.fromisoformat(values[name])
        for name in ("checked_on", "retires_on")
    }
    prices = tuple(PriceStep(**step) for step in values["prices"])
    return Rung(**{**values, **dates, "prices": prices, "accepts": tuple(values["accepts"])})
