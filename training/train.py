"""train(log_or_frame) -> a model that serves, with the report of how it was made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..classifier.artifact._stored import manifest_of
from ..classifier.belief.state import Seen, TypeState
from ..classifier.model import TierModel
from ..classifier.reading._reader import Reader
from ..data import CHAMPION
from .outcomes.frame import Outcomes, older_rows, read_frame, usable_rows
from .outcomes.kept import COLUMN, with_kept
from .outcomes.learner import Config, Learned, Progress, check_enough, learn, places_of
from .outcomes.reading import Texts, read_texts
from .promise.kept_apart import Judged, Split, judged

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Log(Protocol):
    """What `train` asks of an outcome log."""

    def to_pandas(self) -> pd.DataFrame: ...


class TrainedModel(TierModel):
    """A TierModel with the report of its training; `outcomes` are those that it was trained on."""

    def __init__(self, reader: Reader, manifest: Mapping[str, Any], outcomes: Outcomes) -> None:
        super().__init__(reader, manifest)
        self.outcomes = outcomes

    @property
    def report(self) -> dict[str, Any]:
        return dict(self.manifest["training"])

    def states(self) -> dict[str, TypeState]:
        """Task type -> state after all outcomes of the training log."""
        return states_of(self, self.outcomes)


def train(
    log_or_frame: Log | pd.DataFrame,
    *,
    config: Config | None = None,
    base: TierModel | None = None,
    held_back: float = 0.0,
    progress: Progress = lambda _: None,
) -> TrainedModel:
    """A model fitted to finished tasks: one row each, see `read_frame` for the columns.

    Of a log, rows that can't be learned from (no task type, another ladder) are left out, and the report says
    how many. Where it did not keep the text, what the decision made of it stands for it, with the embedding
    where that is kept and the encoder is the base's; without either the row is left out. A frame must have
    everything.

    held_back : share of the outcomes, the newest, to train without: `compare` and `promote` need some that
        the model hasn't seen.
    base : where encoder, calibration of the seed tasks and guards come from; default the shipped one.
    progress : called with a line for each step.

    Raises InvalidTraining for bad rows, and where there is too little to learn from: keep the champion.
    """
    config = config or Config()
    base = base or TierModel.load(CHAMPION)
    frame, left_out = _rows(log_or_frame, base)
    outcomes = read_frame(older_rows(frame, held_back), base.tiers)
    check_enough(outcomes)
    split = Split.by_time(len(outcomes))
    early = outcomes.take(split.early)
    check_enough(early, apart=len(outcomes) - len(early))
    progress("reading the texts")
    texts = read_texts(base, outcomes.tasks, outcomes.kept)
    mass, features = texts.mass, texts.features
    learned = learn(early, mass[split.early], features[split.early], config, progress=progress)
    progress("calibrating")
    places = learned.correction.places(places_of(mass, learned.widths), features)
    found = judged(outcomes, places, learned.widths, split)
    last = Config(config.penalties, learned.widths, rounds=1, max_iterations=config.max_iterations // 2)
    final = learn(outcomes, mass, features, last, start=learned.correction, progress=progress)
    report = _report(outcomes, learned, found, left_out)
    return _assembled(base, texts, final, found, report, outcomes)


def _rows(log_or_frame: Log | pd.DataFrame, base: TierModel) -> tuple[pd.DataFrame, dict[str, int]]:
    """What can be learned from; why the rest can't, and how many."""
    if not hasattr(log_or_frame, "to_pandas"):
        return log_or_frame, {}
    frame = with_kept(log_or_frame, log_or_frame.to_pandas(), base)
    has_text = frame["specification"].notna().to_numpy(dtype=bool)
    if COLUMN in frame:
        has_text = has_text | frame[COLUMN].notna().to_numpy(dtype=bool)
        frame["specification"] = frame["specification"].fillna("")
    without = "without their text, and without what a model of these tiers made of it"
    usable, left_out = usable_rows(frame, has_text, base.tiers, "trained on", without=without)
    return frame[usable], left_out


def states_of(model: TierModel, outcomes: Outcomes) -> dict[str, TypeState]:
    """Task type -> state after these outcomes, as `model` places them."""
    places = model.places(outcomes.tasks)
    for index, kept in enumerate(outcomes.kept):
        if kept is not None:
            places[index] = model.place_of(kept.mass)
    states = {}
    for kind in np.unique(outcomes.types):
        seen = [
            Seen(
                float(outcomes.at[i]),
                int(outcomes.tiers[i]),
                bool(outcomes.clean[i]),
                places[i],
                outcomes.failed[i],
                float(outcomes.weights[i]),
            )
            for i in np.flatnonzero(outcomes.types == kind)
        ]
        states[outcomes.type_names[kind]] = model.observe(None, seen)
    return states


def _assembled(
    base: TierModel,
    texts: Texts,
    final: Learned,
    found: Judged,
    report: dict[str, Any],
    outcomes: Outcomes,
) -> TrainedModel:
    """Head and correction side by side in one reader; the calibration is folded into the correction."""
    correction, calibration = final.correction, found.calibration
    slope, centre = calibration.slope, calibration.centre
    thresholds = base.manifest["thresholds"]
    if found.thresholds is not None:
        thresholds = [threshold.to_dict() for threshold in found.thresholds]
    reader = texts.reader(correction.weights * slope)
    shifts = slope * correction.shifts + centre - slope * centre + calibration.shifts
    manifest = {
        **manifest_of(reader),
        "tiers": list(base.tiers),
        "widths": final.widths.to_dict(),
        "uninformed": list(base.uninformed),
        "thresholds": list(thresholds),
        "correction": {"slopes": (slope * correction.slopes).tolist(), "shifts": shifts.tolist()},
        "calibration": {
            "slope": float(base.manifest.get("calibration", {}).get("slope", 1.0)),
            "basis": "text: seed tasks, whole types held out; places: the latest outcomes",
        },
        "training": report,
        "metrics": report["metrics"],
    }
    return TrainedModel(reader, manifest, outcomes)


def _report(
    outcomes: Outcomes, learned: Learned, found: Judged, left_out: Mapping[str, int]
) -> dict[str, Any]:
    text = "\0".join(
        f"{t.specification}\1{k}\1{v}"
        for t, k, v in zip(outcomes.tasks, outcomes.tiers, outcomes.clean, strict=True)
    )
    return {
        "data": "outcomes and seed tasks",
        "rows": len(outcomes),
        "task_types": len(np.unique(outcomes.types)),
        "trained_from": _moment(outcomes.at.min()),
        "trained_until": _moment(outcomes.at.max()),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "widths": learned.widths.to_dict(),
        "intervals_90": {name: list(values) for name, values in learned.intervals.items()},
        "calibration": {"slope": found.calibration.slope, "shifts": found.calibration.shifts.tolist()},
        "notes": [*learned.notes, *(f"{n} rows left out: {why}." for why, n in left_out.items())],
        "metrics": found.metrics,
    }


def _moment(seconds: float) -> str:
    """ISO 8601 in UTC; exact, because evaluation asks which rows come after it."""
    return (EPOCH + timedelta(seconds=float(seconds))).isoformat()
