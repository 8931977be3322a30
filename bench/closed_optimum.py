"""What somebody who knew the weeks in advance would have paid: a bound, not a competitor.

Sizes are judged by the world's truth. Latency changes only with the regression, so a function's
and a serverless endpoint's best size changes only then; real-time endpoints need as many
instances as the busiest five minutes of each stretch (the 999th of a thousand, of a week).
"""

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.closed_scene import (
    ACCOUNT,
    DAY_S,
    DOUBLING_AT_S,
    HAND_SET,
    NAMES,
    PERCENTILE,
    QUIET,
    QUIET_FROM_S,
    QUIET_TO_S,
    REGION,
    REGRESSION_AT_S,
    SLO_MS,
    START_S,
    WINDOW_S,
    Scene,
    world_of,
)
from controller.model.endpoint import Kind
from controller.model.size import RealtimeSize
from controller.sandbox.sagemaker.truth import capacity_rps, endpoint_truth
from controller.sandbox.world import World

MEMORIES = {
    Kind.LAMBDA_FUNCTION: (*range(256, 3009, 64),),
    Kind.SERVERLESS_ENDPOINT: tuple(range(1024, 6145, 1024)),
}
TYPES = ("ml.c5.large", "ml.c5.xlarge", "ml.c5.2xlarge", "ml.c5.4xlarge")
WEEK_S, HOUR_S = 7 * DAY_S, 3600.0
MONTH_S = 730.0 * 3600.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The world before the regression, or after."""

    usd_per_request: dict[Kind, dict[int, float]]
    """By kind and memory, of the sizes that keep the SLO."""
    rps: dict[str, float]
    """By instance type: the highest load of one instance that keeps the SLO …"""
    usd_per_hour: dict[str, float]
    """… and what it costs."""


def clairvoyant(scene: Scene) -> dict[str, dict[str, float]]:
    """Dollars of the weeks by kind: one size a week, and one an hour."""
    world = world_of(scene)
    world.advance_to(START_S + 60.0)
    before = _stage(world)
    world.advance_to(REGRESSION_AT_S + HOUR_S)
    after = _stage(world)
    columns: dict[str, Callable[[Kind, float], float]] = {
        "weeklyOptimum": lambda kind, _: _total(scene, kind, WEEK_S, 0.999, before, after),
        "hourlyOptimum": lambda kind, _: _total(scene, kind, HOUR_S, 1.0, before, after),
    }
    return {
        name: {kind.value: round(run(kind, 0.0), 2) for kind in NAMES}
        for name, run in columns.items()
    }


def _stage(world: World) -> Stage:
    place, kind = world.region(ACCOUNT, REGION), Kind.REALTIME_ENDPOINT
    name, slo_ms = NAMES[kind], SLO_MS[kind]
    rps, usd = {}, {}
    for instance_type in TYPES:
        rps[instance_type] = capacity_rps(
            world,
            place,
            name,
            instance_type=instance_type,
            threshold_ms=slo_ms,
            percentile=PERCENTILE,
        )
        truth = endpoint_truth(world, place, name, instance_type=instance_type, load_rps=0.01)
        usd[instance_type] = (truth.usd_per_month or math.inf) / 730.0
    by_memory = {kind: _by_memory(world, kind) for kind in MEMORIES}
    return Stage(by_memory, rps, usd)


def _by_memory(world: World, kind: Kind) -> dict[int, float]:
    place, name, slo_ms = world.region(ACCOUNT, REGION), NAMES[kind], SLO_MS[kind]
    found = {}
    for memory_mb in MEMORIES[kind]:
        if kind is Kind.LAMBDA_FUNCTION:
            truth = world.truth(
                name, memory_mb, threshold_ms=slo_ms, account=ACCOUNT, region=REGION
            )
            met, rps = truth.met_ratio, truth.requests_per_month / MONTH_S
            runs, usd = truth.out_of_memory_share == 0.0, truth.usd_per_month
        else:
            other = endpoint_truth(
                world, place, name, memory_mb=memory_mb, load_rps=3.0, threshold_ms=slo_ms
            )
            met, rps, runs, usd = other.met_ratio, 3.0, other.runs, other.usd_per_month
        if runs and met is not None and met >= PERCENTILE and usd is not None:
            found[memory_mb] = usd / MONTH_S / rps
    return found


def _total(
    scene: Scene, kind: Kind, stretch_s: float, share: float, before: Stage, after: Stage
) -> float:
    counts, each = _counts(scene, kind), int(stretch_s / WINDOW_S)
    usd = 0.0
    for first in range(0, len(counts), each):
        part = counts[first : first + each]
        end_s = START_S + (first + len(part)) * WINDOW_S
        stage = before if end_s <= REGRESSION_AT_S else after
        if kind is Kind.REALTIME_ENDPOINT:
            usd += _instances_usd(part, share, stage)
        else:
            prices = stage.usd_per_request[kind]
            usd += sum(part) * min(prices.values(), default=math.inf)
    return usd


def _instances_usd(counts: Sequence[float], share: float, stage: Stage) -> float:
    busiest = sorted(counts)[min(len(counts) - 1, int(len(counts) * share))] / WINDOW_S
    hours = len(counts) * WINDOW_S / 3600.0
    return hours * min(
        stage.usd_per_hour[name] * max(1, math.ceil(busiest / rps))
        for name, rps in stage.rps.items()
        if rps > 0.0
    )


def _counts(scene: Scene, kind: Kind) -> list[float]:
    """Requests of every five-minute window of the weeks that count."""
    with scene.file.open(encoding="utf-8", newline="") as opened:
        trace = [float(row["requests"]) for row in csv.DictReader(opened)]
    first, number = (
        int((scene.history_days + scene.from_day) * DAY_S / WINDOW_S),
        int(scene.days * DAY_S / WINDOW_S),
    )
    out = []
    for i in range(number):
        at_s = START_S + i * WINDOW_S
        factor = QUIET if QUIET_FROM_S <= at_s < QUIET_TO_S else 1.0
        factor *= 2.0 if at_s >= DOUBLING_AT_S else 1.0
        out.append(trace[(first + i) % len(trace)] * scene.scale(kind) * factor)
    return out


def hand_set_words() -> dict[str, str]:
    """What `doNothing` is."""
    return {
        kind.value: str(size) if not isinstance(size, RealtimeSize) else f"fixed {size}"
        for kind, size in HAND_SET.items()
    }
