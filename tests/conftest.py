"""Fixtures that several test files use."""

from __future__ import annotations

import pytest

from tierwise.classifier.model import TierModel
from tierwise.data import CHAMPION
from tierwise.router._beliefs import Beliefs
from tierwise.router.ladder import Ladder


@pytest.fixture(scope="session")
def champion() -> TierModel:
    """The model that ships."""
    return TierModel.load(CHAMPION)


@pytest.fixture(scope="session")
def ladder() -> Ladder:
    """The Claude ladder that ships."""
    return Ladder.load()


@pytest.fixture
def beliefs():
    """Make beliefs by hand: P(needed) per rung, and what else matters."""

    def make(needed, *, pass_=(0.6, 0.8, 0.95), guard=None, history=False, min_pass=0.6, all_fail=None):
        return Beliefs(tuple(needed), tuple(pass_), guard, history, 0.6, 0.45, min_pass, all_fail)

    return make


@pytest.fixture(autouse=True)
def _default_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own model or ladder must not leak into the tests."""
    monkeypatch.delenv("TIERWISE_MODEL", raising=False)
    monkeypatch.delenv("TIERWISE_LADDER", raising=False)
