"""The demo's load generator: at the port where the real one is, and no process of its own.

The real one (Locust, in a process beside us) sends requests in real time, and the demo's days
pass in seconds: it would have sent nothing before they were over. So here requests are due at
the same random instants of the plan's phases, in the sandbox's time, and its queues say what
each took. Stop rules, the bound on what is in flight and the bill are as ever. What it cannot
show is what it does not have: a processor that is too slow, a network, a payload that matters.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from controller.model.endpoint import Kind
from controller.model.errors import Conflict
from controller.model.probe import Failure, ProbeOutcome, ProbePlan, ProbeRun, Sample
from controller.ports import Clock
from controller.probes.arrivals import arrivals
from controller.probes.stops import SLICE_S, Stops
from controller.sandbox.sagemaker.request_stream import Reply, RequestStream
from controller.sandbox.world import World

WARM_UP = -1
WARM_UP_EVERY_S = 1.0
MINUTE_S = 60.0
DROPPED_ALLOWED = 0.01
"""Of all arrivals: with more of them without a place, a run says nothing."""
_FAILURES = {400: Failure.NOT_FOUND, 424: Failure.MODEL}


class VirtualLoad:
    """Satisfies `controller.ports.ProbeRunner` for real-time endpoints of an embedded world.

    Requests are sent when `poll` is called, for all the time that has passed since.
    """

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._runs: dict[str, _Run] = {}

    def start(self, probe_id: str, plan: ProbePlan) -> None:
        """Begin now. Raises Conflict where `probe_id` runs already."""
        if probe_id in self._runs:
            raise Conflict(f"Probe {probe_id} is under way.")
        key = plan.target.key
        region = self._world.region(key.account, key.region)
        stream = RequestStream(self._world, region, plan.target.name, plan.seed)
        self._runs[probe_id] = _Run(plan, stream, self._clock.now_s())

    def poll(self, probe_id: str) -> ProbeRun | None:
        """What came of it; None while its phases last."""
        now_s = self._clock.now_s()
        run = self._runs.get(probe_id)
        if run is None:
            return ProbeRun(ProbeOutcome.FAILED, "it does not run here", now_s, now_s)
        if run.plan.target.key.kind is not Kind.REALTIME_ENDPOINT:
            detail = "the demo's generator knows real-time endpoints only"
            result = ProbeRun(ProbeOutcome.FAILED, detail, now_s, now_s)
        elif run.live_until(now_s):
            result = run.result(min(now_s, run.ends_at_s))
        else:
            return None
        del self._runs[probe_id]
        return result

    def stop(self, probe_id: str) -> None:
        """End it now."""
        run = self._runs.get(probe_id)
        if run is not None:
            run.end("it was told to stop", self._clock.now_s())

    def close(self) -> None:
        """End all of them."""
        self._runs.clear()


@dataclass(slots=True)
class _Run:
    """One run, as far as it has come."""

    plan: ProbePlan
    stream: RequestStream
    started_at_s: float
    began_s: float = field(init=False)
    """When the first phase began, after the warm-up."""
    ends_at_s: float = field(init=False)
    stops: Stops = field(init=False)
    samples: list[Sample] = field(default_factory=list)
    dropped: int = 0
    why_ended: str | None = None
    judged: bool = False
    """Whether it ended for what the endpoint did."""
    _due: "Iterator[tuple[float, int]]" = field(init=False)
    _next: tuple[float, int] | None = field(init=False)
    _open: list[float] = field(default_factory=list)
    """When each request in flight will have been answered."""
    _slice_s: float = SLICE_S

    def __post_init__(self) -> None:
        self.began_s = self.started_at_s + self.plan.warm_up * WARM_UP_EVERY_S
        self.ends_at_s = self.began_s + self.plan.duration_s
        self.stops = Stops(self.plan.stop)
        self._due = arrivals(self.plan.phases, Random(self.plan.seed))  # noqa: S311
        self._next = next(self._due, None)
        for number in range(self.plan.warm_up):
            at_s = self.started_at_s + number * WARM_UP_EVERY_S
            self.stops.sent(-1.0)
            self.samples += [
                _sample(r, self.began_s, WARM_UP) for r in self.stream.replies([at_s], 0.0)
            ]

    def live_until(self, now_s: float) -> bool:
        """Send all that is due until then; True once the run is over."""
        while self.why_ended is None and self._next is not None:
            if self.began_s + self._next[0] > now_s:
                return False
            self._minute(now_s)
        return self.why_ended is not None or now_s >= self.ends_at_s

    def end(self, why: str, at_s: float, *, judged: bool = False) -> None:
        """End it early; the first reason stays."""
        if self.why_ended is None:
            self.why_ended, self.judged, self.ends_at_s = why, judged, at_s

    def _minute(self, now_s: float) -> None:
        """Send what is due in the rest of a minute of the world, or of a phase."""
        due = self._next
        assert due is not None
        phase = due[1]
        until_s = min(now_s, (self.began_s + due[0]) // MINUTE_S * MINUTE_S + MINUTE_S)
        instants: list[float] = []
        while due is not None and due[1] == phase and self.began_s + due[0] <= until_s:
            instants.append(self.began_s + due[0])
            due = next(self._due, None)
        self._next = due
        for reply in self.stream.replies(instants, self._rate_rps(instants, phase)):
            self._one(reply, phase)
            if self.why_ended is not None:
                return

    def _rate_rps(self, instants_s: list[float], phase: int) -> float:
        """The plan's, in the middle of these."""
        one = self.plan.phases[phase]
        before_s = sum(p.duration_s for p in self.plan.phases[:phase])
        middle_s = (instants_s[0] + instants_s[-1]) / 2.0 - self.began_s - before_s
        return one.from_rps + (one.to_rps - one.from_rps) * middle_s / one.duration_s

    def _one(self, reply: Reply, phase: int) -> None:
        at_s = reply.at_s
        while self._open and self._open[0] <= at_s:
            heapq.heappop(self._open)
        while at_s - self.began_s >= self._slice_s:
            self._slice_s += SLICE_S
            self._judge(self.stops.slice_ends(), at_s)
        if len(self._open) >= self.plan.max_in_flight:
            self.dropped += 1
            self.stops.dropped()
            return
        enough = self.stops.sent(at_s - self.began_s)
        if enough is not None:
            self.end(enough, at_s)
            return
        heapq.heappush(self._open, at_s + reply.latency_ms / 1000.0)
        sample = _sample(reply, self.began_s, phase)
        self.samples.append(sample)
        failed = sample.error is not None
        self._judge(self.stops.answered(reply.latency_ms, failed=failed), at_s)

    def _judge(self, verdict: str | None, at_s: float) -> None:
        if verdict is not None:
            self.end(verdict, at_s, judged=True)

    def result(self, ended_at_s: float) -> ProbeRun:
        """All of it, and whether it may be believed."""
        outcome, detail = self._outcome()
        return ProbeRun(
            outcome, detail, self.began_s, ended_at_s, tuple(self.samples), self.dropped
        )

    def _outcome(self) -> tuple[ProbeOutcome, str]:
        due = len(self.samples) + self.dropped
        if self.dropped > DROPPED_ALLOWED * due and not self.judged:
            detail = (
                f"{self.dropped:,} of {due:,} requests found no free place: allow more in flight"
            )
            return ProbeOutcome.DISCARDED, f"The generator was measured: {detail}."
        failed = sum(1 for sample in self.samples if sample.error is not None)
        told = f"{len(self.samples):,} requests, {failed:,} failed"
        if self.why_ended is not None:
            return ProbeOutcome.ABORTED, f"Ended early, {self.why_ended}; {told}."
        return ProbeOutcome.SUCCEEDED, f"Ran to its end: {told}."


def _sample(reply: Reply, began_s: float, phase: int) -> Sample:
    return Sample(
        at_s=reply.at_s - began_s,
        latency_ms=reply.latency_ms,
        status=reply.status,
        error=_FAILURES.get(reply.status),
        phase=phase,
    )
