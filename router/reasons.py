"""Every reason code, in one place. `docs/reasons.md` is generated from this table.

A code names the mechanism that ran. Codes with a colon belong to a family: "floor:live" is a floor
that the fact `live` implies. To add one: add a line here, use the constant, add a test that asserts
it; `make docs` and `make check` do the rest.
"""

from __future__ import annotations

CLASSIFIER = "classifier"
PROBE = "probe"
CANARY = "canary"
LOW_CONFIDENCE = "low_confidence"
EMPTY = "empty"
TOO_SHORT = "too_short"
UNFAMILIAR = "unfamiliar"
VERY_LONG = "very_long"
MODEL_UNAVAILABLE = "model_unavailable"
MIDDLE_RUNG = "middle_rung"
BULK = "bulk"
EXPECTED_COST = "expected_cost"
CHECK_AND_ESCALATE = "check_and_escalate"
DETERMINISTIC = "deterministic"
PIN = "pin"
PIN_BELOW_FLOOR = "pin_below_floor"
CONSEQUENTIAL = "consequential"
CACHED_PREFIX = "cached_prefix"
FLOOR = "floor"
FLOOR_LIVE = "floor:live"
FLOOR_ORCHESTRATOR = "floor:orchestrator"
FLOOR_REVIEWER = "floor:reviewer"
FLOOR_ATTEMPTS = "floor:attempts"
EXHAUSTED = "exhausted"
CEILING = "ceiling"
CEILING_BELOW_FLOOR = "ceiling_below_floor"
LIMIT_CONTEXT = "limit:context_window"
LIMIT_OUTPUT = "limit:max_output"
FRESH_WINDOW = "fresh_window"
SESSION_FULL = "session_full"
NO_TIER_SUFFICES = "no_tier_suffices"
HISTORY = "history"
MANY_ITEMS = "many_items"
BATCH = "batch"
SYNC_TIME_SENSITIVE = "sync:time_sensitive"
SYNC_LIVE = "sync:live"
SYNC_NOT_FORMAT = "sync:not_a_format_task"
SYNC_NOT_VERIFIABLE = "sync:not_verifiable"
SYNC_NO_BATCH_PRICE = "sync:no_batch_price"

MEANING: dict[str, str] = {
    CLASSIFIER: "The specification (and history, if given) makes this tier probable enough.",
    PROBE: "Explored: one tier below the choice is tried, so that a demotion can be earned (`Policy(probe_budget=…)`).",
    CANARY: "Explored: champion and challenger differ, and here the challenger decides (`Canary(share=…)`).",
    LOW_CONFIDENCE: "Neither a lower nor a higher tier is probable enough, so the production tier answers (fallback).",
    EMPTY: "The specification has no words, so nothing is known about it (fallback).",
    TOO_SHORT: "Too few recognised words to tell what is asked (fallback).",
    UNFAMILIAR: "The text is unlike anything the model was trained on: another language, gibberish, an unknown field (fallback).",
    VERY_LONG: "So long that its instruction can't be told from pasted material; only its ends were read (fallback).",
    MODEL_UNAVAILABLE: "The model could not be loaded; a warning says why. The production tier answers (fallback).",
    MIDDLE_RUNG: "This ladder has no trained model, so its middle rung is the default.",
    BULK: "This ladder has no trained model, and bulk work that nobody waits for goes to its volume tier.",
    EXPECTED_COST: "The operator priced a correction; this plan has the least expected cost, tokens and corrections together.",
    CHECK_AND_ESCALATE: "A program can check the result, so the next tier is tried where the check fails.",
    DETERMINISTIC: "A plain program does this step; no model is called.",
    PIN: "The caller pinned this tier.",
    PIN_BELOW_FLOOR: "Warning: the pinned tier lies below a floor that the other facts imply. The pin was kept.",
    CONSEQUENTIAL: "Much depends on the result, so it goes one rung above the prediction.",
    CACHED_PREFIX: "The prompt cache of this session is on a higher tier than the task needs, and reading it costs less than a new one.",
    FLOOR: "The caller's floor lies above the prediction.",
    FLOOR_LIVE: "A person is waiting for the result: at least the production tier.",
    FLOOR_ORCHESTRATOR: "An orchestrator's plan decides what all others do: the strategy tier.",
    FLOOR_REVIEWER: "A reviewer must be able to see what a worker missed: at least the production tier.",
    FLOOR_ATTEMPTS: "Lower tiers already failed at this very task.",
    EXHAUSTED: "Every tier that is allowed has failed; the highest one is tried again, and a person should look.",
    CEILING: "The caller's ceiling lies below the prediction.",
    CEILING_BELOW_FLOOR: "Warning: the caller's ceiling lies below a floor that the other facts imply. The ceiling was kept.",
    LIMIT_CONTEXT: "A tier was left out because the task exceeds its context window.",
    LIMIT_OUTPUT: "A tier was left out because the task exceeds its output cap.",
    FRESH_WINDOW: "The session is out of context and the step is well defined: a smaller tier with a fresh window does it, then return.",
    SESSION_FULL: "The session is out of context, and no smaller tier may take the step or is sure enough to do it: start a fresh session.",
    NO_TIER_SUFFICES: "Even the highest tier that outcomes speak of is expected to pass less often than `min_pass`; a person should look.",
    HISTORY: "Outcomes of this task type moved the probabilities.",
    MANY_ITEMS: "An extraction or formatting step over more than ten items: the volume tier, at the lowest permitted confidence.",
    BATCH: "Many items, nobody waiting, a format task whose results can be verified afterwards: the Batch API.",
    SYNC_TIME_SENSITIVE: "Not in batch: the result is needed sooner than a batch returns.",
    SYNC_LIVE: "Not in batch: a person is waiting.",
    SYNC_NOT_FORMAT: "Not in batch: not clearly a format or classification task.",
    SYNC_NOT_VERIFIABLE: "Not in batch: nobody said that the results can be verified afterwards (`verifiable` or `reviewed`).",
    SYNC_NO_BATCH_PRICE: "Not in batch: this tier has no batch price.",
}

FALLBACKS = frozenset({LOW_CONFIDENCE, EMPTY, TOO_SHORT, UNFAMILIAR, VERY_LONG, MODEL_UNAVAILABLE})
WARNINGS = frozenset({PIN_BELOW_FLOOR, CEILING_BELOW_FLOOR, EXHAUSTED, NO_TIER_SUFFICES, MODEL_UNAVAILABLE})
