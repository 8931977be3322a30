"""How long the real controller takes to live through a month of the demo account.

    python -m bench.simulated_month [--days 30] [--seed 0] [--endpoints] [--digests 1 6]

Everything is as in production but the sockets: boto3, adapters, journal, in one process under
virtual time. Prints JSON: seconds of CPU and wall, ticks, calls, changes, and a digest of the
journal, which is the same for the same seed; also what it was after so many days.
"""

import argparse
import hashlib
import io
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog

from controller.app import App, Wiring, build
from controller.aws.sessions import Connection, Keys
from controller.cli.allocator import collect_less
from controller.clock import VirtualClock
from controller.demo.stage import POLICIES, START_S
from controller.model.endpoint import Kind
from controller.model.policy import PolicySet
from controller.policy import load
from controller.runtime.stepper import Stepper
from controller.sandbox.demo_account import demo_document
from controller.sandbox.extensions import state_of
from controller.sandbox.front import Front
from controller.sandbox.inprocess_door import attach
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World
from controller.store.sqlite import SqliteStore

DAY_S = 86_400.0
LEVEL_ERROR = 40


def begin(seed: int, endpoints: bool = False) -> tuple[App, VirtualClock, World]:
    """The demo account and a controller that acts on it, at their first instant."""
    collect_less()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(LEVEL_ERROR))
    world = World(seed=seed, start_s=START_S)
    seed_world(world, demo_document(endpoints=endpoints))
    clock = VirtualClock(world.now_s(), world.advance_to)
    app = build(
        Wiring(
            clock=clock,
            store=SqliteStore.open(":memory:"),
            policies=_policies(endpoints),
            connection=Connection(keys=Keys("AKIA123456789012TEST", "x"), max_attempts=1),
            hook=lambda session: attach(session, world),
            budgets=False,
        )
    )
    app.engine.resync()
    return app, clock, world


def live(
    days: float, seed: int, endpoints: bool = False, digests: Sequence[float] = ()
) -> dict[str, Any]:
    """Live through `days` and say what it cost; with `endpoints`, SageMaker's part too."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    app, clock, world = begin(seed, endpoints)
    looks = 0

    def looked(_: object) -> None:
        nonlocal looks
        looks += 1

    stepper = Stepper(app.engine, clock, looked)
    after: dict[str, str] = {}
    for day in sorted({*digests, days}):
        stepper.run_until(START_S + day * DAY_S)
        after[f"{day:g}"] = _digest(app)
    changes = app.store.changes()
    return {
        "days": days,
        "seed": seed,
        "wallSeconds": round(time.perf_counter() - wall_s, 2),
        "cpuSeconds": round(time.process_time() - cpu_s, 2),
        "looks": looks,
        "awsCalls": sum(state_of(world, Front).recorder.counts.values()),
        "changes": [f"{c.key.name} {c.before} -> {c.target} {c.phase}" for c in changes[::-1]],
        "journalSha256": after[f"{days:g}"],
        "journalSha256AfterDays": after,
    }


def _digest(app: App) -> str:
    journal = io.StringIO()
    app.store.export_json_lines(journal)
    return hashlib.sha256(journal.getvalue().encode()).hexdigest()


def _policies(endpoints: bool) -> PolicySet:
    """The demo's policies, of the functions alone where there is nothing else."""
    found = load([POLICIES])
    functions = tuple(p for p in found.policies if p.target.kind is Kind.LAMBDA_FUNCTION)
    return found if endpoints else replace(found, policies=functions)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--endpoints", action="store_true")
    parser.add_argument("--digests", type=float, nargs="+", default=[], metavar="DAYS")
    asked = parser.parse_args()
    print(json.dumps(live(asked.days, asked.seed, asked.endpoints, asked.digests), indent=2))


if __name__ == "__main__":
    main()
