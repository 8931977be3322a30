"""What other instance types would do: measured ones as measured, others by their catalogue.

A request's own time follows the speed of a core, and falls a little where more cores work on
it; the limit follows speed and number of cores. Both are loose, and looser the less two types
have in common. It is enough to choose what to probe, and too little to switch to for a saving,
even where the types are neighbours in one family.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from controller.core.evidence import Evidence
from controller.kinds.realtime_endpoint.capacity import SAME, Curves, Shift
from controller.kinds.realtime_endpoint.catalogue import TYPES, InstanceType
from controller.kinds.realtime_endpoint.fitting import fitted
from controller.kinds.realtime_endpoint.loads import gathered
from controller.kinds.realtime_endpoint.replay import Bearable
from controller.model.demand import Interval
from controller.model.estimate import Observation
from controller.model.policy import Slo
from controller.model.size import RealtimeSize, Size

SHARED_WORK = 0.15
"""Power of the number of cores by which a single request gets faster, on average …"""
SHARED_WORK_SD = 0.15
"""… and how much that differs between containers, by e-fold of cores."""
LIMIT_POWER = 0.9
"""Power of the number of cores by which the limit grows."""
LIMIT_SD = 0.15
LEAST_SD = 0.08
FAMILY_SD = 0.15
"""Added where the family differs: memory, cache and clock do too."""
KIND_SD = 0.8
"""Added where one has an accelerator or another architecture and the other has not."""
UNKNOWN = Shift(0.0, 1.0, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Belief:
    """What is believed of one type's latency, and what follows for an objective."""

    name: str
    curves: Curves
    base: str
    """The type that was measured."""
    requests: int
    """Measured at this very type, by users' requests or by a probe's; 0: by neither."""
    threshold_ms: float
    confidence: float

    @property
    def words(self) -> str:
        """What it rests on."""
        return "measured here" if self.requests else f"predicted from {self.base}"

    @cached_property
    def usable(self) -> tuple[float, bool]:
        """(highest load that meets the SLO with the confidence, whether it is only the reach)."""
        return self.curves.usable_rps(self.threshold_ms, self.confidence)

    @cached_property
    def bearable(self) -> Bearable:
        """What one instance bears, for the bursts of the past."""
        return Bearable(
            self.aim_rps,
            self.capacity_rps.low,
            1.0 - self.curves.percentile,
            likely_rps=self.capacity_rps.mid,
        )

    @cached_property
    def capacity_rps(self) -> Interval:
        """Highest load that truly meets the SLO: a 90 % interval."""
        return self.curves.capacity_rps(self.threshold_ms)

    @cached_property
    def aim_rps(self) -> float:
        """The usable load; where there is none, what is about as good as an idle instance."""
        return self.usable[0] or self.curves.best_rps(self.threshold_ms)

    def p_met(self, load_rps: float) -> float:
        """Probability of meeting the SLO at a load."""
        return float(self.curves.p_met(np.asarray([load_rps]), self.threshold_ms)[0])


@dataclass(frozen=True, eq=False)
class Beliefs:
    """Curves of every measured type; others follow from the nearest of them."""

    measured: Mapping[str, tuple[Curves, int]]
    """(curves, requests) by type."""
    threshold_ms: float
    confidence: float
    known: dict[str, Belief | None] = field(default_factory=dict)
    """What was asked for before: a curve costs milliseconds."""

    @classmethod
    def of(cls, evidence: Evidence, slo: Slo, confidence: float) -> "Beliefs":
        """Fit every type that the current segment has measured under a known load."""
        rows: dict[str, list[Observation]] = {}
        size: Size | None = None
        for row in evidence.loaded:
            if row.size is not size and isinstance(row.size, RealtimeSize):
                size, members = row.size, rows.setdefault(row.size.instance_type, [])
            if row.size is size:
                members.append(row)
        found = {}
        for name, members in sorted(rows.items()):
            loads = gathered(members, slo.percentile)
            if loads is not None:
                kind = TYPES.get(name)
                curves = fitted(loads, slo.percentile, None if kind is None else kind.at_once)
                found[name] = (curves, loads.requests)
        return cls(found, slo.threshold_ms, confidence)

    def about(self, name: str) -> Belief | None:
        """What is believed of a type; None where nothing was measured at all."""
        if name not in self.known:
            self.known[name] = self._about(name)
        return self.known[name]

    def _about(self, name: str) -> Belief | None:
        if not self.measured:
            return None
        if name in self.measured:
            base, (curves, requests) = name, self.measured[name]
        else:
            shifts = {base: shift(base, name) for base in self.measured}
            base = min(shifts, key=lambda b: (shifts[b].level_sd + shifts[b].limit_sd, b))
            curves, requests = self.measured[base][0].shifted(shifts[base]), 0
        return Belief(name, curves, base, requests, self.threshold_ms, self.confidence)


def shift(base: str, name: str) -> Shift:
    """How a type is expected to differ from a measured one."""
    one, other = TYPES.get(base), TYPES.get(name)
    if base == name:
        return SAME
    if one is None or other is None:
        return UNKNOWN
    cores = math.log(other.vcpus / one.vcpus)
    speed = math.log(other.speed / one.speed)
    level_sd = math.hypot(LEAST_SD, SHARED_WORK_SD * cores)
    limit_sd = math.hypot(LEAST_SD, LIMIT_SD * cores)
    if one.family != other.family:
        level_sd, limit_sd = math.hypot(level_sd, FAMILY_SD), math.hypot(limit_sd, FAMILY_SD)
    if not _alike(one, other):
        level_sd, limit_sd = math.hypot(level_sd, KIND_SD), math.hypot(limit_sd, KIND_SD)
    if one.accelerator is not None and one.accelerator is other.accelerator:
        # Cores beside the accelerator say little of what is computed on it.
        chips = math.log(max(1, other.accelerators) / max(1, one.accelerators))
        return Shift(-speed, level_sd, LIMIT_POWER * chips + speed, limit_sd)
    return Shift(-speed - SHARED_WORK * cores, level_sd, LIMIT_POWER * cores + speed, limit_sd)


def _alike(one: InstanceType, other: InstanceType) -> bool:
    return one.accelerator is other.accelerator and one.architecture == other.architecture
