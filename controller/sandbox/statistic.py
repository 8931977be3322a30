"""CloudWatch's statistics over a set of values: names, meaning, arithmetic.

Simple ones (Sum, Average, ...) come from moments; the others need the values themselves:
`p95`, `PR(:300)`, `tm90`, `TM(10%:90%)`, `TC`, `TS`, `WM`, `IQM`. Ranges have an exclusive
lower and an inclusive upper bound, so `PR(:x)` is the percentage of values <= x.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]


class Distribution:
    """Values with how often each occurred, sorted once."""

    __slots__ = ("below", "counts", "total", "values")

    def __init__(self, values: Values, counts: Counts) -> None:
        order = np.argsort(values, kind="stable")
        self.values = values[order]
        self.counts = counts[order]
        self.below = np.cumsum(self.counts)
        self.total = int(self.below[-1]) if len(self.below) else 0

    def quantile(self, share: float) -> float:
        """Value at a rank (0-1), linear between the middles of equal values' ranks."""
        middles = (self.below - self.counts / 2.0) / self.total
        return float(np.interp(share, middles, self.values))

    def count_upto(self, bound: float) -> int:
        """How many values are <= bound."""
        index = int(np.searchsorted(self.values, np.float64(bound), side="right"))
        return int(self.below[index - 1]) if index else 0

    def within_ranks(self, low: float, high: float) -> tuple[float, float, float]:
        """(sum, number, number below) of what lies between two ranks (0-1)."""
        starts = self.below - self.counts
        inside = np.clip(self.below, low * self.total, high * self.total) - np.clip(
            starts, low * self.total, high * self.total
        )
        return float((inside * self.values).sum()), float(inside.sum()), low * self.total


@dataclass(frozen=True, slots=True)
class Moments:
    """Number and sum of some values; `count` is 0 where there are none.

    `extremes` are the least and the greatest, None where only the values tell.
    """

    count: int
    total: float
    extremes: tuple[float, float] | None = None


_SIMPLE: dict[str, Callable[[Moments], float]] = {
    "Sum": lambda m: m.total,
    "SampleCount": lambda m: float(m.count),
    "Average": lambda m: m.total / m.count,
    "Minimum": lambda m: m.extremes[0] if m.extremes else math.nan,
    "Maximum": lambda m: m.extremes[1] if m.extremes else math.nan,
}
_SHORT = re.compile(r"^(p|tm|tc|ts|wm)(\d{1,2}(?:\.\d{1,10})?|100)$")
_LONG = re.compile(r"^(TM|TC|TS|WM|PR)\(([^:()]*):([^:()]*)\)$")
_BOUND = re.compile(r"^\d+(?:\.\d+)?(%?)$")


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """A parsed statistic, the same as another of its name.

    Exactly one of `simple` and `family` is set.

    family: p, tm, tc, ts, wm or pr; low and high are ranks (0-1) where `ranks`, else values,
    None where open.
    """

    name: str
    simple: Callable[[Moments], float] | None = None
    family: str = ""
    low: float | None = None
    high: float | None = None
    ranks: bool = True

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statistic) and other.name == self.name

    def of(self, values: Distribution) -> float | None:
        """The statistic over a distribution (not for simple ones); None where undefined."""
        if self.family == "p":
            return values.quantile(self.high or 0.0)
        if self.family == "pr":
            below = 0 if self.low is None else values.count_upto(self.low)
            upto = values.total if self.high is None else values.count_upto(self.high)
            return 100.0 * max(0, upto - below) / values.total
        low, high = self._rank_range(values)
        total, count, below_count = values.within_ranks(low, high)
        if self.family == "tc":
            return count
        if self.family == "ts":
            return total
        if self.family == "wm":
            least, most = values.quantile(low), values.quantile(high)
            above = values.total - below_count - count
            return (total + least * below_count + most * above) / values.total
        return total / count if count > 0 else None

    def _rank_range(self, values: Distribution) -> tuple[float, float]:
        if self.ranks:
            return self.low or 0.0, 1.0 if self.high is None else self.high
        low = 0 if self.low is None else values.count_upto(self.low)
        high = values.total if self.high is None else values.count_upto(self.high)
        return low / values.total, max(low, high) / values.total


@lru_cache(maxsize=1024)
def parse_statistic(name: str) -> Statistic | None:
    """The statistic of a name; None if CloudWatch has no such statistic."""
    if name in _SIMPLE:
        return Statistic(name, simple=_SIMPLE[name])
    if name == "IQM":
        return Statistic(name, family="tm", low=0.25, high=0.75)
    if short := _SHORT.match(name):
        return Statistic(name, family=short[1], high=float(short[2]) / 100.0)
    long = _LONG.match(name)
    if long is None:
        return None
    bounds = [_BOUND.match(text) for text in (long[2], long[3]) if text]
    percent = {bound[1] for bound in bounds if bound is not None}
    if not bounds or None in bounds or len(percent) != 1:
        return None
    ranks = percent == {"%"}
    if ranks and long[1] == "PR":
        return None
    scale = 100.0 if ranks else 1.0
    low, high = (float(t.rstrip("%")) / scale if t else None for t in (long[2], long[3]))
    if (ranks and not all(0 <= b <= 1 for b in (low, high) if b is not None)) or (
        low is not None and high is not None and low >= high
    ):
        return None
    return Statistic(name, family=long[1].lower(), low=low, high=high, ranks=ranks)
