"""How fast the sandbox's world is: prints JSON.

    python bench/sandbox_speed.py [--functions 6] [--days 30]

`first_look`: the first read of two weeks of hourly points. `ticks`: a simulation in which
every five minutes every function's newest hour of five-minute points is read. Seconds are of
process time; `per_bucket_us` is the cost of one function's five minutes, all series together.
"""

import argparse
import json
import time
from collections.abc import Sequence

from controller.sandbox.metrics import Span, Subject
from controller.sandbox.statistic import parse_statistic
from controller.sandbox.world import World

SERIES = (
    ("Duration", "p50"), ("Duration", "p95"), ("Duration", "PR(:300)"), ("Duration", "Average"),
    ("Invocations", "Sum"), ("Errors", "Sum"), ("Throttles", "Sum"),
    ("ConcurrentExecutions", "Maximum"),
)  # fmt: skip
RATES = (10.0, 5.0, 2.0, 1.0, 0.2, 0.001)


def _world(functions: int) -> World:
    world = World(seed=1)
    world.seed_from(
        {
            "functions": [
                {
                    "name": f"f{number}",
                    "memory_mb": 1024,
                    "versions": 1,
                    "aliases": {"live": 1},
                    "age_days": 60,
                    "workload": {
                        "curve": {"a_ms": 20, "b": 100_000, "saturation_mb": 1769},
                        "cv": 0.2,
                        "slow_share": 0.02,
                        "qualifier": "live",
                        "traffic": {"rps": RATES[number % len(RATES)], "daily_amplitude": 0.5},
                    },
                }
                for number in range(functions)
            ]
        }
    )
    world.advance(3600.0 - world.now_s() % 3600.0 + 120.0)
    return world


def _read(world: World, functions: int, period_s: int, back_s: int) -> int:
    region = world.region()
    wanted = [(metric, parse_statistic(stat)) for metric, stat in SERIES]
    end_s = int(world.now_s() - 120) // period_s * period_s
    points = 0
    for number in range(functions):
        name = f"f{number}"
        dimensions = (("FunctionName", name), ("Resource", f"{name}:live"))
        subject = Subject(region.account, region.name, dimensions)
        span = Span(period_s, end_s - back_s, end_s)
        found = world.metrics.read(subject, wanted, span, world.now_s())
        points += sum(len(series) for series in found.values())
    return points


def measure(functions: int, days: float) -> dict[str, object]:
    """All figures."""
    world = _world(functions)
    begin = time.process_time()
    points = _read(world, functions, 3600, 14 * 86_400)
    first_look = {"points": points, "seconds": round(time.process_time() - begin, 3)}
    begin = time.process_time()
    points = _read(world, functions, 3600, 14 * 86_400)
    second_look = {"points": points, "seconds": round(time.process_time() - begin, 3)}
    ticks = int(days * 288)
    begin = time.process_time()
    points = 0
    for _ in range(ticks):
        world.advance(300.0)
        points += _read(world, functions, 300, 3600)
    seconds = time.process_time() - begin
    return {
        "functions": functions,
        "series_per_function": len(SERIES),
        "first_look": first_look,
        "second_look": second_look,
        "ticks": {
            "number": ticks,
            "points": points,
            "seconds": round(seconds, 3),
            "per_bucket_us": round(seconds / ticks / functions * 1e6, 1),
        },
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=int, default=6)
    parser.add_argument("--days", type=float, default=30.0)
    given = parser.parse_args(arguments)
    print(json.dumps(measure(given.functions, given.days), indent=2))


if __name__ == "__main__":
    main()
