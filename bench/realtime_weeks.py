"""Weeks of real traffic on a real-time endpoint: ours, the best fixed size, a hand-set target.

    python -m bench.realtime_weeks --traffic FILE [FILE ...] [--days 14] [--from-day 0]
        [--json OUT]

A trace is a CSV of offset_s and requests (see `controller.sandbox.traffic`), scaled so that its
busy times need several instances. Before the weeks that count there is a history of the same
trace. Every column lives through the same weeks of the same world:

  bestFixed       the least number of instances that would have kept the SLO, in hindsight
  handSet         AWS target tracking alone, half of what one instance can take at most
  ours            the same account in the hands of the controller, in mode Enforce
  hourlyOptimum   in each hour just as many instances as keep the SLO; nobody can have that

`withinSlo` is the share of requests within the threshold, `windowsMet` that of five-minute
windows (with at least 20 requests) in which no more than one in twenty was slower.
"""

import argparse
import csv
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from botocore.session import Session as BotocoreSession

from controller.app import Wiring, build
from controller.aws.sessions import Connection, Keys
from controller.clock import VirtualClock
from controller.model.endpoint import Kind
from controller.model.policy import (
    Bounds,
    FleetLimits,
    Mode,
    Policy,
    PolicySet,
    Scope,
    Slo,
    Source,
    Target,
)
from controller.runtime.stepper import Stepper
from controller.sandbox.inprocess_door import attach
from controller.sandbox.sagemaker.bills import endpoint_bill
from controller.sandbox.sagemaker.truth import capacity_rps
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World
from controller.store.sqlite import SqliteStore

DAY_S, WINDOW_S = 86_400.0, 300.0
START_S = 1_793_577_600.0
"""Monday, 2 November 2026, 00:00 UTC."""
ACCOUNT, REGION, NAME = "123456789012", "eu-west-1", "svc"
TYPE, SLO_MS, PERCENTILE = "ml.c5.large", 100.0, 0.95
BUSY_INSTANCES = 3.5
"""So many instances' capacity does the trace's 99th percentile ask for."""
HAND_SET_SHARE = 0.5
"""Of the highest load that one instance can take: the service's own rule of thumb."""
MACHINES = {"work_ms": 32.0, "fixed_ms": 4.0, "cores": 1.0}
LEVEL_ERROR = 40


@dataclass(frozen=True, slots=True)
class Weeks:
    """One trace and how it is lived through."""

    file: Path
    scale: float
    history_days: float
    days: float
    seed: int
    from_day: float = 0.0
    """Days of the trace that are left out before its history."""

    @property
    def end_s(self) -> float:
        """The last instant that counts."""
        return START_S + self.days * DAY_S


def world_of(weeks: Weeks, count: int, target: dict[str, Any] | None) -> World:
    """The account at the start of the weeks that count."""
    world = World(seed=weeks.seed, start_s=START_S)
    endpoint = {
        "name": NAME,
        "instance_type": TYPE,
        "instance_count": count,
        "age_days": weeks.history_days,
        "workload": {
            "machines": MACHINES,
            "cv": 0.2,
            "memory_mb": 800,
            "traffic": {
                "trace_file": str(weeks.file),
                "origin_s": START_S - (weeks.history_days + weeks.from_day) * DAY_S,
                "scale": weeks.scale,
            },
        },
    }
    document: dict[str, Any] = {"account": ACCOUNT, "region": REGION, "endpoints": [endpoint]}
    if target is not None:
        document["scalable_targets"] = [{"endpoint": NAME, **target}]
    seed_world(world, document)
    return world


def measured(world: World, weeks: Weeks) -> dict[str, Any]:
    """Bill and SLO of the weeks that count, as AWS would show them."""
    session = BotocoreSession()
    session.set_credentials("AKIA123456789012TEST", "secret")
    attach(session, world)
    cloudwatch = session.create_client("cloudwatch", region_name=REGION)
    dimensions = [
        {"Name": "EndpointName", "Value": NAME},
        {"Name": "VariantName", "Value": "AllTraffic"},
    ]
    counts = _series(cloudwatch, weeks, dimensions, "Invocations", "Sum")
    met = _series(cloudwatch, weeks, dimensions, "ModelLatency", f"PR(:{SLO_MS * 1000:g})")
    requests = sum(counts.values())
    within = sum(count * met.get(at, 0.0) / 100.0 for at, count in counts.items())
    judged = [met.get(at, 0.0) for at, count in counts.items() if count >= 20]
    bill = endpoint_bill(world, world.region(ACCOUNT, REGION), NAME, START_S, weeks.end_s)
    return {
        "usd": round(bill.usd or 0.0, 2),
        "instanceHours": {kind: round(h, 1) for kind, h in bill.instance_hours.items()},
        "withinSlo": round(within / requests, 5) if requests else None,
        "windowsMet": round(sum(v >= 95.0 for v in judged) / len(judged), 5) if judged else None,
        "windows": len(judged),
    }


def _series(
    cloudwatch: Any, weeks: Weeks, dimensions: Sequence[Mapping[str, str]], metric: str, stat: str
) -> dict[float, float]:
    out: dict[float, float] = {}
    query = {
        "Id": "m",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SageMaker",
                "MetricName": metric,
                "Dimensions": dimensions,
            },
            "Period": int(WINDOW_S),
            "Stat": stat,
        },
    }
    more: dict[str, str] = {}
    while True:
        page = cloudwatch.get_metric_data(
            MetricDataQueries=[query], StartTime=START_S, EndTime=weeks.end_s - 900.0, **more
        )
        for result in page["MetricDataResults"]:
            pairs = zip(result["Timestamps"], result["Values"], strict=True)
            out.update({at.timestamp(): value for at, value in pairs})
        if not page.get("NextToken"):
            return out
        more = {"NextToken": page["NextToken"]}


def fixed(weeks: Weeks, count: int) -> dict[str, Any]:
    """So many instances all the time."""
    world = world_of(weeks, count, None)
    world.advance_to(weeks.end_s)
    return {"instances": count, **measured(world, weeks)}


def best_fixed(weeks: Weeks) -> dict[str, Any]:
    """The least number with which the SLO held over the whole of the weeks."""
    for count in range(1, 40):
        found = fixed(weeks, count)
        if (found["withinSlo"] or 0.0) >= PERCENTILE and (found["windowsMet"] or 0.0) >= 0.99:
            return found
    return {"instances": None}


def hand_set(weeks: Weeks, target: dict[str, Any]) -> dict[str, Any]:
    """AWS alone."""
    world = world_of(weeks, target["min"], target)
    world.advance_to(weeks.end_s)
    policy = target["policies"][0]
    return {"targetPerMinute": policy["target_value"], **measured(world, weeks)}


def ours(weeks: Weeks, target: dict[str, Any]) -> dict[str, Any]:
    """The controller, from the hand-set state on."""
    world = world_of(weeks, target["min"], target)
    clock = VirtualClock(world.now_s(), world.advance_to)
    app = build(
        Wiring(
            clock=clock,
            store=SqliteStore.open(":memory:"),
            policies=PolicySet((_policy(),), FleetLimits(), "bench"),
            connection=Connection(keys=Keys("AKIA123456789012TEST", "x"), max_attempts=1),
            hook=lambda session: attach(session, world),
            budgets=False,
        )
    )
    app.engine.resync()
    Stepper(app.engine, clock).run_until(weeks.end_s)
    changes = app.store.changes()
    words = [f"{c.before} -> {c.target} {c.phase} ({c.reason})" for c in changes[::-1]]
    app.close()
    return {**measured(world, weeks), "changes": words}


def _policy() -> Policy:
    return Policy(
        name=NAME,
        target=Target(Kind.REALTIME_ENDPOINT, Scope(REGION), name=NAME, qualifier="AllTraffic"),
        slo=Slo(SLO_MS, PERCENTILE),
        source=Source("bench", 0, 0),
        generation="bench",
        mode=Mode.ENFORCE,
        bounds=Bounds(min_instances=1, max_instances=12),
    )


def hourly_optimum(weeks: Weeks, most_rps: float, usd_per_hour: float) -> dict[str, Any]:
    """In each hour as many instances as its busiest five minutes need."""
    rates = [n * weeks.scale / WINDOW_S for n in _counts(weeks)]
    hours = [max(rates[i : i + 12]) for i in range(0, len(rates) - 11, 12)]
    used = sum(max(1, math.ceil(rps / most_rps)) for rps in hours)
    return {"usd": round(used * usd_per_hour, 2)}


def _counts(weeks: Weeks) -> list[float]:
    first = int((weeks.history_days + weeks.from_day) * DAY_S / WINDOW_S)
    last = first + int(weeks.days * DAY_S / WINDOW_S)
    with weeks.file.open(encoding="utf-8", newline="") as file:
        return [float(row["requests"]) for row in csv.DictReader(file)][first:last]


def compare(file: Path, days: float | None, seed: int, from_day: float) -> dict[str, Any]:
    """All columns of one trace."""
    with file.open(encoding="utf-8", newline="") as opened:
        counts = [float(row["requests"]) for row in csv.DictReader(opened)]
    counts = counts[round(from_day * DAY_S / WINDOW_S) :]
    whole_days = len(counts) * WINDOW_S / DAY_S
    history_days = min(14.0, math.floor(whole_days / 2.0))
    length = min(days or 14.0, math.floor(whole_days - history_days))
    weeks = Weeks(file, 1.0, history_days, length, seed, from_day)
    probe = world_of(weeks, 1, None)
    place = probe.region(ACCOUNT, REGION)
    most = capacity_rps(
        probe, place, NAME, instance_type=TYPE, threshold_ms=SLO_MS, percentile=PERCENTILE
    )
    busy = sorted(counts)[int(len(counts) * 0.99)] / WINDOW_S
    weeks = replace(weeks, scale=BUSY_INSTANCES * most / busy)
    target = {
        "min": 1,
        "max": 12,
        "policies": [{"name": "invocations", "target_value": round(most * 60.0 * HAND_SET_SHARE)}],
    }
    columns: dict[str, Callable[[], dict[str, Any]]] = {
        "bestFixed": lambda: best_fixed(weeks),
        "handSet": lambda: hand_set(weeks, target),
        "ours": lambda: ours(weeks, target),
    }
    out: dict[str, Any] = {"traffic": file.stem, "days": length, "capacityRps": round(most, 2)}
    for name, run in columns.items():
        began_s = time.perf_counter()
        out[name] = run()
        out[name]["wallSeconds"] = round(time.perf_counter() - began_s, 1)
    hours = out["bestFixed"]["instanceHours"][TYPE]
    out["hourlyOptimum"] = hourly_optimum(weeks, most, out["bestFixed"]["usd"] / hours)
    return out


def main() -> None:
    """Print one JSON object, and a table on stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traffic", type=Path, nargs="+", required=True)
    parser.add_argument("--days", type=float)
    parser.add_argument("--from-day", type=float, default=0.0, help="part left out before")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(LEVEL_ERROR))
    found = [
        compare(file, options.days, options.seed, options.from_day) for file in options.traffic
    ]
    text = json.dumps({"weeks": found}, indent=2)
    if options.json is not None:
        options.json.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
