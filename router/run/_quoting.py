"""What may be shown of the service's words: they must not quote the request, nor the key.

The API's answer to a bad request can quote any of it: a prompt, a tool, a schema, whole or cut, as it is or
escaped. So only what the API itself says is shown: its own words, names of parameters and of the model, and,
where nothing is escaped, words and numbers that are nowhere in the request. All else is "…", whoever's it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

LEFT_OUT = "(its words may quote the request and are left out)"
_MIN_TEXT_CHARS = 4  # a whole text that is shorter tells nothing
_RUN_CHARS = 24  # so much in a row is a quote, even if it is of the API's own words
_PIECE = re.compile(r"\w+|[^\w]")
_ESCAPES = "\\&%"
_PLAIN = frozenset(" \n.,:;'\"()[]{}<>=/-")
# with what is between, two words at most: a quote would show how it is built
_HIDDEN = re.compile(r"…(?:[^\w…]*(?:\w+[^\w…]*){0,2}…)+")
_PLACE = re.compile(r"(?<=[.\[])[0-9]{1,2}(?=[.:\]]|$)")  # of an item in the request: "messages.0.content"
# what the Messages API says of requests, its parameters and their values
_ITS_WORDS = """
a above accepted adaptive add additionalproperties after all allof allowed already also an and anthropic any
anyof apply are argument array as assistant at auto available base64 be bearer because been before below
beta betas between block blocks body bool boolean both budget budget_tokens but by cache cache_control
cached call calls can cannot characters check citations claude combined content context count create
currently custom default description dict dictionary did disabled do document documents does during each
effort either empty enable enabled end enough enum ephemeral error errors even exceed exceeded exceeds exist
expected extra failed false fewer field fields file final first float following for format found from
function get given got greater had has have header headers high history id ids if image images immediately
in include included includes input input_schema inputs int integer integers interleaved invalid is it item
items its json json_schema key keys keyword last least length less limit limited limits list long low main
match max max_tokens maximum maxitems maxlength may media media_type message messages metadata min minimum
minitems minlength missing mode model models more most multiple must name names next no non none not null
number object of off on one oneof only or other out output output_config over page pages parameter
parameters pattern pdf permitted please position prefill previous processed prompt prompts properties
property provided range rate reached reason received redacted_thinking ref request requests require required
requires response role roles same schema send server service service_tier set shorter should signature since
single size smaller some source start stop stop_sequences str stream streaming strict string strings
structured such support supported supports system tag tags temperature text text_editor than that the their
them then there these they thinking this to token tokens too tool tool_choice tool_result tool_results
tool_use tool_use_ids tools top top_k top_p total true try type types unable unexpected unknown unsupported
up uri url us usage use used user user_id uses using valid value values version was were when where whether
which will window with within without would xhigh you your zero
"""
_WORDS = frozenset(_ITS_WORDS.split())


def shown(said: str, sent: Mapping[str, Any], secrets: Iterable[str] = (), *, n_chars: int = 300) -> str:
    """The API's own words of these, at most so many characters; or that they are left out.

    sent : the keyword arguments of the request; names of parameters and the model's may be shown.
    """
    said = said[:n_chars]
    texts = [_plain(text) for text in (*_strings(_values(sent)), *secrets)]
    known = {*_WORDS, *_words(*sent, *_mapping(sent.get("extra_body")), str(sent.get("model", "")))}
    is_escaped = any(char in said for char in _ESCAPES)
    places = {found.start() for found in _PLACE.finditer(said)}
    shown = "".join(
        each[0] if each.start() in places or _may_be_shown(each[0], known, texts, is_escaped) else "…"
        for each in _PIECE.finditer(said)
    )
    shown = _HIDDEN.sub("…", shown)
    return LEFT_OUT if _quotes(_plain(shown), known, texts) else shown


def quotes_nothing(name: str, sent: Mapping[str, Any], secrets: Iterable[str] = ()) -> bool:
    """Whether no word of a name, which has no escapes, stands in the request or is a secret."""
    texts = [_plain(text) for text in (*_strings(_values(sent)), *secrets)]
    return not any(len(word) > 2 and word in text for word in _words(name) - _WORDS for text in texts)


def _may_be_shown(piece: str, known: set[str], texts: list[str], is_escaped: bool) -> bool:
    word = piece.casefold()
    if word in known or piece in _PLAIN:
        return True
    is_simple = piece.isascii() and (piece.isalpha() or piece.isdigit()) and not is_escaped
    return is_simple and not any(word in text for text in texts)


def _quotes(shown: str, known: set[str], texts: list[str]) -> bool:
    """Whether a piece of a text, or all of it, is there although each word is one of the API's own."""
    starts = range(max(len(shown) - _RUN_CHARS + 1, 0))
    if any(shown[start : start + _RUN_CHARS] in text for text in texts for start in starts):
        return True
    wholes = (text for text in texts if len(text) >= _MIN_TEXT_CHARS and text not in known)
    return any(text in shown for text in wholes)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _words(*names: str) -> set[str]:
    return {word for name in names for word in re.findall(r"\w+", name.casefold())}


def _values(sent: Mapping[str, Any]) -> Iterator[Any]:
    for name, value in sent.items():
        if name == "extra_body":
            yield from _mapping(value).values()
        elif name != "model" and not isinstance(value, int | float):
            yield value


def _strings(value: Any) -> Iterator[str]:
    """All texts and numbers in it, at any depth; names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes | bytearray):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _strings(name)
            yield from _strings(each)
    elif hasattr(value, "to_dict"):  # a block of the SDK
        yield from _strings(value.to_dict())
    elif isinstance(value, Iterable):
        for each in value:
            yield from _strings(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
