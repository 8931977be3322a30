"""Draw the frontier of the memory search: calls against regret and broken SLOs, beside the peers.

    python -m bench.frontier RUN.json [RUN.json ...] --out FRONTIER.svg

The runs are what `bench.memory_search --json` writes: one with the peers, and as many as there
are of ours alone with other rules (`--rule NAME=VALUE`). A mark is a method's median of all
trials, a whisker its ninetieth percentile. The stairs join what no other mark betters in both
numbers. Needs matplotlib (`rightsizer[plot]`).
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

OURS = "rightsizer"
OUR_COLOUR, STAIRS = "#2e7d32", "#9e9e9e"
TITLES = {"slo": "cheapest size within the SLO", "cheapest": "cheapest size"}
MARKERS = "osDvP^Xh<>pd8"


@dataclass(frozen=True, slots=True)
class Method:
    """What a tuner did over all trials of one objective; shares and regrets in percent."""

    name: str
    ours: bool
    calls: tuple[float, float]
    """Median and ninetieth percentile."""
    regret: tuple[float, float]
    """The same, of the size that the final one is doubled to until it meets the SLO."""
    over: float
    """Final sizes that break the SLO."""
    trials: int


def methods(runs: Sequence[Mapping[str, Any]], objective: str) -> list[Method]:
    """Every method of some runs, ours once for each set of rules; in the order of the runs.

    Raises ValueError where two runs are of different worlds: they cannot be compared.
    """
    worlds = {(run["world"]["noise"], run["world"]["truth"]) for run in runs}
    if len(worlds) > 1:
        raise ValueError(f"the runs are of different worlds: {sorted(worlds)}")
    found: dict[str, Method] = {}
    for run in runs:
        rules = ", ".join(f"{name} {value}" for name, value in run["world"]["changed"])
        rows: dict[str, list[Mapping[str, Any]]] = {}
        for trial in run["trials"]:
            if trial["objective"] == objective:
                rows.setdefault(trial["method"], []).append(trial)
        for method, trials in rows.items():
            ours = method == OURS
            name = f"{method}, {rules}" if ours and rules else method
            found.setdefault(name, _method(name, ours, trials))
    return list(found.values())


def _method(name: str, ours: bool, trials: Sequence[Mapping[str, Any]]) -> Method:
    def spread(of: str, factor: float) -> tuple[float, float]:
        values = [factor * float(trial[of]) for trial in trials]
        middle, high = np.percentile(values, [50, 90])
        return float(middle), float(high)

    over = 100.0 * float(np.mean([bool(trial["violates"]) for trial in trials]))
    calls, regret = spread("calls", 1.0), spread("repaired_regret", 100.0)
    return Method(name, ours, calls, regret, over, len(trials))


def frontier(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points that no other one betters in both numbers, from the left."""
    found: list[tuple[float, float]] = []
    for x, y in sorted(set(points)):
        if not found or y < found[-1][1]:
            found.append((x, y))
    return found


def draw(runs: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the picture; the file's ending says which kind. Raises OSError, ValueError."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    tried = {objective: methods(runs, objective) for objective in TITLES}
    shown = {objective: rows for objective, rows in tried.items() if rows}
    if not shown:
        raise ValueError("the runs hold no trials")
    panels = [(objective, over) for objective in shown for over in (False, True)]
    panels = [(o, over) for o, over in panels if o == "slo" or not over]
    figure = Figure(figsize=(4.6 * len(panels), 5.6), layout="constrained")
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    marks = _marks(shown)
    for axes, (objective, over) in zip(row, panels, strict=True):
        _panel(axes, shown[objective], marks, over=over)
        axes.set_title(TITLES[objective])
    handles = {t: h for axes in row for h, t in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, fontsize="small")
    world, trials = runs[0]["world"], max(m.trials for rows in shown.values() for m in rows)
    figure.suptitle(f"{world['noise']} noise, {world['truth']} truth, {trials} trials a method")
    # The same runs draw the same bytes.
    stamp: dict[str, Any] = {"Date": None} if path.suffix == ".svg" else {}
    with rc_context({"svg.hashsalt": "frontier"}):
        figure.savefig(path, metadata=stamp, dpi=120)


def _marks(shown: Mapping[str, Sequence[Method]]) -> dict[str, dict[str, Any]]:
    """Shape and colour of each method, the same in all panels."""
    every = {m.name: m for rows in shown.values() for m in rows}
    return {
        name: {
            "fmt": MARKERS[i % len(MARKERS)],
            "color": OUR_COLOUR if method.ours else f"C{i % 10}",
            "markersize": 10 if method.ours else 6,
        }
        for i, (name, method) in enumerate(every.items())
    }


def _panel(
    axes: Any, rows: Sequence[Method], marks: Mapping[str, dict[str, Any]], *, over: bool
) -> None:
    """Calls to the right; upwards regret, or how many final sizes break the SLO."""
    points = []
    for method in rows:
        calls, height = method.calls[0], method.over if over else method.regret[0]
        points.append((calls, height))
        beyond = [[0.0], [method.calls[1] - calls]]
        above = None if over else [[0.0], [method.regret[1] - height]]
        axes.errorbar(
            [calls], [height], xerr=beyond, yerr=above, label=method.name,
            elinewidth=0.8, capsize=2, **marks[method.name],
        )  # fmt: skip
    top = 110.0 if over else 1.1 * max([100.0, *(method.regret[1] for method in rows)])
    best = frontier(points)
    # On to the edges: above the first mark nothing is as quick, right of the last nothing better.
    left, right = [best[0][0]], [2.0 * max(x for x, _ in points)]
    axes.step(
        [*left, *(x for x, _ in best), *right],
        [top, *(y for _, y in best), best[-1][1]],
        where="post", color=STAIRS, linestyle="--", zorder=0,
    )  # fmt: skip
    axes.set_xscale("log")
    # Nought is the best there is, and has to be seen.
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set_ylim(-0.1, top)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.set_xlabel("exploration calls")
    axes.set_ylabel("final sizes over the SLO, %" if over else "bill over the least, %")


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.svg")
    given = parser.parse_args()
    try:
        draw([json.loads(run.read_text()) for run in given.runs], given.out)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
