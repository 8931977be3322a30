"""The true latencies of one instance at any load: the sandbox's queues, overload included."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from controller.sandbox.noise import Noise
from controller.sandbox.sagemaker.latency import latencies_ms, squared_cv
from controller.sandbox.sagemaker.stations import Station

WINDOW_S = 300.0
"""Of a measurement: so long a queue that is overrun grows."""
NOISE_SD = 0.03
"""Log standard deviation between windows of the same load."""


@dataclass(frozen=True)
class Machine:
    """One instance: latencies at any load."""

    station: Station
    noise: Noise
    percentile: float = 0.95

    @cached_property
    def _table(self) -> tuple[Any, Any]:
        able = self.station.capacity_rps
        loads = np.geomspace(able / 300.0, able, 90)
        ranks = np.tile((np.arange(800) + 0.5) / 800.0, (len(loads), 1))
        cv = math.sqrt(squared_cv(self.noise))
        response = self.station.response(loads, cv, np.ones(len(loads)))
        return loads, np.sort(latencies_ms(self.noise, response, ranks), axis=1)

    @cached_property
    def _percentiles(self) -> Any:
        found = np.quantile(self._table[1], self.percentile, axis=1)
        return np.maximum.accumulate(found)

    def _backlog_ms(self, load_rps: float) -> float:
        return max(0.0, load_rps / self.station.capacity_rps - 1.0) * WINDOW_S * 500.0

    def percentile_ms(self, load_rps: float) -> float:
        """The true percentile at a load."""
        at = float(np.interp(load_rps, self._table[0], self._percentiles))
        return at + self._backlog_ms(load_rps)

    def capacity_rps(self, threshold_ms: float) -> float:
        """The highest load within the threshold; 0 where even an idle instance is not."""
        loads = self._table[0]
        finer = np.geomspace(loads[0], loads[-1], 1500)
        within = np.interp(finer, loads, self._percentiles) <= threshold_ms
        return float(finer[within][-1]) if within.any() else 0.0

    def sample_ms(self, load_rps: float, number: int, rng: np.random.Generator) -> Any:
        """Latencies of so many requests at a load."""
        row = int(np.searchsorted(self._table[0], load_rps).clip(0, len(self._table[0]) - 1))
        drawn = rng.choice(self._table[1][row], number)
        return (drawn + self._backlog_ms(load_rps)) * math.exp(rng.normal(0.0, NOISE_SD))
