"""Foretell cold starts of serverless endpoints for more environments kept warm, beside the truth.

    python -m bench.kept_warm [--days 7] [--seed 1] [--json OUT]

For every shape of traffic, one endpoint of the sandbox without any environment kept warm, from
whose hours the shares with others are foretold, and one for each number, which has the truth.
The sandbox keeps idle environments ten minutes (one shape: one) and renews them after two
hours: the controller's guess is the same, so that this tests the arithmetic and the use of five
minute counts, and not what AWS does; the shape that differs shows what a wrong guess does.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controller.aws.cloudwatch import CloudWatchReader
from controller.aws.sessions import Connection, Keys, Sessions
from controller.clock import VirtualClock
from controller.core.contract import Span
from controller.core.demand import demand
from controller.core.periods import DAY_S, HOUR_S, align_down
from controller.kinds.serverless_endpoint.warmth import Warmth
from controller.kinds.serverless_endpoint.windows import traffic
from controller.model.endpoint import ALL_TRAFFIC, EndpointKey, Kind
from controller.model.missing import Missing
from controller.model.policy import Covers, Scope, Slo
from controller.sandbox.inprocess_door import attach
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

NUMBERS = (0, 1, 2, 3, 5, 10)
SLO = Slo(3000.0, covers=Covers.TOTAL)
MS = 600.0


@dataclass(frozen=True)
class Row:
    """One shape and number: shares of requests that start cold."""

    shape: str
    kept: int
    foretold: float
    true: float


def shapes() -> dict[str, dict[str, Any]]:
    """Workloads by name."""
    bursts = {"per_day": 12, "factor": 8.0, "minutes": 8.0}
    steep = {"per_day": 20, "factor": 20.0, "minutes": 5.0}
    return {
        "sparse, kept 1 min": {"keep_alive_s": 60, "traffic": {"rps": 0.03}},
        "sparse": {"traffic": {"rps": 0.01}},
        "busy": {"traffic": {"rps": 6.0}},
        "daily": {"traffic": {"rps": 4.0, "daily_amplitude": 0.9}},
        "bursts": {"traffic": {"rps": 2.0, "bursts": bursts}},
        "steep bursts": {"traffic": {"rps": 0.3, "bursts": steep}},
    }


def endpoint(number: int, workload: dict[str, Any], days: float) -> dict[str, Any]:
    """A seed document of an endpoint with so many kept warm."""
    found: dict[str, Any] = {
        "name": f"e{number}",
        "memory_mb": 2048,
        "max_concurrency": 100,
        "age_days": days,
        "workload": {
            "curve": {"a_ms": MS / 2, "b": MS / 2 * 1769.0, "p": 1.0, "saturation_mb": 1769},
            "memory_mb": 700,
            "init_ms": 4000,
            **workload,
        },
    }
    return found | ({"provisioned_concurrency": number} if number else {})


def measured(shape: str, workload: dict[str, Any], days: float, seed: int) -> list[Row]:
    """One shape, lived through."""
    world = World(seed=seed)
    seed_world(world, {"endpoints": [endpoint(n, workload, days) for n in NUMBERS]})
    clock = VirtualClock(world.now_s(), world.advance_to)
    connection = Connection(keys=Keys("AKIA123456789012TEST", "secret"))
    sessions = Sessions(clock, connection, hook=lambda session: attach(session, world))
    end_s = align_down(world.now_s(), HOUR_S) - HOUR_S
    span = Span(end_s - (days * DAY_S - 2 * HOUR_S) // HOUR_S * HOUR_S, end_s, int(HOUR_S))
    kinds = {}
    for number in NUMBERS:
        key = EndpointKey(
            "123456789012", "eu-west-1", Kind.SERVERLESS_ENDPOINT, f"e{number}", ALL_TRAFFIC
        )
        readings = traffic(key, span, SLO)
        answers = CloudWatchReader(sessions, clock).read(Scope("eu-west-1"), readings.series())
        seen = demand(readings.windows(answers), ())
        assert not isinstance(seen, Missing)
        kinds[number] = seen
    warmth = Warmth.of(kinds[0])
    return [
        Row(shape, h.provisioned, warmth.cold(number, MS).share, h.cold_starts / h.requests)
        for number in NUMBERS[1:]
        for h in kinds[number].warm_hours[-1:]
    ]


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    rows = [
        row
        for name, work in shapes().items()
        for row in measured(name, work, given.days, given.seed)
    ]
    print(f"{'traffic':<20}{'kept':>5}{'foretold':>10}{'true':>10}")
    for row in rows:
        print(f"{row.shape:<20}{row.kept:>5}{row.foretold:>10.3%}{row.true:>10.3%}")
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
