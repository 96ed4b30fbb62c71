"""What the pages ask of the service that they are part of."""

from __future__ import annotations

import os
from typing import Protocol

from ....classifier.artifact._pointer import Pointer
from ....classifier.model import TierModel
from ...ladder import Ladder, default_ladder
from ...log import OutcomeLog
from ...policy import Policy


class State(Protocol):
    """What the pages show.

    log : None where none is kept. policy : None for the default. store : folder of a model store, or
    models:/NAME, or None. pointer : what a store says that is no folder. trouble : why what should serve
    can't.
    """

    @property
    def log(self) -> OutcomeLog | None: ...

    @property
    def policy(self) -> Policy | None: ...

    @property
    def store(self) -> str | os.PathLike[str] | None: ...

    @property
    def pointer(self) -> Pointer | None: ...

    @property
    def trouble(self) -> str | None: ...

    def model(self) -> TierModel | None:
        """The model that serves; None where none could be loaded."""

    def challenger(self) -> TierModel | None:
        """The model that is tried beside it; None where there is none."""

    def record_verdict(self, decision_id: str, verdict: str, note: str | None) -> None:
        """Record it, and what it teaches. Raises NotInLog, InvalidOutcome, LogError."""


def policy_of(state: State) -> Policy:
    return state.policy or Policy()


def ladder_of(state: State) -> Ladder:
    return policy_of(state).ladder or default_ladder()
