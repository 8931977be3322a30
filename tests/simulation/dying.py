"""One life, and at many of its boundaries a copy of the process that dies there.

To live up to every boundary anew is most of what an enumeration of deaths would cost. Instead
the process forks where it may die: the copy does, starts again on what the dead one has left
on disk, and says how it ended; the other goes on to the next boundary.
"""

import gc
import os
import shutil
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from virtual_account import Account, Killed, KillSwitch


class Deaths(KillSwitch):
    """Kills a copy at each of some boundaries."""

    def __init__(self, points: Iterable[int]) -> None:
        super().__init__()
        self._points = frozenset(points)
        self._met: set[int] = set()
        self._failures: list[str] = []
        self._out = -1
        self._graves: list[object] = []
        self.died_at: int | None = None
        """The boundary, in a copy; None in the process that lives."""

    def __call__(self, where: str) -> None:
        self.count += 1
        if self.died_at is not None or self.count not in self._points:
            return
        self._met.add(self.count)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            gc.disable()  # it does not live long enough
            os.close(read)
            self.died_at, self._out = self.count, write
            raise Killed(where)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            told = pipe.read().decode()
        _, status = os.waitpid(child, 0)
        if status:
            self._failures.append(told or f"killed {where} ({self.count}): status {status}")

    def reborn(self, account: Account) -> None:
        """A new process for the dead one, on the journal as it was on disk.

        What the dead one held is kept: to close its connection would be more than a death.
        """
        self._graves.append(account.app)
        path = Path(account.journal)
        after = path.with_name(f"{path.stem}-{self.died_at}.db")
        for end in ("", "-wal"):
            if Path(f"{path}{end}").exists():
                shutil.copy(f"{path}{end}", f"{after}{end}")
        account.start(after)

    @contextmanager
    def lives(self) -> Iterator[None]:
        """All that is done and asserted of one life. A copy ends with it, and tells.

        Raises AssertionError where one of the copies has failed, or never was.
        """
        try:
            yield
        except BaseException:
            if self.died_at is None:
                raise
            self._end(traceback.format_exc())
        if self.died_at is not None:
            self._end("")
        assert not self._failures, "\n".join(self._failures)
        assert self._met == self._points, f"never got to {sorted(self._points - self._met)}"

    def _end(self, told: str) -> None:
        os.write(self._out, told[-60_000:].encode())
        os._exit(1 if told else 0)
