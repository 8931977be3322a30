"""The account that `bench.closed_loop` lives through: one endpoint of each kind, one trace.

Three things befall all of them: a code regression, a quiet weekend, a doubling of traffic.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.model.endpoint import Kind
from controller.model.policy import (
    Autoscaling,
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
from controller.model.probing import PayloadSource, Probing
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize, Size
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

DAY_S, HOUR_S, WINDOW_S = 86_400.0, 3600.0, 300.0
START_S = 1_793_577_600.0
"""Monday, 2 November 2026, 00:00 UTC."""
ACCOUNT, REGION = "123456789012", "eu-west-1"
REGRESSION = 1.3
REGRESSION_AT_S = START_S + 2.4 * DAY_S
QUIET = 0.03
QUIET_FROM_S, QUIET_TO_S = START_S + 5.0 * DAY_S, START_S + 7.0 * DAY_S
DOUBLING_AT_S = START_S + 9.4 * DAY_S
NAMES = {
    Kind.LAMBDA_FUNCTION: "scorer",
    Kind.SERVERLESS_ENDPOINT: "parser",
    Kind.REALTIME_ENDPOINT: "ranker",
}
SLO_MS = {
    Kind.LAMBDA_FUNCTION: 300.0,
    Kind.SERVERLESS_ENDPOINT: 500.0,
    Kind.REALTIME_ENDPOINT: 100.0,
}
PERCENTILE = 0.95
BUSY_RPS = {
    Kind.LAMBDA_FUNCTION: 12.0,
    Kind.SERVERLESS_ENDPOINT: 6.0,
    Kind.REALTIME_ENDPOINT: 35.0,
}
"""What the trace's 99th percentile becomes."""
HAND_SET: dict[Kind, Size] = {
    Kind.LAMBDA_FUNCTION: LambdaSize(1769),
    Kind.SERVERLESS_ENDPOINT: ServerlessSize(4096, 20),
    Kind.REALTIME_ENDPOINT: RealtimeSize("ml.c5.large", 4, 4),
}
"""One virtual processor, a middling memory, a few of the usual instances."""
TARGET_PER_MINUTE = 500.0
"""What somebody would copy from a notebook's load test."""
MOST_INSTANCES = 16


@dataclass(frozen=True, slots=True)
class Scene:
    """One trace and how it is lived through."""

    file: Path
    days: float
    history_days: float
    seed: int
    busy_requests: float
    """Requests of the trace in its 99th percentile of windows."""
    from_day: int = 0
    """Days of the trace that are left out before."""
    windows: float = 0.999
    """Share of windows that instances are to meet, where our policy says one."""

    @property
    def end_s(self) -> float:
        """The last instant that counts."""
        return START_S + self.days * DAY_S

    def scale(self, kind: Kind) -> float:
        """By what the trace's counts are multiplied."""
        return BUSY_RPS[kind] * WINDOW_S / self.busy_requests


def scene_of(file: Path, days: float, seed: int, from_day: int = 0) -> Scene:
    """A trace, half of which (at most two weeks) is the past of the endpoints."""
    with file.open(encoding="utf-8", newline="") as opened:
        counts = [float(row["requests"]) for row in csv.DictReader(opened)]
    counts = sorted(counts[round(from_day * DAY_S / WINDOW_S) :])
    return Scene(file, days, 7.0, seed, counts[int(len(counts) * 0.99)], from_day)


def world_of(scene: Scene, *, tracked: bool = False) -> World:
    """The account at the start, every endpoint at its hand-set size.

    tracked: the real-time endpoint follows a target of AWS's own instead.
    """
    world = World(seed=scene.seed, start_s=START_S)
    document: dict[str, Any] = {
        "account": ACCOUNT,
        "region": REGION,
        "functions": [_function(scene)],
        "endpoints": [_serverless(scene), _realtime(scene)],
        "actors": [
            {
                "actor": "release",
                "at_s": REGRESSION_AT_S,
                "function": NAMES[Kind.LAMBDA_FUNCTION],
                "alias": "live",
                "latency_factor": REGRESSION,
            }
        ],
    }
    if tracked:
        policy = {"name": "invocations", "target_value": TARGET_PER_MINUTE}
        target = {"min": 1, "max": MOST_INSTANCES, "policies": [policy]}
        name = NAMES[Kind.REALTIME_ENDPOINT]
        document["scalable_targets"] = [{"endpoint": name, **target}]
    seed_world(world, document)
    return world


def _load(scene: Scene, kind: Kind, *, regression: bool) -> dict[str, Any]:
    disturbances = [
        {"effect": "traffic", "factor": QUIET, "from_s": QUIET_FROM_S, "to_s": QUIET_TO_S},
        {"effect": "traffic", "factor": 2.0, "from_s": DOUBLING_AT_S},
    ]
    if regression:
        slower = {"effect": "latency", "factor": REGRESSION, "from_s": REGRESSION_AT_S}
        disturbances.append(slower)
    traffic = {
        "trace_file": str(scene.file),
        "origin_s": START_S - (scene.history_days + scene.from_day) * DAY_S,
        "scale": scene.scale(kind),
    }
    return {"traffic": traffic, "disturbances": disturbances}


def _function(scene: Scene) -> dict[str, Any]:
    kind = Kind.LAMBDA_FUNCTION
    return {
        "name": NAMES[kind],
        "memory_mb": HAND_SET[kind].memory_mb,  # type: ignore[union-attr]
        "age_days": scene.history_days,
        "versions": 1,
        "aliases": {"live": 1},
        "workload": {
            "curve": {"a_ms": 40.0, "b": 120_000.0, "p": 1.0, "saturation_mb": 1769},
            "cv": 0.18,
            "slow_share": 0.01,
            "memory_mb": 210,
            "qualifier": "live",
            **_load(scene, kind, regression=False),
        },
    }


def _serverless(scene: Scene) -> dict[str, Any]:
    kind = Kind.SERVERLESS_ENDPOINT
    size = HAND_SET[kind]
    assert isinstance(size, ServerlessSize)
    return {
        "name": NAMES[kind],
        "memory_mb": size.memory_mb,
        "max_concurrency": size.max_concurrency,
        "age_days": scene.history_days,
        "workload": {
            "curve": {"a_ms": 60.0, "b": 380_000.0, "p": 1.0, "saturation_mb": 3538},
            "cv": 0.16,
            "slow_share": 0.01,
            "memory_mb": 800,
            "init_ms": 2500,
            **_load(scene, kind, regression=True),
        },
    }


def _realtime(scene: Scene) -> dict[str, Any]:
    kind = Kind.REALTIME_ENDPOINT
    size = HAND_SET[kind]
    assert isinstance(size, RealtimeSize)
    return {
        "name": NAMES[kind],
        "instance_type": size.instance_type,
        "instance_count": size.min_instances,
        "age_days": scene.history_days,
        "workload": {
            "machines": {"work_ms": 32.0, "fixed_ms": 4.0, "cores": 1.0},
            "cv": 0.2,
            "memory_mb": 800,
            **_load(scene, kind, regression=True),
        },
    }


def policies(windows: float | None = None, *, copies: bool = False) -> PolicySet:
    """What the controller is told: the SLOs, and to enforce them; of instances, too, which share
    of five-minute windows is to meet the SLO, and whether types may be measured by copies."""
    found = tuple(_policy(kind, windows, copies) for kind in NAMES)
    return PolicySet(found, FleetLimits(), "bench")


def _policy(kind: Kind, windows: float | None, copies: bool) -> Policy:
    qualifier = "live" if kind is Kind.LAMBDA_FUNCTION else "AllTraffic"
    # The generator of virtual time knows instances only.
    probed = copies and kind is Kind.REALTIME_ENDPOINT
    return Policy(
        name=NAMES[kind],
        target=Target(kind, Scope(REGION), name=NAMES[kind], qualifier=qualifier),
        slo=Slo(SLO_MS[kind], PERCENTILE),
        source=Source("bench", 0, 0),
        generation="bench",
        mode=Mode.ENFORCE,
        bounds=Bounds(max_instances=MOST_INSTANCES),
        autoscaling=Autoscaling(windows=windows),
        probe=Probing((PayloadSource(inline="{}"),), shadows=True) if probed else None,
    )
