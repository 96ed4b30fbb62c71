"""What the pages see of a service."""

from __future__ import annotations

from pathlib import Path

from ...classifier.artifact._pointer import Pointer
from ...classifier.model import TierModel
from ..log import OutcomeLog
from ..policy import Policy
from ._source import registry_of
from .service import Service


class PagesState:
    """Asked at every request, so a swap shows at once."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def log(self) -> OutcomeLog | None:
        return self._service.log

    @property
    def policy(self) -> Policy | None:
        return self._service.policy

    @property
    def store(self) -> Path | str | None:
        return self._service.settings.store or registry_of(self._service.source)

    @property
    def pointer(self) -> Pointer | None:
        return self._service.router.found.pointer

    @property
    def trouble(self) -> str | None:
        return self._service.trouble

    def model(self) -> TierModel | None:
        return self._service.router.engine.model

    def challenger(self) -> TierModel | None:
        return self._service.router.challenger

    def record_verdict(self, decision_id: str, verdict: str, note: str | None) -> None:
        """Through the service, which knows decisions that are still on their way into the log."""
        self._service.record_outcome_now(decision_id, verdict, note=note)
