"""No error holds a piece of the request or the key, however the service quotes it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tierwise import Router, Task
from tierwise.classifier.errors import RequestRefused
from tierwise.router.run import Options, build_request
from tierwise.router.run._quoting import _WORDS, LEFT_OUT, shown
from tierwise.testing import Fault, MessagesServer

KEY = "sk-ant-Xy7"
PLAIN = [  # what the API says of parameters, and a long prompt in English must not hide
    "max_tokens: 300000 > 128000, which is the maximum allowed number of output tokens for claude-haiku-5-5",
    "messages.0.content.0.text: Input should be a valid string",
    "nonsense: Extra inputs are not permitted",
    "prompt is too long: 1200000 tokens > 1000000 maximum",
    "messages: at least one message is required",
    "tools.0.custom.input_schema: Field required",
    "messages.11: inference is deprecated in Switzerland since 1848",  # words that are new to us
]
PROSE = (
    "A message to the user should be a valid summary of the documents that were given. Extra points are not "
    "for style, the maximum is ten; at least one is required. Input comes as text and the output is a list."
)


def sent(ladder, text="Tag it", **options):
    return build_request(Task(text), ladder.rungs[0], Options(**options)).kwargs


@pytest.mark.parametrize("said", PLAIN)
def test_what_the_api_says_of_parameters_is_shown(ladder, said):
    other = {"extra_body": {"nonsense": "Wilhelmine"}}
    assert shown(said, sent(ladder, PROSE, other=other), [KEY]) == said


QUOTED = [
    ("the herbs of Otto and Hans", {}, "messages.0: the herbs of Otto and Hans", "messages.0: the …"),
    ("Otto and Hans", {}, "'Otto' is not allowed after 'Hans'", "'…' is not allowed after '…'"),
    ("Otto", {}, "messages.0: 'Otto' is not allowed", "messages.0: '…' is not allowed"),
    ("Call Otto", {}, "messages.0: Call Ott...", "messages.0: Call …..."),
    ("a\nZebra\nb", {}, r"messages.0: 'a\nZebra\nb' is invalid", "messages.0: 'a…' is invalid"),
    ("a\nZebra\nb", {}, "messages.0: 'a\nZebra\nb' is invalid", "messages.0: 'a\n…' is invalid"),
    (
        '{"path": "C:\\\\temp\\\\zeb"}',
        {},
        json.dumps({"at": '{"path": "C:\\\\temp\\\\zeb"}'}),
        '{"at": "{…"}"}',
    ),
    ("naïve Fälle", {}, r"messages.0: na\u00efve", "messages.0: …"),
    ("名簿を見て", {}, "messages.0: 名簿", "messages.0: …"),
    ("名簿を見て", {}, r"messages.0: \u540d\u7c3f", "messages.0: …"),
    ("is 🦓 good", {}, r"messages.0: \ud83e\udd93", "messages.0: …"),
    ("x = 1; y = 22", {}, "messages.0: x = 1; y", "messages.0: …"),
    ("call +49 30 12 34", {}, "messages.0: '30 12 34'", "messages.0: '…'"),
    ("ZEBRA", {}, "messages.0: zebra", "messages.0: …"),
    ("?!?!?!", {}, "messages.0: '?!?!?!'", "messages.0: '…'"),
    ("the maximum number of tokens is too long", {}, "messages.0: the maximum number of tokens is", LEFT_OUT),
    ("hi", {"system": "Be Otto"}, "system: Otto", "system: …"),
    ("hi", {"system": [{"type": "text", "text": "Be Otto"}]}, "system.0: Otto", "system.0: …"),
    (
        "hi",
        {"other": {"tools": [{"name": "find_otto", "input_schema": {}}]}},
        "tools.0: find_otto",
        "tools.0: …",
    ),
    (
        "hi",
        {"other": {"tools": [{"name": "a", "description": "of Otto", "input_schema": {}}]}},
        "tools.0: 'of Otto'",
        "tools.0: 'of …'",
    ),
    (
        "hi",
        {"output_schema": {"properties": {"otto_s": {}}}},
        "output_config: otto_s is invalid",
        "output_config: … is invalid",
    ),
    (
        "hi",
        {"messages": [{"role": "user", "content": [{"type": "z", "n": 4711}]}]},
        "messages.0: 4711",
        "messages.0: …",
    ),
    ("hi", {"other": {"stop_sequences": ["OTTO"]}}, "stop_sequences: OTTO", "stop_sequences: …"),
    ("hi", {"other": {"metadata": {"user_id": "otto-7"}}}, "metadata.user_id: otto-7", "metadata.user_id: …"),
    ("hi", {"other": {"extra_headers": {"x-a": "Otto"}}}, "header: Otto", "header: …"),
    ("hi", {"other": {"extra_body": {"nonsense": "Otto"}}}, "nonsense: Otto", "nonsense: …"),
    ("hi", {}, f"the key {KEY} is invalid", "the key … is invalid"),
    ("hi", {}, f"the key {KEY[:-2]}...", "the key …..."),
]


@pytest.mark.parametrize(("text", "options", "said", "left"), QUOTED)
def test_what_quotes_the_request_or_the_key_is_hidden_and_no_more(ladder, text, options, said, left):
    assert shown(said, sent(ladder, text, **options), [KEY]) == left


FORMS = {
    "raw": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "unicode json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "ascii": lambda text: ascii(text)[1:-1],
    "upper": str.upper,
    "lower": str.lower,
}
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60)
lines = st.lists(
    st.sampled_from(["otto", "\n", "\\", " ", '"', "'", "4711", "é", "\t", "x", "!"]), min_size=1
)


@settings(deadline=None, max_examples=400, database=None)
@given(text=texts | lines.map("".join), form=st.sampled_from(sorted(FORMS)), data=st.data())
@example("\n\\otto\n", "json in json", None)
def test_no_word_of_a_text_is_shown_in_any_form(ladder, text, form, data):
    """A cut of the text, quoted in a sentence of the API: no word of it comes through but the API's own."""
    start, end = 0, len(text)
    if data is not None:
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start + 1, len(text)))
    quote = FORMS[form](text[start:end])[:200]
    said = f"messages.0.content: '{quote}' is not valid"
    whole = {**sent(ladder), "messages": [{"role": "user", "content": f"{text}"}]}
    words = [word for word in _words(text[start:end]) if word not in _WORDS and word not in ("0",)]
    found = shown(said, whole).casefold()
    assert found == LEFT_OUT or not [word for word in words if word in _words(found)]
    assert words == [] or found != said


def _words(text):
    """Those that tell something: three characters, or one that isn't ASCII."""
    found = "".join(char if char.isalnum() or char == "_" else " " for char in text.casefold()).split()
    return [word for word in found if len(word) >= 3 or not word.isascii()]


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        '{"error": 5}',
        '{"error": {"type": ["Otto"], "message": {"a": "Otto"}}}',
        '{"error": {"type": "otto", "message": null}}',
        "<html>Otto</html>",
        "",
    ],
)
def test_a_refusal_that_is_not_written_as_the_api_writes_it(body):
    refused = pytest.raises(RequestRefused, match="HTTP 400")
    with MessagesServer(Fault.body(body, status=400)) as server, refused as caught:
        Router(client=server.client()).run("Otto")
    assert "otto" not in (str(caught.value) + repr(vars(caught.value))).lower()
