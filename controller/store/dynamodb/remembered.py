"""What is asked with every tick and seldom changes, kept for a moment."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

KEPT_S = 3.0


class Remembered:
    """Answers by name. Whoever writes forgets them all; other processes' writes wait."""

    def __init__(self, steady_s: Callable[[], float]) -> None:
        self._steady_s = steady_s
        self._lock = threading.Lock()
        self._answers: dict[str, tuple[float, Any]] = {}
        self._forgotten = 0

    def of(self, name: str, ask: Callable[[], T]) -> T:
        """The answer, asked for again where it is too old."""
        with self._lock:
            kept, before = self._answers.get(name), self._forgotten
        now_s = self._steady_s()
        if kept is not None and now_s - kept[0] < KEPT_S:
            return kept[1]  # type: ignore[no-any-return]
        answer = ask()
        with self._lock:
            # what was written while we asked may not be in the answer
            if self._forgotten == before:
                self._answers = {n: a for n, a in self._answers.items() if now_s - a[0] < KEPT_S}
                self._answers[name] = (now_s, answer)
        return answer

    def forget(self) -> None:
        """Something was written."""
        with self._lock:
            self._forgotten += 1
            self._answers.clear()
