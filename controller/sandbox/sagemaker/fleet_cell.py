"""One hour of one fleet's requests: the unit that SageMaker's metrics and bills are summed from.

Filled minute by minute, in order, and never changed afterwards. Counts are those of the
workload's traffic; calls through InvokeEndpoint are kept apart and only share the queue.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property

import numpy as np
import numpy.typing as npt

from controller.sandbox import draws
from controller.sandbox.noise import Noise
from controller.sandbox.sagemaker.machines import EndpointWorkload
from controller.sandbox.sagemaker_state import Fleet
from controller.sandbox.samples import STRATA

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

MINUTES = 60
_OVERHEAD = Noise(cv=0.45, slow_share=0.01)


class FleetCell:
    """Arrays by minute of the hour; durations in milliseconds as (minute, stratum).

    there: part of the minute in which the fleet was in force; instances, billed: their mean;
    arrivals: requests, of which `throttled` never ran; busy: requests in progress on average,
    used: share of the fleet's capacity in use.
    """

    def __init__(self, key: tuple[draws.Key, ...], fleet: Fleet) -> None:
        self.key = key
        self.fleet = fleet
        self.workload = EndpointWorkload()
        self.deploying = np.zeros(MINUTES, np.bool_)
        self.there, self.instances, self.billed = (np.zeros(MINUTES) for _ in range(3))
        self.busy, self.used, self.concurrency = (np.zeros(MINUTES) for _ in range(3))
        self.arrivals, self.throttled, self.client_errors = (
            np.zeros(MINUTES, np.int64) for _ in range(3)
        )
        self.server_errors, self.cold, self.spilled = (
            np.zeros(MINUTES, np.int64) for _ in range(3)
        )
        self.ready, self.provisioned, self.peak = (np.zeros(MINUTES, np.int64) for _ in range(3))
        self.hit_ratio = np.ones(MINUTES)
        self.loaded = np.zeros(MINUTES)
        self.memory = np.zeros(MINUTES)
        """Percent of the memory, on average."""
        self.durations = np.zeros((MINUTES, STRATA), np.float32)
        self.counts = np.zeros((MINUTES, STRATA), np.int32)
        self.backlog = 0.0
        """Requests that wait beyond what a balanced queue holds, at the end of what is played."""
        self.recent: deque[int] = deque()
        self.dice = {
            what: draws.generator(*key, what)
            for what in ("places", "fall", "delay", "errors", "kills", "throttles", "cold")
        }

    @property
    def calls(self) -> Counts:
        """Requests that ran."""
        return self.arrivals - self.throttled

    @cached_property
    def overhead(self) -> Floats:
        """OverheadLatency of a warm request by stratum, milliseconds."""
        share = draws.generator(*self.key, "overhead").random((MINUTES, STRATA))
        # Strata of durations are of unequal size; overhead is drawn without regard to them.
        mean_ms = self.workload.overhead_ms + 0.01 * self.workload.payload_kb
        return mean_ms * _OVERHEAD.quantile(share)

    @cached_property
    def setup(self) -> Floats:
        """Time that a cold start takes, by minute and place among up to 32, milliseconds."""
        nature = self.workload.nature
        scatter = draws.generator(*self.key, "setup").standard_normal((MINUTES, 32))
        return nature.init_ms * np.maximum(0.2, 1.0 + nature.init_cv * scatter)

    @cached_property
    def jitter(self) -> Floats:
        """Scatter of utilisation from instance to instance, by minute and instance up to 16."""
        return draws.generator(*self.key, "jitter").standard_normal((MINUTES, 16))
