"""How exact the load generator's p95 is, against a world that knows the truth: prints JSON.

    python bench/probe_exactness.py [--rates 100 300 600 1000] [--requests 6000] [--lean]

A sandbox is served in a process of its own, with a function whose durations scatter; the
generator asks it, in an open loop, as a live probe would. Three figures are compared for each
rate: p95 as the generator measured it from outside (warm answers only), p95 of the durations
that the very same calls report, and the p95 that the world knows. `worst_percent` is the
largest distance of the first from either. With `--lean` a door that does nothing but wait stands
in for the sandbox's (`probe_lean_door.py`): what is left then is the generator's own doing.
Processes are pinned to a core each where there are two, and given real-time priority where that
is allowed: on a machine with other work to do, their neighbours are measured otherwise.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from controller.clock import SystemClock
from controller.model.endpoint import EndpointKey, Kind
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.probe import Body, ProbeKind, ProbePlan, ProbeRun, ProbeTarget
from controller.model.probing import Phase, StopRules
from controller.model.size import LambdaSize
from controller.probes.runner import LocustRunner
from controller.sandbox.seeding import seed_world
from controller.sandbox.truth import truth_of
from controller.sandbox.world import World

ACCOUNT, REGION, NAME = "000000000000", "us-east-1", "ocr"
MEMORY_MB = 1024
CURVE = {"a_ms": 60, "b": 100_000, "saturation_mb": 1769}
CV = 0.15
DOCUMENT = {
    "functions": [
        {
            "name": NAME,
            "memory_mb": MEMORY_MB,
            "age_days": 1,
            "workload": {
                "curve": CURVE,
                "cv": CV,
            },
        }
    ]
}


def true_p95_ms() -> tuple[float, str, str]:
    """What the world knows, and the account and region that it is in."""
    world = World(seed=1)
    seed_world(world, DOCUMENT)
    ((account, region), place), *_ = world.regions.items()
    return truth_of(world, place, NAME, MEMORY_MB).p95_ms, account, region


@contextmanager
def sandbox() -> Iterator[str]:
    """The address of one in a process of its own, in real time."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(DOCUMENT, file)
        file.flush()
        words = ["-m", "controller.cli.main", "sandbox", "serve", "--port", "0"]
        with served(*words, "--account-file", file.name, "--seed", "1") as url:
            yield url


@contextmanager
def lean_door() -> Iterator[str]:
    """The address of a door that only waits."""
    numbers = [*CURVE.values(), MEMORY_MB, CV]
    with served(str(Path(__file__).with_name("probe_lean_door.py")), *map(str, numbers)) as url:
        yield url


@contextmanager
def served(*words: str) -> Iterator[str]:
    """The address that a Python program says it serves at."""
    pipe = subprocess.PIPE
    command = [sys.executable, *words]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        prefer(process.pid, 0)
        try:
            found = (re.search(r"http://[0-9.:]+", line) for line in process.stdout)
            yield next(match.group() for match in found if match is not None)
        finally:
            process.terminate()


def prefer(pid: int, core: int) -> bool:
    """Real-time priority and a core of its own, where both can be had."""
    with suppress(OSError):
        os.sched_setaffinity(pid, {sorted(os.sched_getaffinity(0))[core]})
    try:
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(5))
    except OSError:
        return False
    return True


def probe(url: str, place: tuple[str, str], rate: float, requests: int) -> ProbeRun:
    """One run of the generator, as the controller would start it."""
    account, region = place
    key = EndpointKey(account, region, Kind.LAMBDA_FUNCTION, NAME)
    plan = ProbePlan(
        ProbeTarget(key, Scope(region), NAME), ProbeKind.LIVE, LambdaSize(MEMORY_MB),
        (Body(b'{"page": 1}', "application/json", 1.0),),
        (Phase(rate, rate, requests / rate),), 3, 2000,
        StopRules(max_requests=None), requests / rate + 60.0, seed=5,
    )  # fmt: skip
    environment = {**os.environ, "AWS_ENDPOINT_URL": url}
    environment |= {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
    with tempfile.TemporaryDirectory() as folder:
        runner = LocustRunner(SystemClock(), Path(folder), environment)
        runner.start("a", plan)
        prefer(runner._runs["a"].process.pid, -1)
        while (run := runner.poll("a")) is None:
            time.sleep(0.05)
        return run


def p95(values: list[float]) -> float:
    """The smallest that 95 % do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)] if ordered else 0.0


def row(rate: float, run: ProbeRun, truth_ms: float) -> dict[str, Any]:
    """What a run found, beside the truth."""
    warm = [s for s in run.samples if s.phase >= 0 and s.error is None and not s.cold]
    measured = p95([s.latency_ms for s in warm])
    told = p95([s.duration_ms for s in warm if not isinstance(s.duration_ms, Missing)])
    distances = [100.0 * (measured / known - 1.0) for known in (told, truth_ms) if known]
    return {
        "rate_rps": rate,
        "outcome": run.outcome.value,
        "requests": len(run.samples),
        "answers_per_s": round(len(warm) / max(run.ended_at_s - run.started_at_s, 1e-9), 1),
        "p95_ms": round(measured, 2),
        "same_calls_p95_ms": round(told, 2),
        "true_p95_ms": round(truth_ms, 2),
        "worst_percent": round(max(map(abs, distances), default=0.0), 2),
        "generator_cpu": None if isinstance(run.cpu_share, Missing) else round(run.cpu_share, 2),
        "load_average": round(os.getloadavg()[0], 1),
        "detail": run.detail,
    }


def main() -> None:
    """All rates, slowest first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rates", type=float, nargs="*", default=[100.0, 300.0, 600.0, 1000.0])
    parser.add_argument("--requests", type=int, default=6000, help="of each rate, at most 60 s")
    parser.add_argument("--lean", action="store_true", help="ask a door that only waits")
    options = parser.parse_args()
    truth_ms, *place = true_p95_ms()
    real_time = prefer(os.getpid(), -1)
    rows = []
    with (lean_door if options.lean else sandbox)() as url:
        for rate in options.rates:
            count = int(min(options.requests, rate * 60.0))
            run = probe(url, (place[0], place[1]), rate, count)
            rows.append(row(rate, run, truth_ms))
    print(json.dumps({"real_time_priority": real_time, "rates": rows}, indent=2))


if __name__ == "__main__":
    main()
