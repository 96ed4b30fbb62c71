"""The shapes of requests and answers, for the OpenAPI document. Requests are parsed elsewhere, and faster."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ....classifier.task import _FLAGS, MAX_COUNT, MAX_SPECIFICATION_CHARS, Task
from ..._meanings import meanings
from ...log._checks import MAX_NAME_CHARS, MAX_NOTE_CHARS
from ...log._verdicts import BASES, VERDICTS

_OBJECT = {"type": "object", "additionalProperties": False}


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Brief(_Closed):
    """What is acted on."""

    decision_id: str
    tier: str
    model: str | None = Field(description="Model id; null where no model is needed.")
    mode: str = Field(description="sync, batch or none.")
    plan: list[str] = Field(description="Tiers to try in order; the next one where a program's check fails.")
    confidence: float = Field(ge=0, le=1)
    probabilities: dict[str, float] = Field(description="P(needed tier = it); sums to 1.")
    reason: str
    reasons: list[str]
    fallback: bool
    return_to: str | None
    propensity: float = Field(gt=0, le=1)


class One(Brief):
    """What is acted on, of one."""

    logged: bool = Field(description="It is in the log now; else, if a log is kept, in a moment.")


class Full(One):
    """All that a decision knows."""

    pass_probabilities: dict[str, float]
    expected_cost_usd: dict[str, float]
    expected_latency_ms: dict[str, float | None]
    batch_wait_ceiling_s: float | None
    versions: dict[str, str]


class Many(_Closed):
    """Decisions, in the order of the tasks; with ?detail=full each with all that it knows."""

    decisions: list[Brief | Full]
    logged: bool


class Verdict(_Closed):
    """An outcome as it is in the log."""

    decision_id: str
    task_type: str | None
    tier: str | None
    verdict: str
    basis: str
    at: str
    recorded_at: str
    note: str | None
    is_effective: bool
    is_new: bool = Field(description="False where the log knew it already; nothing was written then.")
    replaced: str | None
    replaced_at: str | None


class Said(_Closed):
    """What is wrong, what is allowed, what to do."""

    type: str
    message: str
    about: str | None = None


class NotTaken(_Closed):
    """One of many outcomes that could not be recorded."""

    error: Said


class Verdicts(_Closed):
    """One entry for each that was sent."""

    outcomes: list[Verdict | NotTaken]
    n_taken: int
    n_refused: int


class Explained(_Closed):
    """A decision in words."""

    decision: Full
    explanation: str
    outcomes: list[Verdict] | None = None


Pair = Annotated[list[int], Field(min_length=2, max_length=2)]


class History(_Closed):
    """Clean and not clean, by tier."""

    task_type: str
    history: dict[str, Pair]


class Serving(_Closed):
    """What serves. trouble: why what the source names now can't be used; the model here goes on."""

    version: str
    tiers: list[str]
    source: str
    loaded_at: str
    n_swaps: int
    trouble: str | None
    max_under_tier: float
    lambda_down: float | None
    lambda_up: float | None
    challenger: str | None
    ladder: str
    log: str = Field(description="ok, away or none.")


class Health(_Closed):
    """The process answers."""

    status: str


class Ready(_Closed):
    """Whether requests should be sent here."""

    ready: bool
    model: str = Field(description="ok; or trouble, see /v1/model.")
    log: str = Field(description="ok, away or none. Predictions go on without it.")


class Failure(_Closed):
    """Every error."""

    type: str
    error: Said


def task_schema() -> dict[str, Any]:
    """Of one task; from the class, so that a new fact is in it."""
    schema = TypeAdapter(Task).json_schema()
    told = meanings()
    facts: dict[str, Any] = {}
    for name, found in schema["properties"].items():
        kept: dict[str, Any] = {"description": told.get(name, "")}
        if name == "specification":
            kept |= {"type": "string", "maxLength": MAX_SPECIFICATION_CHARS}
        elif name in _FLAGS:
            kept |= {"type": ["boolean", "null"]}
        elif name == "attempts":
            kept |= {"type": ["array", "null"], "items": {"type": "string"}}
        elif name == "role":
            kept |= {"enum": [*next(e["enum"] for e in found["anyOf"] if "enum" in e), None]}
        elif any(each.get("type") == "integer" for each in found["anyOf"]):
            kept |= {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_COUNT}
        else:
            kept |= {"type": ["string", "null"], "minLength": 1}
        facts[name] = kept
    return {
        "type": "object",
        "required": ["specification"],
        "properties": facts,
        "additionalProperties": False,
    }


def outcome_schema() -> dict[str, Any]:
    facts = {
        "decision_id": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS},
        "verdict": {"enum": list(VERDICTS)},
        "basis": {"enum": [*BASES, None], "description": "Default: person."},
        "at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When it was said, with a time zone (default: now).",
        },
        "note": {"type": ["string", "null"], "maxLength": MAX_NOTE_CHARS},
    }
    required = ["decision_id", "verdict"]
    return {**_OBJECT, "required": required, "properties": facts}
