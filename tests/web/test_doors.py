"""Who may look: tokens, names, and addresses that are too long."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from controller.web.app import Reloaded, build_app
from controller.web.checks import Check
from controller.web.doors import Doors

TOKEN = "a-token-of-some-length"


class Nothing:
    """A site without anything in it."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None if name in {"endpoint", "history", "change"} else {}


def client(
    doors: Doors, host: str = "127.0.0.1:9797", peer: tuple[str, int] = ("10.0.0.9", 50000)
) -> TestClient:
    app = build_app(
        metrics=lambda _: (b"up 1\n", "text/plain"),
        live=lambda: {"fine": Check(True, "fine")},
        ready=lambda: {"fine": Check(True, "fine")},
        reload=lambda: Reloaded(True, "reloaded"),
        site=Nothing(),
        doors=doors,
    )
    return TestClient(app, base_url=f"http://{host}", client=peer)


def basic(password: str) -> Mapping[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}


def bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/v1/status", "/api/v1/x", "/nope"])
def test_page_and_api_ask_for_the_token(path: str) -> None:
    asked = client(Doors(TOKEN))
    refused = asked.get(path)
    assert refused.status_code == 401
    assert refused.json() == {"error": "a token is needed"}
    assert refused.headers["www-authenticate"].startswith("Basic realm=")
    assert refused.headers["x-content-type-options"] == "nosniff"
    let_in = asked.get(path, headers=bearer(TOKEN)).status_code
    assert let_in == asked.get(path, headers=basic(TOKEN)).status_code
    assert let_in in (200, 404)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(""),
        bearer(TOKEN[:-1]),
        bearer(TOKEN + "x"),
        bearer("é" * 20),
        basic(""),
        basic("wrong"),
        {"Authorization": TOKEN},
        {"Authorization": f"Digest {TOKEN}"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /////w=="},
        {"Authorization": "Basic"},
    ],
)
def test_nothing_but_the_token_opens(headers: Mapping[str, str]) -> None:
    encoded = {name: value.encode() for name, value in headers.items()}
    assert client(Doors(TOKEN)).get("/api/v1/status", headers=encoded).status_code == 401


def test_reload_asks_for_it_and_probes_do_not() -> None:
    asked = client(Doors(TOKEN))
    assert asked.post("/-/reload").status_code == 401
    assert asked.post("/-/reload", headers=bearer(TOKEN)).status_code == 200
    for path in ("/healthz", "/livez", "/readyz", "/metrics"):
        assert asked.get(path).status_code == 200
    strict = client(Doors(TOKEN, metrics_too=True))
    assert strict.get("/metrics").status_code == 401
    assert strict.get("/metrics", headers=bearer(TOKEN)).status_code == 200
    assert strict.get("/healthz").status_code == 200


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 characters"):
        Doors("short")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:9797", "localhost:9797", "localhost", "LOCALHOST.", "[::1]:9797", "10.0.0.7"],
)
def test_own_names_are_known(host: str) -> None:
    assert Doors(loopback=True).knows(host)


@pytest.mark.parametrize(
    "host", ["evil.example:9797", "127.0.0.1.evil.example", "", "localhost.evil.example", "[evil]"]
)
def test_another_name_for_loopback_is_refused_without_a_token(host: str) -> None:
    """A page of evil.example whose name resolves to 127.0.0.1 must not read ours."""
    assert not Doors(loopback=True).knows(host)
    assert Doors(TOKEN, loopback=True).knows(host), "the token is asked for anyway"
    assert Doors(loopback=False).knows(host), "a service has names of its own"


PRIVATE = ["/", "/static/main.js", "/api/v1/status", "/nope"]


@pytest.mark.parametrize("path", PRIVATE)
def test_without_a_token_others_see_nothing_but_metrics_and_health(path: str) -> None:
    others = client(Doors(), "rightsizer.example")
    refused = others.get(path)
    assert refused.status_code == 403
    assert "--token-file" in refused.json()["error"]
    assert others.post("/-/reload").status_code == 403
    for shown in ("/metrics", "/healthz", "/livez", "/readyz"):
        assert others.get(shown).status_code == 200
    assert client(Doors(public=True), "rightsizer.example").get(path).status_code in (200, 404)


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("path", PRIVATE)
def test_this_machine_sees_all_of_it(peer: str, path: str) -> None:
    """As a port forwarded to a pod does."""
    assert client(Doors(), "localhost:9797", (peer, 1)).get(path).status_code in (200, 404)
    named = client(Doors(), "evil.example:9797", (peer, 1))
    assert named.get(path).status_code == 403, "a name of somebody's own that leads to us"


def test_the_token_may_change_under_way() -> None:
    token = [TOKEN]
    asked = client(Doors(lambda: token[0]))
    assert asked.get("/api/v1/status", headers=bearer(TOKEN)).status_code == 200
    token[0] = "another-token-of-some-length"
    assert asked.get("/api/v1/status", headers=bearer(TOKEN)).status_code == 401
    assert asked.get("/api/v1/status", headers=bearer(token[0])).status_code == 200


def test_the_refusal_says_what_to_do() -> None:
    refused = client(Doors(loopback=True), "evil.example").get("/api/v1/status")
    assert refused.status_code == 421
    assert "localhost" in refused.json()["error"]


def test_long_addresses_are_refused() -> None:
    asked = client(Doors(public=True))
    assert asked.get("/api/v1/endpoints?q=" + "x" * 4096).status_code == 414
    assert asked.get("/" + "x" * 4096).status_code == 414
    assert asked.get("/static/" + "x" * 4000).status_code == 404
