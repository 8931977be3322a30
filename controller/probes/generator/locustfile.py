"""The locustfile that is shipped: one user, who is an arrival process and not a person.

It runs under Locust like any other. In one process the order comes from the folder named by
`--rightsizer-folder`; in Locust's distributed mode the master has the folder, and its workers
get their shares from it.
"""

from functools import partial
from pathlib import Path
from typing import Any

import gevent
from locust import User, events, task
from locust.runners import MasterRunner, WorkerRunner

from controller.clock import SystemClock
from controller.model.probe import Sample
from controller.ports import Clock
from controller.probes.folder import ORDER
from controller.probes.generator.access import RENEW_EVERY_S, Access
from controller.probes.generator.crew import Master, Worker
from controller.probes.generator.ending import Ending, Give, into, tell_progress
from controller.probes.generator.open_loop import OpenLoop
from controller.probes.generator.recorder import Recorder
from controller.probes.generator.wire import Limits, Wire
from controller.probes.order import LAMBDA, Order, read_order
from controller.probes.results import failed
from controller.probes.stops import Stops

_ANSWER_S = {LAMBDA: 905.0}
"""Longest that the service lets a request take, and a little: 15 min, elsewhere a minute."""
_ANSWER_ELSEWHERE_S = 70.0


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _options(parser: Any) -> None:
    parser.add_argument("--rightsizer-folder", default="", help="Where the order is.")


@events.init.add_listener  # type: ignore[untyped-decorator]
def _take_part(environment: Any, runner: Any, **_: Any) -> None:
    folder = Path(environment.parsed_options.rightsizer_folder)
    if isinstance(runner, MasterRunner):
        Master(environment, folder, SystemClock().now_s).listen()
    elif isinstance(runner, WorkerRunner):
        environment.rightsizer_worker = Worker(runner)
        environment.rightsizer_worker.listen()


class Arrivals(User):
    """Sends what the order says, once."""

    @task
    def run_once(self) -> None:
        """The whole run."""
        worker: Worker | None = getattr(self.environment, "rightsizer_worker", None)
        if worker is not None:
            self._attempt(worker.order(), worker)
            return
        folder = Path(self.environment.parsed_options.rightsizer_folder)
        self._attempt(read_order((folder / ORDER).read_text(encoding="utf-8")), folder)
        self.environment.runner.quit()

    def _attempt(self, order: Order, goes_to: Worker | Path) -> None:
        clock = SystemClock()
        give = into(goes_to) if isinstance(goes_to, Path) else goes_to.report
        try:
            self._run(order, goes_to, clock, give)
        except Exception as error:
            # Locust would log it and begin anew: no credentials, a role that may not be assumed …
            now_s = clock.now_s()
            give(failed(f"The generator could not go on: {_sentence(error)}", now_s, now_s))

    def _run(self, order: Order, goes_to: Worker | Path, clock: Clock, give: Give) -> None:
        recorder = Recorder(Stops(order.stop), clock.now_s())
        access = Access(order, clock)
        answer_s = _ANSWER_S.get(order.service, _ANSWER_ELSEWHERE_S)
        wire = Wire(access, Limits(order.max_in_flight, answer_s))
        loop = OpenLoop(order, wire.send, recorder, clock, self._tell_locust)
        ending = Ending(recorder, clock, loop.finish, give)
        self.environment.events.quitting.add_listener(ending.interrupted)
        helpers = [gevent.spawn(_renew, access)]
        if isinstance(goes_to, Path):
            helpers.append(gevent.spawn(partial(tell_progress, goes_to, recorder, clock)))
        else:
            goes_to.stop = loop.end
        loop.run()
        gevent.killall(helpers)
        ending.give()
        self.environment.events.quitting.remove_listener(ending.interrupted)
        wire.close()

    def _tell_locust(self, sample: Sample) -> None:
        """Locust's own summary then agrees with ours, but for its rounding."""
        self.environment.events.request.fire(
            request_type="PROBE",
            name="warm-up" if sample.phase < 0 else f"phase {sample.phase}",
            response_time=sample.latency_ms,
            response_length=0,
            exception=None if sample.error is None else RuntimeError(sample.error),
            context={},
        )


def _sentence(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return f"{words.removesuffix('.')}."


def _renew(access: Access) -> None:
    """Newer keys in time; while that fails the old ones may still do."""
    while True:
        gevent.sleep(RENEW_EVERY_S)
        try:
            access.renew()
        except Exception:  # noqa: S112
            continue
