"""POST /v1/predict and /v1/explain."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from ....classifier.errors import InvalidTask
from ....classifier.task import Task
from ...log._past import past_decision
from .._answers import JsonAnswer, Refused, answer
from .._served_router import ServedRouter
from ..openapi._schemas import EXPLAIN, PREDICT
from ..service import Service
from ._body import listed, many_tasks, object_of, task_with
from ._direct import Handler
from ._rows import brief_row, brief_rows, full_row

_OPTIONS = ("detail", "wait_for_log")
_INLINE = 8  # tasks that are decided between two other requests; more of them are decided beside these


def predict_routes(service: Service) -> tuple[APIRouter, dict[str, Handler]]:
    """The routes, and the one that is so busy that it is to be found directly."""
    routes = _Predict(service)
    router = APIRouter(tags=["decisions"])
    router.post("/v1/predict", **PREDICT)(routes.predict)
    router.post("/v1/explain", **EXPLAIN)(routes.explain)
    return router, {"/v1/predict": routes.predict}


class _Predict:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def predict(self, request: Request) -> Response:
        body = await object_of(request)
        asked = _options(request)
        if "tasks" in body:
            rows = listed(body, "tasks", self._service.settings.max_tasks, kind="invalid_task")
            return JsonAnswer(await self._many(rows, asked))
        task, beside = task_with(body, "history", "follows")
        decision = await self._service.decide(task, **_checked(beside))
        logged = asked["wait_for_log"] and await self._service.until_logged([decision.decision_id])
        if self._service.served_log is not None:
            await self._service.room_in_queue()
        if asked["full"]:
            return answer(full_row(decision, logged=logged))
        return answer({**brief_row(decision), "logged": logged})

    async def explain(self, request: Request) -> Response:
        """Of a task: nothing is logged. Of a decision: as the log remembers it."""
        body = await object_of(request)
        if "decision_id" in body:
            return await self._explain_past(body)
        task, beside = task_with(body, "history")
        router, given = self._service.router, _checked(beside).get("history")
        states = {}
        if given is None and task.task_type is not None:
            states = await self._service.states_at_hand([task.task_type], router)
        history = states.get(task.task_type or "") if given is None else given
        decision = router.engine.decide(task, history)
        return answer({"decision": full_row(decision, logged=False), "explanation": decision.explain()})

    async def _explain_past(self, body: dict[str, Any]) -> Response:
        decision_id, log = body["decision_id"], self._service.log
        if len(body) > 1 or not isinstance(decision_id, str):
            raise Refused(422, "Give a 'decision_id' (a text) alone, or a task.", kind="invalid_task")
        if log is None:
            raise no_log()
        past = await self._service.beside("readers", lambda: past_decision(log, decision_id))
        if past.decision is None:
            told = "This decision came from a file, which says only what was done, not why."
            raise Refused(409, told, kind="not_explainable")
        row = full_row(past.decision, logged=True)
        verdicts = [verdict.to_dict() for verdict in past.verdicts]
        return answer({"decision": row, "explanation": past.decision.explain(), "outcomes": verdicts})

    async def _many(self, rows: list[Any], asked: dict[str, bool]) -> bytes:
        service, router = self._service, self._service.router
        if len(rows) <= _INLINE:
            tasks = many_tasks(rows)
            states = await self._states(tasks, router)
            if not router.explores:
                return await self._answered(router.decide_many(tasks, states), asked)
        else:
            tasks = await service.beside("workers", lambda: many_tasks(rows))
            states = await self._states(tasks, router)
        decided = await service.beside("workers", lambda: router.decide_many(tasks, states))
        return await self._answered(decided, asked)

    async def _states(self, tasks: list[Task], router: ServedRouter) -> dict[str, Any]:
        if router.served_log is None:
            return {}
        kinds = {task.task_type for task in tasks if task.task_type is not None}
        return await self._service.states_at_hand(kinds, router)

    async def _answered(self, decisions: Any, asked: dict[str, bool]) -> bytes:
        service = self._service
        has_log, logged = service.served_log is not None, False
        if has_log and asked["wait_for_log"]:
            logged = await service.until_logged([each.decision_id for each in decisions])
        if has_log:
            await service.room_in_queue()

        def written() -> bytes:
            if asked["full"]:
                found = [full_row(each, logged=logged) for each in decisions]
            else:
                found = brief_rows(decisions, keep_ids=has_log)
            return orjson.dumps({"decisions": found, "logged": logged})

        return written() if len(decisions) <= _INLINE else await service.beside("workers", written)


def no_log() -> Refused:
    told = "This service keeps no log. Start it with --log, a path or a url."
    return Refused(409, told, kind="no_log")


def _options(request: Request) -> dict[str, bool]:
    """Of the query; most requests have none."""
    if not request.scope["query_string"]:
        return {"full": False, "wait_for_log": False}
    given = request.query_params
    for name in given:
        if name not in _OPTIONS:
            raise Refused(
                422, f"Unknown option {name!r}. There are: {', '.join(_OPTIONS)}.", about=name[:100]
            )
    detail, wait = given.get("detail", "brief"), given.get("wait_for_log", "false")
    if detail not in ("brief", "full"):
        raise Refused(422, "detail is brief or full.", about="detail")
    if wait not in ("true", "false"):
        raise Refused(422, "wait_for_log is true or false.", about="wait_for_log")
    return {"full": detail == "full", "wait_for_log": wait == "true"}


def _checked(beside: dict[str, Any]) -> dict[str, Any]:
    follows = beside.get("follows")
    if follows is not None and not isinstance(follows, str):
        raise InvalidTask("follows is the id of the decision whose attempt failed, a text.", about="follows")
    history = beside.get("history")
    if history is not None and not isinstance(history, dict):
        raise InvalidTask('history maps tiers to two counts, such as {"haiku": [12, 1]}.', about="history")
    return beside
