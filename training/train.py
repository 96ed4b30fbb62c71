"""train(log_or_frame) -> a model that serves, with the report of how it was made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..classifier.artifact._stored import manifest_of
from ..classifier.belief._effects import effect_grid
from ..classifier.belief.state import Seen, TypeState
from ..classifier.model import TierModel
from ..classifier.reading._reader import Reader
from ..data import CHAMPION
from .outcomes.calibrate import MOST_ROWS, Calibration, TypeEffects, calibrate, effects_by_type
from .outcomes.frame import Outcomes, older_rows, read_frame, usable_rows
from .outcomes.kept import COLUMN, with_kept
from .outcomes.learner import Config, Learned, Progress, check_enough, learn, places_of
from .outcomes.penalties import Correction
from .outcomes.reading import Texts, read_texts
from .promise.promised import MIN_PROMISED, promised_thresholds

LATEST = 0.15  # share of the outcomes, the newest, kept apart for calibration and thresholds
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
    n_early = len(outcomes) - int(len(outcomes) * LATEST)
    rows = np.arange(len(outcomes))
    early, late = outcomes.take(rows[:n_early]), outcomes.take(rows[n_early:][-MOST_ROWS:])
    check_enough(early, apart=len(outcomes) - n_early)
    progress("reading the texts")
    texts = read_texts(base, outcomes.tasks, outcomes.kept)
    mass, features = texts.mass, texts.features
    learned = learn(early, mass[:n_early], features[:n_early], config, progress=progress)
    places = learned.correction.places(places_of(mass, learned.widths), features)
    progress("calibrating")
    known = effects_by_type(early, places[:n_early], learned.widths)
    late_places = places[n_early:][-MOST_ROWS:]
    grid, half = effect_grid(places.shape[1], learned.widths), len(late) // 2  # what is tuned is not judged
    older, newest = late.take(np.arange(half)), late.take(np.arange(half, len(late)))
    calibration = calibrate(older, late_places[:half], TypeEffects(grid, known, older.types.tolist()))
    newest_places = calibration.places(late_places[half:])
    effects = TypeEffects(grid, known, newest.types.tolist())
    last = Config(config.penalties, learned.widths, rounds=1, max_iterations=config.max_iterations // 2)
    final = learn(outcomes, mass, features, last, start=learned.correction, progress=progress)
    thresholds = base.manifest["thresholds"]
    if len(newest) >= MIN_PROMISED:
        promised = promised_thresholds(newest, effects.needed(newest_places))
        thresholds = [threshold.to_dict() for threshold in promised]
    heard = grid.curve.heard(effects.pass_(newest_places))
    report = _report(outcomes, learned, calibration, newest, heard)
    report["notes"] += [f"{n} rows left out: {why}." for why, n in left_out.items()]
    return _assembled(base, texts, final.correction, calibration, learned, thresholds, report, outcomes)


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
    correction: Correction,
    calibration: Calibration,
    learned: Learned,
    thresholds: Sequence[Any],
    report: dict[str, Any],
    outcomes: Outcomes,
) -> TrainedModel:
    """Head and correction side by side in one reader; the calibration is folded into the correction."""
    slope, centre = calibration.slope, calibration.centre
    reader = texts.reader(correction.weights * slope)
    shifts = slope * correction.shifts + centre - slope * centre + calibration.shifts
    manifest = {
        **manifest_of(reader),
        "tiers": list(base.tiers),
        "widths": learned.widths.to_dict(),
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
    outcomes: Outcomes,
    learned: Learned,
    calibration: Calibration,
    late: Outcomes,
    passes: NDArray[np.float64],
) -> dict[str, Any]:
    found = np.clip(passes[np.arange(len(late)), late.tiers], 1e-9, 1 - 1e-9)
    losses = -np.where(late.clean, np.log(found), np.log(1 - found))
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
        "calibration": {"slope": calibration.slope, "shifts": calibration.shifts.tolist()},
        "notes": list(learned.notes),
        "metrics": {
            "split": f"the latest {len(late)} outcomes",
            "log_loss": round(float(losses.mean()), 4) if len(late) else None,
            "brier": round(float(((found - late.clean) ** 2).mean()), 4) if len(late) else None,
            "clean_share": round(float(late.clean.mean()), 4) if len(late) else None,
            "mean_predicted": round(float(found.mean()), 4) if len(late) else None,
        },
    }


def _moment(seconds: float) -> str:
    """ISO 8601 in UTC; exact, because evaluation asks which rows come after it."""
    return (EPOCH + timedelta(seconds=float(seconds))).isoformat()
