"""The sandbox's own API, by its client, and the server that carries it."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from controller.sandbox.client import SandboxClient, SandboxClientError
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.http_door import serve as serve_world
from controller.sandbox.world import World


@pytest.fixture
def client(server: SandboxServer) -> SandboxClient:
    return SandboxClient(server.url)


def _raw(server: SandboxServer, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def test_time_moves_only_when_told(client, world):
    """The sandbox: jumps, and no running clock."""
    start_s = world.now_s()
    assert client.now_s() == start_s
    assert client.advance(90.0) == start_s + 90
    assert client.advance_to(start_s + 1000) == start_s + 1000
    assert client.clock()["now_s"] == world.now_s() == start_s + 1000


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"advance_s": -1}, "negative|back"),
        ({"to_s": 5}, "back"),
        ({}, "either"),
        ({"advance_s": 1, "to_s": 2}, "either"),
        ({"advance_s": "soon"}, "number"),
        ({"leap_s": 1}, "leap_s"),
        ([1], "object"),
    ],
)
def test_a_clock_that_cannot_be_moved_so(server, client, document, words):
    """The sandbox: a wrong wish is refused in a sentence, and time stands still."""
    before_s = client.now_s()
    with pytest.raises(SandboxClientError, match=words):
        client._ask("POST", "clock", document)
    assert client.now_s() == before_s


def test_pending_events_are_told(client, world):
    """The sandbox: what is due, and when."""
    world.schedule(world.now_s() + 60, "something happens", lambda w: None)
    clock = client.clock()
    assert clock["next_event_s"] == world.now_s() + 60
    assert clock["pending"] == [{"at_s": world.now_s() + 60, "what": "something happens"}]


def test_functions_can_be_seeded(client):
    """The sandbox: a seed document adds functions with their past."""
    client.seed({"region": "eu-west-1", "functions": [{"name": "ocr", "memory_mb": 1024}]})
    assert client.functions() == [{"account": "123456789012", "region": "eu-west-1", "name": "ocr"}]
    client._ask("POST", "functions", [{"name": "asr"}])
    assert [one["name"] for one in client.functions()] == ["asr", "ocr"]
    with pytest.raises(SandboxClientError, match="colour"):
        client.seed({"functions": [{"name": "x", "colour": "red"}]})


def test_faults_can_be_set_seen_and_lifted(client, server):
    """The sandbox: faults by their fields, over HTTP."""
    sts = _client("sts", server)
    number = client.add_fault("throttle", service="sts", times=1)
    with pytest.raises(ClientError, match="Throttling"):
        sts.get_caller_identity()
    sts.get_caller_identity()
    (fault,) = client._ask("GET", "faults")["faults"]
    assert (fault["number"], fault["kind"], fault["hits"]) == (number, "throttle", 1)
    client.remove_fault(number)
    with pytest.raises(SandboxClientError, match="no fault"):
        client.remove_fault(number)
    client.add_fault("drop")
    with pytest.raises(ConnectionClosedError):
        sts.get_caller_identity()
    client.clear_faults()
    sts.get_caller_identity()


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [("storm", {}, "one of throttle"), ("drop", {"colour": 1}, "colour")],
)
def test_a_fault_that_does_not_exist(client, kind, fields, words):
    """The sandbox: a wrong fault is refused with what there is."""
    with pytest.raises(SandboxClientError, match=words):
        client.add_fault(kind, **fields)


def test_calls_are_recorded(client, server, world):
    """The sandbox: every call with account, region, digest and outcome, oldest first."""
    sts = _client("sts", server)
    sts.get_caller_identity()
    sts.get_caller_identity()
    first, second = client.calls(service="sts")
    assert first["digest"] == second["digest"]
    assert (first["number"], second["number"]) == (1, 2)
    assert first["operation"] == "GetCallerIdentity"
    assert first["account"] == "111122223333"
    assert (first["status"], first["outcome"]) == (200, "ok")
    assert first["time_s"] == world.now_s()
    assert client.calls(service="lambda") == []
    assert len(client.calls(limit=1)) == 1
    counts = client._ask("GET", "calls")["counts"]
    assert counts == [
        {"service": "sts", "operation": "GetCallerIdentity", "outcome": "ok", "calls": 2}
    ]


def test_roles_and_accounts(client, server):
    """The sandbox: who may be assumed, and whose a key is."""
    role = "arn:aws:iam::999988887777:role/reader"
    client.add_role(role, external_id="x-1")
    sts = _client("sts", server)
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=role, RoleSessionName="night")
    sts.assume_role(RoleArn=role, RoleSessionName="night", ExternalId="x-1")
    client._ask("POST", "accounts", {"AKIAIOSFODNN7EXAMPLE": "222233334444"})
    other = _client("sts", server, key="AKIAIOSFODNN7EXAMPLE")
    assert other.get_caller_identity()["Account"] == "222233334444"


def test_a_reset_starts_a_new_world(client, server):
    """The sandbox: after a reset nothing of the old world is left, and doors see the new."""
    start_s = client.now_s()
    client.seed({"functions": [{"name": "ocr"}]})
    client.add_fault("drop")
    client.advance(100)
    client.reset()
    assert client.now_s() == start_s
    assert client.functions() == []
    _client("sts", server).get_caller_identity()


def test_a_world_that_cannot_be_made_anew_is_kept(world):
    """The sandbox: without a way to make a world there is no reset."""
    with SandboxServer(world) as server, pytest.raises(SandboxClientError, match="new world"):
        SandboxClient(server.url).reset()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_sandbox/nothing", 404),
        ("DELETE", "/_sandbox/clock", 405),
        ("POST", "/_sandbox/clock", 400),
        ("DELETE", "/_sandbox/faults/abc", 404),
    ],
)
def test_wrong_requests_get_a_sentence(server, method, path, status):
    """The sandbox: 4xx with one sentence."""
    got, body = _raw(server, method, path, b"{")
    assert got == status
    assert json.loads(body)["error"].endswith(".")


def test_web_pages_are_kept_out_of_the_control_door(server):
    """The sandbox: a page in a browser cannot reach the control door of a local sandbox."""
    status, _ = _raw(server, "GET", "/_sandbox/health", Origin="https://example.com")
    assert status == 403


def test_a_body_too_large_is_refused(server, monkeypatch):
    """The sandbox: bodies have a limit."""
    monkeypatch.setattr("controller.sandbox.asgi._MAX_BODY_BYTES", 1000)
    status, _ = _raw(server, "POST", "/_sandbox/seed", b"x" * 2000)
    assert status == 413


def test_the_environment_variable_is_enough(server, monkeypatch):
    """AWS's SDK: AWS_ENDPOINT_URL sends every service to one address."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    sts = boto3.Session(region_name="eu-west-1").client("sts")
    assert sts.get_caller_identity()["Account"] == "123456789012"


def test_many_clients_at_once(server):
    """The sandbox: requests of many threads are all answered and all recorded."""
    sts = _client("sts", server)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                sts.get_caller_identity()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    numbers = [call["number"] for call in SandboxClient(server.url).calls()]
    assert numbers == list(range(1, 81))


def test_a_server_stops_cleanly_and_frees_its_port(world):
    """The sandbox: after stop the port is free; stopping twice is harmless."""
    server = serve_world(world)
    client = SandboxClient(server.url)
    client.health()
    server.stop()
    server.stop()
    with pytest.raises(SandboxClientError, match="No sandbox answers"):
        client.health()
    with SandboxServer(world, port=server.port) as again:
        assert again.port == server.port
        client.health()


_FOREGROUND = """
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.world import World
server = SandboxServer(World())
print(server.url, flush=True)
server.serve_forever()
print("stopped", flush=True)
"""


@pytest.mark.end_to_end
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_in_front_stops_at_a_signal(repository, number):
    """The sandbox: in the foreground it serves until SIGINT or SIGTERM, then goes on."""
    command = [sys.executable, "-c", _FOREGROUND]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=repository) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        SandboxClient(url).health()
        process.send_signal(number)
        assert process.stdout.read() == "stopped\n"
    assert process.returncode == 0


def test_a_port_in_use_is_an_os_error(server, world):
    """The sandbox: an address that cannot be had is told at once."""
    with pytest.raises(OSError, match="in use"):
        SandboxServer(world, port=server.port)


def test_a_paced_world_moves_by_itself(world):
    """The sandbox: at a pace, the world's time follows the real one."""
    with SandboxServer(world, pace=3600.0) as server:
        client = SandboxClient(server.url)
        start_s = world.start_s
        while client.now_s() < start_s + 600:
            threading.Event().wait(0.05)


def test_what_is_not_a_sandbox(server):
    """The client: other addresses are refused in a sentence."""
    with pytest.raises(SandboxClientError, match="not the http"):
        SandboxClient("https://example.com")
    with pytest.raises(SandboxClientError, match="No sandbox answers"):
        SandboxClient("http://127.0.0.1:1").health()


def test_a_kept_connection_survives_a_restart(world):
    """The client: a connection that the server closed meanwhile is opened anew."""
    server = SandboxServer(world)
    server.start()
    client = SandboxClient(server.url)
    client.health()
    server.stop()
    with SandboxServer(world, port=server.port):
        client.health()


def _client(service: str, server: SandboxServer, key: str = "AKIA-111122223333") -> Any:
    session = boto3.Session(key, "secret", region_name="eu-west-1")
    config = boto3.session.Config(retries={"total_max_attempts": 1}, max_pool_connections=16)
    return session.client(service, endpoint_url=server.url, config=config)


def test_worlds_do_not_share_anything():
    """The sandbox: two worlds in one process know nothing of each other."""
    with SandboxServer(World()) as one, SandboxServer(World()) as other:
        SandboxClient(one.url).add_fault("drop")
        SandboxClient(one.url).advance(5)
        _client("sts", other).get_caller_identity()
        assert SandboxClient(other.url).now_s() == World().start_s
        assert SandboxClient(one.url).calls() == []
