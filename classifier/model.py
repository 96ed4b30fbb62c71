"""TierModel: a task and its history in, probabilities per tier out. Immutable once loaded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._text import Mass, OfText
from .artifact._folder import Folder, read_folder
from .artifact._store_folder import is_store
from .artifact._stored import arrays_of, reader_from, widths_from
from .belief._effects import Effects, Grid, effect_grid
from .belief._passing import Widths
from .belief._place import Link, Place, solve_gaps
from .belief.history import Counts, parse_counts
from .belief.posterior import Posterior, TextPosterior, work_out, work_out_texts
from .errors import ArtifactCorrupt, StateMismatch
from .reading._reader import Reader, Readings
from .task import Task

REMOTE = ("models:/", "runs:/")  # how MLflow's URIs begin
Counted = Mapping[int, tuple[float, float]]  # tier index -> (clean, not clean)
Told = tuple[Effects | None, Counted | None, Sequence[int]]  # of a state; counts; failed tiers
if TYPE_CHECKING:
    from .belief.state import Seen, TypeState

    History = Counts | TypeState


class TierModel:
    """The classifier.

        model = TierModel.load("data/champion")
        model.pass_probabilities([Task("Tag these tickets")])     # (1, 3), never falls along a row
        model.needed_probabilities([Task("Tag these tickets")])   # (1, 3), rows sum to 1

    `manifest` holds what training reported: thresholds, metrics, fingerprints.
    """

    def __init__(
        self,
        reader: Reader,
        manifest: Mapping[str, Any],
        *,
        version: str = "unsaved",
        gaps: NDArray[Any] | None = None,
    ) -> None:
        self.reader = reader
        self.widths: Widths = widths_from(manifest)
        # format 1 had other widths; what was stored since stays, or a saved model would have another version
        is_old = manifest.get("format_version") == 1
        self.manifest = {**manifest, "widths": self.widths.to_dict()} if is_old else dict(manifest)
        self.tiers: tuple[str, ...] = tuple(manifest["tiers"])
        self.version = version
        self.grid: Grid = effect_grid(len(self.tiers), self.widths)
        self.link = Link(self.grid.curve, solve_gaps(self.widths) if gaps is None else gaps)
        self.uninformed: tuple[float, ...] = tuple(manifest["uninformed"])
        self._of_text = OfText(self.link, self.uninformed, manifest.get("correction"))

    @classmethod
    def load(cls, path_or_uri: str | os.PathLike[str]) -> TierModel:
        """Read a model and check all of it first.

            TierModel.load("models/friday")                     # a model folder
            TierModel.load("models")                            # the champion of a store
            TierModel.load("models:/tierwise@champion")         # from MLflow, through the cache

        A text "models:/NAME@ALIAS", "models:/NAME/VERSION" or "runs:/ID/model" is fetched into the
        folder TIERWISE_CACHE (default: the platform's cache folder) and read from there.

        Raises ArtifactMissing, ArtifactCorrupt or ArtifactTooNew; for MLflow also StoreUnavailable and
        NotInStore.
        """
        if isinstance(path_or_uri, str) and path_or_uri.startswith(REMOTE):
            from .artifact._remote import fetch  # predict_tier never comes here: it gives a Path

            path_or_uri = fetch(path_or_uri)
        path = Path(path_or_uri)
        if is_store(path):
            from .artifact._pointer import champion_folder

            path = champion_folder(path)
        folder = read_folder(path)
        try:
            reader = reader_from(folder)
            gaps = folder.arrays.get("link.gaps")
            model = cls(reader, folder.manifest, version=_version_of(folder), gaps=gaps)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ArtifactCorrupt(f"{path} is not a complete model: {error!r}.", about=path) from error
        return model

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the folder, whole or not at all."""
        from .artifact._saving import write_folder  # what writes is not loaded by what predicts

        vocabulary = list(self.reader.encoder.pieces.vocabulary)
        write_folder(Path(path), self.manifest, self._arrays(), vocabulary)

    def posterior(self, task: Task, history: History | None = None) -> Posterior:
        """Beliefs about one task. Attempts that are not tiers of the model teach nothing.

        history : counts, or the state of the task's type.

        Raises InvalidTask for a malformed history, StateMismatch for another model's state.
        """
        reading = self.reader.read(task)
        text = self._of_text.mass(reading)
        # without a history the text has said it all
        if history is None and not task.attempts and not self._of_text.is_corrected:
            return TextPosterior(self.grid, self.link, text, reading.guard, needed=text)
        readings = Readings(np.array([reading.logits]), [reading.guard])
        return self._of_more_than_text([task], [text], readings, [history])[0]

    def posteriors(
        self,
        tasks: Sequence[Task],
        history: Mapping[str, History] | None = None,
        *,
        readings: Readings | None = None,
    ) -> list[Posterior]:
        """Each exactly as `posterior` gives it.

        history : maps task types to counts or states. readings : of these tasks, where they were read before.
        """
        readings = self.reader.read_many(tasks) if readings is None else readings
        texts = self._of_text.masses(readings)
        if not history and not self._of_text.is_corrected and not any(task.attempts for task in tasks):
            return [
                TextPosterior(self.grid, self.link, text, guard, needed=text)
                for text, guard in zip(texts, readings.guards, strict=True)
            ]
        known = history or {}
        histories = [known.get(task.task_type or "") for task in tasks]
        found = self._of_more_than_text(tasks, texts, readings, histories)
        work_out(self.grid, found)
        return found

    def work_out(self, posteriors: Sequence[Posterior]) -> None:
        """Work out at once what each of these, all of this model, would on demand: a tenth of the time."""
        work_out_texts(self.grid, self.link, posteriors)

    def pass_probabilities(
        self, tasks: Sequence[Task], history: Mapping[str, History] | None = None
    ) -> NDArray[np.float64]:
        """(n_tasks, n_tiers): P(clean | task, tier). `history` maps task types to counts or states."""
        return np.array([p.pass_ for p in self.posteriors(tasks, history)]).reshape(-1, len(self.tiers))

    def needed_probabilities(
        self, tasks: Sequence[Task], history: Mapping[str, History] | None = None
    ) -> NDArray[np.float64]:
        """(n_tasks, n_tiers): P(needed tier); rows sum to 1."""
        return np.array([p.needed for p in self.posteriors(tasks, history)]).reshape(-1, len(self.tiers))

    def places(self, tasks: Sequence[Task]) -> list[Place]:
        """Where the text puts each task on the latent scale."""
        return self.places_read(self.reader.read_many(tasks))

    def places_read(self, readings: Readings) -> list[Place]:
        """The same of texts that were read before."""
        return self._of_text.places(self._of_text.masses(readings), readings)

    def place_of(self, mass: Sequence[float]) -> Place:
        """Where a text stands of which only P(needed tier) was kept; what its words were taught is lost."""
        return self.places_of([mass])[0]

    def places_of(self, masses: Sequence[Sequence[float]]) -> list[Place]:
        """The same of many."""
        return self._of_text.places(list(map(tuple, masses)), None)

    def posterior_of_mass(self, mass: Sequence[float], history: TypeState) -> Posterior:
        """Beliefs about a task of a known type, of whose text only P(needed tier) was kept."""
        state = self._own(history)
        effects, place = state.effects(self.grid), self.place_of(mass)
        return Posterior(self.grid, place, tuple(mass), None, effects=effects, history=state.counts or None)

    def observe(self, state: TypeState | None, outcomes: Sequence[Seen]) -> TypeState:
        """The state of a type with these outcomes added; None is a type of which nothing is known."""
        from .belief.state import TypeState

        state = TypeState(self.fingerprint) if state is None else self._own(state)
        return state.observe(outcomes, self.grid)

    def merge(self, one: TypeState, other: TypeState) -> TypeState:
        """The state of both, say of logs of two machines; their outcomes must be disjoint."""
        return self._own(one).merge(other, self.grid)

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever the model would place an outcome differently, or weigh it at other points."""
        moved = sorted(
            (self.manifest.get("correction") or {}).items()
        )  # stored by name, whatever the order they came in
        placing = (self.tiers, self.widths, moved, self.uninformed, self.reader.guards, self.grid.shape)
        found = hashlib.sha256(repr(placing).encode())
        for name, array in sorted(self._arrays().items()):
            found.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:16]

    def word_evidence(self, task: Task, *, most: int = 6) -> dict[str, list[tuple[str, float]]]:
        """Tier -> what in the text spoke for it, as (words, log-odds), strongest first."""
        from .reading._evidence import word_evidence  # for `explain()`

        return word_evidence(self.reader, task, self.tiers, most=most)

    def thresholds(self, max_under_tier: float) -> tuple[float, float]:
        """(lambda_down, lambda_up) for the largest stored rate that does not exceed the one asked for."""
        rows = [row for row in self.manifest["thresholds"] if row["max_under_tier"] <= max_under_tier]
        chosen = max(rows, key=lambda row: row["max_under_tier"], default=self.manifest["thresholds"][0])
        return chosen["lambda_down"], chosen["lambda_up"]

    def _of_more_than_text(
        self,
        tasks: Sequence[Task],
        texts: Sequence[Mass],
        readings: Readings,
        histories: Sequence[History | None],
    ) -> list[Posterior]:
        """Beliefs where outcomes have something to say, of the type or of what the text's words are worth."""
        places = self._of_text.places(texts, readings)
        told = self._told(tasks, histories)
        corrected = self._of_text.is_corrected
        untold = (
            [place for place, each in zip(places, told, strict=True) if each is None] if corrected else []
        )
        needed = iter(self._of_text.needed(untold))
        out: list[Posterior] = []
        for text, guard, place, each in zip(texts, readings.guards, places, told, strict=True):
            if each is not None:
                effects, counts, failed = each
                known = Posterior(
                    self.grid, place, text, guard, effects=effects, history=counts, failed=failed
                )
            elif corrected:
                known = TextPosterior(self.grid, self.link, text, guard, needed=next(needed), place=place)
            else:
                known = TextPosterior(self.grid, self.link, text, guard, needed=text)
            out.append(known)
        return out

    def _told(self, tasks: Sequence[Task], histories: Sequence[History | None]) -> list[Told | None]:
        """What outcomes say of each; None where there are none."""
        of_types: dict[int, tuple[Effects | None, Counted | None]] = {}  # of all tasks of a type alike
        out: list[Told | None] = []
        for task, history in zip(tasks, histories, strict=True):
            known = (None, None) if history is None else of_types.get(id(history))
            if known is None:
                known = of_types[id(history)] = self._known_of_type(history)
            failed = self._indices(task.attempts) if task.attempts else ()
            out.append(None if known[1] is None and not failed else (*known, failed))
        return out

    def _indices(self, attempts: Sequence[str]) -> list[int]:
        return [self.tiers.index(tier) for tier in dict.fromkeys(attempts) if tier in self.tiers]

    def _known_of_type(self, history: Any) -> tuple[Effects | None, Counted | None]:
        if not isinstance(history, dict):  # most counts are one; a state is known by what has to be loaded
            from .belief.state import TypeState

            if isinstance(history, TypeState):
                counts = self._own(history).counts or None
                return (None, None) if counts is None else (history.effects(self.grid), counts)
        return None, parse_counts(history, self.tiers)

    def _own(self, state: TypeState) -> TypeState:
        if state.model != self.fingerprint:
            raise StateMismatch(self.fingerprint, state.model)
        return state

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {**arrays_of(self.reader), "link.gaps": self.link.gaps.astype(np.float64)}


def _version_of(folder: Folder) -> str:
    """Short name of a model: of its seal, which changes with its arrays, thresholds, and all else."""
    return str(folder.manifest["seal"])[:12]
