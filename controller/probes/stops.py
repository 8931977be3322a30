"""When a run ends itself: latency, errors, number of requests, throughput that stays flat.

The last hundred outcomes are looked at. A request that has not been answered yet counts as
slow as soon as it is older than the limit: an endpoint that stalls gives no answers to judge.
"""

from collections import deque
from dataclasses import dataclass

from controller.model.probing import StopRules

WINDOW = 100
_LEAST_FOR_ERRORS = 10
SLICE_S = 5.0
_LEAST_IN_SLICE = 100
_HIGHER = 1.1
_NO_MORE = 1.05
_FALLS_SHORT = 0.9


@dataclass(slots=True)
class _Slice:
    offered: int = 0
    answered: int = 0


class Stops:
    """Told of every request; says why the run must end, once it must."""

    def __init__(self, rules: StopRules) -> None:
        self._rules = rules
        self._slow: deque[bool] = deque(maxlen=WINDOW)
        self._failed: deque[bool] = deque(maxlen=WINDOW)
        self._sent = 0
        self._slice = _Slice()
        self._before: list[_Slice] = []

    def sent(self, at_s: float) -> str | None:
        """One more request is due, measured or not (`at_s` since the start; negative: warm-up)."""
        most = self._rules.max_requests
        if most is not None and self._sent >= most:
            return f"the limit of {most:,} requests is reached"
        self._sent += 1
        if at_s >= 0:
            self._slice.offered += 1
        return None

    def dropped(self) -> None:
        """A request was due, but found no place: load all the same."""
        self._slice.offered += 1

    def answered(self, latency_ms: float, *, failed: bool) -> str | None:
        """An outcome of a measured request."""
        limit_ms = self._rules.p95_ms
        self._slow.append(failed or (limit_ms is not None and latency_ms > limit_ms))
        self._failed.append(failed)
        if not failed:
            self._slice.answered += 1
        return self._too_many_errors() or self._too_slow(0)

    def waiting(self, ages_ms: list[float]) -> str | None:
        """What is without an answer at this moment, by age."""
        limit_ms = self._rules.p95_ms
        if limit_ms is None:
            return None
        return self._too_slow(sum(age_ms > limit_ms for age_ms in ages_ms))

    def slice_ends(self) -> str | None:
        """Call every `SLICE_S` seconds: whether more load still brings more answers."""
        now, self._slice = self._slice, _Slice()
        earlier = [s for s in self._before if s.offered * _HIGHER <= now.offered]
        self._before.append(now)
        short = now.offered >= _LEAST_IN_SLICE and now.answered < _FALLS_SHORT * now.offered
        if not self._rules.flat_throughput or not short or not earlier:
            return None
        best = max(slice_.answered for slice_ in earlier)
        if now.answered > _NO_MORE * best:
            return None
        return (
            f"throughput is flat: {now.offered / SLICE_S:.0f} requests a second bring "
            f"{now.answered / SLICE_S:.0f} answers"
        )

    def _too_slow(self, waiting: int) -> str | None:
        limit_ms = self._rules.p95_ms
        if limit_ms is None:
            return None
        # What still waits pushes the oldest outcomes out of the window.
        kept = list(self._slow)[max(0, len(self._slow) + waiting - WINDOW) :]
        slow = sum(kept) + min(waiting, WINDOW)
        if slow <= self._rules.slow_allowed:
            return None
        return f"p95 of the last {WINDOW} requests is over {limit_ms:g} ms"

    def _too_many_errors(self) -> str | None:
        most, count = self._rules.error_ratio, len(self._failed)
        if most is None or count < _LEAST_FOR_ERRORS:
            return None
        failed = sum(self._failed)
        if failed <= most * count:
            return None
        return f"{failed} of the last {count} requests failed (at most {most:.0%} may)"
