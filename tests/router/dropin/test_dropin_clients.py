"""What a wrapped client is: a client of the SDK, with its credentials, its copies, and what it shares."""

from __future__ import annotations

import subprocess
import sys

import anthropic
import pytest
from asked import asking

import tierwise
from tierwise import Policy, Router
from tierwise.classifier.errors import InvalidRequest

HAIKU = "claude-haiku-5-5"


def test_the_wrapped_client_is_a_client_and_the_given_one_is_not_changed(server):
    given = server.client()
    client = tierwise.wrap(given)
    assert isinstance(client, anthropic.Anthropic)
    assert isinstance(client.messages, anthropic.resources.Messages)
    assert (client.base_url, client.api_key) == (given.base_url, given.api_key)
    with pytest.raises(anthropic.NotFoundError):
        given.messages.create(**asking())
    for changed in (client.with_options(timeout=3), client.copy(max_retries=1)):
        assert changed.messages.create(**asking()).tierwise.tier == "haiku"
        assert changed.router is client.router
    assert client.with_options(timeout=3).timeout == 3


@pytest.mark.parametrize("wrong", [anthropic.Anthropic, None, "client"])
def test_what_is_no_client_is_refused(wrong):
    with pytest.raises(InvalidRequest, match="wrap needs an anthropic.Anthropic or AsyncAnthropic"):
        tierwise.wrap(wrong)


def test_a_router_comes_with_its_own_policy_and_log(server):
    with pytest.raises(InvalidRequest, match="A router has its own policy and log"):
        tierwise.wrap(server.client(), router=Router(), policy=Policy())
    wrapped = tierwise.wrap(server.client(), router=Router())
    with pytest.raises(InvalidRequest, match="wrapped already"):
        tierwise.wrap(wrapped)


def test_without_the_sdk_it_says_what_to_install():
    code = (
        "import sys; sys.modules['anthropic'] = None; import tierwise\n"
        "try: tierwise.wrap(object())\n"
        "except tierwise.TierwiseError as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("MissingExtra This needs the package 'anthropic'")
    assert "pip install 'tierwise[anthropic]'" in done.stdout


def test_credentials_of_a_profile_stay_with_a_copy(server, monkeypatch):
    from anthropic.lib.credentials import AccessToken

    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)

    def provider(**_):
        return AccessToken(server.api_key, None)

    given = anthropic.Anthropic(base_url=server.url, credentials=provider, max_retries=0)
    given.messages.create(**asking(model=HAIKU))
    client = tierwise.wrap(given)
    for each in (client, client.with_options(timeout=9), client.with_options(timeout=9).copy(max_retries=1)):
        assert each.messages.create(**asking()).tierwise.tier == "haiku"
        assert each.with_raw_response.messages.create(**asking()).tierwise.tier == "haiku"
    assert [call.status for call in server.calls] == [200] * 7
    given.close()


def test_a_subclass_keeps_what_it_adds(server):
    class Named(anthropic.Anthropic):
        team = "search"

    client = tierwise.wrap(Named(base_url=server.url, api_key=server.api_key))
    assert isinstance(client, Named)
    assert (client.team, client.with_options(timeout=2).team) == ("search", "search")
    assert client.messages.create(**asking()).tierwise.tier == "haiku"
    client.close()


def test_a_client_that_the_sdk_cannot_copy_is_refused_before_it_is_used(server):
    class OfTeam(anthropic.Anthropic):
        def __init__(self, team):
            super().__init__(base_url=server.url, api_key=server.api_key)

    with OfTeam("search") as given, pytest.raises(InvalidRequest, match="OfTeam raises TypeError: .*api_key"):
        tierwise.wrap(given)


def test_a_key_that_is_assigned_later_is_the_one_that_is_sent(server):
    client = tierwise.wrap(server.client())
    client.messages.create(**asking())
    client.api_key = "another"
    with pytest.raises(anthropic.AuthenticationError):
        client.messages.create(**asking())
