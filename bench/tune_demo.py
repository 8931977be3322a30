"""`rightsizer tune` on the demo's functions, beside a run in the style of aws-lambda-power-tuning.

    python -m bench.tune_demo [--seeds 5] [--calls 20] [--num 50] [--json FILE]

Both call copies in the same world and pay the same bill. `tune` is the search that the command
runs (`runtime.tuning`), three copies at once, starting from what CloudWatch tells of the present
size. The other calls its six usual sizes (128, 256, 512, 1024, 1536 and 3008 MB) `num` times
each, leaves out the fastest and slowest fifth (`discardTopBottom`), and takes the cheapest
average: its strategy `cost`; the column `with SLO` gives it the cheapest of its sizes whose p95
met the threshold, which its users would have to read off its picture. What is best is known from
the world: the cheapest size of the ladder whose true p95 meets the SLO. Virtual calls, so it
runs in seconds; the real thing over HTTP is `tests/end_to_end/test_tune.py`.
"""

import argparse
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from controller.kinds.lambda_function.sizing import ladder
from controller.model.policy import Bounds
from controller.runtime.tune_parts import HEADROOM
from controller.runtime.tuning import Goal, MemoryTuning, known_calls
from controller.sandbox.demo_account import demo_document
from controller.sandbox.rates import rates_of
from controller.sandbox.seeding import seed_world
from controller.sandbox.truth import cheapest_size, truth_of
from controller.sandbox.world import World

ACCOUNT, REGION = "123456789012", "eu-west-1"
POWER_VALUES = (128, 256, 512, 1024, 1536, 3008)
DISCARDED = 0.2
COLD_CALLS = 1


@dataclass(slots=True)
class Copies:
    """Calls to copies of one function: durations from the world, and their bill."""

    world: World
    name: str
    dice: np.random.Generator
    calls: int = 0
    usd: float = 0.0

    def call(self, memory_mb: int, count: int) -> list[float]:
        """Durations (ms) of so many warm calls; empty where memory ran out. One more comes cold."""
        region = self.world.region(ACCOUNT, REGION)
        nature = region.workloads[self.name].nature
        mean = nature.curve.mean_ms(memory_mb)
        durations = mean * nature.noise.quantile(self.dice.random(count + COLD_CALLS))
        billed = np.ceil(durations).sum() + COLD_CALLS * nature.init_ms
        self.calls += count + COLD_CALLS
        self.usd += self.price(memory_mb, float(billed), count + COLD_CALLS)
        short = nature.memory_shortfall(memory_mb, 1.0)
        return [] if short > 0.0 else [float(ms) for ms in durations[COLD_CALLS:]]

    def price(self, memory_mb: int, billed_ms: float, calls: int = 1) -> float:
        """USD of calls that were billed so long together."""
        config = self.world.region(ACCOUNT, REGION).functions[self.name].latest
        rates = rates_of(REGION, config.architecture)
        assert rates is not None
        gb_s = billed_ms / 1000.0 * memory_mb / 1024.0
        return rates.duration_usd(gb_s) + calls * rates.usd_per_request


def tuned(copies: Copies, current_mb: int, used_mb: int, slo_ms: float, calls: int) -> int:
    """The size that the product's search comes to."""
    now = truth_of(copies.world, copies.world.region(ACCOUNT, REGION), copies.name, current_mb)
    sizes = [mb for mb in ladder(Bounds(), current_mb) if mb >= used_mb * HEADROOM]
    search = MemoryTuning(
        Goal(slo_ms, 0.95, calls=calls, confirm=3 * calls),
        known_calls(now.mean_ms, now.p50_ms, now.p95_ms),
        current_mb,
        sorted({*sizes, current_mb}),
        lambda mb, ms: copies.price(mb, ms + 0.5),
    )
    while wanted := search.wanted(3):
        for one in wanted:
            durations = copies.call(one.memory_mb, one.calls)
            search.learn(one.memory_mb, durations, broke=not durations)
    return search.settled()[0]


def power_tuned(copies: Copies, num: int, slo_ms: float | None) -> int | None:
    """The size that six sizes, called `num` times each, come to; None where none would do."""
    found: dict[int, float] = {}
    for memory_mb in POWER_VALUES:
        durations = sorted(copies.call(memory_mb, num))
        if not durations:
            continue
        cut = math.floor(len(durations) * DISCARDED)
        kept = durations[cut : len(durations) - cut]
        p95 = durations[math.ceil(0.95 * len(durations)) - 1]
        if slo_ms is None or p95 <= slo_ms:
            found[memory_mb] = copies.price(memory_mb, statistics.fmean(kept))
    return min(found, key=lambda mb: found[mb], default=None)


def judged(world: World, name: str, slo_ms: float, memory_mb: int | None) -> Mapping[str, Any]:
    """What is really so at a size: against the best there is."""
    region = world.region(ACCOUNT, REGION)
    best = cheapest_size(world, region, name, sizes=range(128, 3073, 16), threshold_ms=slo_ms)
    if memory_mb is None or best is None or not best.usd_per_month:
        return {"memoryMb": memory_mb, "meetsSlo": False, "regret": None}
    truth = truth_of(world, region, name, memory_mb, slo_ms)
    return {
        "memoryMb": memory_mb,
        "bestMb": best.memory_mb,
        "p95OverSlo": truth.p95_ms / slo_ms,
        "meetsSlo": (truth.met_ratio or 0.0) >= 0.95,
        "regret": (truth.usd_per_month or 0.0) / best.usd_per_month - 1.0,
    }


def measure(seeds: int, calls: int, num: int) -> list[dict[str, Any]]:
    """Every function, seed and method."""
    document = demo_document()
    world = World(seed=0)
    seed_world(world, document)
    rows = []
    for function in document["functions"]:
        name, slo_ms = function["name"], float(function["tags"]["slo-p95-ms"])
        used = function["workload"]["memory_mb"]
        for seed in range(seeds):
            for method in ("tune", "power tuning", "power tuning with SLO"):
                copies = Copies(world, name, np.random.default_rng(seed))
                size: int | None
                if method == "tune":
                    size = tuned(copies, function["memory_mb"], used, slo_ms, calls)
                else:
                    size = power_tuned(copies, num, slo_ms if "SLO" in method else None)
                found = judged(world, name, slo_ms, size)
                spent = {"calls": copies.calls, "usd": copies.usd}
                rows.append({"function": name, "seed": seed, "method": method, **found, **spent})
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Medians by function and method."""
    lines = [
        f"{'function':<20} {'method':<22} {'size':>6} {'best':>6} {'SLO met':>8} {'regret':>8} "
        f"{'calls':>6} {'USD':>9}"
    ]
    for name in dict.fromkeys(row["function"] for row in rows):
        for method in dict.fromkeys(row["method"] for row in rows):
            mine = [r for r in rows if (r["function"], r["method"]) == (name, method)]
            sizes = [r["memoryMb"] for r in mine if r["memoryMb"] is not None]
            regrets = [r["regret"] for r in mine if r["regret"] is not None]
            best = next((r["bestMb"] for r in mine if r.get("bestMb")), None)
            lines.append(
                f"{name:<20} {method:<22} {_median(sizes, '.0f'):>6} {best or '-':>6} "
                f"{sum(r['meetsSlo'] for r in mine):>4} of {len(mine):<1} "
                f"{_median(regrets, '.1%'):>8} {_median([r['calls'] for r in mine], '.0f'):>6} "
                f"{_median([r['usd'] for r in mine], '.6f'):>9}"
            )
    return "\n".join(lines)


def _median(values: Sequence[float], form: str) -> str:
    return format(statistics.median(values), form) if values else "-"


def main() -> None:
    """Print the table; write JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=20, help="of tune, to one copy")
    parser.add_argument("--num", type=int, default=50, help="of power tuning, to each size")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = measure(given.seeds, given.calls, given.num)
    print(table(rows))
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1), "utf-8")


if __name__ == "__main__":
    main()
