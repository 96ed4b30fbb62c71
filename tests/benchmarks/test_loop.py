"""The loop of weeks: its truth is the world's, its parts are the real ones, and no promotion harms."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import _machine
from benchmarks.loop import __main__ as command
from benchmarks.loop import figures
from benchmarks.loop.seed import first_champion, run
from benchmarks.loop.truth import per_tier, truth
from benchmarks.loop.world import CORRECTION_USD, Months, Tasks, Work
from benchmarks.simulator.tasks import draw_outcomes

TINY = Months(weeks=3, first_types=8, new_types=2, tasks=5.0)


@pytest.fixture(scope="module")
def lived():
    return run(0, TINY)


def test_three_weeks_of_a_tiny_world(lived):
    assert [week["tasks"] > 20 for week in lived["weekly"]] == [True] * 3
    found = figures.summary([lived])
    cost = {name: each["cost_usd"][0] for name, each in found["per_task"].items()}
    assert cost["oracle"] < min(cost["served"], cost["always sonnet"], cost["table of types"])
    assert cost["served"] < cost["always sonnet"]
    assert all(record["verdict"] in VERDICTS for record in lived["judgements"])
    assert json.loads(json.dumps(lived)) == lived


def test_where_no_challenger_was_judged_it_is_said(lived):
    said = "No challenger was judged: too few weeks or too little work."
    assert said in figures.as_text(figures.summary([{**lived, "judgements": []}]))
    not_trained = {"week": 0, "verdict": "not trained", "reasons": []}
    assert said in figures.as_text(figures.summary([{**lived, "judgements": [not_trained]}]))
    refused = {"week": 0, "verdict": "refuse", "reasons": []}
    assert said not in figures.as_text(figures.summary([{**lived, "judgements": [refused]}]))


VERDICTS = ("promote", "canary", "refuse", "too little", "not trained")


def test_expected_truth_is_what_draws_come_to():
    work = Work(3, Months(weeks=1, first_types=10, tasks=1.0))
    (week,) = work.weeks()
    ids, f = np.repeat(week.work.type_ids, 4000), np.repeat(week.work.f, 4000, axis=0)
    many = draw_outcomes(week.types, ids, f, np.zeros(len(ids), dtype=int), np.random.default_rng(0))
    drawn_under = (~many.clean & many.clean[:, -1:]).mean(axis=0)
    drawn_cost = np.array(work.prices) + CORRECTION_USD * (~many.clean).mean(axis=0)
    cost, under = per_tier(work.world, week.types, week.work)
    assert under.mean(axis=0) == pytest.approx(drawn_under, abs=0.01)
    assert cost.mean(axis=0) == pytest.approx(drawn_cost, abs=0.03)
    chosen = np.zeros(len(week.work.tasks), dtype=int)
    assert truth(work.world, week.types, week.work, chosen).cost_usd == pytest.approx(cost[:, 0].mean())


def test_the_work_is_the_same_for_a_seed_and_new_types_come_weekly():
    one, again = (list(Work(5, TINY).weeks()) for _ in range(2))
    assert all((a.work.f == b.work.f).all() for a, b in zip(one, again, strict=True))
    assert all((a.fates.clean == b.fates.clean).all() for a, b in zip(one, again, strict=True))
    assert [int(Work(5, TINY).present(n).sum()) for n in range(3)] == [8, 10, 12]
    sample: Tasks = Work(5, TINY).sample(1, 300)
    assert len(sample.tasks) == 300
    assert sample.type_ids.max() < 10


def test_prices_stand_to_a_correction_as_the_simulators_do():
    haiku, sonnet, opus = Work(0, TINY).prices
    assert (sonnet - haiku) / CORRECTION_USD == pytest.approx(2 / 15, abs=0.02)
    assert (opus - sonnet) / CORRECTION_USD == pytest.approx(2 / 15, abs=0.02)


def test_the_first_champion_trusts_its_texts_as_told():
    model = first_champion(4.5, 0.3)
    assert (model.widths.heard_ratio, model.widths.level_sd) == (4.5, 0.3)


def judged(verdict: str, usd: float, under: float, **more):
    raised = [name for name, by in (("cost_usd", usd), ("under_tiered", under)) if by > 0]
    by = {"cost_usd": usd, "under_tiered": under}
    return {"verdict": verdict, "was_canary": False, "raised_by": by, "raised": raised, **more}


def test_what_raised_and_what_would_have_helped_is_counted(lived):
    records = [
        judged("promote", -0.1, -0.01),
        judged("promote", -0.1, 1e-6),
        judged("refuse", -0.2, -0.01),
        judged("refuse", -0.2, 0.01),
        judged("canary", -0.2, -0.01, was_canary=True, is_over=False),
        judged("canary", -0.2, -0.01, was_canary=True, is_over=True),
    ]
    found = figures.summary([{**lived, "judgements": records}])
    assert found["promotions"] == 2
    assert found["promotions_that_raised"] == {"cost_usd": 0, "under_tiered": 1}
    assert (found["refusals"], found["refusals_that_would_have_helped"]) == (2, 1)
    assert found["would_have_changed_by"]["cost_usd"] == -0.2
    assert (found["canaries"], found["canaries_ended_unproved"]) == (1, 1)
    assert "of which raised true cost 0, under-tiering 1" in figures.as_text(found)


def test_the_command_goes_on_where_it_was(monkeypatch, tmp_path, capsys, lived):
    """Seeds with the same settings, from the same champion, are kept; others are run."""
    ran: list[int] = []
    monkeypatch.setattr(_machine, "RESULTS", tmp_path)
    monkeypatch.setattr(command, "run", lambda seed, *_, **__: ran.append(seed) or {**lived, "seed": seed})
    command.main(["--seeds", "1", "--weeks", "3"])
    command.main(["--seeds", "3", "--weeks", "3"])
    assert ran == [10, 11, 12]
    stored = json.loads((tmp_path / "loop.json").read_text())
    assert [each["seed"] for each in stored["seeds"]] == [10, 11, 12]
    assert (tmp_path / "loop.svg").exists()
    assert "3 seeds of 3 weeks" in capsys.readouterr().out
    command.main(["--seeds", "1", "--weeks", "4", "--first", "5"])
    assert ran[-1] == 5
    monkeypatch.setattr(_machine, "champion", lambda: {"version": "another"})
    command.main(["--seeds", "1", "--weeks", "4", "--first", "5"])
    assert ran[-2:] == [5, 5]


@pytest.mark.slow
def test_no_promotion_raised_true_cost_or_under_tiering():
    """Seven weeks of seeds whose first champion is far off, so that there is something to promote."""
    months = replace(Months(), weeks=7, first_types=40, tasks=4.0, trust=(0.2, 0.25))
    found = figures.summary([run(seed, months) for seed in (11, 12)])
    assert sum(found["judgements"].values()) >= 6
    assert found["promotions_that_raised"] == {"cost_usd": 0, "under_tiered": 0}
