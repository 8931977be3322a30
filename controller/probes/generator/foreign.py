"""A locustfile of the user's: run as it is, with its samples taken from Locust's own event.

It may be a closed loop, which hides stalls; that is its author's choice. Stop rules, time limit
and the watch on the processor hold for it as well. The order is at `environment.probe_order`
(payloads, phases, target); so many users are started as may be in flight, unless the file has a
`LoadTestShape`. A request counts as failed where the event has an exception, or no response
time: nobody knows how long that one took, and it must not pass for a quick one.
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent

from controller.model.probe import Failure, Sample
from controller.ports import Clock
from controller.probes.generator.ending import Ending, into, tell_progress
from controller.probes.generator.health import processor_s
from controller.probes.generator.recorder import Recorder
from controller.probes.order import Order
from controller.probes.stops import Stops


class Listener:
    """Hears every request that the user's file reports."""

    def __init__(self, folder: Path, order: Order, clock: Clock) -> None:
        self._folder, self._order, self._clock = folder, order, clock
        self._recorder = Recorder(Stops(order.stop), clock.now_s(), open_loop=False)
        self._began_s = self._recorder.started_at_s
        self._environment: Any = None

    def listen(self, events: Any) -> None:
        """Take part in Locust's events."""
        events.init.add_listener(self._init)
        events.test_start.add_listener(self._start)
        events.request.add_listener(self._request)

    def _init(self, environment: Any, **_: Any) -> None:
        self._environment = environment
        environment.probe_order = self._order
        ending = Ending(self._recorder, self._clock, lambda: 0.0, into(self._folder))
        environment.events.quitting.add_listener(lambda **_: ending.give())

    def _start(self, **_: Any) -> None:
        self._began_s = self._clock.now_s()
        gevent.spawn(tell_progress, self._folder, self._recorder, self._clock)
        gevent.spawn(self._count_seconds)

    def _request(
        self,
        response_time: float | None,
        exception: BaseException | None = None,
        response: Any = None,
        start_time: float | None = None,
        **_: Any,
    ) -> None:
        sample, trouble = heard(response_time, exception, response)
        began_s = start_time
        if began_s is None:
            began_s = self._clock.now_s() - sample.latency_ms / 1000.0
        sample = replace(sample, at_s=max(0.0, began_s - self._began_s))
        self._recorder.end(self._recorder.stops.sent(sample.at_s))
        self._recorder.add(sample, trouble)
        if self._recorder.why_ended is not None:
            gevent.spawn(self._environment.runner.quit)

    def _count_seconds(self) -> None:
        before, then_s = processor_s(), self._clock.monotonic_s()
        while True:
            gevent.sleep(1.0)
            used, now_s = processor_s(), self._clock.monotonic_s()
            self._recorder.health.second(used - before, now_s - then_s)
            before, then_s = used, now_s


def heard(
    response_time_ms: float | None, exception: BaseException | None, response: Any
) -> tuple[Sample, str]:
    """One request as the user's file reports it, and what was wrong with it ("": nothing)."""
    latency_ms = response_time_ms
    if latency_ms is not None and not 0.0 <= latency_ms < math.inf:
        latency_ms = None
    trouble = "" if latency_ms is not None else "the locustfile gives no response time"
    if exception is not None:
        trouble = f"the locustfile says {type(exception).__name__}"
    status = getattr(response, "status_code", None)
    sample = Sample(
        at_s=0.0,
        latency_ms=0.0 if latency_ms is None else latency_ms,
        status=status if isinstance(status, int) else 0 if trouble else 200,
        error=Failure.CLIENT if trouble else None,
        phase=0,
    )
    return sample, trouble
