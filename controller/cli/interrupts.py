"""Ctrl-C in a command that has something to put away, whenever it comes.

The first signal raises KeyboardInterrupt where the main thread is, so that every `with` on
the way out does its work; further ones are ignored, so that this work is not broken off.
Python may be in a place that cannot raise (a finaliser, a callback of the collector): then
it would tell stderr and go on, so that is kept quiet and `asked` remembers.
"""

import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """In force between entry and exit; for the main thread."""

    def __init__(self) -> None:
        self.asked = False
        self._handlers: dict[int, Any] = {}
        self._unraisable: Callable[[sys.UnraisableHookArgs], Any] = sys.unraisablehook

    def __enter__(self) -> "Interrupts":
        for number in SIGNALS:
            # whoever started us in the background wants it to stay ignored
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._caught)
        self._unraisable = sys.unraisablehook
        sys.unraisablehook = self._not_raised
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sys.unraisablehook = self._unraisable
        for number, handler in self._handlers.items():
            # after one Ctrl-C the process is on its way out, and another must not trip it up
            signal.signal(number, signal.SIG_IGN if self.asked else handler)

    def check(self) -> bool:
        """Raise KeyboardInterrupt if a signal came that could not do so itself; else False."""
        if self.asked:
            raise KeyboardInterrupt
        return False

    def _caught(self, _number: int, _frame: FrameType | None) -> None:
        if not self.asked:
            self.asked = True
            raise KeyboardInterrupt

    def _not_raised(self, problem: "sys.UnraisableHookArgs") -> None:
        if not isinstance(problem.exc_value, KeyboardInterrupt):
            self._unraisable(problem)
