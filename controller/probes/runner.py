"""The load generator behind the port `ProbeRunner`: Locust, always in a process of its own.

Importing Locust changes Python's sockets and threads for good (gevent), which a daemon with
threads does not survive; therefore nothing here imports it. A generator

* gets its plan as a file without credentials, and finds those itself as botocore does, in the
  environment that it is started with (`Scope.role_arn` is assumed there, and renewed);
* has a session and process group of its own, and dies with this process, however that ends:
  its standard input is a pipe of ours, and the end of it kills the group;
* is killed after the plan's time limit, by us and by itself;
* leaves its result as one file, which is there whole or not at all.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from controller.clock import SystemClock
from controller.extras import require
from controller.model.errors import Conflict, Terminal
from controller.model.probe import ProbePlan, ProbeRun
from controller.ports import Clock
from controller.probes.order import order_of, write_order
from controller.probes.process import GeneratorProcess, sweep
from controller.probes.results import failed, read_run, restamped

EXTRA = "probe"
_STOP_PATIENCE_S = 8.0
_EXIT_PATIENCE_S = 10.0
_NOT_FOR_THE_CHILD = ("LOCUST_", "RIGHTSIZER_", "PYTHONSTARTUP")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    requests: int
    failed: int
    dropped: int
    elapsed_s: float
    """Since the generator was up, warm-up included."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Locust's distributed mode, for more load than one process gives.

    Workers are processes that somebody else runs: `python -m controller.probes.generator worker
    HOST [PORT]`, with this program, credentials and AWS_ENDPOINT_URL of their own.
    """

    count: int
    """A probe starts once so many have come, and fails if they have not within a minute."""
    bind_host: str = "*"
    bind_port: int = 5557
    beyond_rps: float = 0.0
    """Only for plans whose rate goes higher than this."""


@dataclass(slots=True)
class _Run:
    plan: ProbePlan
    process: GeneratorProcess
    started_at_s: float
    """By the controller's clock."""
    since_s: float
    """By the machine's."""
    result_since_s: float | None = None
    stopped: bool = False


class LocustRunner:
    """Starts generators and collects what they bring back; safe to share by threads.

    Args:
        clock: in whose time runs are stamped.
        folder: where runs keep their files while they last; made when first needed.
        environment: what the children get of the environment: the process's own, with the
            address and the keys of AWS that the controller uses (AWS_ENDPOINT_URL …).
        workers: who sends the requests instead of the generator itself.
    """

    def __init__(
        self,
        clock: Clock,
        folder: Path,
        environment: Mapping[str, str],
        workers: Workers | None = None,
    ) -> None:
        self._clock = clock
        self._machine = SystemClock()
        self._folder = folder
        self._workers = workers
        self._environment = {
            name: value
            for name, value in environment.items()
            if not name.startswith(_NOT_FOR_THE_CHILD)
        }
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}

    def start(self, probe_id: str, plan: ProbePlan) -> None:
        """Start the generator; returns at once.

        Raises Terminal where Locust is not installed or no process can be started, and
        Conflict where `probe_id` runs already.
        """
        require(EXTRA, "locust", "gevent", "geventhttpclient")
        with self._lock:
            if probe_id in self._runs:
                raise Conflict(f"Probe {probe_id} runs already.", operation="StartProbe")
            self._runs[probe_id] = self._started(plan)

    def poll(self, probe_id: str) -> ProbeRun | None:
        """What it brought back; None while it runs. Afterwards the id is free again."""
        with self._lock:
            run = self._runs.get(probe_id)
            if run is None:
                now_s = self._clock.now_s()
                return failed("This process runs no such probe.", now_s, now_s)
            brought = self._brought(run)
            if brought is not None:
                del self._runs[probe_id]
                run.process.end()
            return brought

    def progress(self, probe_id: str) -> Progress | None:
        """How far it has come; None where nothing is known yet, or any more."""
        with self._lock:
            run = self._runs.get(probe_id)
            text = None if run is None else run.process.progress()
        return None if text is None else Progress(**json.loads(text))

    def stop(self, probe_id: str) -> None:
        """End it now, its children included; `poll` then tells what it had measured.

        Waits for up to eight seconds until that is written down.
        """
        with self._lock:
            run = self._runs.get(probe_id)
        if run is not None:
            run.stopped = True
            run.process.ask_to_stop(_STOP_PATIENCE_S)

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            for run in self._runs.values():
                run.process.end()
            self._runs.clear()

    def sweep(self) -> None:
        """Remove what processes left that died while a probe ran. `start` does so as well."""
        sweep(self._folder)

    def _started(self, plan: ProbePlan) -> _Run:
        crew = self._crew(plan)
        arguments: tuple[str, ...] = ()
        if crew is not None:
            arguments = (str(crew.count), crew.bind_host, str(crew.bind_port))
        order = write_order(order_of(plan))
        try:
            process = GeneratorProcess(self._folder, order, self._environment, arguments)
        except OSError as error:
            reason = error.strerror or error
            raise Terminal(
                f"The load generator cannot be started in {self._folder}: {reason}.",
                operation="StartProbe",
            ) from None
        return _Run(plan, process, self._clock.now_s(), self._machine.monotonic_s())

    def _crew(self, plan: ProbePlan) -> Workers | None:
        """Who sends the requests, where the generator itself does not."""
        if self._workers is None or plan.locustfile is not None:
            return None
        peak_rps = max((max(p.from_rps, p.to_rps) for p in plan.phases), default=0.0)
        return self._workers if peak_rps > self._workers.beyond_rps else None

    def _brought(self, run: _Run) -> ProbeRun | None:
        lasted_s = self._machine.monotonic_s() - run.since_s
        exited = run.process.exited()
        text = run.process.result()
        if text is not None and (exited or self._may_end(run)):
            return self._read(run, text)
        if exited and run.stopped:
            return self._failed(run, "It was told to stop before it had measured anything.")
        if exited:
            return self._failed(run, f"The generator died: {run.process.last_words()}")
        if lasted_s > run.plan.time_limit_s:
            limit = f"{run.plan.time_limit_s:g} s"
            return self._failed(run, f"The generator overran its time limit of {limit}.")
        return None

    def _may_end(self, run: _Run) -> bool:
        """Whether a generator with a result need not be waited for: ours has nothing left to
        do, one of the user's may have something to put away."""
        now_s = self._machine.monotonic_s()
        if run.result_since_s is None:
            run.result_since_s = now_s
        alone = run.plan.locustfile is None and self._crew(run.plan) is None
        patience_s = 0.0 if alone else _EXIT_PATIENCE_S
        return now_s - run.result_since_s >= patience_s

    def _read(self, run: _Run, text: str) -> ProbeRun:
        try:
            brought = read_run(text)
        except ValueError as error:
            return self._failed(run, f"The generator's result cannot be read: {error}.")
        lasted_s = brought.ended_at_s - brought.started_at_s
        return restamped(brought, run.started_at_s, run.started_at_s + lasted_s)

    def _failed(self, run: _Run, detail: str) -> ProbeRun:
        crew = self._crew(run.plan) is not None  # whose master tells nothing before the end
        lost = crew or run.process.progress() is not None
        return replace(failed(detail, run.started_at_s, self._clock.now_s()), lost=lost)
