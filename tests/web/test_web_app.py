"""The pages: metrics, health, readiness, reload, and nothing else."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from controller.web.app import Reloaded, build_app
from controller.web.checks import Check, Checks, all_ok
from controller.web.doors import Doors

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class World:
    """What stands behind the pages."""

    def __init__(self) -> None:
        self.live: Checks = {"scheduler": Check(True, "progress 1 s ago")}
        self.ready: Checks = {"policies": Check(False, "not yet")}
        self.reloaded = Reloaded(True, "3 policies in force")
        self.reloads = 0

    def metrics(self, accept: str) -> tuple[bytes, str]:
        return f"accept {accept}".encode(), TEXT

    def reload(self) -> Reloaded:
        self.reloads += 1
        return self.reloaded


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    app = build_app(
        metrics=world.metrics,
        live=lambda: world.live,
        ready=lambda: world.ready,
        reload=world.reload,
        doors=Doors(public=True),
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_metrics_are_made_for_the_accept_header(client: TestClient) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TEXT
    assert answer.text == "accept application/openmetrics-text"


@pytest.mark.parametrize("page", ["/healthz", "/livez"])
def test_health_is_that_of_every_part(client: TestClient, world: World, page: str) -> None:
    answer = client.get(page)
    assert (answer.status_code, answer.text) == (200, "ok\n")
    world.live = {**world.live, "workers": Check(False, "no progress for 400 s")}
    answer = client.get(page)
    assert answer.status_code == 503
    assert answer.text == (
        "[+] scheduler: progress 1 s ago\n[-] workers: no progress for 400 s\nnot ok\n"
    )


def test_verbose_lists_the_checks_of_the_healthy_too(client: TestClient) -> None:
    assert client.get("/healthz?verbose").text == "[+] scheduler: progress 1 s ago\nok\n"


def test_readiness_is_apart_from_health(client: TestClient, world: World) -> None:
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    world.ready = {"policies": Check(True, "3 loaded")}
    assert client.get("/readyz").status_code == 200


def test_a_warning_is_shown_without_being_asked_for(client: TestClient, world: World) -> None:
    world.ready = {
        "policies": Check(True, "3 policies, the last good set; on disk: a.yaml:3:1", warning=True),
        "store": Check(True, "open"),
    }
    answer = client.get("/readyz")
    assert answer.status_code == 200, "it is of use still"
    assert answer.text.startswith("[!] policies: 3 policies, the last good set; on disk: a.yaml")
    assert answer.text.endswith("[+] store: open\nok\n")


def test_where_nobody_vouches_nothing_is_well(client: TestClient, world: World) -> None:
    world.live = {}
    assert client.get("/healthz").status_code == 503
    assert not all_ok({})


def test_reload_tells_what_came_of_it(client: TestClient, world: World) -> None:
    answer = client.post("/-/reload")
    assert answer.status_code == 200
    assert answer.json() == {"ok": True, "message": "3 policies in force"}
    world.reloaded = Reloaded(False, "a.yaml:3:1: unknown field sloo")
    answer = client.post("/-/reload")
    assert answer.status_code == 422
    assert answer.json() == {"ok": False, "message": "a.yaml:3:1: unknown field sloo"}
    assert world.reloads == 2


def test_a_web_page_may_not_reload(client: TestClient, world: World) -> None:
    answer = client.post("/-/reload", headers={"Origin": "https://example.com"})
    assert answer.status_code == 403
    assert world.reloads == 0


def test_reload_is_no_get(client: TestClient, world: World) -> None:
    answer = client.get("/-/reload")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["ok"] is False
    assert world.reloads == 0


def test_without_a_reload_action_there_is_no_such_page(world: World) -> None:
    app = build_app(metrics=world.metrics, live=lambda: {}, ready=lambda: {})
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1)) as client:
        assert client.post("/-/reload").status_code == 404


@pytest.mark.parametrize("page", ["/metrics", "/healthz", "/livez"])
def test_head_answers_without_a_body(client: TestClient, page: str) -> None:
    answer = client.head(page)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "page", ["/", "/favicon.ico", "/metrics/..", "/-/quit", "/healthz/x", "//"]
)
def test_anything_else_is_not_found(client: TestClient, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 404
    assert answer.json() == {"ok": False, "message": "Not Found"}


def test_a_page_that_fails_says_no_more_than_that(client: TestClient, world: World) -> None:
    world.live = None  # type: ignore[assignment]
    answer = client.get("/healthz")
    assert answer.status_code == 500
    assert answer.json() == {"ok": False, "message": "the page failed; the log says why"}


@pytest.mark.parametrize(
    "request_line", ["GET /metrics", "GET /nope", "GET /readyz", "POST /metrics", "GET /livez"]
)
def test_every_answer_is_fenced(client: TestClient, world: World, request_line: str) -> None:
    world.live = None  # type: ignore[assignment] # so that /livez crashes
    headers = client.request(*request_line.split()).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
