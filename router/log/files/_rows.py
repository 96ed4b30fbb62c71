"""A row of a frame or file, checked and ready to be stored. The same rules as for single records."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from ....classifier.errors import InvalidOutcome, InvalidTask, suggestion
from ....classifier.task import Task
from .._checks import checked_id, checked_note, is_binary
from .._decision_row import facts_of, text_columns
from .._policy_body import fingerprint_of
from .._text import StoreText
from .._times import checked_us, to_us
from .._verdicts import check_basis, check_verdict
from ._columns import FACT_KINDS, IGNORED, KINDS, check_columns, from_json_text, is_missing
from ._exported_attempts import checked_tried

MODES = ("sync", "batch", "none")
_BOUNDS = ("pin", "floor", "ceiling", "session_tier")
_PASSED_ON = ("mode", "model", "model_version", "reason", "fallback", "confidence", "propensity", "follows")


class RowReader:
    """Turns rows into values of the stage, and gathers the policies that they refer to.

    tiers : that a row may name; None for any. A row with its policy was decided on that policy's ladder.
    known_policies : fingerprints in the log; others must stand in this row or an earlier one.
    """

    def __init__(
        self,
        store_text: StoreText,
        now: datetime,
        tiers: Sequence[str] | None = None,
        known_policies: Collection[str] = (),
    ) -> None:
        self._store_text, self._now, self._now_us, self._tiers = store_text, now, to_us(now), tiers
        self._known_policies = known_policies
        self._seen: Counter[bytes] = Counter()
        self._columns: tuple[str, ...] | None = None
        self.policies: dict[str, dict[str, Any]] = {}

    def read(self, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
        """Raises InvalidOutcome or InvalidTask for a row that can't be taken."""
        if tuple(row) != self._columns:
            check_columns(list(row))
            self._columns = tuple(row)
        given = {
            name: from_json_text(name, value) if KINDS[name] == "json" else value
            for name, value in row.items()
            if name not in IGNORED and not is_missing(value) and not _is_blank(name, value)
        }
        text = given.get("specification")
        facts = {name: given[name] for name in FACT_KINDS if name in given}
        if isinstance(facts.get("attempts"), np.ndarray):  # of a frame that was read from Parquet
            facts["attempts"] = facts["attempts"].tolist()
        task = Task("" if text is None else text, task_type=given.get("task_type"), **facts)
        if "tier" not in given and "decision_id" not in given:
            raise InvalidOutcome("tier is missing: what did the work?", about="tier")
        verdict = self._verdict(given)
        decided_at = given.get("decided_at")
        at_us = verdict["at_us"]
        if decided_at is None and at_us is None:
            raise InvalidOutcome("a row without a verdict needs decided_at.", about="decided_at")
        values = {
            "number": number,
            **verdict,
            "decision_id": self._id(given, at_us),
            "task_type": task.task_type,
            "policy_fingerprint": self._policy(given),
            "tier": self._tier(given, task),
            "decided_at_us": at_us if decided_at is None else self._time("decided_at", decided_at),
            "recorded_at_us": self._now_us,
            "facts": facts_of(task),
            "details": _object(given, "details"),
            "tried": checked_tried(given.get("tried"), self._time),
            **self._passed_on(given),
            **text_columns(text, self._store_text),
        }
        if values["features"] is None and text is None and self._store_text != "none":
            values["features"] = _object(given, "features")
            values["text_stored"] = "none" if values["features"] is None else "features"
        return values

    def _tier(self, given: Mapping[str, Any], task: Task) -> str | None:
        tier = _text(given, "tier")
        fingerprint = given.get("policy_fingerprint")
        if self._tiers is None or fingerprint in self.policies or fingerprint in self._known_policies:
            return tier
        bounds = ((name, getattr(task, name)) for name in _BOUNDS)
        for name, found in (("tier", tier), *bounds, *(("attempts", each) for each in task.attempts)):
            if found is not None and found not in self._tiers:
                raise InvalidOutcome(
                    f"{name} {found!r} is none of the ladder's{suggestion(found, self._tiers)} It has "
                    f"{', '.join(self._tiers)}; for others: --ladder or --any-tier (in Python tiers=).",
                    about=name,
                )
        return tier

    def _verdict(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if "verdict" not in given:
            return dict.fromkeys(("verdict", "basis", "at_us", "known_at_us", "note"))
        if "at" not in given:
            raise InvalidOutcome("at is missing: when was the verdict given?", about="at")
        at_us = self._time("at", given["at"])
        known_at = given.get("recorded_at")
        note = checked_note(given.get("note"))
        return {
            "verdict": check_verdict(given["verdict"]),
            "basis": check_basis(given.get("basis", "imported")),
            "at_us": at_us,
            "known_at_us": self._now_us if known_at is None else self._time("recorded_at", known_at),
            "note": note if self._store_text == "full" else None,
        }

    def _passed_on(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: given.get(name) for name in _PASSED_ON}
        for name in ("mode", "model", "model_version", "reason", "follows"):
            values[name] = _text(given, name)
        if values["mode"] not in (None, *MODES):
            raise InvalidOutcome(
                f"mode must be one of {', '.join(MODES)}; got {values['mode']!r:.80}.", about="mode"
            )
        for name in ("confidence", "propensity"):
            values[name] = _share(name, values[name], above_zero=name == "propensity")
        values["fallback"] = _flag("fallback", values["fallback"])
        return values

    def _id(self, given: Mapping[str, Any], at_us: int | None) -> str:
        """The id given, else one that the same row gets in every import: nothing is doubled."""
        if "decision_id" in given:
            return checked_id(given["decision_id"])
        what = {
            name: given[name] for name in ("specification", "task_type", "tier", *FACT_KINDS) if name in given
        }
        key = json.dumps([what, at_us], sort_keys=True, default=str).encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(key).digest()[:16]
        self._seen[digest] += 1  # rows that look alike are tasks of their own
        twin = self._seen[digest]
        return digest.hex() if twin == 1 else f"{digest.hex()}-{twin}"

    def _time(self, name: str, value: object) -> int:
        return checked_us(name, value, self._now)

    def _policy(self, given: Mapping[str, Any]) -> str | None:
        fingerprint, body = _text(given, "policy_fingerprint"), _object(given, "policy")
        if body is not None:
            if fingerprint_of(body) != fingerprint:
                raise InvalidOutcome(
                    f"policy is not the one of the fingerprint {fingerprint!r}; was the file edited?",
                    about="policy",
                )
            self.policies[str(fingerprint)] = body
        return fingerprint


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or is_binary(value):
        raise InvalidOutcome(f"{name} must be a non-empty text; got {value!r:.80}.", about=name)
    return value


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = given.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise InvalidOutcome(f"{name} must be a JSON object; got {type(value).__name__}.", about=name)


def _share(name: str, value: Any, *, above_zero: bool) -> float | None:
    if value is None:
        return None
    try:
        share = float("nan") if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError, OverflowError):
        share = float("nan")
    if 0.0 < share <= 1.0 or (share == 0.0 and not above_zero):
        return share
    raise InvalidOutcome(
        f"{name} must be a number {'>' if above_zero else '>='} 0 and <= 1; got {value!r:.80}.", about=name
    )


def _flag(name: str, value: Any) -> bool | None:
    if value is None:
        return None
    if isinstance(value, (bool, int, float, np.bool_)) and value in (0, 1):  # as pandas may write it
        return bool(value)
    raise InvalidOutcome(f"{name} must be true or false; got {value!r:.80}.", about=name)


def _is_blank(name: str, value: Any) -> bool:
    """An empty text says nothing, but for a specification that is empty."""
    return name != "specification" and isinstance(value, str) and not value.strip()


ROW_ERRORS = (InvalidOutcome, InvalidTask)
