"""What is read of a request: the task, its facts, its tokens."""

from __future__ import annotations

import pytest
from anthropic.types import TextBlock, ToolUseBlock

from tierwise.classifier.errors import InvalidTask, UnknownFact
from tierwise.classifier.task import MAX_SPECIFICATION_CHARS
from tierwise.router.wire import (
    facts_from_headers,
    is_auto,
    prompt_tokens,
    specification_of,
    task_of_request,
)

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K" * 9_000}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "found 14 files"}


def user(*content):
    return {"role": "user", "content": content[0] if len(content) == 1 else list(content)}


def text(words):
    return {"type": "text", "text": words}


def assistant(*blocks):
    return {"role": "assistant", "content": list(blocks)}


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([user("Tag these")], "Tag these"),
        ([user([text("Tag these"), text("by area")])], "Tag these\n\nby area"),
        ([user([IMAGE, text("What is this?")])], "What is this?"),
        ([user("First"), assistant(text("ok")), user("Second")], "Second"),
        ([user("Write"), assistant(text("Once upon"))], "Write"),  # a prefilled answer
        ([user("Find it"), assistant(text("I look")), user([RESULT])], "Find it"),  # goes on with the task
        ([user("Find it"), assistant(text("I look")), user([RESULT, text("Now fix it")])], "Now fix it"),
        ([user("Look"), assistant(text("At?")), user([IMAGE])], "Look"),
        ([user([IMAGE])], ""),
        ([user("  ")], "  "),
        ([{"role": "user", "content": (text("A tuple"),)}], "A tuple"),
        ([user("Go"), {"role": "system", "content": "Stay calm"}], "Go"),
        ([user([TextBlock(type="text", text="Of the SDK")])], "Of the SDK"),
        ([], ""),
        (None, ""),
        (["no message", 5, {"role": "user"}], ""),
        ([user([text(None), {"type": "text"}, "no block", text("here")])], "here"),
    ],
)
def test_the_task_is_the_text_of_the_last_user_message_that_has_any(messages, said):
    assert specification_of({"messages": messages}) == said


@pytest.mark.parametrize("system", ["Classify tickets.", [{"type": "text", "text": "Classify tickets."}]])
def test_the_system_prompt_is_read_only_where_the_caller_says_so(system):
    request = {"system": system, "messages": [user("My printer broke")]}
    assert specification_of(request) == "My printer broke"
    assert specification_of(request, with_system=True) == "Classify tickets.\n\nMy printer broke"


@pytest.mark.parametrize(
    ("said", "routed"), [("a\x00b", "a b"), ("a\ud800b", "a?b"), ("grüße 🙂", "grüße 🙂")]
)
def test_what_a_task_refuses_and_the_api_does_not_is_no_error(said, routed):
    assert task_of_request({"messages": [user(said)]}).specification == routed


def test_of_a_text_longer_than_is_routed_both_ends_are_read():
    long = "Summarise this: " + "x" * (MAX_SPECIFICATION_CHARS + 9) + " in three lines"
    said = task_of_request({"messages": [user(long)]}).specification
    assert len(said) <= MAX_SPECIFICATION_CHARS
    assert (said[:15], said[-14:]) == ("Summarise this:", "in three lines")
    assert "\n[...]\n" in said


@pytest.mark.parametrize(
    ("request_", "tokens"),
    [
        ({"messages": [user("a" * 400)]}, 100 + 5),  # content, role and user: 15 characters
        ({"messages": [user("ж" * 400)]}, 200 + 5),
        ({"messages": [user("字" * 400)]}, 300 + 5),
        ({"messages": [user([IMAGE, IMAGE])]}, 2 * 1_600 + 5),
        ({"messages": []}, 1),
        ({}, 1),
    ],
)
def test_tokens_are_estimated(request_, tokens):
    assert prompt_tokens(request_) == pytest.approx(tokens, abs=1)


@pytest.mark.parametrize(
    ("source", "tokens"),
    [
        ({"type": "base64", "media_type": "application/pdf", "data": "A" * 100_000}, 3_000),
        ({"type": "text", "media_type": "text/plain", "data": "a" * 4_000}, 1_000),
        ({"type": "content", "content": [text("a" * 4_000)]}, 1_000),
        ({"type": "url", "url": "https://example.org/a.pdf"}, 3_000),
        ({"type": "file", "file_id": "file_1"}, 3_000),
    ],
)
def test_documents_count_as_tokens_and_not_as_the_task(source, tokens):
    request = {"messages": [user([{"type": "document", "source": source}, text("Sum it up")])]}
    assert specification_of(request) == "Sum it up"
    assert prompt_tokens(request) == pytest.approx(tokens, abs=20)


def test_the_tokens_of_system_tools_and_tool_use_count():
    tool = {"name": "look", "description": "d" * 400, "input_schema": {"type": "object"}}
    used = ToolUseBlock(type="tool_use", id="t1", name="look", input={"where": "w" * 400})
    bare = {"messages": [user("a" * 400), assistant(used), user([RESULT])]}
    assert prompt_tokens({**bare, "system": "s" * 400, "tools": [tool]}) - prompt_tokens(
        bare
    ) == pytest.approx(210, abs=15)
    assert prompt_tokens(bare) > 200


def test_a_cap_is_no_expectation_and_tokens_come_from_the_whole_prompt():
    task = task_of_request({"max_tokens": 64_000, "system": "s" * 4_000, "messages": [user("Hi")]})
    assert (task.output_tokens, task.specification, task.deterministic) == (None, "Hi", False)
    assert task.input_tokens == pytest.approx(1_000, abs=10)


def test_what_the_caller_says_goes_first():
    facts = {"task_type": "faq", "input_tokens": 7, "specification": "Answer FAQs", "live": True}
    known = {"input_tokens": 900, "cached_tokens": 800, "session_tier": "opus"}
    task = task_of_request({"messages": [user("Hi")]}, facts, known=known)
    assert (task.specification, task.task_type, task.input_tokens, task.live) == (
        "Answer FAQs",
        "faq",
        7,
        True,
    )
    assert (task.cached_tokens, task.session_tier) == (None, None)  # of another count
    kept = task_of_request({"messages": [user("Hi")]}, {"live": True}, known=known)
    assert (kept.input_tokens, kept.cached_tokens, kept.session_tier) == (900, 800, "opus")


def test_a_command_is_asked_of_a_model_and_not_run():
    request = {"messages": [user("curl -s https://example.org/api")]}
    assert task_of_request(request).deterministic is False
    with pytest.raises(InvalidTask, match="a model is needed|no model is needed"):
        task_of_request(request, {"deterministic": True})


def test_unknown_facts_name_the_nearest():
    with pytest.raises(UnknownFact, match="did you mean 'task_type'"):
        task_of_request({"messages": [user("Hi")]}, {"taks_type": "faq"})


def test_facts_of_headers():
    headers = [
        ("X-Tierwise-Task-Type", "meta%20description"),
        ("x-tierwise-items", "40"),
        ("x-tierwise-live", "True"),
        ("x-tierwise-verifiable", "0"),
        ("x-tierwise-attempts", "haiku, sonnet"),
        ("x-tierwise-follows", "abc"),
        ("x-tierwise-token", "of the service"),
        ("x-api-key", "sk-ant"),
        ("content-type", "application/json"),
    ]
    assert facts_from_headers(headers) == {
        "task_type": "meta description",
        "items": 40,
        "live": True,
        "verifiable": False,
        "attempts": ("haiku", "sonnet"),
        "follows": "abc",
    }


@pytest.mark.parametrize("text", ["Übersetzung", "要約", "naïve"])
def test_a_header_is_read_as_utf8_and_what_is_none_as_it_is(text):
    for written in (text.encode().decode("latin-1"), text):
        assert facts_from_headers([("x-tierwise-task-type", written)]) == {"task_type": text}


@pytest.mark.parametrize(
    ("header", "value", "message"),
    [
        ("x-tierwise-live", "yes", "x-tierwise-live must be true or false; got 'yes'"),
        ("x-tierwise-items", "-4", "x-tierwise-items must be a whole number"),
        ("x-tierwise-items", "٤", "x-tierwise-items must be a whole number"),
        ("x-tierwise-items", "9" * 40, "x-tierwise-items must be a whole number"),
        ("x-tierwise-item", "4", "Unknown fact 'item'; did you mean 'items'"),
    ],
)
def test_bad_headers_say_what_is_allowed(header, value, message):
    with pytest.raises(InvalidTask, match=message):
        facts_from_headers([(header, value)])


def test_auto_is_one_of_two_names():
    named = ["auto", "tierwise-auto", "Auto", "claude-haiku-5-5", "", None, 5, ["auto"]]
    assert [is_auto(each) for each in named] == [True, True, *[False] * 6]
