"""POST /v1/outcomes: what became of decisions. Idempotent, and in the log before it is acknowledged."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from ....classifier.errors import InvalidOutcome, LogUnavailable, NotInLog
from .._answers import answer, as_refused
from ..openapi._schemas import OUTCOMES
from ..service import Service
from ._body import listed, object_of
from ._predict import no_log

_FIELDS = ("decision_id", "verdict", "basis", "at", "note")
_NEEDED = ("decision_id", "verdict")


def outcome_routes(service: Service) -> APIRouter:
    routes = _Outcomes(service)
    router = APIRouter(tags=["outcomes"])
    router.post("/v1/outcomes", **OUTCOMES)(routes.outcomes)
    return router


class _Outcomes:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def outcomes(self, request: Request) -> Response:
        body = await object_of(request, kind="invalid_outcome")
        if self._service.log is None:
            raise no_log()
        try:
            if "outcomes" not in body:
                return answer(await self._recorded(body))
            rows = listed(body, "outcomes", self._service.settings.max_tasks, kind="invalid_outcome")
            return answer(await self._many(rows))
        except LogUnavailable:
            self._service.metrics.outcome_unavailable()
            raise

    async def _many(self, rows: list[Any]) -> dict[str, Any]:
        """Each on its own: what one of them lacks keeps no other from being recorded.

        Where the log goes away in between, all are to be sent again: those that are in it are known then.
        """
        found: list[dict[str, Any]] = []
        for row in rows:
            try:
                found.append(await self._recorded(row))
            except (InvalidOutcome, NotInLog) as error:
                refused = as_refused(error)
                found.append({"error": {"type": refused.kind or "not_found_error", "message": str(error)}})
        n_refused = sum("error" in each for each in found)
        return {"outcomes": found, "n_taken": len(found) - n_refused, "n_refused": n_refused}

    async def _recorded(self, row: Any) -> dict[str, Any]:
        given = checked(row)
        decision_id, verdict = given.pop("decision_id"), given.pop("verdict")
        outcome = await self._service.record_outcome(decision_id, verdict, **given)
        return outcome.to_dict()


def checked(row: Any) -> dict[str, Any]:
    """Names and kinds; what they say is checked by the log. Raises InvalidOutcome."""
    if not isinstance(row, dict):
        raise InvalidOutcome('An outcome is an object: {"decision_id": …, "verdict": "clean"}.')
    for name in row:
        if name not in _FIELDS:
            told = f"Unknown field {name!r} of an outcome. It has: {', '.join(_FIELDS)}."
            raise InvalidOutcome(told, about=name)
    for name in _NEEDED:
        if row.get(name) is None:
            raise InvalidOutcome(f"An outcome needs {name!r}.", about=name)
    for name, value in row.items():
        if value is not None and not isinstance(value, str):
            raise InvalidOutcome(f"{name} must be a text.", about=name)
    return {name: value for name, value in row.items() if value is not None}
