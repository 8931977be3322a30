"""APScheduler, which only enqueues: no job does work, so none can be late for long.

Its defaults drop a run silently when a thread is busy for a second; here a late run is run
(coalesced into one), and every run that was missed or left out is counted.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from controller.telemetry.metrics import Telemetry


class Schedule:
    """Named jobs at fixed intervals, each a call that must return at once."""

    def __init__(self, telemetry: Telemetry, now_s: Callable[[], float]) -> None:
        self._telemetry = telemetry
        self._now_s = now_s
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(max_workers=2)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._missed, EVENT_JOB_MISSED)
        self._scheduler.add_listener(self._overran, EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._executed, EVENT_JOB_EXECUTED)

    def every(
        self, name: str, seconds: float, enqueue: Callable[[], None], *, jitter_s: float = 0.0
    ) -> None:
        """Call `enqueue` now and every so many seconds, up to `jitter_s` earlier or later."""
        self._scheduler.add_job(
            enqueue,
            "interval",
            seconds=seconds,
            jitter=jitter_s or None,
            id=name,
            name=name,
            next_run_time=datetime.fromtimestamp(self._now_s(), UTC) + timedelta(seconds=0.1),
        )

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; runs under way are not waited for, for they only enqueue."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _missed(self, _event: Any) -> None:
        self._telemetry.scheduler_missed()

    def _overran(self, _event: Any) -> None:
        self._telemetry.scheduler_overran()

    def _executed(self, event: Any) -> None:
        due_s = event.scheduled_run_time.timestamp()
        self._telemetry.scheduler_started(self._now_s() - due_s)
