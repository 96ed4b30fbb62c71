"""A task is checked once, when it is made; every mistake is named."""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.classifier.errors import InvalidTask, MissingExtra, TierwiseError, UnknownFact
from tierwise.classifier.task import FACTS, MAX_SPECIFICATION_CHARS, ROLES, Task, check_fact_names

FLAGS = ("time_sensitive", "verifiable", "reviewed", "live", "consequential", "deterministic")
COUNTS = ("items", "input_tokens", "output_tokens", "cached_tokens", "context_used", "context_window")
NAMES = ("task_type", "session_tier", "floor", "ceiling", "pin")

BAD_SPECIFICATIONS = [
    (None, r"must be text \(str\); got NoneType"),
    (b"Tag the tickets", r"must be text \(str\); got bytes"),
    (7, r"must be text \(str\); got int"),
    (["Tag", "the tickets"], r"must be text \(str\); got list"),
    (float("nan"), r"must be text \(str\); got float"),
    ("Tag \x00 the tickets", "NUL character at position 4"),
    ("Tag \ud800 the tickets", r"lone surrogate \('\\ud800'\) at position 4"),
    ("\udfff", "lone surrogate .* at position 0"),
    ("x" * 10_000_000, "has 10,000,000 characters; at most 2,000,000"),
    ("x" * (MAX_SPECIFICATION_CHARS + 1), "has 2,000,001 characters"),
]

BAD_COUNTS = [
    -1,
    2.5,
    float("nan"),
    math.inf,
    -math.inf,
    "12",
    True,
    False,
    np.True_,
    np.int64(-1),
    np.float64("nan"),
    np.array([1, 2]),
    [3],
    (),
    Decimal("NaN"),
    1j,
    object(),
]
BAD_FLAGS = [1, 0, "yes", "true", 1.0, float("nan"), [], np.int64(1)]
BAD_NAMES = ["", "   ", "\n", 3, b"haiku", ["haiku"], float("nan"), True]
BAD_ATTEMPTS = ["haiku", b"haiku", {"haiku": 1}, 3, [""], ["haiku", None], [1], (" ",), [["haiku"]]]


@pytest.mark.parametrize(("text", "message"), BAD_SPECIFICATIONS, ids=[m for _, m in BAD_SPECIFICATIONS])
def test_a_specification_that_no_model_could_be_sent_is_refused(text, message):
    with pytest.raises(InvalidTask, match=message) as caught:
        Task(text)
    assert caught.value.about == "specification"


@pytest.mark.parametrize(
    "text", ["", " ", "Größe 東京 🙂 \t\n", "x" * MAX_SPECIFICATION_CHARS, "\u200b", "\ufffd"]
)
def test_any_other_text_is_a_specification(text):
    assert Task(text).specification == text


@given(st.text())
def test_text_is_refused_exactly_if_it_has_a_nul_or_cannot_be_encoded(text):
    try:
        text.encode("utf-8")
        good = "\x00" not in text
    except UnicodeEncodeError:
        good = False
    if good:
        assert Task(text).specification == text
    else:
        with pytest.raises(InvalidTask, match="position"):
            Task(text)


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", BAD_COUNTS, ids=repr)
def test_a_count_is_a_whole_number_from_zero_up(name, value):
    with pytest.raises(InvalidTask, match=f"{name} must be a whole number >= 0; got ") as caught:
        Task("Tag the tickets", **{name: value})
    assert caught.value.about == name


@pytest.mark.parametrize(
    "value",
    [5, 5.0, np.int64(5), np.uint8(5), np.float32(5), np.float64(5), np.array(5), Decimal(5), Fraction(5)],
)
def test_whole_numbers_of_numpy_and_others_become_plain_counts(value):
    task = Task("Tag the tickets", items=value)
    assert task.items == 5
    assert type(task.items) is int


@pytest.mark.parametrize("value", [10**400, Fraction(10**400)], ids=["int", "fraction"])
def test_an_absurd_count_is_either_refused_or_routed(champion, value):
    try:
        task = Task("Tag the tickets by product area", items=value)
    except InvalidTask:
        return
    assert sum(champion.posterior(task).needed) == pytest.approx(1)


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", BAD_FLAGS, ids=repr)
def test_a_flag_is_true_false_or_unknown(name, value):
    with pytest.raises(InvalidTask, match=f"{name} must be True, False or None; got ") as caught:
        Task("Tag the tickets", **{name: value})
    assert caught.value.about == name


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", [True, False, np.True_, np.False_, None], ids=repr)
def test_flags_of_numpy_become_plain_ones(name, value):
    found = getattr(Task("Tag", **{name: value}), name)
    assert found is (None if value is None else bool(value))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", BAD_NAMES, ids=repr)
def test_a_name_is_a_non_empty_text(name, value):
    with pytest.raises(InvalidTask, match=f"{name} must be a non-empty text; got ") as caught:
        Task("Tag the tickets", **{name: value})
    assert caught.value.about == name


@pytest.mark.parametrize("value", ["a\ud800b", "a\x00b"], ids=["lone surrogate", "NUL"])
def test_a_task_type_that_no_log_could_store_is_refused(value):
    with pytest.raises(InvalidTask, match="task_type"):
        Task("Tag the tickets", task_type=value)


@pytest.mark.parametrize("role", ["boss", "", "Worker", 3, ["worker"], b"worker"], ids=repr)
def test_an_unknown_role_is_refused_and_the_known_ones_named(role):
    with pytest.raises(
        InvalidTask, match="role must be one of orchestrator, worker, reviewer; got"
    ) as caught:
        Task("Tag the tickets", role=role)
    assert caught.value.about == "role"


def test_a_misspelt_role_suggests_the_nearest():
    with pytest.raises(InvalidTask, match="did you mean 'orchestrator'"):
        Task("Tag the tickets", role="orchestrater")


@pytest.mark.parametrize("role", ROLES)
def test_every_role_is_accepted(role):
    assert Task("Tag", role=role).role == role


@pytest.mark.parametrize("attempts", BAD_ATTEMPTS, ids=repr)
def test_attempts_are_a_list_of_tier_names(attempts):
    with pytest.raises(InvalidTask, match="attempts must be a "):
        Task("Tag the tickets", attempts=attempts)


@pytest.mark.parametrize("attempts", [0, "", {}, False], ids=repr)
def test_nothing_at_all_of_the_wrong_kind_is_no_list_of_attempts(attempts):
    with pytest.raises(InvalidTask, match="attempts must be a list"):
        Task("Tag the tickets", attempts=attempts)


@pytest.mark.parametrize("attempts", [[], (), set(), None], ids=repr)
def test_no_attempts_are_an_empty_tuple(attempts):
    task = Task("Tag the tickets", attempts=attempts)
    assert task.attempts == ()
    assert hash(task) == hash(Task("Tag the tickets"))


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
def test_attempts_become_a_tuple(kind):
    assert sorted(Task("Tag", attempts=kind(["haiku", "sonnet"])).attempts) == ["haiku", "sonnet"]
    assert isinstance(Task("Tag", attempts=kind(["haiku"])).attempts, tuple)


@pytest.mark.parametrize(("cached", "whole"), [(11, 10), (1, 0), (np.int64(5), 4)])
def test_cached_tokens_are_part_of_the_input(cached, whole):
    with pytest.raises(InvalidTask, match=rf"cached_tokens \({cached}\) are part of input_tokens"):
        Task("Tag", cached_tokens=cached, input_tokens=whole)


def test_cached_tokens_may_be_known_without_the_whole_or_equal_it():
    assert Task("Tag", cached_tokens=5).cached_tokens == 5
    assert Task("Tag", cached_tokens=5, input_tokens=5).input_tokens == 5


NEAREST = [
    ("item", "items"),
    ("taks_type", "task_type"),
    ("Verifyable", "verifiable"),
    ("celing", "ceiling"),
    ("input_token", "input_tokens"),
    ("specfication", "specification"),
]


@pytest.mark.parametrize(("name", "nearest"), NEAREST)
def test_an_unknown_fact_suggests_the_nearest(name, nearest):
    with pytest.raises(UnknownFact, match=f"Unknown fact '{name}'; did you mean '{nearest}'") as caught:
        Task.from_mapping({"specification": "Tag the tickets", name: 1})
    assert caught.value.about == name
    assert isinstance(caught.value, (ValueError, TypeError))


def test_a_fact_that_resembles_none_lists_them_all():
    with pytest.raises(UnknownFact, match=r"Unknown fact 'zzz'\. Known facts: attempts, .*verifiable"):
        check_fact_names({"zzz": 1})


@pytest.mark.parametrize(
    ("row", "message"), [({}, "found only: nothing"), ({"items": 3}, "found only: 'items'")]
)
def test_a_row_without_a_specification_is_no_task(row, message):
    with pytest.raises(InvalidTask, match=f"A task needs a 'specification'; {message}"):
        Task.from_mapping(row)


def test_a_row_gives_the_same_task_as_the_call():
    row = {"specification": "Tag the tickets", "items": 12, "live": True, "attempts": ["haiku"]}
    assert Task.from_mapping(row) == Task("Tag the tickets", items=12, live=True, attempts=("haiku",))


@pytest.mark.parametrize("name", ["live", "items", "role", "attempts", "pin"])
def test_a_text_given_for_another_fact_is_not_quoted_whole(name):
    with pytest.raises(InvalidTask) as caught:
        Task("x", **{name: "a long text \x00 " * 400})
    assert len(str(caught.value)) < 250


def test_a_task_is_frozen_and_every_fact_is_a_field():
    task = Task("Tag")
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.items = 3
    assert set(FACTS) == {f.name for f in dataclasses.fields(Task)} - {"specification"}
    assert set(FACTS) == {*FLAGS, *COUNTS, *NAMES, "role", "attempts"}


def test_a_missing_extra_names_the_line_that_installs_it():
    error = MissingExtra("sklearn", "train")
    assert "pip install 'tierwise[train]'" in str(error)
    assert isinstance(error, (TierwiseError, ImportError))
    assert error.about == "sklearn"
