"""The load generator as a real process against a stub endpoint: what it brings back."""

import statistics
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from generators import HELLO, environment, finished, plan, runner, stub, within

from controller.clock import SystemClock
from controller.model.errors import Conflict
from controller.model.missing import Missing
from controller.model.probe import Body, ProbeOutcome, ProbeRun
from controller.model.probing import Expect, Phase, StopRules
from controller.probes.arrivals import arrivals
from controller.probes.runner import LocustRunner, Workers

pytestmark = pytest.mark.end_to_end

EARLY = {ProbeOutcome.ABORTED, ProbeOutcome.DISCARDED}
DISCARDED = "The generator was measured"
"""What a machine with too much else to do makes of any run: no test's business."""

CLOSED_LOOP = """
from locust import FastHttpUser, constant_throughput, task

class Impatient(FastHttpUser):
    host = "http://127.0.0.1:{port}"
    wait_time = constant_throughput(20)

    @task
    def ask(self):
        body = self.environment.probe_order.bodies[0].content
        self.client.post("/2015-03-31/functions/ocr/invocations", data=body)
"""


def p95_ms(run: ProbeRun) -> float:
    measured = [s.latency_ms for s in run.samples if s.phase >= 0]
    return statistics.quantiles(measured, n=100)[94]


def test_a_run_from_start_to_end(tmp_path: Path) -> None:
    fails = Body(b'{"fail": 1}', "application/json", 0.25)
    odd = Body(b"{}", "application/json", 0.25, expect=Expect(json_has=("score",)))
    phases = (Phase(10.0, 60.0, 1.5), Phase(60.0, 60.0, 0.5))
    with stub(80) as port:
        generator = runner(tmp_path / "runs", port)
        generator.start("a", plan(*phases, bodies=(HELLO, fails, odd)))
        with pytest.raises(Conflict):
            generator.start("a", plan(*phases))
        within(30.0, lambda: generator.progress("a"))
        run = finished(generator, "a")
        generator.start("b", plan(*phases))  # the id and the place are free again
        generator.close()
    due = list(arrivals(phases, Random(7)))
    measured = sorted((s for s in run.samples if s.phase >= 0), key=lambda s: s.at_s)
    assert run.outcome in {ProbeOutcome.SUCCEEDED, ProbeOutcome.DISCARDED}, run.detail
    assert [s.phase for s in measured] == [phase for _, phase in due]
    assert all(s.at_s >= at_s - 1e-6 for s, (at_s, _) in zip(measured, due, strict=True))
    assert min(s.latency_ms for s in run.samples) >= 80.0
    warm_up = [s for s in run.samples if s.phase < 0]
    assert [s.cold for s in warm_up] == [True, False]
    assert not any(s.cold for s in measured)
    by_body = {body: {s.error for s in run.samples if s.body == body} for body in range(3)}
    assert by_body == {0: {None}, 1: {"function"}, 2: {"unexpected"}}
    assert {(s.duration_ms, s.billed_ms, s.memory_used_mb) for s in run.samples} == {
        (80.0, 80.0, 77)
    }
    assert list((tmp_path / "runs").glob("run-*")) == []


@pytest.mark.slow
def test_a_stall_shows_in_an_open_loop_and_hides_in_a_closed_one(tmp_path: Path) -> None:
    """The reason for the method. Two endpoints stall for two seconds each; one is asked at a
    rate, the other by ten users who wait for their answers."""
    with stub(20, 2.0, 2.0) as one, stub(20, 2.0, 2.0) as other:
        file = tmp_path / "closed.py"
        file.write_text(CLOSED_LOOP.format(port=other))
        asks, waits = runner(tmp_path / "a", one), runner(tmp_path / "b", other)
        asks.start("open", plan(Phase(50.0, 50.0, 7.0), warm_up=0))
        waits.start("closed", plan(Phase(50.0, 50.0, 7.0), max_in_flight=10, locustfile=str(file)))
        opened, closed = finished(asks, "open"), finished(waits, "closed")
    assert len(closed.samples) > 300, closed.detail  # so that ten stalled ones are few
    assert p95_ms(opened) > 1000.0
    assert p95_ms(closed) < 500.0
    assert max(s.latency_ms for s in closed.samples) > 1500.0


def test_an_endpoint_that_is_too_slow_is_left_alone(tmp_path: Path) -> None:
    stop = StopRules(p95_ms=100.0)
    with stub(5000) as port:
        generator = runner(tmp_path, port)
        generator.start("a", plan(Phase(40.0, 40.0, 30.0), stop=stop, warm_up=0))
        run = finished(generator, "a")
    assert run.outcome in EARLY
    assert "p95 of the last 100 requests is over 100 ms" in run.detail or DISCARDED in run.detail
    assert len(run.samples) < 100
    # What was under way is neither lost nor counted as quick.
    assert min(s.latency_ms for s in run.samples) > 100.0


def test_a_run_that_is_stopped_keeps_what_it_measured(tmp_path: Path) -> None:
    with stub(50) as port:
        generator = runner(tmp_path, port)
        generator.start("a", plan(Phase(40.0, 40.0, 50.0)))
        within(30.0, lambda: (p := generator.progress("a")) and (p.requests > 10 or None))
        generator.stop("a")
        run = finished(generator, "a")
    assert run.outcome in EARLY
    assert "told to stop" in run.detail or DISCARDED in run.detail
    assert len(run.samples) > 10


def test_nobody_to_sign_as(tmp_path: Path) -> None:
    nobody = {name: value for name, value in environment(9).items() if "KEY" not in name}
    generator = LocustRunner(SystemClock(), tmp_path, nobody)
    generator.start("a", plan(Phase(1.0, 1.0, 1.0)))
    run = finished(generator, "a")
    assert run.outcome is ProbeOutcome.FAILED
    assert run.detail == "The generator could not go on: No AWS credentials were found."


@pytest.mark.slow
def test_several_workers_share_the_load(tmp_path: Path) -> None:
    with stub(30) as port, stub(0) as spare:
        crew = Workers(2, "127.0.0.1", spare + 1)
        words = [sys.executable, "-m", "controller.probes.generator", "worker", "127.0.0.1"]
        generator = runner(tmp_path, port, crew)
        workers = [
            subprocess.Popen([*words, str(crew.bind_port)], env=environment(port))
            for _ in range(crew.count)
        ]
        generator.start("a", plan(Phase(60.0, 60.0, 2.0), warm_up=1))
        run = finished(generator, "a")
        for worker in workers:
            # one that misses the goodbye is told by a silence of a minute
            worker.wait(150)
    assert "2 workers" in run.detail
    assert sum(s.phase < 0 for s in run.samples) == 1
    assert 70 < sum(s.phase >= 0 for s in run.samples) < 180
    assert not isinstance(run.cpu_share, Missing)


def test_what_is_stopped_at_once_says_so(tmp_path: Path) -> None:
    generator = runner(tmp_path, 9)
    generator.start("a", plan(Phase(1.0, 1.0, 1.0)))
    generator.stop("a")
    run = finished(generator, "a")
    assert run.outcome is ProbeOutcome.FAILED
    assert run.detail == "It was told to stop before it had measured anything."
    unknown = generator.poll("a")
    assert unknown is not None
    assert unknown.outcome is ProbeOutcome.FAILED
