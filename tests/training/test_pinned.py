"""Pinned cases: each fact of a case counts in its decision, and a case that is broken is quoted."""

from __future__ import annotations

import json

import pytest

from tierwise import Ladder, Policy, predict_tier
from tierwise.classifier.errors import InvalidTraining
from tierwise.training.evaluation._pinned import broken_cases, read_pinned

TAG = "Tag these forty tickets by product area"


def broken(champion, *cases, policy=None) -> list[str]:
    return broken_cases(read_pinned(cases), champion, policy or Policy())


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"live": True},
        {"role": "orchestrator"},
        {"attempts": ["haiku", "sonnet"]},
        {"task_type": "tags", "history": {"haiku": [0, 30], "sonnet": [30, 0]}},
        {"task_type": "tags", "history": {"haiku": [60, 0]}},
        {"ceiling": "haiku"},
    ],
)
def test_a_case_is_decided_with_all_that_it_says(champion, facts):
    tier = predict_tier(TAG, model=champion, **facts).tier
    case = {"specification": TAG, **facts}
    assert broken(champion, {**case, "tier": tier}, {**case, "at_least": tier}) == []
    others = [other for other in ("haiku", "sonnet", "opus") if other != tier]
    said = broken(champion, *({**case, "tier": other} for other in others))
    assert said == [
        f"Pinned case {number}, {TAG!r}, must be {other} and came out as {tier}."
        for number, other in enumerate(others)
    ]


def test_at_least_may_be_more_and_may_not_be_less(champion):
    cases = [
        {"specification": TAG, "pin": tier, "at_least": "sonnet"} for tier in ("haiku", "sonnet", "opus")
    ]
    assert broken(champion, *cases) == [
        f"Pinned case 0, {TAG!r}, must be sonnet or above and came out as haiku."
    ]


def test_a_case_is_held_against_the_policy_and_its_ladder(champion):
    case = {"specification": TAG, "floor": "fable", "tier": "fable"}
    assert broken(champion, case, policy=Policy(ladder=Ladder.load(enable=["fable"]))) == []
    with pytest.raises(InvalidTraining, match="case 0: 'fable' is no tier of the ladder") as caught:
        broken(champion, {"specification": TAG, "tier": "fable"})
    assert caught.value.about == "fable"


@pytest.mark.parametrize(("n", "shown"), [(60, "x" * 60), (61, "x" * 57 + "...")])
def test_a_long_text_is_cut_where_it_is_quoted(champion, n, shown):
    [said] = broken(champion, {"specification": "x" * n, "pin": "haiku", "tier": "opus"})
    assert f"{shown!r}, must be opus" in said


def test_cases_stand_one_a_line_in_a_file_of_any_line_ends(champion, tmp_path):
    """As an editor on Windows writes it, and with a line separator that was pasted into the text."""
    file, case = tmp_path / "pinned.jsonl", {"specification": "Größe\u2028und Preis", "pin": "haiku"}
    lines = [json.dumps({**case, "tier": tier}, ensure_ascii=False) for tier in ("haiku", "opus")]
    file.write_text("\n  \n".join(lines) + "\n", encoding="utf-8-sig", newline="\r\n")
    assert [each.where for each in read_pinned(file)] == ["line 1", "line 3"]
    assert broken_cases(read_pinned(str(file)), champion, Policy()) == [
        r"Pinned line 3, 'Größe\u2028und Preis', must be opus and came out as haiku."
    ]
    assert read_pinned(None) == []


@pytest.mark.parametrize(
    ("written", "message", "about"),
    [
        (b'{"specification": "x", "tier": "haiku"}\n{tier\n', "pinned.jsonl, line 2, is no JSON", 2),
        (b"[1]\n", "Pinned line 1 must be a mapping of task facts", [1]),
        (b'{"tier": "haiku"}\n', "Pinned line 1: ", "line 1"),
        (b'{"specification": "x"}\n', "Pinned line 1 needs either 'tier'", "line 1"),
    ],
)
def test_a_line_that_is_no_case_is_named(tmp_path, written, message, about):
    file = tmp_path / "pinned.jsonl"
    file.write_bytes(written)
    with pytest.raises(InvalidTraining, match=message) as caught:
        read_pinned(file)
    assert caught.value.about == about


def test_a_file_that_can_not_be_read_is_named(tmp_path):
    (tmp_path / "latin.jsonl").write_bytes("{'specification': 'Größe'}".encode("latin-1"))
    for name in ("latin.jsonl", "nowhere.jsonl"):
        with pytest.raises(InvalidTraining, match=f"{name} can't be read") as caught:
            read_pinned(tmp_path / name)
        assert caught.value.about == tmp_path / name
