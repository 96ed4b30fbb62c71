"""Whatever JSON a client sends: it is routed, or refused with an error of ours; never a failure."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise import Router
from tierwise.classifier.errors import InvalidTask
from tierwise.router.run import Usage
from tierwise.router.wire import Routes, asks_for_cache, prompt_tokens

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
KEYS = (
    "type",
    "role",
    "content",
    "text",
    "source",
    "data",
    "cache_control",
    "format",
    "effort",
    "budget_tokens",
)


def _mappings(inner):
    return st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), inner, max_size=4)


anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | _mappings(inner), max_leaves=12)


kinds = st.sampled_from(["text", "image", "document", "tool_result", "tool_use", "thinking", "enabled"])
blocks = st.fixed_dictionaries(
    {"type": kinds | anything},
    optional={
        "text": st.text() | anything,
        "content": anything,
        "source": anything,
        "cache_control": anything,
    },
)
contents = st.text(max_size=50) | st.lists(blocks, max_size=4) | anything
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]) | anything, "content": contents}
)
requests = st.fixed_dictionaries(
    {"model": st.just("auto")},
    optional={
        "messages": st.lists(messages | anything, max_size=5) | anything,
        "max_tokens": st.integers(1, 200_000) | anything,
        **dict.fromkeys(("system", "tools", "thinking", "output_config", "stream", "temperature"), anything),
        "new": anything,
    },
)
facts = st.dictionaries(
    st.sampled_from(["task_type", "items", "live", "role", "floor", "pin", "attempts", "input_tokens", "x"]),
    anything | st.sampled_from(["haiku", "opus", "worker"]),
    max_size=3,
)
ROUTES = Routes(Router())


@settings(max_examples=600)
@given(requests, facts)
def test_any_request_is_routed_or_refused(request, given_facts):
    before = repr(request)
    try:
        routed = ROUTES.route(request, given_facts, scope="key")
    except InvalidTask:
        assert given_facts  # a request alone is always routed
        return
    finally:
        assert repr(request) == before
    assert routed.request["model"] == routed.rung.model
    assert {name for name in request if name not in routed.request} <= {
        "thinking",
        "output_config",
        "temperature",
    }
    assert prompt_tokens(request) >= 1
    assert asks_for_cache(request) in (True, False)
    attempt = ROUTES.attempt(routed, Usage(5, 6, 7, 8, 9), "end_turn")
    assert attempt.cost_usd > 0
    again = ROUTES.route(request, given_facts, scope="key")
    assert again.beginnings == routed.beginnings
