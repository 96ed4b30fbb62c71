"""Which tier has which conversation in its cache: learned from usage, known by its beginning, for minutes."""

from __future__ import annotations

import random
import threading

import pytest
from anthropic.types import Message, TextBlock

import tierwise
from tierwise import Router
from tierwise.router.run import Usage
from tierwise.router.wire import Conversations, Routes, asks_for_cache
from tierwise.testing import Answer, MessagesServer

MARK = {"type": "ephemeral"}
SONNETS = "Draft a blog post of 900 words about our bakery."


class Clock:
    now_s = 1_000.0

    def __call__(self):
        return self.now_s


def user(words, **marks):
    return {"role": "user", "content": [{"type": "text", "text": words, **marks}]}


def assistant(words):
    return {"role": "assistant", "content": [{"type": "text", "text": words}]}


def request(*messages, system="You help.", **more):
    return {"messages": list(messages), "system": system, **more}


FIRST = request(user("One"))
SECOND = request(user("One"), assistant("1"), user("Two"))
WRITTEN = Usage(input_tokens=10, output_tokens=5, cache_write_5m_tokens=4_000)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def conversations(clock):
    return Conversations(clock=clock)


def known(conversations, asked, **scope):
    return conversations.known(conversations.beginnings(asked, **scope))


def learn(conversations, asked, tier, usage, **scope):
    conversations.answered(conversations.beginnings(asked, **scope), tier, usage)


def test_what_goes_on_is_known_by_its_beginning(conversations):
    learn(conversations, FIRST, "opus", WRITTEN)
    found = known(conversations, SECOND)
    assert (found.cached["opus"].tokens, found.prompt_tokens, found.n_messages) == (4_000, 4_010, 1)
    assert known(conversations, FIRST).cached["opus"].tokens == 4_000  # the same once more


@pytest.mark.parametrize(
    "other",
    [
        request(user("Other"), assistant("1"), user("Two")),
        request(user("One"), system="You don't help."),
        request(user("One"), tools=[{"name": "look"}]),
        request(),
        {},
    ],
)
def test_another_beginning_is_another_conversation(conversations, other):
    learn(conversations, FIRST, "opus", WRITTEN)
    assert known(conversations, other) == ({}, 0, 0)


def test_the_same_words_written_otherwise_are_the_same(conversations):
    learn(conversations, FIRST, "opus", WRITTEN)
    block = TextBlock(type="text", text="One", citations=None)
    for same in (
        {"role": "user", "content": "One"},
        {"role": "user", "content": [block]},
        user("One", cache_control=MARK),
    ):
        again = request(same, assistant("1"), user("Two"), system=[{"type": "text", "text": "You help."}])
        assert known(conversations, again).cached["opus"].tokens == 4_000


def test_a_tools_answer_may_be_a_text_or_a_block(conversations):
    def asked(content):
        told = {"type": "tool_result", "tool_use_id": "t1", "content": content}
        return request(user("One"), assistant("1"), {"role": "user", "content": [told]})

    learn(conversations, asked("Sunny."), "opus", WRITTEN)
    assert known(conversations, asked([{"type": "text", "text": "Sunny."}])).cached
    assert not known(conversations, asked("Rainy.")).cached


def test_all_that_was_read_or_written_is_in_the_cache(conversations):
    usage = Usage(10, 5, cache_read_tokens=4_000, cache_write_5m_tokens=200, cache_write_1h_tokens=30)
    learn(conversations, FIRST, "opus", usage)
    found = known(conversations, SECOND)
    assert (found.cached["opus"].tokens, found.prompt_tokens) == (4_230, 4_240)


def test_an_hours_cache_written_after_one_of_minutes_lasts_an_hour(conversations, clock):
    learn(conversations, FIRST, "opus", WRITTEN)
    learn(conversations, SECOND, "opus", Usage(cache_read_tokens=4_000, cache_write_1h_tokens=500))
    clock.now_s += 3_599
    assert known(conversations, SECOND).cached["opus"].tokens == 4_500


def test_another_tier_at_the_same_place_leaves_what_the_first_one_has(conversations):
    learn(conversations, FIRST, "haiku", WRITTEN)
    learn(conversations, SECOND, "sonnet", WRITTEN)
    learn(conversations, SECOND, "opus", WRITTEN._replace(cache_write_5m_tokens=6_000))
    assert set(known(conversations, SECOND).cached) == {"haiku", "sonnet", "opus"}
    assert set(known(conversations, FIRST).cached) == {"haiku"}


def test_accounts_have_caches_of_their_own(conversations):
    learn(conversations, FIRST, "opus", WRITTEN, scope="key a")
    assert known(conversations, SECOND, scope="key a").cached
    assert not known(conversations, SECOND, scope="key b").cached


@pytest.mark.parametrize(
    ("usage", "ttl_s"), [(WRITTEN, 300), (WRITTEN._replace(cache_write_1h_tokens=1), 3_600)]
)
def test_a_cache_lasts_five_minutes_or_an_hour_after_its_last_use(conversations, clock, usage, ttl_s):
    learn(conversations, FIRST, "opus", usage)
    clock.now_s += ttl_s - 1
    assert known(conversations, SECOND).cached
    learn(conversations, SECOND, "opus", Usage(cache_read_tokens=4_000))  # it was read: its time starts anew
    clock.now_s += ttl_s - 1
    assert known(conversations, SECOND).cached
    clock.now_s += 1
    assert known(conversations, SECOND).cached == {}
    assert known(conversations, SECOND).n_messages == 3  # what it counted is still true


def test_each_tier_has_its_own_longest_beginning(conversations):
    learn(conversations, FIRST, "sonnet", WRITTEN)
    learn(conversations, SECOND, "opus", WRITTEN._replace(cache_write_5m_tokens=6_000))
    third = request(*SECOND["messages"], assistant("2"), user("Three"))
    cached = known(conversations, third).cached
    assert {tier: each.tokens for tier, each in cached.items()} == {"opus": 6_000, "sonnet": 4_000}


def test_an_answer_without_a_cache_leaves_none(conversations):
    for usage in (Usage(input_tokens=5_000), WRITTEN, Usage(input_tokens=5_000)):  # nor what was there before
        learn(conversations, FIRST, "opus", usage)
        assert ("opus" in known(conversations, SECOND).cached) is (usage is WRITTEN)


def test_memory_is_bounded_and_the_longest_unused_goes_first(clock):
    conversations = Conversations(max_known=3, clock=clock)
    asked = [request(user(str(number))) for number in range(4)]
    for each in asked[:3]:
        learn(conversations, each, "opus", WRITTEN)
    known(conversations, asked[0])  # used
    learn(conversations, asked[3], "opus", WRITTEN)
    assert len(conversations) == 3
    assert [bool(known(conversations, each).cached) for each in asked] == [True, False, True, True]


def test_hashes_mean_nothing_to_another_process(conversations, clock):
    mine, its = (each.beginnings(FIRST) for each in (conversations, Conversations(clock=clock)))
    assert mine == conversations.beginnings(FIRST)
    assert not set(mine) & set(its)


def test_no_text_is_kept(conversations):
    learn(conversations, request(user("my secret words")), "opus", WRITTEN)
    assert "secret" not in repr(vars(conversations))


def test_threads_share_it():
    conversations, chance = Conversations(max_known=50), random.Random(4)
    orders = [chance.sample(range(100), 100) for _ in range(8)]

    def work(order):
        for number in order:
            learn(conversations, request(user(str(number))), "opus", WRITTEN)
            known(conversations, request(user(str(number)), assistant("a"), user("b")))

    threads = [threading.Thread(target=work, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(conversations) == 50


@pytest.mark.parametrize(
    ("asked", "asks"),
    [
        (FIRST, False),
        (request(user("One", cache_control=MARK)), True),
        (request(user("One"), cache_control=MARK), True),
        (request(user("One"), system=[{"type": "text", "text": "x", "cache_control": MARK}]), True),
        (request(user("One"), tools=[{"name": "look", "cache_control": MARK}]), True),
        (request(user("One", cache_control=None)), False),
    ],
)
def test_breakpoints_are_found(asked, asks):
    assert asks_for_cache(asked) is asks


def test_a_decision_knows_what_is_cached_where(clock):
    routes = Routes(Router(), conversations=Conversations(clock=clock))
    first = routes.route(request(user("x" * 200_000 + SONNETS), cache_control=MARK), {"floor": "opus"})
    routes.attempt(first, Usage(300, 400, cache_write_5m_tokens=50_000), "end_turn")
    going_on = request(*first.request["messages"], assistant("Ok."), user(SONNETS), cache_control=MARK)
    stays = routes.route(going_on)
    task = stays.decision.task
    assert (task.session_tier, task.cached_tokens) == ("opus", 50_000)
    assert 50_300 < task.input_tokens < 50_400  # as the service counted it, and the new words
    assert (stays.decision.tier, stays.decision.reason) == ("opus", "cached_prefix")
    assert "Staying on opus" in stays.decision.explain()
    assert routes.route(going_on, {"attempts": ("opus",)}).decision.reason == "exhausted"
    assert routes.route(going_on, {"pin": "haiku"}).decision.tier == "haiku"
    unmarked = {name: each for name, each in going_on.items() if name != "cache_control"}
    assert routes.route(unmarked).decision.tier == "sonnet"  # nothing is read from a cache then
    clock.now_s += 300
    assert routes.route(going_on).decision.tier == "sonnet"


def test_of_two_caches_the_cheaper_one_is_where_the_session_is():
    routes = Routes(Router())
    first = request(user("x" * 200_000 + SONNETS), cache_control=MARK)
    for tier in ("sonnet", "opus"):
        routed = routes.route(first, {"pin": tier})
        routes.attempt(routed, Usage(300, 400, cache_write_5m_tokens=50_000), "end_turn")
    going_on = request(*first["messages"], assistant("Ok."), user(SONNETS), cache_control=MARK)
    decision = routes.route(going_on).decision
    assert (decision.task.session_tier, decision.tier) == ("sonnet", "sonnet")


def test_through_the_client_it_stays_while_that_is_cheaper_and_says_so():
    answer = Answer("Ok.", input_tokens=40, output_tokens=300, cache_write_5m_tokens=60_000)
    with MessagesServer(answers=answer) as server:
        client = tierwise.wrap(server.client())
        messages = [user(SONNETS)]
        asking = {"model": "auto", "max_tokens": 900, "cache_control": MARK}
        first = client.messages.create(**asking, messages=messages, tierwise={"pin": "opus"})
        messages += [first.to_param(), user(SONNETS)]
        second = client.messages.create(**asking, messages=messages)
        assert isinstance(second, Message)
        assert (second.model, second.tierwise.reason) == ("claude-opus-5-5", "cached_prefix")
        server.then(Answer("Ok.", input_tokens=90, output_tokens=300))  # nothing was cached of it
        fresh = client.messages.create(
            **asking, messages=[user("Hello. " + SONNETS)], tierwise={"pin": "opus"}
        )
        going_on = [user("Hello. " + SONNETS), fresh.to_param(), user(SONNETS)]
        assert client.messages.create(**asking, messages=going_on).model == "claude-sonnet-5-5"
