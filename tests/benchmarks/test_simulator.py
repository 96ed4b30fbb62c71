"""The simulator: its worlds are what their parameters say, and its figures mean what they claim."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import _machine
from benchmarks.simulator import loop, new_types
from benchmarks.simulator.__main__ import main
from benchmarks.simulator.policies import Constant, Table, line_up
from benchmarks.simulator.posterior import Posterior
from benchmarks.simulator.tasks import SILENT, Types, draw_outcomes
from benchmarks.simulator.worlds import WORLDS, World, gap_of

FIRST = WORLDS["first"]
SHORT = loop.Months(weeks=5, first_types=25, new_types=4, training_types=80)


@pytest.fixture(scope="module")
def regrets():
    """Regret in % after 0, 10, 20, 30, 100 outcomes of 300 new types of the first world."""
    found = new_types.run(FIRST, 3, 300)
    return {
        logging: {name: 100 * above.sum(1) / of["oracle's cost"].sum(1) for name, above in of.items()}
        for logging, of in found.items()
    }


@pytest.fixture(scope="module")
def lived():
    return loop.run(FIRST, 0, SHORT)


def repeated(types, n):
    ids = np.repeat(np.arange(len(types.f)), n)
    return ids, types.f[ids]


@pytest.mark.parametrize("name", WORLDS)
def test_pass_rates_are_those_that_the_parameters_say(name):
    rng = np.random.default_rng(0)
    types = Types.draw(WORLDS[name], 40, rng)
    ids, f = repeated(types, 4000)
    fates = draw_outcomes(types, ids, f, np.arange(len(ids)), rng)
    rates = fates.clean.reshape(40, 4000, 3).mean(axis=1)
    assert np.abs(rates - types.pass_()).max() < 5 * np.sqrt(0.25 / 4000)


def test_the_first_world_by_hand():
    world = replace(FIRST, omega=0.0)
    f = np.array([[0.0, 1.0, 3.0]])
    logits = np.column_stack(world.logits(f, np.array([0.5]), np.array([0.2]), np.array([-0.4])))
    gaps = np.log1p(np.exp(np.log(np.expm1([1.0, 2.0])) + np.array([0.2, -0.4])))
    assert logits == pytest.approx(np.array([[0.5, 0.5 + gaps[0], 0.5 + gaps.sum()]]))
    assert world.pass_(np.array([0.0, 2.0])) == pytest.approx([0.485, 0.97 / (1 + np.exp(-2))], abs=3e-4)
    assert gap_of(np.log1p(np.exp(np.array([-3.0, 0.0, 5.0])))) == pytest.approx([-3, 0, 5])


@pytest.mark.parametrize(("name", "share"), [("first", 0), ("additive", 0), ("broken", 0.15)])
def test_only_the_broken_world_has_tiers_that_are_worse_than_the_one_below(name, share):
    pass_ = Types.draw(WORLDS[name], 4000, np.random.default_rng(1)).pass_()
    falls = (np.diff(pass_, axis=1) < 0).any(axis=1)
    assert falls.mean() == pytest.approx(share, abs=0.03)


def test_each_tier_is_best_for_a_fair_share_of_types():
    costs = FIRST.cost(Types.draw(FIRST, 4000, np.random.default_rng(2)).pass_())
    assert (np.bincount(costs.argmin(axis=1)) / 4000).min() > 0.2


def test_verdicts_are_missing_not_at_random():
    world = SHORT.world(FIRST)
    rng = np.random.default_rng(3)
    types = Types.draw(world, 100, rng)
    fates = draw_outcomes(types, *repeated(types, 200), np.zeros(20_000, dtype=int), rng)
    heard = fates.verdicts != SILENT
    assert heard[fates.clean].mean() == pytest.approx(0.2, abs=0.01)
    assert heard[~fates.clean].mean() == pytest.approx(0.9, abs=0.02)
    assert (fates.verdicts[heard] == fates.clean[heard]).all()


def test_tasks_of_one_batch_share_a_mood():
    rng = np.random.default_rng(4)
    world = replace(FIRST, mood=3.0)
    types = Types(world, np.array([[0, 0.1, 0.2]]), np.zeros((1, 3)), np.array([-1]))
    ids, batches = np.zeros(20_000, dtype=int), np.repeat(np.arange(200), 100)
    clean = draw_outcomes(types, ids, types.f[ids], batches, rng).clean[:, 0].reshape(200, 100)
    apart = draw_outcomes(types, ids, types.f[ids], np.arange(20_000), rng).clean[:, 0].reshape(200, 100)
    assert clean.mean(axis=1).std() > 0.3
    assert apart.mean(axis=1).std() < 0.07


def test_a_share_of_types_turns_each_week():
    world = replace(FIRST, hazard=0.1)
    rng = np.random.default_rng(5)
    types = Types.draw(world, 3000, rng)
    later = types.a_week_later(rng)
    turned = (types.effects != later.effects).any(axis=1)
    assert turned.mean() == pytest.approx(0.1, abs=0.02)
    assert later.effects[turned].std(axis=0) == pytest.approx([1.2, 0.8, 0.8], abs=0.15)


@pytest.mark.parametrize("logging", new_types.LOGGINGS)
def test_the_oracle_has_no_regret_and_nobody_has_less(regrets, logging):
    assert (regrets[logging]["oracle"] == 0).all()
    assert all((values >= 0).all() for values in regrets[logging].values())


def test_the_posterior_beats_the_table_and_nears_the_oracle(regrets):
    posterior, table = regrets["mix"]["posterior"], regrets["mix"]["table"]
    assert (posterior < table).all()
    assert posterior[0] == regrets["mix"]["text only"][0]
    assert posterior[0] > 2 * posterior[-1]
    assert posterior[-1] < 2.5


def test_the_table_starts_as_the_best_constant(regrets):
    assert regrets["mix"]["table"][0] == regrets["mix"]["best constant"][0]


@pytest.mark.parametrize("name", ["first", "additive"])
def test_with_many_outcomes_the_posterior_knows_the_truth(name):
    world = WORLDS[name]
    rng = np.random.default_rng(6)
    types = Types.draw(world, 30, rng)
    policy = Posterior(world)
    ids, f = repeated(types, 3000)
    verdicts = draw_outcomes(types, ids, f, ids, rng).verdicts
    tiers = np.tile(np.arange(3), 30_000)
    before = policy.expected_pass(types.f, np.arange(30), 0)
    policy.observe(f, ids, tiers, verdicts[np.arange(len(ids)), tiers], 0)
    after = policy.expected_pass(types.f, np.arange(30), 0)
    assert np.abs(after - types.pass_()).mean() < 0.02 < 0.05 < np.abs(before - types.pass_()).mean()


def test_the_posterior_is_calibrated():
    types = Types.draw(FIRST, 20_000, np.random.default_rng(7))
    expected = Posterior(FIRST).expected_pass(types.f[:2000], np.arange(2000), 0)
    assert expected.mean(axis=0) == pytest.approx(types.pass_()[:2000].mean(axis=0), abs=0.015)


def test_silence_speaks_only_to_those_who_know_who_reports():
    f, ids, tiers = np.array([[0.0, 1.0, 2.0]] * 20), np.zeros(20, dtype=int), np.zeros(20, dtype=int)
    knows, naive = Posterior(SHORT.world(FIRST)), Posterior(replace(FIRST, hazard=0.01))
    for policy in (knows, naive):
        policy.observe(f, ids, tiers, np.full(20, SILENT), 0)
    first = Posterior(FIRST).expected_pass(f[:1], ids[:1], 0)
    assert naive.expected_pass(f[:1], ids[:1], 0) == pytest.approx(first)
    assert (knows.expected_pass(f[:1], ids[:1], 0) > first).all()


def test_a_type_returns_to_its_prior_at_the_hazard():
    f, ids = np.array([[0.0, 1.0, 2.0]]), np.zeros(1, dtype=int)
    policy = Posterior(replace(FIRST, hazard=0.1))
    prior = policy.expected_pass(f, ids, 0)
    policy.observe(np.repeat(f, 9, 0), np.repeat(ids, 9), np.zeros(9, dtype=int), np.zeros(9, dtype=int), 0)
    learned = policy.expected_pass(f, ids, 0)
    kept = 0.9**3
    assert policy.expected_pass(f, ids, 3) == pytest.approx(kept * learned + (1 - kept) * prior)


def test_the_table_by_hand():
    training = new_types.draw_training(FIRST, 50, np.random.default_rng(8))
    table = Table(FIRST, training)
    table.mean, table.strength = np.array([0.5, 0.7, 0.9]), np.array([2.0, 2.0, 2.0])
    f, ids = np.zeros((8, 3)), np.zeros(8, dtype=int)
    assert table.choose(f[:1], ids[:1], 0) == [2]  # 8.5, 7.5, 6.5
    table.observe(f, ids, np.zeros(8, dtype=int), np.ones(8, dtype=int), 0)
    assert table.choose(f[:1], ids[:1], 0) == [0]  # Haiku at 9 of 10: 2.5
    assert table.choose(f[:1], ids[:1] + 1, 0) == [2]


def test_in_the_loop_knowing_pays(lived):
    cost = {name: figures[:, 0].sum() for name, figures in lived.items() if figures.ndim == 2}
    assert cost["oracle"] == pytest.approx(lived["oracle's cost"].sum())
    assert cost["oracle"] < cost["posterior"] < cost["text only"] < cost["table"] < cost["table, face value"]
    assert cost["posterior"] < cost["posterior, face value"]
    assert (lived["always sonnet"][:, 3:] == 0).all()


def test_the_top_tier_is_never_under_tiered():
    found = loop.run(FIRST, 1, SHORT, lambda world, training: {"always opus": Constant(2)})
    assert (found["always opus"][:, 2] == 0).all()
    assert (found["always opus"][:, 4] == found["tasks"]).all()


def test_the_same_seed_gives_the_same_figures_whoever_else_runs(lived):
    alone = loop.run(FIRST, 0, SHORT, lambda world, training: {"table": line_up(world, training)["table"]})
    assert (alone["table"] == lived["table"]).all()
    assert (loop.run(FIRST, 1, SHORT)["table"] != lived["table"]).any()


def test_new_types_come_every_week():
    weeks = list(loop.stream(SHORT.world(FIRST), 0, SHORT))
    assert [len(weeks), *(week.type_ids.max() < 25 + 4 * week.number for week in weeks)] == [5] + [True] * 5
    assert weeks[-1].type_ids.max() >= 25 + 4 * 3


def learner(world: World, training: object) -> Constant:
    return Constant(2)


def test_the_command_stores_what_it_prints(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(_machine, "RESULTS", tmp_path)
    sizes = {"--seeds": 2, "--types": 20, "--weeks": 2, "--processes": 1}
    main([*(str(part) for pair in sizes.items() for part in pair), "--learner", f"{__name__}:learner"])
    printed = capsys.readouterr().out
    assert re.search(rf"{__name__}:learner +\d+\.\d \(", printed)
    assert {path.name for path in tmp_path.iterdir()} == {"simulator.json", "simulator.svg"}
