"""The pages Model and Decision."""

from __future__ import annotations

from typing import Any

from ....classifier.artifact._pointer import Pointer
from ....classifier.errors import ArtifactError, LogError
from ....classifier.model import REMOTE
from ..._explain import explain
from ...log._past import past_decision
from ...log._times import from_us
from ...reasons import MEANING
from . import _counts, _svg
from ._cached import Cached
from ._state import State, ladder_of, policy_of
from ._store import pointer_of


def model_page(state: State, cached: Cached) -> dict[str, Any]:
    """What the template shows. The parts that are still being counted are None."""
    model, trouble, pointer = state.model(), state.trouble, None
    is_unread = isinstance(state.store, str) and state.store.startswith(REMOTE) and state.pointer is None
    try:
        pointer = pointer_of(state)
    except ArtifactError as error:
        trouble, is_unread = trouble or str(error), True
    history = [] if pointer is None else list(reversed(pointer.history))
    judged = next((change for change in history if change.gate), None)
    tiers = ladder_of(state).names
    bins, away, tried = None, None, None
    if state.log is not None and model is not None:
        try:
            bins = _counts.bins(state, cached, model)
            tried = _tried(state, cached, pointer)
        except LogError as error:  # what serves is known without it
            away = str(error)
    return {
        "model": model,
        "metrics": {} if model is None else _figures(model.manifest.get("metrics", {})),
        "thresholds": None if model is None else model.thresholds(policy_of(state).max_under_tier),
        "promise": policy_of(state).max_under_tier,
        "pointer": pointer,
        "is_unread": is_unread,
        "store": state.store,
        "trouble": trouble,
        "history": history[:20],
        "judged": judged,
        "bins": bins,
        "tiers": tiers,
        "away": away,
        "tried": tried,
        "log_name": None if state.log is None else state.log._database.name,
        "counted_at": cached.counted_at(*([] if model is None else [_counts.bins_name(model)])),
        "counting": bins is None and away is None and state.log is not None and model is not None,
        "plot": _svg.reliability_plot(bins, tiers, "Reliability: predicted against observed")
        if bins
        else None,
    }


def _tried(state: State, cached: Cached, pointer: Pointer | None) -> int | None:
    """Decisions of the challenger so far; None where there is none, or they are still being counted."""
    log = state.log
    if log is None or pointer is None or pointer.canary is None:
        return None
    challenger = state.challenger()  # a registry has numbers of its own for what the log knows by its version
    version = pointer.canary.version if challenger is None else challenger.version
    found = cached.get(f"canary {version}", lambda: log.tried_as_canary(version))
    return None if found is None else int(found.decisions)


def decision_page(state: State, decision_id: str) -> dict[str, Any]:
    """What the template shows. Raises NotInLog."""
    log, model = state.log, state.model()
    assert log is not None
    past = past_decision(log, decision_id)
    decision = past.decision
    text = past.row["specification"]
    words: dict[str, Any] = {}
    if decision is not None and model is not None and text and past.row["model_version"] == model.version:
        words = model.word_evidence(decision.task, most=6)
    return {
        "past": past,
        "decided_at": from_us(past.row["decided_at_us"]),
        "attempts": log.attempts(decision_id),
        "row": past.row,
        "decision": decision,
        "explained": None if decision is None else explain(decision),
        "words": {tier: found for tier, found in words.items() if found},
        "meaning": MEANING,
        "beliefs": (past.row["details"] or {}).get("beliefs") or {},
    }


def _figures(metrics: Any) -> dict[str, str]:
    """Plain numbers and intervals of a manifest, to be read."""
    found = {}
    for name, value in metrics.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found[name] = f"{value:,}"
        elif isinstance(value, str):
            found[name] = value
        elif isinstance(value, list) and value and all(isinstance(each, (int, float)) for each in value):
            found[name] = f"{value[0]:.3f}" + (
                f" ({value[1]:.3f} to {value[2]:.3f})" if len(value) == 3 else ""
            )
    return found
