"""Real processes on loopback: the sandbox, and the daemon in front of it."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAM = [sys.executable, "-m", "controller.cli.main"]
PATIENCE_S = 90.0


class Process:
    """A child process whose stderr lines can be waited for."""

    def __init__(
        self,
        *arguments: str,
        env: dict[str, str] | None = None,
        program: Sequence[str] = tuple(PROGRAM),
    ) -> None:
        self.child = subprocess.Popen(
            [*program, *arguments],
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        for stream in (self.child.stdout, self.child.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()

    def wait_for(self, wanted: Callable[[str], bool], what: str) -> str:
        """The first line, past or to come, that is wanted."""
        seen = 0
        with self._news:
            while True:
                for line in self.lines[seen:]:
                    if wanted(line):
                        return line
                seen = len(self.lines)
                if not self._news.wait(PATIENCE_S):
                    raise AssertionError(f"no {what} among:\n" + "\n".join(self.lines[-40:]))

    def end(self, with_signal: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        if self.child.poll() is None:
            self.child.send_signal(with_signal)
        return self.child.wait(PATIENCE_S)

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()


def get(url: str) -> tuple[int, str]:
    """Status and body of a GET on loopback."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def run(
    *arguments: str, env: dict[str, str], patience_s: float = PATIENCE_S
) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=patience_s,
        check=False,
    )


def address(process: Process, marker: str = "http://127.0.0.1:") -> str:
    """The address that a process says it listens on."""
    line = process.wait_for(lambda text: marker in text, "address")
    return marker + line.split(marker, 1)[1].split('"')[0].split("'")[0].split()[0].rstrip(".,")


def environment(sandbox_url: str, store: Path) -> dict[str, str]:
    """What a user would export to work against a sandbox."""
    return {
        "AWS_ENDPOINT_URL": sandbox_url,
        "AWS_ACCESS_KEY_ID": "AKIA123456789012TEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "RIGHTSIZER_STORE": str(store),
    }


def entries(text: str) -> list[dict[str, Any]]:
    """The items of a `-o json` list."""
    return list(json.loads(text)["items"])
