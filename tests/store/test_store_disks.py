"""The journal on real disks that are read-only or full: file systems mounted for the test."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.store.sqlite import SqliteStore

Mounted = Callable[[str, str], list[str]]


@pytest.fixture
def mounted(tmp_path: Path, repository: Path) -> Mounted:
    """Run Python with `disk`, a file system of 1 MB that only that process sees."""

    def run(before: str, code: str) -> list[str]:
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = f"mount -t tmpfs -o size=1m none {disk}"
        script = f"{mount} && {before} && exec {sys.executable} -c '{code}'"
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script]
        probe = ["unshare", "--user", "--map-root-user", "--mount", "true"]
        try:
            subprocess.run(probe, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this system lets nobody mount a file system of their own")
        done = subprocess.run(
            command, cwd=repository, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def _python(code: str, disk: Path) -> str:
    head = f"""
        from controller.model.errors import AdapterError
        from controller.store.sqlite import SqliteStore
        path = "{disk}/journal.db"
        def attempt(call):
            try:
                print(call())
            except AdapterError as error:
                print(error.code, error)
    """
    return textwrap.dedent(head) + textwrap.dedent(code)


def test_a_read_only_disk(mounted: Mounted, tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "journal.db")
    store.put_checkpoint("a", "1")
    store.close()
    disk = tmp_path / "disk"
    code = """
        attempt(lambda: SqliteStore.open(path))
        store = SqliteStore.open(path, read_only=True)
        attempt(lambda: store.checkpoint("a"))
        attempt(lambda: store.put_checkpoint("a", "2"))
    """
    before = f"cp {tmp_path}/journal.db {disk} && mount -o remount,ro {disk}"
    assert mounted(before, _python(code, disk)) == [
        f"read_only the directory {disk} for the journal is not writable",
        "1",
        f"read_only the journal {disk}/journal.db cannot be written:"
        " the file or its disk is read-only",
    ]


def test_a_full_disk(mounted: Mounted, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    code = """
        store = SqliteStore.open(path)
        attempt(lambda: store.put_checkpoint("small", "x"))
        attempt(lambda: store.put_checkpoint("large", "x" * 3_000_000))
        attempt(lambda: store.checkpoint("large"))
        attempt(lambda: store.checkpoint("small"))
        store.close()
        attempt(lambda: SqliteStore.open(path).checkpoint("small"))
    """
    full = f"full the journal {disk}/journal.db cannot grow: the disk (or the size allowed) is full"
    assert mounted("true", _python(code, disk)) == ["None", full, "None", "x", "x"]
