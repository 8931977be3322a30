"""`rightsizer demo` as a real process, with a directory for temporary files of its own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

_START = """
import signal
# a shell that starts the tests in the background has its children ignore Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from controller.cli.entry import main
exit(main())
"""
PROGRAM = [sys.executable, "-c", _START]
PATIENCE_S = 800.0
"""Of a test: with a length given, the demo does not end early on a slow machine."""


class Demo:
    """One run; stdout is read line by line, stderr goes to a file."""

    def __init__(self, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.temporary = Path(tempfile.mkdtemp(dir=folder))
        self._stderr = folder / f"{self.temporary.name}.stderr"
        with self._stderr.open("w") as stderr:
            self.child = subprocess.Popen(
                [*PROGRAM, "demo", *arguments],
                env={**os.environ, **(env or {}), "TMPDIR": str(self.temporary)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """Stderr so far."""
        return self._stderr.read_text()

    def wait_for(self, words: str) -> str:
        """The next line of stdout with these words."""
        assert self.child.stdout is not None
        for line in self.child.stdout:
            if words in line:
                return line
        raise AssertionError(f"no line with {words!r}; stderr: {self.said}")

    def end(self, with_signal: int | None = None) -> tuple[int, str]:
        """Exit status and the rest of stdout; after a signal if one is given."""
        if with_signal is not None:
            self.child.send_signal(with_signal)
        out, _ = self.child.communicate(timeout=PATIENCE_S)
        return self.child.returncode, out

    def left_behind(self) -> list[str]:
        """What is still in the directory for temporary files."""
        return sorted(path.name for path in self.temporary.rglob("*"))

    def __enter__(self) -> "Demo":
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.communicate()
