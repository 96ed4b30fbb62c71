"""predict_tier and predict_tiers: the public edge."""

from __future__ import annotations

import pickle
import threading

import pandas as pd
import pytest

from tierwise import Ladder, Policy, Task, TierModel, predict_tier, predict_tiers
from tierwise.classifier.errors import ContradictoryTask, InvalidPolicy, InvalidTask, NoTierFits, UnknownFact
from tierwise.router._champion import forget_champion
from tierwise.training.seeds.tasks import read_seeds

TEXT = "Write meta descriptions for 120 posts, max 155 characters, JSON out"


@pytest.fixture(autouse=True)
def _fresh_champion():
    forget_champion()
    yield
    forget_champion()


def test_the_example_of_the_readme():
    decision = predict_tier(TEXT, task_type="meta-description", items=120, verifiable=True)
    assert decision.tier == "haiku"
    assert decision.tier < "sonnet"
    assert decision.model == "claude-haiku-5-5"
    assert decision.mode == "batch"
    assert decision.plan == ("haiku", "sonnet")
    assert decision.confidence == decision.probabilities["haiku"]
    assert sum(decision.probabilities.values()) == pytest.approx(1)
    passes = list(decision.pass_probabilities.values())
    assert passes == sorted(passes)
    assert decision.expected_cost_usd["haiku"] < decision.expected_cost_usd["sonnet"]
    assert decision.reason == "classifier"
    assert decision.propensity == 1
    assert not decision.fallback
    assert str(decision).startswith("haiku (batch")


def test_many_decisions_equal_single_ones_to_the_last_bit():
    tasks = [seed.task for seed in read_seeds()[::29]]
    tasks += [Task(""), Task("fix it"), Task("x" * 900), Task("one two three four", items=40)]
    together = predict_tiers(tasks)
    for task, decision in zip(tasks, together, strict=True):
        alone = predict_tier(task.specification, task_type=task.task_type, items=task.items)
        assert alone.probabilities == decision.probabilities
        assert alone.pass_probabilities == decision.pass_probabilities
        assert alone.reasons == decision.reasons
        assert alone.expected_cost_usd == decision.expected_cost_usd


def test_columns_say_what_the_decisions_say():
    decisions = predict_tiers([TEXT, {"specification": "Reply to the angry guest", "live": True}, Task("hm")])
    assert decisions.tiers == [decision.tier for decision in decisions]
    assert decisions.modes == [decision.mode for decision in decisions]
    assert decisions.reasons == [decision.reason for decision in decisions]
    assert decisions.fallbacks == [decision.fallback for decision in decisions]
    assert decisions[-1] is decisions[2]
    assert [d.decision_id for d in decisions[:2]] == [decisions[0].decision_id, decisions[1].decision_id]
    assert len(decisions) == 3


def test_history_moves_the_decision_and_says_so():
    text = "Write the product FAQ from the attached page"
    before = predict_tier(text)
    failing = predict_tier(text, history={"haiku": (0, 30), "sonnet": (30, 0)})
    assert failing.tier == "sonnet"
    assert "history" in failing.reasons
    assert failing.probabilities["haiku"] < before.probabilities["haiku"]
    assert predict_tier(text, history={}).probabilities == before.probabilities


def test_history_by_type_in_bulk():
    tasks = [Task("Write the product FAQ", task_type="faq"), Task("Write the product FAQ")]
    moved, same = predict_tiers(tasks, history={"faq": {"haiku": (0, 30), "sonnet": (30, 0)}})
    assert "history" in moved.reasons
    assert "history" not in same.reasons


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("!!! ??? ...", "empty"),
        ("fix it", "too_short"),
        ("Bitte fasse die Besprechung in drei Sätzen zusammen und nenne die offenen Punkte", "unfamiliar"),
        ("Rédige une réponse polie à ce client mécontent de sa livraison", "unfamiliar"),
        ("请 把 以下 文章 翻译 成 英文 并 总结 要点", "unfamiliar"),
        ("asdf qwer zxcv uiop hjkl bnmv", "unfamiliar"),
        ("lorem ipsum dolor sit amet consectetur adipiscing elit", "unfamiliar"),
        ("extract the names " * 4000, "very_long"),
    ],
)
def test_text_that_cannot_be_read_is_sonnet_with_a_reason_of_its_own(text, code):
    decision = predict_tier(text)
    assert (decision.tier, decision.reason, decision.fallback) == ("sonnet", code, True)


def test_history_can_speak_for_a_text_that_cannot_be_read():
    decision = predict_tier("Bitte die Zeilen wie immer sortieren", history={"haiku": (60, 0)})
    assert decision.tier == "haiku"


def test_code_and_numbers_are_read():
    assert (
        predict_tier("def f(x): return x  # rename f to double and x to value, nothing else").tier == "haiku"
    )


@pytest.mark.parametrize(
    ("facts", "error", "message"),
    [
        ({"itms": 3}, UnknownFact, "Unknown fact 'itms'; did you mean 'items'"),
        ({"items": -1}, InvalidTask, "items must be a whole number >= 0; got -1"),
        ({"items": float("nan")}, InvalidTask, "items must be a whole number >= 0; got nan"),
        ({"floor": "opus", "ceiling": "haiku"}, ContradictoryTask, "floor 'opus' lies above ceiling 'haiku'"),
        ({"pin": "opus", "ceiling": "haiku"}, ContradictoryTask, "pin 'opus' lies above ceiling 'haiku'"),
        ({"pin": "sonet"}, InvalidTask, "Unknown tier 'sonet'; did you mean 'sonnet'"),
        ({"input_tokens": 2_000_000}, NoTierFits, "exceed the context window"),
        ({"output_tokens": 200_000}, NoTierFits, "exceeds the output cap"),
        ({"history": {"haiku": 3}}, InvalidTask, "must be two counts"),
        ({"history": {"gpt": (1, 2)}}, InvalidTask, "history names the tier 'gpt'"),
    ],
)
def test_bad_input_is_one_clear_error(facts, error, message):
    with pytest.raises(error, match=message):
        predict_tier("Tag these tickets by area", **facts)


def test_bad_input_in_bulk_names_the_position():
    with pytest.raises(InvalidTask, match="Task 1: specification must be text"):
        predict_tiers(["fine enough to be read", {"specification": 3}])
    with pytest.raises(InvalidTask, match="Task 0: A task must be a Task, a text or a mapping; got int"):
        predict_tiers([3])
    with pytest.raises(InvalidTask, match="Task 2: floor 'opus'"):
        predict_tiers(["a", "b", Task("c", floor="opus", ceiling="haiku")])


def test_a_model_that_cannot_be_loaded_is_sonnet_with_one_warning(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path / "nowhere"))
    decisions = [predict_tier(TEXT, items=400) for _ in range(3)]
    assert {(d.tier, d.reason, d.fallback) for d in decisions} == {("sonnet", "model_unavailable", True)}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "has no manifest.json" in decisions[0].explain()
    assert predict_tier(TEXT, floor="opus").tier == "opus"


def test_the_model_of_the_environment_serves(tmp_path, monkeypatch, champion):
    champion.save(tmp_path / "mine")
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path / "mine"))
    decision = predict_tier(TEXT)
    assert decision.tier == "haiku"
    assert decision.versions["model"] == TierModel.load(tmp_path / "mine").version


def test_a_model_of_other_tiers_is_not_used(champion):
    ladder = Ladder.load()
    other = Ladder("other", (ladder.rungs[0], ladder.rungs[1]))
    decision = predict_tier(TEXT, model=champion, policy=Policy(ladder=other))
    assert decision.reason == "model_unavailable"
    assert "The model knows the tiers haiku, sonnet, opus" in decision.explain()


def test_threads_get_the_same_answers():
    tasks = [seed.task.specification for seed in read_seeds()[::71]]
    expected = predict_tiers(tasks).tiers
    found: list[list[str]] = []

    def work() -> None:
        found.append([predict_tier(text).tier for text in tasks])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_decisions_travel_between_processes():
    policy = Policy(correction_minutes=5, hourly_rate_usd=60, correction_minutes_by_type={"x": 9})
    decision = predict_tier(TEXT, policy=policy, verifiable=True)
    again = pickle.loads(pickle.dumps(decision))
    assert again.to_dict() == decision.to_dict()
    assert again.tier < "sonnet"
    assert "Why, the decisive rule first" in again.explain()


def test_decision_ids_are_distinct():
    assert len({predict_tier(TEXT).decision_id for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"policy": {"max_under_tier": 0.02}}, "policy must be a Policy, .* Got dict"),
        ({"model": "models/friday"}, r"model must be a TierModel; .*TierModel.load\(path\). Got str"),
    ],
)
def test_what_is_no_policy_or_no_model_is_an_error(given, message):
    with pytest.raises(InvalidPolicy, match=message):
        predict_tier(TEXT, **given)
    with pytest.raises(InvalidPolicy, match=message):
        predict_tiers([TEXT], **given)


@pytest.mark.parametrize("given", [TEXT, {"specification": TEXT}, None])
def test_many_tasks_are_no_single_task(given):
    with pytest.raises(InvalidTask, match="takes a list of tasks; got .* For one task: predict_tier"):
        predict_tiers(given)


def test_decisions_say_how_many_they_are():
    assert repr(predict_tiers([TEXT, TEXT])) == "<Decisions: 2 tasks>"


def test_a_frame_is_not_taken_for_the_names_of_its_columns():
    frame = pd.DataFrame({"specification": ["Tag the tickets"], "items": [3]})
    with pytest.raises(InvalidTask, match="frame.to_dict"):
        predict_tiers(frame)
    assert len(predict_tiers(frame["specification"])) == 1
    assert predict_tiers(frame.to_dict("records"))[0].task.items == 3
