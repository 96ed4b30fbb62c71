"""Fridays: train on the older outcomes, promote by the newer ones, and do what the gate says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tierwise import promote, rollback, train
from tierwise.classifier.belief._passing import Widths
from tierwise.classifier.errors import InvalidTraining, PromotionRefused
from tierwise.classifier.model import TierModel
from tierwise.router.canary import Canary
from tierwise.training.outcomes.learner import Config
from tierwise.training.promotion.store import ModelStore

from ..simulator.tasks import Types
from ..simulator.worlds import World
from . import truth
from .weeks import START, Operator
from .world import POLICY, Months, Tasks

JUDGED = 0.4  # share of the verdicts, the newest, that no model is trained on
FIRST_FRIDAY = 3
CANARY = Canary(share=0.5, max_decisions=400)
CANARY_WEEKS = 2, 10  # judged from the first on, ended after the second


class Fridays:
    """A store, and what was done with it: `records` has one entry a judgement."""

    def __init__(self, folder: Path, champion: TierModel, months: Months) -> None:
        self.store = ModelStore(folder / "models")
        promote(champion, to=self.store.path, why="as shipped", force=True)
        self.months, self.champion = months, champion
        widths = replace(Widths(), heard_ratio=months.heard_ratio)
        self.config = Config(widths=widths, rounds=2, max_iterations=30)
        self.records: list[dict[str, Any]] = []
        self._canary: tuple[TierModel, int] | None = None  # since this week

    def friday(self, number: int, operator: Operator, world: World, types: Types, sample: Tasks) -> None:
        """After the week: train, judge, serve; where a canary runs, it is judged instead."""
        if number + 1 < FIRST_FRIDAY:
            return
        if self._canary is not None:
            challenger, since = self._canary
            tried = _decisions_of_canary(operator, challenger.version)
            if number - since < CANARY_WEEKS[0]:
                return
            is_over = tried >= CANARY.max_decisions or number - since >= CANARY_WEEKS[1]
            record = {"week": number, "was_canary": True, "tried": tried, "is_over": is_over}
            began = START + timedelta(weeks=since + 1)
        else:
            frame = operator.log.to_pandas()
            try:
                challenger = train(_older(frame), config=self.config)
            except InvalidTraining as error:
                self.records.append({"week": number, "verdict": "not trained", "reasons": [str(error)]})
                return
            folder = self.store.path.parent / f"week-{number}"
            challenger.save(folder)
            challenger = TierModel.load(folder)
            record, began = {"week": number, "was_canary": False, "outcomes": len(frame)}, None
        self._judge(record, challenger, operator, began)
        self.records.append({**record, **self._truly(challenger, operator, world, types, sample)})
        self._act(record, challenger, number, operator)

    def _judge(
        self, record: dict[str, Any], challenger: TierModel, operator: Operator, since: datetime | None
    ) -> None:
        try:
            change = promote(
                challenger,
                to=self.store.path,
                log=operator.log,
                policy=POLICY,
                canary=CANARY,
                since=since,
                why=f"week {record['week']}",
            )
        except PromotionRefused as refusal:
            record.update(verdict="refuse", **_found(refusal.gate))
        except InvalidTraining as error:
            record.update(verdict="too little", reasons=[str(error)])
        else:
            record.update(verdict=change.action, **_found(change.gate))

    def _truly(
        self, challenger: TierModel, operator: Operator, world: World, types: Types, sample: Tasks
    ) -> dict[str, Any]:
        """Champion and challenger on the same work, by the world's probabilities."""
        chosen = {
            name: truth.choices(model, operator.log, sample)
            for name, model in (("champion", self.champion), ("challenger", challenger))
        }
        found = {name: truth.truth(world, types, sample, tiers) for name, tiers in chosen.items()}
        old, new = found["champion"], found["challenger"]
        by = {"cost_usd": new.cost_usd - old.cost_usd, "under_tiered": new.under_tiered - old.under_tiered}
        return {
            "champion": old._asdict(),
            "challenger": new._asdict(),
            "moved": float(np.mean(chosen["champion"] != chosen["challenger"])),
            "raised_by": by,
            "raised": sorted(name for name, value in by.items() if value > truth.NOISE),
        }

    def _act(self, record: dict[str, Any], challenger: TierModel, number: int, operator: Operator) -> None:
        if record["verdict"] == "promote":
            self.champion, self._canary = challenger, None
            operator.serve(challenger)
        elif record["verdict"] == "canary" and not record["was_canary"]:
            self._canary = challenger, number
            operator.serve(self.champion, challenger, CANARY)
        elif record["was_canary"] and (record["verdict"] != "canary" or record["is_over"]):
            if self.store.canary() is not None:  # a refusal has ended it
                rollback(to=self.store.path, why="the canary did not earn its place")
            self._canary = None
            operator.serve(self.champion)


def _found(gate: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was not passed, and the four differences: value, 90 % interval, upper end at 99.9 %."""
    checks = (gate or {})["checks"]
    four = {name: each for name, each in checks.items() if name.startswith(("identified_", "likely_"))}
    return {
        "not_passed": [name for name, each in checks.items() if not each["passed"]],
        "speaks_against": [name for name, each in checks.items() if each["speaks_against"]],
        "unproved": checks["unproved"]["figure"],
        "estimates": {name: [*each["estimate"].values(), each["figure"]] for name, each in four.items()},
    }


def _older(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.sort_values("at", kind="stable")
    return frame.iloc[: int(len(frame) * (1.0 - JUDGED))]


def _decisions_of_canary(operator: Operator, version: str) -> int:
    from tierwise.router import reasons
    from tierwise.router.log._explored import count_explored

    with operator.log._database.read() as connection:
        return int(count_explored(connection, reasons.CANARY, version, None))
