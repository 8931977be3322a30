"""How fast the sandbox's world is: prints JSON.

    python bench/sandbox_speed.py [--functions 6] [--endpoints 6] [--days 30]

`first_look`: the first read of two weeks of hourly points. `ticks`: a simulation in which
every five minutes every function's newest hour of five-minute points is read. Seconds are of
process time; `per_bucket_us` is the cost of one function's five minutes, all series together.
`endpoints`: the same for real-time endpoints, and one serverless.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controller.sandbox.metrics import Dimensions, PointStore, Span, Subject
from controller.sandbox.sagemaker.metrics import endpoint_metrics
from controller.sandbox.seeding import seed_world
from controller.sandbox.statistic import parse_statistic
from controller.sandbox.world import World

SERIES = (
    ("Duration", "p50"), ("Duration", "p95"), ("Duration", "PR(:300)"), ("Duration", "Average"),
    ("Invocations", "Sum"), ("Errors", "Sum"), ("Throttles", "Sum"),
    ("ConcurrentExecutions", "Maximum"),
)  # fmt: skip
ENDPOINT_SERIES = (
    ("ModelLatency", "p50"), ("ModelLatency", "p95"), ("ModelLatency", "PR(:300000)"),
    ("OverheadLatency", "p95"), ("Invocations", "Sum"), ("InvocationsPerInstance", "Sum"),
    ("Invocation5XXErrors", "Sum"), ("CPUUtilization", "Average"),
)  # fmt: skip
RATES = (10.0, 5.0, 2.0, 1.0, 0.2, 0.001)


def _world(functions: int) -> World:
    world = World(seed=1)
    seed_world(
        world,
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
        },
    )
    world.advance(3600.0 - world.now_s() % 3600.0 + 120.0)
    return world


def _endpoints_world(endpoints: int) -> World:
    world = World(seed=1)
    sizes = [{"instance_type": "ml.c5.xlarge", "instance_count": 3}] * (endpoints - 1)
    sizes.append({"memory_mb": 2048, "max_concurrency": 50})
    seed_world(
        world,
        {
            "endpoints": [
                {
                    "name": f"e{number}",
                    "age_days": 60,
                    **size,
                    "workload": {
                        "machines": {"work_ms": 60},
                        "cv": 0.3,
                        "slow_share": 0.02,
                        "traffic": {"rps": 8.0 * RATES[number % 4], "daily_amplitude": 0.5},
                    },
                }
                for number, size in enumerate(sizes)
            ]
        },
    )
    world.advance(3600.0 - world.now_s() % 3600.0 + 120.0)
    return world


def _function(number: int) -> Dimensions:
    return (("FunctionName", f"f{number}"), ("Resource", f"f{number}:live"))


def _endpoint(number: int) -> Dimensions:
    return (("EndpointName", f"e{number}"), ("VariantName", "AllTraffic"))


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is read: `number` subjects in a world, each with all series."""

    world: World
    store: PointStore
    number: int
    series: Sequence[tuple[str, str]]
    dimensions: Callable[[int], Dimensions]

    def read(self, period_s: int, back_s: int) -> int:
        """Read all; returns how many points there were."""
        region = self.world.region()
        wanted = [(metric, parse_statistic(stat)) for metric, stat in self.series]
        end_s = int(self.world.now_s() - 120) // period_s * period_s
        points = 0
        for number in range(self.number):
            subject = Subject(region.account, region.name, self.dimensions(number))
            span = Span(period_s, end_s - back_s, end_s)
            found = self.store.read(subject, wanted, span, self.world.now_s())
            points += sum(len(series) for series in found.values())
        return points

    def measure(self, days: float) -> dict[str, object]:
        """All figures."""
        begin = time.process_time()
        points = self.read(3600, 14 * 86_400)
        first_look = {"points": points, "seconds": round(time.process_time() - begin, 3)}
        begin = time.process_time()
        points = self.read(3600, 14 * 86_400)
        second_look = {"points": points, "seconds": round(time.process_time() - begin, 3)}
        ticks = int(days * 288)
        begin = time.process_time()
        points = 0
        for _ in range(ticks):
            self.world.advance(300.0)
            points += self.read(300, 3600)
        seconds = time.process_time() - begin
        return {
            "number": self.number,
            "series_each": len(self.series),
            "first_look": first_look,
            "second_look": second_look,
            "ticks": {
                "number": ticks,
                "points": points,
                "seconds": round(seconds, 3),
                "per_bucket_us": round(seconds / max(1, ticks) / self.number * 1e6, 1),
            },
        }


def measure(functions: int, endpoints: int, days: float) -> dict[str, object]:
    """Figures of functions and of endpoints."""
    world, other = _world(functions), _endpoints_world(endpoints)
    store = endpoint_metrics(other)
    return {
        "functions": Fleet(world, world.metrics, functions, SERIES, _function).measure(days),
        "endpoints": Fleet(other, store, endpoints, ENDPOINT_SERIES, _endpoint).measure(days),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=int, default=6)
    parser.add_argument("--endpoints", type=int, default=6)
    parser.add_argument("--days", type=float, default=30.0)
    given = parser.parse_args(arguments)
    print(json.dumps(measure(given.functions, given.endpoints, given.days), indent=2))


if __name__ == "__main__":
    main()
