"""The queues behind endpoints, against simulations of single requests and textbook formulas."""

import heapq
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.sandbox.noise import Noise
from controller.sandbox.sagemaker.catalogue import instance_types
from controller.sandbox.sagemaker.latency import latencies_ms, squared_cv
from controller.sandbox.sagemaker.machines import (
    ComputedMachines,
    EndpointWorkload,
    ManyModels,
    machines_from,
)
from controller.sandbox.sagemaker.stations import MeasuredStation, ServerStation

CURVES = Path(__file__).parents[3] / "shared" / "curves" / "realtime"
ONE = np.ones(1)
RANKS = ((np.arange(2000) + 0.5) / 2000.0)[None, :]


def _simulated_ms(rate_rps, servers, noise, mean_ms, requests=120_000):
    """Response times of a first-come-first-served queue, request by request."""
    dice = np.random.default_rng(5)
    arrivals = np.cumsum(dice.exponential(1000.0 / rate_rps, requests))
    services = mean_ms * noise.quantile(dice.random(requests))
    free = [0.0] * servers
    found = np.empty(requests)
    for number, (at, service) in enumerate(zip(arrivals, services, strict=True)):
        start = max(at, heapq.heappop(free))
        heapq.heappush(free, start + service)
        found[number] = start + service - at
    return found[requests // 10 :]


@pytest.mark.parametrize("busy", [0.3, 0.6, 0.8])
@pytest.mark.parametrize("servers", [1, 4, 16])
def test_the_queue_is_that_of_single_requests(servers, busy):
    """Erlang C with the correction for lognormal service: p50 and p95 as simulated."""
    noise, mean_ms = Noise(cv=0.4, slow_share=0.01), 50.0
    rate = busy * servers * 1000.0 / mean_ms
    station = ServerStation(mean_ms, servers)
    response = station.response(ONE * rate, sqrt(squared_cv(noise)), ONE)
    shown = latencies_ms(noise, response, RANKS.copy())[0]
    simulated = _simulated_ms(rate, servers, noise, mean_ms)
    for share in (0.5, 0.95):
        assert np.quantile(shown, share) == pytest.approx(np.quantile(simulated, share), rel=0.1)


@settings(max_examples=60, deadline=None)
@given(
    servers=st.integers(1, 64),
    mean_ms=st.floats(1.0, 5_000.0),
    low=st.floats(0.0, 1.2),
    more=st.floats(0.0, 0.5),
    cv=st.floats(0.0, 1.5),
)
def test_more_load_is_never_faster(servers, mean_ms, low, more, cv):
    """The mean response rises with the load, and falls where queues are shared."""
    station = ServerStation(mean_ms, servers)
    rates = np.array([low, low + more]) * station.capacity_rps
    own = station.response(rates, cv, np.ones(2))
    shared = station.response(rates, cv, np.ones(2), pooled=4)
    mean_own = own.service_ms + own.waiting * own.wait_ms
    mean_shared = shared.service_ms + shared.waiting * shared.wait_ms
    assert mean_own[1] >= mean_own[0] * (1 - 1e-9)
    assert (mean_shared <= mean_own * (1 + 1e-9)).all()


def test_measured_rows_are_met_at_low_load_and_at_capacity():
    """At next to no load a request takes what it took alone; capacity is the best throughput."""
    station = MeasuredStation(((1.0, 4000.0), (2.0, 6000.0), (4.0, 9000.0)))
    assert station.capacity_rps == pytest.approx(4 / 9.0)
    quiet = station.response(ONE * 0.001, 0.3, ONE)
    assert quiet.service_ms[0] == pytest.approx(4000.0, rel=0.01)
    loads = np.linspace(0.01, 0.43, 20)
    busy = station.response(loads, 0.3, np.ones(20)).service_ms
    assert (np.diff(busy) > 0).all()
    assert busy[-1] > 9000.0


@pytest.mark.parametrize("name", [
    "fmbench-llama2-13b-3k-4k-prompt", "fmbench-llama2-70b-3k-4k-prompt"])  # fmt: skip
def test_published_measurements_can_be_workloads(name):
    """Rows of instance, concurrency and latency, read from a path the caller gives."""
    path = CURVES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this checkout")
    machines = machines_from({"file": str(path)})
    station = machines.station("ml.g5.48xlarge")
    assert station is not None
    assert station.alone_ms > 1000
    assert machines.station("ml.c5.large") is None


def test_a_gpu_takes_the_work_where_there_is_one():
    """A model with a GPU path runs on it, on Graviton only if it was built for that."""
    machines = ComputedMachines(work_ms=200.0, accelerator_ms=20.0)
    cpu, gpu = machines.station("ml.c5.xlarge"), machines.station("ml.g4dn.xlarge")
    assert cpu is not None
    assert gpu is not None
    assert (cpu.gpu, gpu.gpu) == (False, True)
    assert gpu.alone_ms < cpu.alone_ms / 5
    assert machines.station("ml.c7g.xlarge") is None
    assert machines.station("ml.inf2.xlarge") is None
    assert ComputedMachines(arm=True).station("ml.c7g.xlarge") is not None


def test_a_bigger_number_is_not_dearer():
    """ml.g5.16xlarge has one GPU and costs less than ml.g5.12xlarge with four."""
    types = instance_types()
    small, large = types["ml.g5.12xlarge"], types["ml.g5.16xlarge"]
    assert (small.accelerators, large.accelerators) == (4, 1)
    assert small.usd_per_hour > large.usd_per_hour


def test_memory_decides_how_many_models_stay():
    """A cache that holds all has no misses; a small one hits more the more uneven the use."""

    def ratio(kind, zipf):
        models = ManyModels(number=200, model_mb=300, zipf=zipf)
        return EndpointWorkload(models=models).hit_ratio(instance_types()[kind])[0]

    assert ratio("ml.r5.4xlarge", 1.0) == 1.0
    assert ratio("ml.c5.xlarge", 0.5) < ratio("ml.c5.xlarge", 1.5) < 1.0
