"""One daemon per journal: an advisory lock that dies with the process.

`flock` on a file beside the journal, because the kernel drops it however the process
ends. Not on the journal itself: SQLite holds POSIX locks on that one, and closing any
other descriptor of a file drops all POSIX locks a process has on it.

A daemon holds the lock exclusively; whoever only asks takes it shared for an instant. A
daemon that meets a shared lock therefore tries again, and one that meets an exclusive
lock has met another daemon.
"""

import fcntl
import os
from pathlib import Path

from controller.store.refusals import refusal

_ATTEMPTS = 10_000
"""Bounds the tries against askers, each of which holds the lock for microseconds."""


class DaemonLock:
    """The lock, held from construction to `release` or the end of the process.

    Raises StoreError where another daemon holds it, or where the file cannot be made.
    """

    def __init__(self, journal: Path) -> None:
        path = lock_path(journal)
        self._descriptor: int | None = _opened(path, str(journal))
        if not _exclusive(self._descriptor):
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            self.release()
            who = f" (process {holder})" if holder.isdigit() else ""
            sentence = f"another daemon{who} runs on the journal {{path}}; only one may"
            raise refusal(str(journal), "busy_daemon", sentence)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Let another daemon take over. Does nothing the second time."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_path(journal: Path) -> Path:
    """The lock's file, the same for every path that leads to the journal.

    It is never deleted, because deleting a lock file is a race.
    """
    real = journal.resolve()
    return real.with_name(real.name + ".lock")


def daemon_running(journal: Path) -> bool:
    """Whether some process holds the daemon's lock on this journal."""
    try:
        descriptor = os.open(lock_path(journal), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _flocked(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _opened(path: Path, journal: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        sentence = f"the lock beside the journal {{path}} cannot be made: {error.strerror}"
        raise refusal(journal, "cannot_open", sentence) from error


def _exclusive(descriptor: int) -> bool:
    for _ in range(_ATTEMPTS):
        if _flocked(descriptor, fcntl.LOCK_EX):
            return True
        if not _flocked(descriptor, fcntl.LOCK_SH):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.sched_yield()
    return False


def _flocked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
