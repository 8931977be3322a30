"""Capacity of an instance, learnt from windows at the loads that came by."""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from given import NOW_S
from realtime_world import C5, ERA, Machine, parts_of, rows_of

from controller.core.evidence import evidence
from controller.kinds.realtime_endpoint.capacity import REACH, Curves
from controller.kinds.realtime_endpoint.fitting import fitted
from controller.kinds.realtime_endpoint.loads import gathered, without_queues
from controller.kinds.realtime_endpoint.types import Beliefs, shift
from controller.model.policy import Slo
from controller.model.size import RealtimeSize
from controller.sandbox.noise import Noise
from controller.sandbox.sagemaker.machines import machines_from
from controller.sandbox.sagemaker.stations import MeasuredStation, ServerStation, Station

pytestmark = pytest.mark.slow

SHARED = Path(__file__).resolve().parents[3] / "shared"
BIG = 1e9
"""A threshold that plays no part."""


def learnt(
    machine: Machine,
    loads: list[float],
    *,
    seed: int = 0,
    scatter: float = 0.03,
    vcpus: int | None = 4,
) -> Curves:
    """What is believed after one window at each load."""
    dice = np.random.default_rng(seed)
    parts = [
        machine.part(i * 300.0, load, 1.0, BIG, math.exp(dice.normal(0.0, scatter)))
        for i, load in enumerate(loads)
    ]
    found = gathered(rows_of(parts, C5))
    assert found is not None
    return fitted(found, 0.95, vcpus)


def a_day(top: float, low: float = 0.1, days: int = 4, seed: int = 0) -> list[float]:
    """Loads that swing between a share of the top and the top."""
    dice = np.random.default_rng(seed)
    hours = np.arange(days * 288) / 12.0
    swing = 0.5 - 0.5 * np.cos(2.0 * math.pi * hours / 24.0)
    wave = top * (low + (1.0 - low) * swing) * np.exp(dice.normal(0.0, 0.05, len(hours)))
    return [float(load) for load in np.minimum(wave, top)]


def test_the_capacity_lies_in_its_interval_when_loads_near_it_were_seen() -> None:
    machine = Machine()
    true = machine.capacity_rps(100.0)
    found = learnt(machine, a_day(0.95 * true)).capacity_rps(100.0)
    assert found.low <= true <= found.high
    assert found.high / found.low < 2.5


def test_usable_load_meets_the_slo() -> None:
    machine = Machine()
    for top in (0.5, 0.7, 0.9, 1.1):
        loads = a_day(top * machine.capacity_rps(100.0))
        usable, _ = learnt(machine, loads).usable_rps(100.0, 0.95)
        assert machine.p95_ms(usable) <= 100.0


def test_nothing_is_claimed_beyond_the_reach_however_sure_it_looks() -> None:
    machine = Machine(ServerStation(5.0, 32))
    curves = learnt(machine, a_day(5.0), vcpus=32)
    usable, capped = curves.usable_rps(10_000.0, 0.9)
    assert usable <= curves.reach_rps * 1.001
    assert capped or usable < curves.reach_rps
    busy = learnt(machine, a_day(800.0), vcpus=32)
    assert busy.usable_rps(10_000.0, 0.9)[0] <= REACH * busy.top_rps * 1.001


def test_far_below_the_knee_the_capacity_is_wide() -> None:
    machine = Machine()
    near = learnt(machine, a_day(65.0)).capacity_rps(100.0)
    far = learnt(machine, a_day(8.0)).capacity_rps(100.0)
    assert far.high / far.low > 3.0 * near.high / near.low


def test_where_an_idle_instance_is_too_slow_no_load_is_usable() -> None:
    machine = Machine()
    assert learnt(machine, a_day(40.0)).usable_rps(30.0, 0.95) == (0.0, False)


def test_probability_of_meeting_the_slo_never_rises_with_load() -> None:
    curves = learnt(Machine(), a_day(60.0))
    loads = np.geomspace(0.5, 500.0, 200)
    assert (np.diff(curves.p_met(loads, 100.0)) <= 1e-12).all()


def test_windows_of_overload_do_not_hide_what_the_others_say() -> None:
    """Minutes of backlog in the midst of a good day leave the capacity where it is."""
    machine = Machine()
    loads = a_day(60.0)
    calm = learnt(machine, loads).usable_rps(100.0, 0.95)[0]
    stormy = learnt(machine, [*loads, *[130.0] * 6]).usable_rps(100.0, 0.95)[0]
    assert stormy == pytest.approx(calm, rel=0.35)
    assert machine.p95_ms(stormy) <= 100.0


def test_a_single_odd_window_changes_little() -> None:
    machine = Machine()
    parts = [machine.part(i * 300.0, load, 1.0, BIG) for i, load in enumerate(a_day(60.0))]
    odd = replace(parts[100], p95_ms=4000.0, mean_ms=900.0)
    usual, upset = (
        fitted(loads, 0.95, 4).usable_rps(100.0, 0.95)[0]
        for loads in map(
            gathered, (rows_of(parts, C5), rows_of([*parts[:100], odd, *parts[101:]], C5))
        )
        if loads is not None
    )
    assert upset == pytest.approx(usual, rel=0.05)


# --- calibration


def a_station(dice: np.random.Generator, vcpus: int) -> Station:
    """Servers about as many as cores, or one, or a machine that slows down as it fills."""
    service_ms = float(10 ** dice.uniform(0.7, 2.7))
    if dice.random() < 0.25:
        slower = dice.uniform(0.0, 1.0)
        by = 1.0 if slower > 0.5 else 2.0
        points = ((n, service_ms * (1.0 + slower * (n - 1) / by)) for n in (1, 2, 4, 8, 16))
        return MeasuredStation(tuple((float(n), float(ms)) for n, ms in points))
    one = dice.random() < 0.15
    servers = 1 if one else max(1, round(vcpus * math.exp(dice.normal(0.0, 0.6))))
    return ServerStation(service_ms, servers)


def worlds(count: int, first: int = 0) -> Iterator[tuple[Machine, Curves, float]]:
    """Machines, what was learnt of them, and a threshold within what they can do."""
    for seed in range(first, first + count):
        dice = np.random.default_rng(seed)
        vcpus = int(dice.choice([2, 4, 8, 16]))
        noise = Noise(cv=dice.uniform(0.1, 0.7), slow_share=float(dice.choice([0.0, 0.0, 0.02])))
        machine = Machine(a_station(dice, vcpus), noise)
        top = machine.station.capacity_rps * dice.uniform(0.1, 0.95)
        loads = a_day(top, dice.uniform(0.05, 0.9), int(dice.choice([1, 3, 7])), seed)
        loads = [load for load in loads if load * 300.0 >= 20.0]
        if len(loads) < 20:
            continue
        curves = learnt(machine, loads, seed=seed, scatter=dice.uniform(0.0, 0.06), vcpus=vcpus)
        idle = machine.p95_ms(machine.station.capacity_rps / 400.0)
        threshold = idle * math.exp(dice.uniform(0.05, 1.5))
        if threshold < machine.p95_ms(machine.station.capacity_rps * 0.97):
            yield machine, curves, threshold


def assert_calibrated(count: int, slack: float) -> None:
    inside, safe = [], []
    for machine, curves, threshold in worlds(count):
        true = machine.capacity_rps(threshold)
        found = curves.capacity_rps(threshold)
        inside.append(found.low <= true * 1.05 and true <= found.high * 1.05)
        usable, _ = curves.usable_rps(threshold, 0.95)
        safe.append(machine.p95_ms(usable) <= threshold * 1.02)
    # Wider than need be for these machines: measured ones are further from the family.
    assert 0.90 - slack <= np.mean(inside) <= 0.97 + slack, np.mean(inside)
    assert np.mean(safe) >= 0.95 - slack / 2.0, np.mean(safe)


@pytest.mark.slow
def test_intervals_of_capacity_hold_the_truth_as_often_as_they_say() -> None:
    assert_calibrated(40, slack=0.08)


@pytest.mark.slow
def test_intervals_of_capacity_are_calibrated_over_many_machines() -> None:
    assert_calibrated(250, slack=0.02)


def measured() -> list[tuple[str, str, Station]]:
    """(file, instance type, machine) of every measured machine with three points or more."""
    found = []
    for path in sorted((SHARED / "curves" / "realtime").glob("*.json")):
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        machines = machines_from({"file": str(path)})
        for name in sorted({row["instance"] for row in rows if row["error_rate"] == 0.0}):
            fine = [r for r in rows if r["instance"] == name and r["error_rate"] == 0.0]
            station = machines.station(name)
            if len(fine) >= 3 and station is not None:
                found.append((path.stem, name, station))
    return found


@pytest.mark.skipif(not SHARED.exists(), reason="measured curves are not here (../shared)")
def test_capacity_of_measured_machines_under_real_traffic() -> None:
    """Language models on accelerators, measured by concurrency, under a trace of real calls."""
    with (SHARED / "traffic" / "aws-elb-requests-5min-14d.csv").open(encoding="utf-8") as file:
        trace = [float(row["requests"]) for row in csv.DictReader(file)]
    top = float(np.quantile(trace, 0.995))
    inside, safe = [], []
    for _, _, station in measured():
        machine = Machine(station, Noise(cv=0.3))
        able = station.capacity_rps
        scaled = [min(1.0, rps / top) * able * 0.85 for rps in trace[: 288 * 7]]
        # These serve a request in seconds: an hour's worth stands for five minutes.
        loads = [load for load in scaled if load > able / 100.0]
        parts = [machine.part(i * 300.0, load, 1.0, BIG) for i, load in enumerate(loads)]
        parts = [replace(w, requests=500) for w in parts]
        rows = [
            replace(row, load_rps=load) for row, load in zip(rows_of(parts, C5), loads, strict=True)
        ]
        found = gathered(rows)
        assert found is not None
        curves = fitted(found, 0.95, None)
        for slack in (1.3, 2.0, 3.0):
            threshold = machine.p95_ms(able / 400.0) * slack
            true = machine.capacity_rps(threshold)
            believed = curves.capacity_rps(threshold)
            inside.append(believed.low <= true * 1.05 and true <= believed.high * 1.05)
            usable, _ = curves.usable_rps(threshold, 0.95)
            safe.append(machine.p95_ms(usable) <= threshold * 1.02)
    assert len(inside) >= 9
    assert np.mean(safe) >= 0.9, np.mean(safe)
    assert np.mean(inside) >= 0.8, np.mean(inside)


# --- other types


def beliefs(machine: Machine = Machine(), size: RealtimeSize = C5) -> Beliefs:  # noqa: B008
    parts = [machine.part(i * 300.0, load, 1.0, 100.0) for i, load in enumerate(a_day(60.0))]
    return Beliefs.of(evidence(rows_of(parts, size), ERA), Slo(100.0), 0.95)


def test_the_less_two_types_share_the_less_is_claimed() -> None:
    widths = []
    for name in ("ml.c5.xlarge", "ml.c5.2xlarge", "ml.m5.2xlarge", "ml.g4dn.2xlarge"):
        belief = beliefs().about(name)
        assert belief is not None
        p95 = belief.curves.percentile_ms(10.0)
        widths.append(p95.high / p95.low)
    assert widths == sorted(widths)
    assert widths[-1] > 5.0


def test_an_unknown_type_is_hardly_believed_in() -> None:
    assert shift("ml.c5.xlarge", "ml.x99.xlarge").level_sd >= 1.0


def test_nothing_measured_is_nothing_believed() -> None:
    empty = Beliefs.of(evidence([], ERA), Slo(100.0), 0.95)
    assert empty.about("ml.c5.xlarge") is None


def test_another_era_says_nothing() -> None:
    parts = [Machine().part(NOW_S + i * 300.0, load, 1.0, BIG) for i, load in enumerate(a_day(60))]
    found = Beliefs.of(evidence(rows_of(parts, C5, era="before"), ERA), Slo(100.0), 0.95)
    assert found.measured == {}


def test_a_queue_that_an_overload_left_is_not_held_against_the_load_that_serves_it() -> None:
    """The instances that a burst asked for come, and serve slowly what has waited for them."""
    loads = [20.0] * 30 + [300.0] + [60.0] * 3 + [20.0] * 30
    rows = rows_of(parts_of(Machine(), C5, loads, 100.0), C5)
    known = [
        replace(row, p95_ms=4000.0, p50_ms=2000.0, mean_ms=2500.0) if 30 < i < 34 else row
        for i, row in enumerate(rows)
    ]
    kept = without_queues(known)
    assert [row for row in known if row not in kept] == known[31:34]
    assert without_queues(kept) == kept
