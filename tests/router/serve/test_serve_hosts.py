"""Under which names the service answers: loopback's, those allowed, and none where nobody could be deceived."""

from __future__ import annotations

import pytest
from served import raw, served

from tierwise.classifier.errors import InvalidSetting
from tierwise.router.serve import Settings

TASK = {"specification": "Write the meta description"}


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "", "[", "127.0.0.1@evil.example:80x"),
        *("localhost/evil.example", "localhost#evil.example", "evil@localhost", "localhost:80:80"),
    ],
)
def test_another_name_for_loopback_is_refused(host):
    with served() as client:
        found = raw(
            client.port, f"GET /v1/model HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        assert found.startswith(b"HTTP/1.1 403"), found
        assert client.get("/v1/model").status_code == 200
        assert client.get("/v1/model", headers={"Host": "localhost:1"}).status_code == 200


def test_who_watches_and_who_speaks_http_1_0_names_no_host():
    """As HAProxy asks by default, and kubelet under the address of a pod. A browser always sends a Host."""
    with served() as client:
        for path in ("/healthz", "/readyz"):
            assert raw(client.port, f"GET {path} HTTP/1.0\r\n\r\n".encode()).startswith(b"HTTP/1.1 200 ")
            assert client.get(path, headers={"Host": "10.1.2.3:8787"}).status_code == 200
        ask = "GET /v1/model HTTP/%s\r\nConnection: close\r\n\r\n"
        assert raw(client.port, (ask % "1.0").encode()).startswith(b"HTTP/1.1 200 ")
        refused = raw(client.port, (ask % "1.1").encode())
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert b"has a Host" in refused


@pytest.mark.parametrize("host", ["https://routing.example", "routing.example:8787", "münchen.example"])
def test_a_name_that_no_host_header_could_give_is_refused(host):
    with pytest.raises(InvalidSetting, match="without scheme and port"):
        Settings(allowed_hosts=(host,))


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 200), ("cross-site", 403), ("same-site", 403), (None, 403)]
)
def test_behind_a_proxy_with_a_host_of_its_own_the_browser_is_believed(site, status):
    """nginx puts its own name for us into Host unless it is told not to."""
    headers = {"Origin": "https://routing.example", "Host": "127.0.0.1:8787"}
    headers |= {} if site is None else {"Sec-Fetch-Site": site}
    with served() as client:
        assert client.post("/v1/predict", json=TASK, headers=headers).status_code == status


def test_a_further_name_may_be_allowed():
    with served(allowed_hosts=("Routing.Example", "2001:db8::1")) as client:
        assert client.get("/v1/model", headers={"Host": "[2001:db8::1]:8787"}).status_code == 200
        assert client.get("/v1/model", headers={"Host": "routing.example"}).status_code == 200
        assert client.get("/v1/model", headers={"Host": "evil.example"}).status_code == 403
