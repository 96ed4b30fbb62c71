"""Which model serves: found once, shared by all threads, and its trouble said once."""

from __future__ import annotations

import logging
import threading

import pytest

from tierwise.classifier.model import TierModel
from tierwise.data import CHAMPION
from tierwise.router import _champion
from tierwise.router._champion import champion as serving
from tierwise.router._champion import forget_champion, load_or_trouble


@pytest.fixture(autouse=True)
def _anew():
    forget_champion()
    yield
    forget_champion()


def test_the_model_that_ships_serves_and_is_loaded_once():
    first = serving()
    assert isinstance(first, TierModel)
    assert serving() is first


def test_after_a_promotion_it_is_loaded_anew():
    first = serving()
    forget_champion()
    assert serving() is not first
    assert serving().version == first.version


def test_the_folder_of_the_environment_serves(monkeypatch):
    shipped = serving()
    monkeypatch.setenv("TIERWISE_MODEL", str(CHAMPION))
    assert serving() is not shipped
    assert serving().version == shipped.version


def test_a_folder_that_is_not_there_is_trouble_said_once(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path / "none"))
    with caplog.at_level(logging.WARNING, logger="tierwise"):
        trouble = serving()
        assert serving() == trouble
    assert isinstance(trouble, str)
    assert "none" in trouble
    assert "unset TIERWISE_MODEL" in trouble
    assert [record.message for record in caplog.records] == [
        f"No model, so every decision is the production tier: {trouble}"
    ]


def test_a_path_that_is_given_is_read_each_time(tmp_path):
    assert isinstance(load_or_trouble(CHAMPION), TierModel)
    assert isinstance(load_or_trouble(tmp_path), str)


def test_a_thread_that_waited_for_another_ones_load_does_not_load_again(monkeypatch):
    asked = threading.Event()

    class Announced(dict):
        def get(self, *arguments):
            found = super().get(*arguments)
            asked.set()
            return found

    monkeypatch.setattr(_champion, "_loaded", Announced())
    answers: list[object] = []
    late = threading.Thread(target=lambda: answers.append(serving()))
    with _champion._lock:
        late.start()
        assert asked.wait(timeout=30)  # it found nothing, and now waits for the lock
        _champion._loaded[""] = "loaded by the first"
    late.join(timeout=30)
    assert answers == ["loaded by the first"]
