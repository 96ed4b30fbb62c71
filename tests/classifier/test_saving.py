"""Saving a model: whole or not at all, nothing of the user's lost, no litter."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from small_model import small_model

from tierwise.classifier.errors import ArtifactError, ArtifactMissing
from tierwise.classifier.model import TierModel
from tierwise.classifier.reading._reader import Reader
from tierwise.classifier.task import Task

FORMER, NEW = small_model(seed=0), small_model(seed=1)
TASK = Task("tag the ticket plan")


def belief(model: TierModel) -> tuple[float, ...]:
    return model.posterior(TASK).needed


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "model"
    FORMER.save(path)
    return path


def test_a_folder_is_made_with_its_parents_and_nothing_else(tmp_path):
    FORMER.save(tmp_path / "a" / "b" / "model")
    assert belief(TierModel.load(tmp_path / "a" / "b" / "model")) == belief(FORMER)
    assert os.listdir(tmp_path / "a" / "b") == ["model"]


def test_a_saved_model_can_be_read_by_others(folder):
    assert folder.stat().st_mode & 0o777 == 0o755


def test_the_former_model_is_replaced_whole(folder, tmp_path):
    (folder / "left over.txt").write_text("from the former model", encoding="utf-8")
    NEW.save(folder)
    assert belief(TierModel.load(folder)) == belief(NEW) != belief(FORMER)
    assert os.listdir(tmp_path) == ["model"]
    assert "left over.txt" not in os.listdir(folder)


def test_the_same_model_gives_the_same_bytes(folder, tmp_path):
    small_model(seed=0).save(tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_weights_are_stored_in_half_precision_only_where_nothing_is_lost(tmp_path):
    model = small_model(asks=True)
    reader = model.reader
    rounded = reader.lexical.astype(np.float16).astype(np.float32)
    beyond = reader.asked * np.float32(1e6)  # more than half precision can hold
    reader = Reader(
        reader.encoder,
        reader.lexicon,
        reader.guards,
        lexical=rounded,
        embedding=reader.embedding,
        facts=reader.facts,
        bias=reader.bias,
        asked=beyond,
    )
    TierModel(reader, model.manifest).save(tmp_path / "model")
    loaded = TierModel.load(tmp_path / "model")
    stored = {name: array["dtype"] for name, array in loaded.manifest["arrays"].items()}
    assert (stored["head.lexical"], stored["head.asked"]) == ("float16", "float32")
    assert loaded.reader.lexical.dtype == np.float32
    assert loaded.reader.lexical.tolist() == rounded.tolist()
    assert loaded.reader.asked.tolist() == beyond.tolist()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(
        ArtifactMissing, match="Can't write a model to .*Choose a folder that you can write to"
    ):
        FORMER.save(tmp_path / "file" / "model")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_named(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(ArtifactMissing, match="Permission denied"):
            FORMER.save(tmp_path / "model")
    finally:
        tmp_path.chmod(0o755)


def test_a_manifest_that_cannot_be_written_leaves_the_former_model(folder, tmp_path):
    broken = TierModel(NEW.reader, {**NEW.manifest, "training": object()})
    with pytest.raises(TypeError, match="not JSON serializable"):
        broken.save(folder)
    assert belief(TierModel.load(folder)) == belief(FORMER)
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("failing", [1, 2], ids=["moving the former aside", "moving the new one in"])
def test_a_disk_that_fails_midway_leaves_the_former_model_and_no_litter(
    folder, tmp_path, monkeypatch, failing
):
    rename, calls = os.rename, []

    def failing_rename(source, target):
        calls.append(source)
        if len(calls) == failing:
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing_rename)
    with pytest.raises((OSError, ArtifactError), match="Input/output error"):
        NEW.save(folder)
    monkeypatch.undo()
    assert belief(TierModel.load(folder)) == belief(FORMER)
    assert os.listdir(tmp_path) == ["model"]


def test_a_file_of_the_user_is_never_replaced_by_a_model(tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ArtifactError):
        FORMER.save(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_holds_something_else_is_never_replaced_by_a_model(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ArtifactError):
        FORMER.save(tmp_path / "work")
    assert (tmp_path / "work" / "thesis.txt").read_text(encoding="utf-8") == "mine"
    assert os.listdir(tmp_path) == ["work"]


def test_an_empty_folder_may_become_a_model(tmp_path):
    (tmp_path / "model").mkdir()
    FORMER.save(tmp_path / "model")
    assert belief(TierModel.load(tmp_path / "model")) == belief(FORMER)


def test_the_current_folder_can_be_replaced_or_is_refused_without_litter(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    try:
        NEW.save(".")
    except ArtifactError:
        assert belief(TierModel.load(folder)) == belief(FORMER)
    else:
        assert belief(TierModel.load(folder)) == belief(NEW)
    assert os.listdir(tmp_path) == ["model"]
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


def test_a_link_to_a_model_still_leads_to_the_new_one(folder, tmp_path):
    link = tmp_path / "champion"
    link.symlink_to(folder)
    NEW.save(link)
    assert belief(TierModel.load(link)) == belief(NEW)


def test_who_loads_while_a_model_is_replaced_gets_the_former_or_the_new(folder):
    wrong: list[object] = []
    done = threading.Event()

    def load_again_and_again() -> None:
        while not done.is_set():
            try:
                found = belief(TierModel.load(folder))
            except ArtifactError as error:
                wrong.append(error)
            else:
                if found not in (belief(FORMER), belief(NEW)):
                    wrong.append(found)

    reader = threading.Thread(target=load_again_and_again)
    reader.start()
    for turn in range(40):
        (NEW, FORMER)[turn % 2].save(folder)
    done.set()
    reader.join()
    assert wrong == []
