"""A picture of a search: cost and p95 against size, what was measured, the SLO, the choice.

Drawn by matplotlib, an extra of its own (`rightsizer[plot]`): the daemon never needs it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.cli.size_words import short
from controller.model.demand import Interval
from controller.model.missing import Missing
from controller.model.size import LambdaSize, ServerlessSize, Size

if TYPE_CHECKING:
    from controller.runtime.tune_parts import Subject
    from controller.runtime.tune_table import Tuned

COST, LATENCY, CHOSEN = "#1f6f8b", "#b5541c", "#2e7d32"


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where sizes stand from left to right: memory on its own scale, instances side by side."""

    places: dict[Size, float]
    memory: bool

    @classmethod
    def of(cls, sizes: Sequence[Size]) -> "_Scale":
        memory: dict[Size, float] = {
            size: float(size.memory_mb)
            for size in sizes
            if isinstance(size, LambdaSize | ServerlessSize)
        }
        if len(memory) == len(sizes):
            return cls(memory, memory=True)
        return cls({size: float(i) for i, size in enumerate(sizes)}, memory=False)

    def label(self, axes: Any) -> None:
        if not self.memory:
            axes.set_xticks(
                list(self.places.values()), [short(s) for s in self.places], rotation=30, ha="right"
            )
            return
        low, high = min(self.places.values()), max(self.places.values())
        ticks = [2**n for n in range(7, 14) if low <= 2**n <= high]
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.set_xlabel("memory, MB")


def draw(path: str, subject: "Subject", tuned: "Tuned") -> None:
    """Write the picture; the file's ending says which kind. Raises OSError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 6.4), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    scale = _Scale.of([one.size for one in tuned.made])
    p95s = {one.size: one.p95_ms for one in tuned.made}
    costs = {
        one.size: one.usd_per_month
        for one in tuned.made
        if not isinstance(one.usd_per_month, Missing)
    }
    _curve(top, scale, p95s, LATENCY, "p95, with its 90 % interval")
    seen = [size for size in tuned.seen if size in p95s]
    _points(top, scale, {size: p95s[size] for size in seen}, LATENCY, ("o", "called"))
    top.axhline(tuned.threshold_ms, color="black", linestyle="--", label="SLO")
    _curve(bottom, scale, costs, COST, "cost, with its 90 % interval")
    for axes, values in ((top, p95s), (bottom, costs)):
        for size, mark in ((subject.state.size, ("s", "present")), (tuned.chosen, ("*", "chosen"))):
            _points(axes, scale, {size: values[size]} if size in values else {}, CHOSEN, mark)
        axes.legend()
    top.set_yscale("log")
    top.yaxis.set_major_formatter("{x:g}")
    top.yaxis.set_minor_formatter("{x:g}")
    top.set_ylabel("p95, ms")
    bottom.set_ylabel("USD a month")
    bottom.set_ylim(bottom=0.0)
    top.set_title(f"{subject.key.short}: {subject.state.size} -> {tuned.chosen}")
    scale.label(bottom)
    # The same search draws the same bytes.
    stamp: dict[str, Any] = {"Date": None} if Path(path).suffix == ".svg" else {}
    figure.savefig(path, metadata=stamp, dpi=120)


def _curve(axes: Any, scale: _Scale, values: dict[Size, Interval], colour: str, label: str) -> None:
    """A line in its band of uncertainty; of instances, which have no order, bars of it."""
    places = [scale.places[size] for size in values]
    low, mid = [v.low for v in values.values()], [v.mid for v in values.values()]
    high = [v.high for v in values.values()]
    if scale.memory:
        axes.fill_between(places, low, high, color=colour, alpha=0.2)
        axes.plot(places, mid, color=colour, label=label)
        return
    below = [m - one for m, one in zip(mid, low, strict=True)]
    above = [one - m for m, one in zip(mid, high, strict=True)]
    axes.errorbar(places, mid, yerr=[below, above], fmt="_", capsize=4, color=colour, label=label)


def _points(
    axes: Any,
    scale: _Scale,
    values: dict[Size, Interval],
    colour: str,
    mark: tuple[str, str],
) -> None:
    if values:
        places = [scale.places[size] for size in values]
        mids = [value.mid for value in values.values()]
        marker, label = mark
        size = 6 if marker == "o" else 11
        axes.plot(places, mids, marker, color=colour, markersize=size, label=label)
