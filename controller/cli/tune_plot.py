"""A picture of a search: cost and p95 against size, what was measured, the SLO, the choice.

Drawn by matplotlib, an extra of its own (`rightsizer[plot]`): the daemon never needs it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.model.missing import Missing
from controller.model.size import memory_mb_of
from controller.runtime.tune_table import estimates

if TYPE_CHECKING:
    from controller.model.estimate import Estimate
    from controller.runtime.tune_parts import Subject
    from controller.runtime.tune_shot import Tuned

COST, LATENCY, CHOSEN = "#1f6f8b", "#b5541c", "#2e7d32"


def draw(path: str, subject: "Subject", tuned: "Tuned") -> None:
    """Write the picture; the file's ending says which kind. Raises OSError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 6.4), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    made = estimates(subject, tuned)
    sizes = [memory_mb_of(one.size) for one in made]
    _latency(top, sizes, made, tuned)
    _cost(bottom, sizes, made, tuned)
    top.set_title(f"{subject.key.short}: {subject.state.size} -> {tuned.memory_mb} MB")
    bottom.set_xlabel("memory, MB")
    bottom.set_xscale("log", base=2)
    ticks = [2**n for n in range(7, 14) if sizes[0] <= 2**n <= sizes[-1]]
    bottom.set_xticks(ticks, [str(tick) for tick in ticks])
    # The same search draws the same bytes.
    stamp: dict[str, Any] = {"Date": None} if Path(path).suffix == ".svg" else {}
    figure.savefig(path, metadata=stamp, dpi=120)


def _latency(axes: Any, sizes: list[int], made: "list[Estimate]", tuned: "Tuned") -> None:
    goal = tuned.tuning.goal
    mids = [one.p95_ms.mid for one in made]
    axes.fill_between(
        sizes, [e.p95_ms.low for e in made], [e.p95_ms.high for e in made], color=LATENCY, alpha=0.2
    )
    axes.plot(sizes, mids, color=LATENCY, label="p95, with its 90 % interval")
    seen = [(mb, ms) for mb, ms in zip(sizes, mids, strict=True) if tuned.tuning.seen(mb)]
    axes.plot(*zip(*seen, strict=True), "o", color=LATENCY, label="called") if seen else None
    axes.axhline(goal.threshold_ms, color="black", linestyle="--", label="SLO")
    _mark(axes, sizes, mids, tuned)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_ylabel("p95, ms")
    axes.legend()


def _cost(axes: Any, sizes: list[int], made: "list[Estimate]", tuned: "Tuned") -> None:
    known = [
        (mb, one.usd_per_month)
        for mb, one in zip(sizes, made, strict=True)
        if not isinstance(one.usd_per_month, Missing)
    ]
    places = [mb for mb, _ in known]
    mids = [usd.mid for _, usd in known]
    low, high = [usd.low for _, usd in known], [usd.high for _, usd in known]
    axes.fill_between(places, low, high, color=COST, alpha=0.2)
    axes.plot(places, mids, color=COST, label="cost, with its 90 % interval")
    _mark(axes, places, mids, tuned)
    axes.set_ylabel("USD a month")
    axes.set_ylim(bottom=0.0)
    axes.legend()


def _mark(axes: Any, sizes: list[int], values: list[float], tuned: "Tuned") -> None:
    """The chosen size and the present one."""
    named = {tuned.tuning.current_mb: ("present", "s"), tuned.memory_mb: ("chosen", "*")}
    for memory_mb, (label, marker) in named.items():
        if memory_mb in sizes:
            at = values[sizes.index(memory_mb)]
            axes.plot([memory_mb], [at], marker, color=CHOSEN, markersize=11, label=label)
