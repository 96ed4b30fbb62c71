"""Whether words of the service may be shown: they must not quote the request, nor the key.

The API's answer to a bad request can quote any of it: a prompt, a tool, a schema, whole or cut, as it is or
escaped. So nothing of it is shown where a word that isn't the API's own stands in the request, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

LEFT_OUT = "(its words may quote the request and are left out)"
_MIN_CHARS = 3  # a shorter word of the request's may stand in any sentence
_MIN_TEXT_CHARS = 4  # a whole text that is shorter tells nothing
_RUN_CHARS = 24  # so much in a row is a quote, even if it is of the API's own words
_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U([0-9a-fA-F]{8})|([nrtbf\"'/]))")
_WORD = re.compile(r"\w+")
_EDGES = " \t\r\n.,:;!?'\"`()[]{}<>=|/\\-"
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
    """The service's words, at most so many characters; or that they are left out.

    sent : the keyword arguments of the request; names of parameters and the model's may be shown.
    """
    said = said[:n_chars]
    own = {name.casefold() for name in (*sent, *_mapping(sent.get("extra_body")))}
    model = str(sent.get("model", "")).casefold()
    texts = {*_strings(_values(sent)), *secrets}
    forms = "\0".join(form for text in texts for form in _forms(text))
    if any(_quotes(each.casefold().replace(model or "\0", " "), own, forms) for each in _readings(said)):
        return LEFT_OUT
    wholes = {text.strip().casefold() for text in texts if text.casefold() not in (*own, *_WORDS, model)}
    plain = [" ".join(each.casefold().split()) for each in _readings(said)]
    for whole in wholes:
        if len(whole) >= _MIN_TEXT_CHARS and any(" ".join(whole.split()) in each for each in plain):
            return LEFT_OUT
    return said


def _quotes(said: str, own: set[str], forms: str) -> bool:
    """Whether a word, or a run of short ones, that is not the API's own stands in the request's texts."""
    starts = range(max(len(said) - _RUN_CHARS + 1, 0))
    if any(said[start : start + _RUN_CHARS] in forms for start in starts):
        return True
    rest = said
    for word in dict.fromkeys(_WORD.findall(said)):
        is_own, is_long = word in _WORDS or word in own, len(word) >= _MIN_CHARS or not word.isascii()
        if is_long and not is_own and word in forms:
            return True
        if is_long or is_own:
            rest = re.sub(rf"\b{re.escape(word)}\b", "\0", rest)
    runs = [run.strip(_EDGES) for run in (*rest.split("\0"), *re.split("[\0'\"`]|: ", rest))]
    if any(len(run) >= _MIN_CHARS and any(map(str.isalnum, run)) and run in forms for run in runs):
        return True
    return any(not char.isascii() and char in forms for char in said)


def _readings(said: str) -> tuple[str, ...]:
    """As it is, and with its escapes resolved."""
    return said, _ESCAPE.sub(_resolved, said).replace("\\\\", "\\")


def _resolved(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code:
        return chr(int(code, 16)) if int(code, 16) < 0x110000 else " "
    return " " if found[4] in "nrtbf" else found[4]


def _forms(text: str) -> Iterator[str]:
    """A text as it may be quoted."""
    for form in (text, json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text), ascii(text)):
        yield form.casefold()


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
