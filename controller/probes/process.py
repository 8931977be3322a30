"""One generator process, from outside: started in a session of its own, never waited for."""

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from controller.probes.folder import HELD, LOG, ORDER, PROGRESS, RESULT

_MODULE = "controller.probes.generator"
_LOCK = "lock"
_TAIL_BYTES = 2000


class GeneratorProcess:
    """A running generator and its folder."""

    def __init__(
        self, base: Path, order: str, environment: Mapping[str, str], arguments: tuple[str, ...]
    ) -> None:
        """Raises OSError where the folder or the process cannot be made."""
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if base.stat().st_uid != os.getuid():
            raise PermissionError(errno.EACCES, "it belongs to somebody else")
        with _alone(base):
            _sweep(base)
            self._folder = Path(tempfile.mkdtemp(prefix="run-", dir=base))
            self._held = _hold(self._folder)
        try:
            (self._folder / ORDER).write_text(order, encoding="utf-8")
            self._process = self._start(environment, arguments)
        except OSError:
            self._forget()
            raise

    def _start(
        self, environment: Mapping[str, str], arguments: tuple[str, ...]
    ) -> subprocess.Popen[bytes]:
        with (self._folder / LOG).open("wb") as log:
            return subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", _MODULE, str(self._folder), *arguments],
                stdin=subprocess.PIPE,  # never written to: its end tells the child of ours
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=dict(environment),
                cwd=self._folder,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the process, and of its group."""
        return self._process.pid

    def exited(self) -> bool:
        """Whether the process is gone, and with it whatever it had started."""
        if self._process.returncode is None and self._process.poll() is not None:
            _kill_group(self.pid)
        return self._process.returncode is not None

    def ask_to_stop(self, patience_s: float) -> None:
        """Let it write down what it has; kill it where that takes too long."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)
        _kill_group(self.pid)

    def result(self) -> str | None:
        """What it left, once it has."""
        return self._read(RESULT)

    def progress(self) -> str | None:
        """How far it has come."""
        return self._read(PROGRESS)

    def last_words(self) -> str:
        """The last line that it wrote to its log: where it died, that says why."""
        words = (self._read(LOG) or "").strip()[-_TAIL_BYTES:]
        return words.splitlines()[-1].strip() if words else "it left no message"

    def end(self) -> None:
        """Kill whatever of it still runs, and remove its folder."""
        # The group is killed before its leader is reaped, so that its number is still ours.
        if self._process.returncode is None:
            _kill_group(self.pid)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._forget()

    def _read(self, name: str) -> str | None:
        try:
            return (self._folder / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def _forget(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._held)


def sweep(base: Path) -> None:
    """Remove folders whose makers are gone: they died before they could."""
    if base.is_dir():
        with _alone(base):
            _sweep(base)


@contextlib.contextmanager
def _alone(base: Path) -> Iterator[None]:
    """No other process makes or sweeps folders here meanwhile."""
    lock = os.open(base / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _sweep(base: Path) -> None:
    for folder in base.glob("run-*"):
        try:
            held = _hold(folder)
        except OSError:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _hold(folder: Path) -> int:
    """Lock a folder for as long as this process lives. Raises OSError where another has it."""
    held = os.open(folder / HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise
    return held


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
