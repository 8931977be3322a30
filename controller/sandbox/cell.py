"""One hour of one function's requests that came in one way and ran in one variant.

The unit that metrics, logs and the bill are summed from. Filled minute by minute, in order,
and never changed afterwards.
"""

from itertools import accumulate

import numpy as np
import numpy.typing as npt

from controller.sandbox import draws
from controller.sandbox.samples import STRATA, draw_minutes
from controller.sandbox.serving import Serving, Variant
from controller.sandbox.workload import Effect, Nature, Workload

MINUTES = 60
RECYCLE_MINUTES = 125.0
"""AWS replaces environments now and then; each lives about two hours."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


SUMMED = ("calls", "errors", "throttled", "spilled", "duration_sum")
"""What running sums are kept of, so that a period's total costs two look-ups."""


class Cell:
    """Arrays by minute of the hour; durations as (minute, stratum) with their counts.

    The last column of `durations` and `counts` holds first calls in fresh environments,
    where the workload makes those slower. `calls` excludes throttled requests.
    """

    __slots__ = (
        "_dice", "_recent", "busy", "calls", "cold", "counts", "duration_sum", "durations",
        "errors", "executed_version", "key", "memory_most", "nature", "out_of_memory", "peak",
        "provisioned", "qualifier", "ready", "resource", "spilled", "sums", "throttled",
        "variant",
    )  # fmt: skip

    def __init__(
        self,
        key: tuple[draws.Key, ...],
        name: str,
        qualifier: str | None,
        variant: Variant,
        *,
        by_alias: bool,
    ) -> None:
        self.key = key
        self.qualifier = qualifier
        self.resource = name if qualifier is None else f"{name}:{qualifier}"
        self.executed_version = variant.version if by_alias else None
        self.variant = variant
        self.calls, self.throttled, self.errors, self.cold, self.spilled = (
            np.zeros(MINUTES, np.int64) for _ in range(5)
        )
        self.out_of_memory = np.zeros(MINUTES, np.int64)
        self.peak, self.provisioned, self.ready = (np.zeros(MINUTES, np.int64) for _ in range(3))
        self.busy, self.duration_sum = (np.zeros(MINUTES) for _ in range(2))
        self.memory_most = np.zeros(MINUTES)
        self.nature = Nature()
        self.durations = np.zeros((MINUTES, STRATA + 1), np.float32)
        self.counts = np.zeros((MINUTES, STRATA + 1), np.int32)
        self.sums: dict[str, list[float]] = {name: [0] for name in SUMMED}
        self._recent: Counts = np.zeros(0, np.int64)
        self._dice: dict[str, np.random.Generator] = {}

    def dice(self, purpose: str) -> np.random.Generator:
        """The generator of one purpose; made when first thrown, for many never are."""
        found = self._dice.get(purpose)
        if found is None:
            found = self._dice[purpose] = draws.generator(*self.key, purpose)
        return found

    def mean_ms(self, workload: Workload) -> float:
        """Mean duration of a warm call, disturbances apart."""
        variant = self.variant
        return workload.nature.curve.mean_ms(variant.memory_mb) * variant.latency_factor

    def warm_up(self, environments: int) -> None:
        """Environments that are warm when the hour begins."""
        self._recent = np.append(self._recent, environments)

    def extend(
        self,
        first: int,
        arrivals: Counts,
        mean_ms: Floats,
        *,
        refused: Floats | None,
        state: Serving,
        minutes_s: Floats,
    ) -> None:
        """Take the arrivals of consecutive minutes from `first` on.

        mean_ms: mean duration by minute; refused: share of requests throttled by minute.
        """
        last = first + len(arrivals)
        calls = arrivals
        if refused is not None:
            throttled = self.dice("throttles").binomial(arrivals, refused)
            self.throttled[first:last] = throttled
            calls = arrivals - throttled
        self.calls[first:last] = calls
        self.busy[first:last] = calls * mean_ms / 60_000.0
        nature = self.nature = state.workload.nature
        self.memory_most[first:last] = nature.memory_mb * self.variant.memory_factor
        self._count_environments(first, last, state, nature)
        self._draw_durations(first, last, calls, mean_ms, nature)
        self._count_errors(first, last, state.workload, minutes_s)
        self._sum_up(first, last)

    def total(self, what: str, first: int, last: int) -> float:
        """Sum of one of `SUMMED` over minutes [first, last)."""
        sums = self.sums[what]
        end = len(sums) - 1
        return sums[min(last, end)] - sums[min(first, end)]

    def _sum_up(self, first: int, last: int) -> None:
        """Carry the running sums on; minutes that were left out add nothing."""
        for name, sums in self.sums.items():
            before = sums.pop()
            sums.extend([before] * (first - len(sums)))
            sums.extend(accumulate(getattr(self, name)[first:last].tolist(), initial=before))

    def _count_environments(self, first: int, last: int, state: Serving, nature: Nature) -> None:
        """Environments in use, fresh ones among them, and provisioned ones."""
        ready = state.provisioned.get(self.qualifier or "", 0)
        self.ready[first:last] = ready
        window = slice(first, last)
        luck = self.dice("cold").random(last - first)
        calls, busy = self.calls[window], self.busy[window]
        most = np.maximum(1.0, np.ceil(busy + 2.0 * np.sqrt(busy))).astype(np.int64)
        needed = np.minimum(calls, most)
        on_demand = np.maximum(0, needed - ready)
        warm = self._still_warm(on_demand, max(1, round(nature.keep_alive_s / 60.0)))
        recycled = (np.minimum(on_demand, warm) / RECYCLE_MINUTES + luck).astype(np.int64)
        self.peak[window] = needed
        self.cold[window] = np.minimum(calls, np.maximum(0, on_demand - warm) + recycled)
        if ready:
            self.spilled[window] = np.rint(calls * on_demand / np.maximum(1, needed))
            self.provisioned[window] = np.minimum(needed, ready)

    def _still_warm(self, on_demand: Counts, keep: int) -> Counts:
        """For each minute, the most environments that one of the `keep` minutes before used."""
        before = self._recent[-keep:]
        line = np.concatenate([np.zeros(keep - len(before), np.int64), before, on_demand])
        self._recent = line[-keep:]
        most = line[:-1]
        width = 1
        while width < keep:
            step = min(width, keep - width)
            most = np.maximum(most[:-step], most[step:])
            width += step
        return most

    def _draw_durations(
        self, first: int, last: int, calls: Counts, mean_ms: Floats, nature: Nature
    ) -> None:
        present = np.flatnonzero(calls)
        if not len(present):
            return
        warm = calls[present]
        minutes: slice | Counts = present + first
        if len(present) == len(calls):
            minutes = slice(first, last)  # the usual case, and views are cheaper than copies
        if nature.first_call_factor != 1.0:
            slow = self.cold[minutes]
            warm = warm - slow
            self.counts[minutes, STRATA] = slow
        scatter, counts = draw_minutes(warm, nature.noise, self.dice("places"), self.dice("fall"))
        durations = scatter * mean_ms[present, None]
        self.counts[minutes, :STRATA] = counts
        self.durations[minutes, :STRATA] = durations
        self.durations[minutes, STRATA] = durations[:, 0] * nature.first_call_factor
        limit_ms = self.variant.timeout_s * 1000.0
        if durations.max() * max(1.0, nature.first_call_factor) > limit_ms:
            over = self.durations[minutes] >= limit_ms
            self.errors[minutes] += np.where(over, self.counts[minutes], 0).sum(axis=1)
            np.minimum(self.durations, limit_ms, out=self.durations)
        self.duration_sum[minutes] = (self.durations[minutes] * self.counts[minutes]).sum(axis=1)

    def _count_errors(self, first: int, last: int, workload: Workload, minutes_s: Floats) -> None:
        nature, variant = workload.nature, self.variant
        heavier = workload.factor(Effect.MEMORY, minutes_s) if workload.disturbances else None
        factor = variant.memory_factor
        shortfall: float | Floats = nature.memory_shortfall(variant.memory_mb, factor)
        if heavier is not None:
            self.memory_most[first:last] *= heavier
            shortfall = np.array(
                [nature.memory_shortfall(variant.memory_mb, factor * f) for f in heavier]
            )
        failing = workload.error_share(minutes_s) if workload.disturbances else None
        share: float | Floats = nature.error_rate
        if failing is not None:
            share = np.maximum(share, failing)
        if not np.any(shortfall) and not np.any(share):
            return
        window = slice(first, last)
        healthy = self.calls[window] - self.errors[window]
        killed = self.dice("kills").binomial(healthy, shortfall)
        failed = self.dice("errors").binomial(healthy - killed, share)
        self.out_of_memory[window] = killed
        self.errors[window] += killed + failed
