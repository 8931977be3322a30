"""The open loop: requests leave when they are due, whether earlier ones were answered or not.

Latency runs from the intended start. A timer of the event loop is up to a millisecond late,
which is not the endpoint's doing: a request that leaves within `TIMER_SLACK_S` of its due time
counts from when it left; one that leaves later than that counts from when it was due.
"""

import gc
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import gevent
from gevent.event import Event

from controller.model.probe import Failure, Sample
from controller.ports import Clock
from controller.probes.arrivals import arrivals
from controller.probes.generator.answers import Answer, Reading, read_answer
from controller.probes.generator.health import processor_s
from controller.probes.generator.recorder import WARM_UP, Recorder
from controller.probes.generator.requests import Request, requests_of
from controller.probes.order import Order
from controller.probes.stops import SLICE_S

TIMER_SLACK_S = 0.002
_LOOK_EVERY_S = 0.05
_DRAIN_S = 5.0
"""How long answers are waited for once a run has ended early."""

Send = Callable[[Request], Answer]
Report = Callable[[Sample], None]


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request under way."""

    began_s: float
    phase: int
    body: int


class OpenLoop:
    """One run. `report` sees every sample, for Locust's own statistics."""

    def __init__(
        self, order: Order, send: Send, recorder: Recorder, clock: Clock, report: Report
    ) -> None:
        self._order, self._requests, self._send = order, requests_of(order), send
        self._recorder, self._clock, self._report = recorder, clock, report
        self._began_s = clock.monotonic_s()
        self._limit_s = self._began_s + order.time_limit_s
        self._open: dict[int, _Sent] = {}
        self._ids = itertools.count()
        self._ended = Event()
        self._weights = list(itertools.accumulate(body.weight for body in order.bodies))
        self._dice = Random(f"{order.seed} payloads")  # noqa: S311

    def run(self) -> None:
        """Warm up, send what is due, wait for the answers."""
        gc.collect()
        gc.freeze()
        self._warm_up()
        self._began_s = self._clock.monotonic_s()
        watchers = [gevent.spawn(self._look), gevent.spawn(self._count_seconds)]
        if self._recorder.why_ended is None:
            self._measure()
        self._drain()
        gevent.killall(watchers)

    def end(self, why: str) -> None:
        """Send nothing more."""
        self._recorder.end(why)
        self._ended.set()

    def finish(self) -> float:
        """Count what is still unanswered as failed; nothing is recorded afterwards.

        Returns the seconds from the first request that was due to now.
        """
        now_s = self._clock.monotonic_s()
        unanswered, self._open = self._open, {}
        for sent in unanswered.values():
            sample = Sample(
                at_s=sent.began_s - self._began_s,
                latency_ms=(now_s - sent.began_s) * 1000.0,
                status=0,
                error=Failure.UNFINISHED,
                phase=sent.phase,
                body=sent.body,
            )
            self._recorder.add(sample, "no answer before the end")
        return now_s - self._began_s

    def _warm_up(self) -> None:
        for _ in range(self._order.warm_up):
            self._recorder.end(self._recorder.stops.sent(-1.0))
            if self._recorder.why_ended is not None or self._ended.is_set():
                return
            now_s = self._clock.monotonic_s()
            self._one(next(self._ids), _Sent(now_s, WARM_UP, self._pick()))

    def _measure(self) -> None:
        health, most = self._recorder.health, self._order.max_in_flight
        dice = Random(self._order.seed)  # noqa: S311
        for at_s, phase in arrivals(self._order.phases, dice):
            due_s = self._began_s + at_s
            if self._wait_until(due_s):
                return
            now_s = self._clock.monotonic_s()
            if len(self._open) >= most:
                health.dropped += 1
                self._recorder.stops.dropped()
                continue
            self._recorder.end(self._recorder.stops.sent(at_s))
            if self._recorder.why_ended is not None:
                return
            late_s = now_s - due_s
            health.left(late_s)
            began_s = now_s if late_s <= TIMER_SLACK_S else due_s
            number, sent = next(self._ids), _Sent(began_s, phase, self._pick())
            self._open[number] = sent
            gevent.spawn(self._one, number, sent)

    def _wait_until(self, due_s: float) -> bool:
        """True where the run has ended in the meantime."""
        wait_s = due_s - self._clock.monotonic_s()
        if wait_s > 0:
            self._ended.wait(wait_s)
        else:
            gevent.sleep(0)
        return bool(self._ended.is_set())

    def _pick(self) -> int:
        if len(self._weights) == 1:
            return 0
        return self._dice.choices(range(len(self._weights)), cum_weights=self._weights)[0]

    def _one(self, number: int, sent: _Sent) -> None:
        """Send one request and keep what came of it."""
        self._open[number] = sent
        answer = self._send(self._requests[sent.body])
        now_s = self._clock.monotonic_s()
        if self._open.pop(number, None) is None:
            return  # counted as unfinished already
        reading = read_answer(self._order.service, self._order.bodies[sent.body], answer)
        sample = self._sample(sent, now_s, answer.status, reading)
        self._recorder.add(sample, reading.trouble)
        if self._recorder.why_ended is not None:
            self._ended.set()
        self._report(sample)

    def _sample(self, sent: _Sent, now_s: float, status: int, reading: Reading) -> Sample:
        told = reading.report
        return Sample(
            at_s=sent.began_s - self._began_s,
            latency_ms=(now_s - sent.began_s) * 1000.0,
            status=status,
            error=reading.error,
            cold=told.cold,
            billed_ms=told.billed_ms,
            duration_ms=told.duration_ms,
            memory_used_mb=told.memory_used_mb,
            phase=sent.phase,
            body=sent.body,
        )

    def _drain(self) -> None:
        """Wait for answers: all of them, or a few seconds where the run was ended early."""
        until_s = self._limit_s
        if self._recorder.why_ended is not None:
            until_s = min(until_s, self._clock.monotonic_s() + _DRAIN_S)
        while self._open and self._clock.monotonic_s() < until_s:
            gevent.sleep(0.005)

    def _look(self) -> None:
        """Now and then: what is in flight, how old it is, and how much time is left."""
        recorder = self._recorder
        while True:
            gevent.sleep(_LOOK_EVERY_S)
            recorder.health.saw(len(self._open))
            now_s = self._clock.monotonic_s()
            ages_ms = [(now_s - sent.began_s) * 1000.0 for sent in self._open.values()]
            recorder.judge(recorder.stops.waiting(ages_ms))
            if now_s >= self._limit_s:
                recorder.end("its time is up")
            if recorder.why_ended is not None:
                self._ended.set()

    def _count_seconds(self) -> None:
        """Every second: the processor; every few: whether throughput is flat.

        What is alive after a second stays so to the end, and is hidden from the collector of
        garbage: a full collection over Locust and all samples would be seen as latency.
        """
        recorder, clock = self._recorder, self._clock
        slice_s, before, then_s = clock.monotonic_s(), processor_s(), clock.monotonic_s()
        while True:
            gevent.sleep(1.0)
            used, now_s = processor_s(), clock.monotonic_s()
            recorder.health.second(used - before, now_s - then_s)
            before, then_s = used, now_s
            gc.collect(1)
            gc.freeze()
            if now_s - slice_s >= SLICE_S:
                slice_s = now_s
                recorder.judge(recorder.stops.slice_ends())
