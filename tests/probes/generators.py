"""What tests of the load generator share: a stub endpoint, a plan, and patience."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from controller.clock import SystemClock
from controller.model.endpoint import EndpointKey, Kind
from controller.model.policy import Scope
from controller.model.probe import Body, ProbeKind, ProbePlan, ProbeRun, ProbeTarget
from controller.model.probing import Phase, StopRules
from controller.model.size import LambdaSize
from controller.probes.runner import LocustRunner, Workers

T = TypeVar("T")
STUB = Path(__file__).with_name("stub_endpoint.py")
KEY = EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, "ocr", "live")
HELLO = Body(b'{"text": "hello"}', "application/json", 1.0)
NO_STOPS = StopRules(error_ratio=None, max_requests=None, flat_throughput=False)


@contextmanager
def stub(*arguments: object) -> Iterator[int]:
    """The port of an endpoint in a process of its own."""
    words = [sys.executable, str(STUB), *map(str, arguments)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def environment(port: int) -> dict[str, str]:
    """What a generator needs of it."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_CONFIG_FILE": "/nonexistent/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PATH": "/usr/bin:/bin",
    }


def plan(*phases: Phase, **more: Any) -> ProbePlan:
    """A live probe of a function."""
    whole: dict[str, Any] = {
        "target": ProbeTarget(KEY, Scope("eu-west-1"), "ocr", "live"),
        "kind": ProbeKind.LIVE,
        "size": LambdaSize(512),
        "bodies": (HELLO,),
        "phases": phases,
        "warm_up": 2,
        "max_in_flight": 500,
        "stop": NO_STOPS,
        "time_limit_s": 60.0,
        "seed": 7,
    }
    return ProbePlan(**{**whole, **more})


def runner(folder: Path, port: int, workers: Workers | None = None) -> LocustRunner:
    """One that keeps its files in `folder`."""
    return LocustRunner(SystemClock(), folder, environment(port), workers)


def within(seconds: float, look: Callable[[], T | None]) -> T:
    """What `look` finds, as soon as it finds something."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


def finished(generator: LocustRunner, probe_id: str) -> ProbeRun:
    """The run, once it is over."""
    return within(60.0, lambda: generator.poll(probe_id))
