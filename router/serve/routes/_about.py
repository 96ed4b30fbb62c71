"""GET routes: history of a type, what serves, health, readiness, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Response

from .._answers import answer
from .._metrics import CONTENT_TYPE
from ..openapi._schemas import HEALTH, HISTORY, METRICS, MODEL, READY
from ..service import Service
from ._predict import no_log


def about_routes(service: Service) -> APIRouter:
    routes = _About(service)
    router = APIRouter()
    router.get("/v1/history/{task_type:path}", tags=["outcomes"], **HISTORY)(routes.history)
    router.get("/v1/model", tags=["service"], **MODEL)(routes.model)
    router.get("/healthz", tags=["service"], **HEALTH)(routes.health)
    router.get("/readyz", tags=["service"], **READY)(routes.ready)
    router.get("/metrics", tags=["service"], **METRICS)(routes.metrics)
    return router


class _About:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def history(self, task_type: str) -> Response:
        log = self._service.log
        if log is None:
            raise no_log()
        found = await self._service.beside("readers", lambda: log.history(task_type))
        return answer({"task_type": task_type, "history": found})

    async def model(self) -> Response:
        service, router = self._service, self._service.router
        model, policy = service.model, router.engine.policy
        challenger = router.challenger
        view = router.engine.view
        return answer(
            {
                "version": model.version,
                "tiers": list(model.tiers),
                "source": service.source,
                "loaded_at": service.loaded_at.isoformat(timespec="seconds"),
                "n_swaps": service.n_swaps,
                "trouble": service.trouble or router.engine.trouble,
                "max_under_tier": policy.max_under_tier,
                "lambda_down": None if view is None else view.lambda_down,
                "lambda_up": None if view is None else view.lambda_up,
                "challenger": None if challenger is None else challenger.version,
                "ladder": router.engine.ladder.name,
                "log": _log_state(service),
            }
        )

    async def health(self) -> Response:
        return answer({"status": "ok"})

    async def ready(self) -> Response:
        """Open to all, so it tells that there is trouble, and not which."""
        service = self._service
        serves = service.router.engine.trouble is None
        values = {
            "ready": serves,
            "model": "ok" if service.trouble is None and serves else "trouble",
            "log": _log_state(service),
        }
        return answer(values, 200 if serves else 503)

    async def metrics(self) -> Response:
        return Response(self._service.metrics.text(), headers={"Content-Type": CONTENT_TYPE})


def _log_state(service: Service) -> str:
    logged = service.served_log
    return "none" if logged is None else "away" if logged.is_away else "ok"
