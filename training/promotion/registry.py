"""ModelRegistry: the same as a store, kept in MLflow's model registry.

The alias `champion` says what serves, `challenger` what wants to. Everything else is in tags: of the
version (who, when, why, gate), for people, and of the registered model (the pointer and each change).
MLflow has no transaction: the alias counts, and says which of the two pointers in the tag (before the
change, after it) is true, until a last tag says that all of it was done. Two promoters are told apart by
the serial number, but for the moment between reading and writing it.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from typing import Any

from ...classifier.artifact._folder import read_folder
from ...classifier.artifact._mlflow import mlflow_calls
from ...classifier.artifact._pointer import Change, Pointer
from ...classifier.artifact._registered import (
    CHALLENGER,
    CHAMPION,
    CHANGE_TAG,
    DONE_TAG,
    POINTER_TAG,
    registered_pointer,
)
from ...classifier.artifact._remote import SEAL_TAG
from ...classifier.errors import NotInStore, PromotionConflict
from ...classifier.model import TierModel
from ._register import EXPERIMENT, register, run_in
from ._shelf import Model, Shelf, model_folder

_MOST_TAG_CHARS = 90_000  # MLflow's limit is 100,000


class ModelRegistry(Shelf):
    """Versions of the registered model of this name, at MLFLOW_TRACKING_URI.

        ModelRegistry("models:/tierwise").promote("3", why="fewer corrections")
        TierModel.load("models:/tierwise@champion")

    Raises StoreUnavailable within a minute where the server is away.
    """

    def __init__(self, uri: str) -> None:
        self.where = uri
        self.name = uri.removeprefix("models:/")
        if not uri.startswith("models:/") or not self.name or set(self.name) & set("/@"):
            raise NotInStore(f"{uri!r} names no registered model; write models:/NAME.", about=uri)

    def versions(self) -> tuple[str, ...]:
        with self._calls("list versions") as mlflow:
            found = mlflow.MlflowClient().search_model_versions(f"name='{self.name}'")
        return tuple(sorted((str(each.version) for each in found), key=int))

    def pointer(self) -> Pointer:
        try:
            with self._calls("read the champion") as mlflow:
                model = mlflow.MlflowClient().get_registered_model(self.name)
        except NotInStore:
            return Pointer()
        return registered_pointer(model.tags, model.aliases, self.where)

    def load(self, version: str) -> TierModel:
        if version not in self.versions():
            known = ", ".join(self.versions()) or "none"
            raise NotInStore(f"{self.where} has no version {version!r}. It has: {known}.", about=version)
        return TierModel.load(f"{self.where}/{version}")

    def add(self, model: Model) -> str:
        with model_folder(model) as folder, self._calls("register a model") as mlflow:
            seal = read_folder(folder).manifest["seal"]
            found = mlflow.MlflowClient().search_model_versions(f"name='{self.name}'")
            same = [str(each.version) for each in found if each.tags.get(SEAL_TAG) == seal]
            if same:
                return min(same, key=int)
            with run_in(mlflow, EXPERIMENT, f"register {self.name}"):
                return register(mlflow, folder, self.name).version

    def replace(self, before: Pointer, after: Pointer) -> None:
        found = self.pointer()
        if (found.serial, found.champion) != (before.serial, before.champion):
            raise PromotionConflict(
                f"The champion of {self.where} was changed meanwhile, to {found.champion}. Nothing was "
                "changed; evaluate against it again.",
                about=found,
            )
        change = after.history[-1]
        with self._calls(f"{change.action} {change.version}") as mlflow:
            client = mlflow.MlflowClient()
            client.set_registered_model_tag(self.name, f"{CHANGE_TAG}{change.serial:06d}", _as_tag(change))
            both = {
                name: replace(p, history=()).to_dict() for name, p in (("before", before), ("after", after))
            }
            client.set_registered_model_tag(self.name, POINTER_TAG, json.dumps(both))
            told = {**asdict(change), "gate": None if change.gate is None else change.gate.get("verdict")}
            for name, value in told.items():
                client.set_model_version_tag(self.name, change.version, f"tierwise.{name}", str(value))
            if after.canary is not None:
                client.set_registered_model_alias(self.name, CHALLENGER, after.canary.version)
            if after.champion != before.champion:
                client.set_registered_model_alias(self.name, CHAMPION, str(after.champion))
            challenger = client.get_registered_model(self.name).aliases.get(CHALLENGER)
            if after.canary is None and challenger is not None:
                of = {after.champion, before.canary and before.canary.version}
                if str(challenger) in of:  # it won, or it was dropped
                    client.delete_registered_model_alias(self.name, CHALLENGER)
            client.set_registered_model_tag(self.name, DONE_TAG, str(change.serial))

    def _calls(self, doing: str) -> AbstractContextManager[Any]:
        return mlflow_calls(f"{doing} ({self.where})")


def _as_tag(change: Change) -> str:
    text = json.dumps(asdict(change))
    if len(text) <= _MOST_TAG_CHARS:
        return text
    verdict = None if change.gate is None else change.gate.get("verdict")
    return json.dumps(asdict(replace(change, gate={"verdict": verdict, "note": "too long to be kept here"})))
