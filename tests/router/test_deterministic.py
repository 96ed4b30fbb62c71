"""Which texts are a step for a plain program."""

from __future__ import annotations

import pytest

from tierwise.classifier.task import Task
from tierwise.router.rules._trivial import is_deterministic


@pytest.mark.parametrize(
    "text",
    [
        "curl https://example.com/health",
        "  wget -q http://example.com/a.csv\n",
        "curl -X POST -H 'Accept: application/json' \"https://example.com/items\"",
        "curl -s -o /tmp/out.json https://example.com/items?page=2",
    ],
)
def test_one_http_request_is_a_step_for_a_program(text):
    assert is_deterministic(Task(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "curl",
        "curl --help",
        "curl https://example.com/a and summarise the answer",
        "curl https://example.com/a https://example.com/b",
        "why does curl https://example.com fail",
        "Write a curl command for https://example.com",
        "curling clubs at https://example.com",
    ],
)
def test_anything_more_is_a_task_for_a_model(text):
    assert not is_deterministic(Task(text))


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("text", ["curl https://example.com", "Decide our strategy"])
def test_what_the_caller_says_wins_over_the_text(said, text):
    assert is_deterministic(Task(text, deterministic=said)) is said
