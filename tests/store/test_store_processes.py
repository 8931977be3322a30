"""The journal under real processes: killed, competing, and one daemon only."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from store_values import OCR, PLANNED, THUMBS, a_change, an_event

from controller.model.change import ChangePhase
from controller.model.condition import Pause
from controller.model.errors import StoreError
from controller.store.sqlite import SqliteStore

pytestmark = pytest.mark.slow

Start = Callable[..., subprocess.Popen[str]]
_HEAD = """
import sys
from dataclasses import replace
from store_values import OCR, THUMBS, PLANNED, a_change, an_event
from controller.model.change import ChangePhase
from controller.model.condition import Pause
from controller.model.errors import StoreError
from controller.store.sqlite import SqliteStore
path = sys.argv[1]
def say(*words):
    print(*words, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def start(path: Path, repository: Path) -> Iterator[Start]:
    """Start a Python process on the journal; all are gone when the test ends."""
    started: list[subprocess.Popen[str]] = []
    places = os.pathsep.join([str(repository), str(Path(__file__).parent)])

    def run(code: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _HEAD + textwrap.dedent(code), str(path)],
            env={**os.environ, "PYTHONPATH": places},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> list[str]:
    """SIGKILL; returns the lines it had still written."""
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    return rest.splitlines()


def test_what_was_journalled_survives_a_kill(path: Path, start: Start) -> None:
    process = start("""
        store = SqliteStore.open(path)
        while True:
            change = store.plan_change(a_change(), PLANNED)
            say("planned", change.id)
            change = store.advance_change(
                replace(change, phase=ChangePhase.VERIFIED), an_event(ChangePhase.VERIFIED)
            )
            say("verified", change.id)
    """)
    said = [line(process) for _ in range(40)] + kill(process)
    whole = [text.split() for text in said if len(text.split()) == 2]
    store = SqliteStore.open(path)
    for what, number in whole:
        change = store.change(int(number))
        assert change is not None
        if what == "verified":
            assert change.phase is ChangePhase.VERIFIED
            assert len(store.events(change.id)) == 2
    # at most the step that was under way is there beyond what was said, and it is whole
    newest = store.changes()[0]
    assert newest.id - max(int(number) for _, number in whole) in (0, 1)
    assert len(store.events(newest.id)) == (1 if newest.phase.open else 2)
    store.close()


def test_a_batch_under_way_is_undone_by_a_kill(path: Path, start: Start) -> None:
    process = start("""
        store = SqliteStore.open(path)
        store.put_checkpoint("before", "1")
        with store.batch():
            for number in range(1000):
                store.put_checkpoint(f"within-{number}", "x" * 1000)
            say("half way")
            sys.stdin.read()
    """)
    assert line(process) == "half way"
    kill(process)
    store = SqliteStore.open(path)
    assert store.checkpoint("before") == "1"
    assert all(store.checkpoint(f"within-{number}") is None for number in range(1000))
    store.close()


def test_a_second_process_pauses_while_the_daemon_writes(path: Path, start: Start) -> None:
    store = SqliteStore.open(path)
    change = store.plan_change(a_change(), PLANNED)
    process = start("""
        store = SqliteStore.open(path)
        say("ready")
        sys.stdin.readline()
        for number in range(60):
            store.pause(Pause("*", float(number), None, "incident", "ana"))
            store.pause(Pause(str(OCR), float(number), None, "incident", "ana"))
            assert store.resume("*")
        store.close()
        say("done")
    """)
    assert line(process) == "ready"
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    for _ in range(60):
        change = store.advance_change(change, an_event(ChangePhase.PLANNED))
    assert line(process) == "done"
    assert process.wait(timeout=30) == 0
    assert change.revision == 60
    assert len(store.events(change.id)) == 61
    assert store.pauses() == [Pause(str(OCR), 59.0, None, "incident", "ana")]
    store.close()


def test_two_processes_never_open_two_changes(path: Path, start: Start) -> None:
    code = """
        from controller.model.errors import Conflict
        store = SqliteStore.open(path)
        say("ready")
        sys.stdin.readline()
        won = 0
        for number in range(40):
            try:
                change = store.plan_change(a_change(), PLANNED)
            except Conflict:
                continue
            won += 1
            store.advance_change(
                replace(change, phase=ChangePhase.FAILED), an_event(ChangePhase.FAILED)
            )
        say(won)
    """
    processes = [start(code), start(code)]
    assert [line(process) for process in processes] == ["ready", "ready"]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    won = sum(int(line(process)) for process in processes)
    store = SqliteStore.open(path)
    assert len(store.changes()) == won > 0
    assert list(store.open_changes()) == []
    store.close()


def test_a_new_journal_may_be_made_by_many_at_once(path: Path, start: Start) -> None:
    code = """
        say("ready")
        sys.stdin.readline()
        store = SqliteStore.open(path)
        store.put_checkpoint(sys.stdin.readline().strip(), "1")
        store.close()
        say("done")
    """
    processes = [start(code) for _ in range(4)]
    assert {line(process) for process in processes} == {"ready"}
    for number, process in enumerate(processes):
        assert process.stdin is not None
        process.stdin.write(f"go\n{number}\n")
        process.stdin.flush()
    assert [line(process) for process in processes] == ["done"] * 4
    store = SqliteStore.open(path)
    assert [store.checkpoint(str(number)) for number in range(4)] == ["1"] * 4
    store.close()


_DAEMON = """
    store = SqliteStore.open(path)
    try:
        store.acquire_daemon_lock()
    except StoreError as error:
        say("refused", error)
    else:
        say("running")
        sys.stdin.read()
"""


def test_a_second_daemon_is_refused_and_told_of_the_first(path: Path, start: Start) -> None:
    first = start(_DAEMON)
    assert line(first) == "running"
    sentence = f"another daemon (process {first.pid}) runs on the journal {path}; only one may"
    assert line(start(_DAEMON)) == f"refused {sentence}"
    store = SqliteStore.open(path)
    assert store.daemon_running()
    with pytest.raises(StoreError, match=f"process {first.pid}") as caught:
        store.acquire_daemon_lock()
    assert caught.value.code == "busy_daemon"
    # the command line works beside it all the same
    store.pause(Pause("*", 1.0, None, "incident", "ana"))
    store.close()


def test_a_killed_daemon_leaves_room_for_the_next(path: Path, start: Start) -> None:
    first = start(_DAEMON)
    assert line(first) == "running"
    kill(first)
    store = SqliteStore.open(path)
    assert not store.daemon_running()
    store.acquire_daemon_lock()
    store.acquire_daemon_lock()
    assert store.daemon_running()
    store.close()
    again = SqliteStore.open(path)
    assert not again.daemon_running()
    again.close()


def test_another_path_to_the_same_journal_is_no_way_around(path: Path) -> None:
    first = SqliteStore.open(path)
    first.acquire_daemon_lock()
    (path.parent / "link.db").symlink_to(path)
    second = SqliteStore.open(path.parent / "link.db")
    assert second.daemon_running()
    with pytest.raises(StoreError, match="another daemon"):
        second.acquire_daemon_lock()
    second.close()
    first.close()


def test_asking_for_the_daemon_never_keeps_it_from_starting(path: Path, start: Start) -> None:
    asker = start("""
        store = SqliteStore.open(path)
        say("asking")
        while True:
            store.daemon_running()
    """)
    assert line(asker) == "asking"
    for _ in range(300):
        store = SqliteStore.open(path)
        store.acquire_daemon_lock()
        store.close()


def test_a_journal_in_memory_has_no_daemon_to_fear() -> None:
    store = SqliteStore.open(":memory:")
    store.acquire_daemon_lock()
    assert not store.daemon_running()
    other = SqliteStore.open(":memory:")
    other.plan_change(a_change(THUMBS), PLANNED)
    assert store.changes() == []
    assert replace(a_change(), key=OCR) == a_change()
    store.close()
    other.close()
