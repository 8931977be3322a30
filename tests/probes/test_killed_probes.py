"""Killed at any moment (parent, generator, both), no process stays, and no file for long."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from generators import plan, runner, stub, within

from controller.model.probing import Phase

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

PARENT = Path(__file__).with_name("probe_parent.py")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with stub(400) as number:
        yield number


def requests_made(folder: Path) -> int | None:
    """As the generator says; None before it says anything."""
    for file in folder.glob("run-*/progress.json"):
        return int(json.loads(file.read_text())["requests"])
    return None


def once(folder: Path, least: int) -> Callable[[], bool | None]:
    return lambda: (requests_made(folder) or 0) >= least or None


MOMENTS: dict[str, Callable[[Path], Callable[[], bool | None]]] = {
    "before it is up": lambda _: lambda: True,
    "while it warms up": lambda folder: lambda: requests_made(folder) is not None or None,
    "while it measures": lambda folder: once(folder, 3),
    "when it has written": lambda folder: lambda: any(folder.glob("run-*/result.json")) or None,
}
KILLED = {
    "parent": ["before it is up", "while it warms up", "while it measures", "when it has written"],
    "generator": ["before it is up", "while it measures"],
    "both": ["while it measures"],
}


def is_gone(group: int) -> bool | None:
    """Whether nothing of a process group is left (a dead process that waits for its parent to
    look is nothing)."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in {"Z", "X"}:
            return None
    return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize(
    ("who", "when"), [(who, when) for who, moments in KILLED.items() for when in moments]
)
def test_nothing_is_left(port: int, tmp_path: Path, who: str, when: str) -> None:
    words = [sys.executable, str(PARENT), str(tmp_path), str(port)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        generator = int(parent.stdout.readline())
        within(60.0, MOMENTS[when](tmp_path))
        if who in {"parent", "both"}:
            parent.kill()
        if who in {"generator", "both"}:
            os.kill(generator, signal.SIGKILL)
        within(20.0, lambda: is_gone(generator))
        said, _ = parent.communicate(b"\n")
    if who == "generator":
        assert b"over Failed: The generator died" in said
        assert (b"(lost)" in said) == (when == "while it measures"), "before, nothing was sent"
    left = list(tmp_path.glob("run-*"))
    assert bool(left) == (who != "generator")
    runner(tmp_path, port).sweep()
    assert list(tmp_path.glob("run-*")) == []


def test_what_runs_is_not_swept(port: int, tmp_path: Path) -> None:
    generator = runner(tmp_path, port)
    generator.start("a", plan(Phase(1.0, 1.0, 1.0)))
    runner(tmp_path, port).sweep()
    assert len(list(tmp_path.glob("run-*"))) == 1
    generator.close()
    assert list(tmp_path.glob("run-*")) == []
