"""`run` as a real process: how it starts, how it ends, and how much memory it takes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_shell import Shell, function, policy

from controller.cli.exits import ExitCode
from controller.cli.run import address
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World
from controller.store.sqlite import SqliteStore

PROGRAM = [sys.executable, "-m", "controller.cli.main"]
PATIENCE_S = 60.0
end_to_end = pytest.mark.end_to_end


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """One policy for one function."""
    path = tmp_path / "policies"
    path.mkdir()
    (path / "ocr.yaml").write_text(policy("ocr"), "utf-8")
    return path


@contextmanager
def running(
    policies: Path, store: Path, url: str, *prefix: str, wait: bool = True
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A controller on any free port; also the address that it listens on."""
    line = [*prefix, *PROGRAM, "run", "--policies", str(policies), "--listen", "127.0.0.1:0"]
    env = {**os.environ, "RIGHTSIZER_STORE": str(store), "RIGHTSIZER_ENDPOINT_URL": url}
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=env)
    try:
        yield process, _listening(process) if wait else ""
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def _listening(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        event = str(json.loads(line)["event"]) if line.startswith("{") else line
        if event.startswith("listening on "):
            return event.removeprefix("listening on ")
    raise AssertionError("it ended before it listened")


NOWHERE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("[::1]:9797", ("::1", 9797)),
        (":8080", ("0.0.0.0", 8080)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert address(text) == expected


def test_a_second_controller_on_one_journal_is_refused(shell: Shell, policies: Path) -> None:
    shell.store.parent.mkdir()
    first = SqliteStore.open(shell.store)
    first.acquire_daemon_lock()
    result = shell("run", "--policies", policies)
    assert result.code == ExitCode.ERROR
    assert f"another daemon (process {os.getpid()}) runs on the journal" in result.error
    first.close()


def test_a_taken_port_is_named(shell: Shell, policies: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = shell("run", "--policies", policies, "--listen", f"127.0.0.1:{port}")
    assert result.code == ExitCode.ERROR
    assert f"port {port} on 127.0.0.1 is taken" in result.error
    again = SqliteStore.open(shell.store)
    again.acquire_daemon_lock()
    again.close()


@end_to_end
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_ends_it_in_order(policies: Path, tmp_path: Path, number: int) -> None:
    with running(policies, tmp_path / "new" / "journal.db", NOWHERE) as (process, url):
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0
    journal = SqliteStore.open(tmp_path / "new" / "journal.db")
    assert not journal.daemon_running()
    journal.close()


@end_to_end
def test_a_second_signal_ends_it_at_once(policies: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        # connects, and never answers: the first signal has something to wait for
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with running(policies, tmp_path / "journal.db", url) as (process, _):
            deaf.settimeout(PATIENCE_S)
            connection, _ = deaf.accept()
            process.send_signal(signal.SIGTERM)
            assert process.stderr is not None
            while "stopping" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGTERM)
            began_s = time.monotonic()
            assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM
            assert time.monotonic() - began_s < 5.0
            connection.close()


@end_to_end
def test_a_signal_during_the_start_is_not_lost(policies: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    with running(policies, journal, NOWHERE, wait=False) as (process, _):
        deadline_s = time.monotonic() + PATIENCE_S
        while not journal.exists() and time.monotonic() < deadline_s:
            os.sched_yield()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


@end_to_end
def test_it_handles_signals_as_process_1(policies: Path, tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    prefix = [str(unshare), "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if unshare is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("no process namespaces here")
    with running(policies, tmp_path / "journal.db", NOWHERE, *prefix) as (process, _):
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


@end_to_end
@pytest.mark.slow
def test_a_hundred_endpoints_fit_into_120_megabytes(tmp_path: Path) -> None:
    count = 100
    world = World(seed=5, start_s=time.time())
    functions = [
        function(f"fn-{number:03d}", 1024, age_days=7, workload={"traffic": {"rps": 1.0}})
        for number in range(count)
    ]
    seed_world(world, {"functions": functions})
    text = policy("all").replace("name: all, region", "selector: {namePattern: fn-*}, region")
    (tmp_path / "p.yaml").write_text(text, "utf-8")
    store = tmp_path / "journal.db"
    with (
        SandboxServer(world, pace=1.0) as server,
        running(tmp_path / "p.yaml", store, server.url) as (process, _),
    ):
        _drain(process)
        deadline_s = time.monotonic() + 240.0
        journal = SqliteStore.open(store, read_only=True)
        while len(journal.assessments()) < count:
            assert time.monotonic() < deadline_s, "not all endpoints were judged in time"
            time.sleep(1.0)
        journal.close()
        used = Path(f"/proc/{process.pid}/status").read_text()
        resident_kb = int(next(x for x in used.splitlines() if x.startswith("VmRSS")).split()[1])
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert resident_kb < 120 * 1024, f"{resident_kb} kB"


def _drain(process: subprocess.Popen[str]) -> None:
    """Let nobody wait for a full pipe."""
    import threading

    assert process.stderr is not None
    threading.Thread(target=process.stderr.read, daemon=True).start()
