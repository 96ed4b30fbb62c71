"""Who may use the service: loopback, tokens, rates, and no other site's page."""

from __future__ import annotations

import json
import os
import stat

import pytest
from click.testing import CliRunner
from served import raw, served

from tierwise.classifier.errors import InvalidSetting
from tierwise.cli import main
from tierwise.router.serve import Settings
from tierwise.router.serve.access._access import caller
from tierwise.router.serve.access._rate import Rate
from tierwise.router.serve.access._tokens import TokenFile, new_token, read_tokens, revoke_token

TASK = {"specification": "Write the meta description"}


@pytest.fixture
def tokens(tmp_path):
    return tmp_path / "tokens.json"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "routing.example.org"])
def test_beyond_loopback_a_token_is_required(host):
    with pytest.raises(InvalidSetting, match="tierwise token new"):
        Settings(host=host)
    assert Settings(host=host, tokens="tokens.json").host == host


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"port": 70_000}, "port must be"),
        ({"port": True}, "port must be"),
        ({"body_timeout_s": 0}, "body_timeout_s must be a number > 0"),
        ({"watch_s": float("nan")}, "watch_s must be"),
        ({"burst": 0}, "burst must be"),
        ({"requests_per_s": -1}, "requests_per_s must be"),
        ({"allowed_hosts": "example.org"}, "allowed_hosts must be"),
        ({"upstream_url": "api.anthropic.com"}, "upstream_url must be"),
        ({"upstream_url": "https://"}, "and names a host"),
        ({"upstream_url": "http://[::1"}, "and names a host"),
        ({"upstream_url": "https://host:99999"}, "and names a host"),
        ({"upstream_url": "https://exa mple"}, "and names a host"),
        ({"upstream_url": "https://api.anthropic.com?x=1"}, "and names a host"),
    ],
)
def test_settings_are_checked_once(setting, message):
    with pytest.raises(InvalidSetting, match=message):
        Settings(**setting)


def test_a_token_is_printed_once_and_only_its_hash_is_kept(tokens):
    done = CliRunner().invoke(main, ["token", "new", "--tokens", str(tokens), "--name", "ops"])
    token = done.stdout.strip()
    assert token.startswith("tw_")
    assert token not in tokens.read_text()
    assert stat.S_IMODE(os.stat(tokens).st_mode) == 0o600
    listed = CliRunner().invoke(main, ["token", "list", "--tokens", str(tokens), "--json"])
    assert [each["name"] for each in json.loads(listed.stdout)] == ["ops"]
    again = CliRunner().invoke(main, ["token", "new", "--tokens", str(tokens), "--name", "ops"])
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    no_name = CliRunner().invoke(main, ["token", "new", "--tokens", str(tokens), "--name", " "])
    assert (no_name.exit_code, "--name" in no_name.stderr) == (2, True)
    assert CliRunner().invoke(main, ["token", "revoke", "ops", "--tokens", str(tokens)]).exit_code == 0
    assert read_tokens(tokens) == []
    assert CliRunner().invoke(main, ["token", "revoke", "ops", "--tokens", str(tokens)]).exit_code == 2


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred", "x" * 101, "tab\t"])
def test_a_name_that_would_spoil_a_list_is_refused(tokens, name):
    with pytest.raises(InvalidSetting, match="one line of at most 100"):
        new_token(tokens, name)
    assert not tokens.exists()
    new_token(tokens, "Büro “a” / 日本")
    assert [each.name for each in read_tokens(tokens)] == ["Büro “a” / 日本"]


_NO_HASH = '{"tokens": [{"name": "x", "sha256": "é", "created_at": ""}]}'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"tokens": [{"name": "x"}]}',
        '{"tokens": 3}',
        "\udcff",
        _NO_HASH,
        _NO_HASH.replace('"é"', "3"),
    ],
)
def test_a_file_that_holds_no_tokens_is_refused(tokens, content):
    tokens.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidSetting, match="not a file of tokens: it needs"):
        read_tokens(tokens)


def test_with_tokens_everything_but_health_needs_one(tokens):
    token = new_token(tokens, "ops")
    with served(tokens=tokens) as client:
        for path in ("/healthz", "/readyz"):
            assert client.get(path).status_code == 200
        for path in ("/", "/v1/model", "/metrics", "/openapi.json", "/static/tierwise.css", "/nowhere"):
            answer = client.get(path)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].startswith("Basic")
        for headers in (
            {"Authorization": f"Bearer {token}"},
            {"X-Tierwise-Token": token},
            {"x-api-key": token},
        ):
            assert client.post("/v1/predict", json=TASK, headers=headers).status_code == 200
        assert client.get("/", auth=("anybody", token)).status_code == 200
        for wrong in (f"Bearer {token[:-1]}", "Bearer", "Bearer tw_", "Basic !!!", "Basic eA==", "Digest x"):
            answer = client.get("/v1/model", headers={"Authorization": wrong})
            assert answer.status_code == 401, wrong
            assert token not in answer.text


@pytest.mark.parametrize(
    "path", ["//v1/model", "/healthz/../v1/model", "/healthz%2f..%2fv1/model", "/./metrics"]
)
def test_no_path_leads_around_the_token(tokens, path):
    new_token(tokens, "ops")
    with served(tokens=tokens) as client:
        found = raw(client.port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert found.startswith(b"HTTP/1.1 401"), found


def test_a_token_goes_no_further_and_others_keys_do(tokens):
    token = new_token(tokens, "ops").encode()
    theirs = [(b"x-api-key", b"sk-ant-1"), (b"authorization", b"Bearer sk-ant-2")]
    name, kept = caller([*theirs, (b"x-tierwise-token", token)], TokenFile(tokens))
    assert (name, kept) == ("ops", theirs)


def test_a_revoked_token_is_refused_and_a_broken_file_changes_nothing(tokens):
    kept, gone = new_token(tokens, "kept"), new_token(tokens, "gone")
    with served(tokens=tokens, watch_s=60) as client:

        def status(token):
            return client.get("/v1/model", headers={"X-Tierwise-Token": token}).status_code

        assert (status(kept), status(gone)) == (200, 200)
        revoke_token(tokens, "gone")
        client.service.look()
        assert (status(kept), status(gone)) == (200, 401)
        tokens.write_text("{")
        client.service.look()
        assert (status(kept), status(gone)) == (200, 401)


def test_guessing_tokens_is_slowed_down(tokens):
    new_token(tokens, "ops")
    with served(tokens=tokens) as client:
        wrong = [client.get("/v1/model", headers={"X-Tierwise-Token": f"tw_{i}"}) for i in range(25)]
        assert [each.status_code for each in wrong[:20]] == [401] * 20
        assert wrong[-1].status_code == 429
        assert int(wrong[-1].headers["retry-after"]) >= 1


def test_a_rate_is_kept():
    rate = Rate(2.0, 3)
    assert [rate.wait_s("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert rate.wait_s("b", 0.0) == 0.0
    assert [rate.wait_s("a", 1.0) for _ in range(3)] == [0.0, 0.0, 0.5]
    for i in range(20_000):
        rate.wait_s(str(i), 2.0)
    assert len(rate._left) <= 10_000


def test_more_requests_than_allowed_are_429():
    with served(requests_per_s=0.5, burst=2) as client:
        found = [client.post("/v1/predict", json=TASK) for _ in range(3)]
        assert [each.status_code for each in found] == [200, 200, 429]
        assert found[-1].headers["retry-after"] == "2"
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "application/json", "Origin": "http://evil.example"}, 403),
        ({"Content-Type": "application/json", "Origin": "null"}, 403),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ],
)
def test_another_sites_page_changes_nothing(headers, status):
    with served() as client:
        answer = client.post("/v1/predict", content=json.dumps(TASK), headers=headers)
        assert answer.status_code == status
        assert "access-control-allow-origin" not in answer.headers


def test_every_answer_has_safe_headers_and_pages_keep_theirs():
    with served() as client:
        for path in ("/v1/model", "/nowhere", "/healthz", "/"):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["content-security-policy"].startswith("default-src 'none'")
            assert "server" not in headers
        assert "script-src 'self'" in client.get("/").headers["content-security-policy"]
        assert len(client.get("/").headers.get_list("content-security-policy")) == 1


def test_the_document_says_how_to_give_a_token(tmp_path):
    token = new_token(tmp_path / "tokens.json", "ops")
    with served(tokens=tmp_path / "tokens.json") as client:
        document = client.get("/openapi.json", headers={"X-Tierwise-Token": token}).json()
        schemes = document["components"]["securitySchemes"]
        assert document["security"] == [{name: []} for name in schemes]
        assert document["paths"]["/healthz"]["get"]["security"] == []
        asked = {
            path: set(each["get"]["responses"]) for path, each in document["paths"].items() if "get" in each
        }
        without = {path for path, answers in asked.items() if "401" not in answers}
        assert without == {"/healthz", "/readyz"}
        told = client.get("/v1/model").json()["error"]["message"]
    for scheme in schemes.values():
        assert scheme.get("name", scheme.get("scheme")).lower().replace("basic", "login") in told.lower()
    with served() as client:
        assert "security" not in client.get("/openapi.json").json()


@pytest.mark.parametrize("trusted", [(), ("127.0.0.0/8",), ("*",)])
def test_an_address_that_a_proxy_tells_counts_where_the_proxy_is_trusted(trusted):
    with served(trusted_proxies=trusted, requests_per_s=0.001, burst=1) as client:
        statuses = [
            client.get("/v1/model", headers={"X-Forwarded-For": address}).status_code
            for address in ("192.0.2.1", "192.0.2.2", "192.0.2.2")
        ]
    assert statuses == ([200, 200, 429] if trusted else [200, 429, 429])


def test_behind_a_trusted_proxy_with_tls_the_cookie_is_for_tls_only(sqlite_url):
    for trusted in ((), ("127.0.0.1",)):
        with served(trusted_proxies=trusted, log=sqlite_url) as client:
            cookie = client.get("/review", headers={"X-Forwarded-Proto": "https"}).headers["set-cookie"]
            assert ("secure" in cookie.lower()) is bool(trusted)


@pytest.mark.parametrize("text", ["nonsense", "10.0.0.0/33", "proxy.example.org"])
def test_a_proxy_that_could_never_be_trusted_is_refused(text):
    with pytest.raises(InvalidSetting, match="a network such as"):
        Settings(trusted_proxies=(text,))
