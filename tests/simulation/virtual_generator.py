"""A load generator under virtual time: what calls would have taken, from the world itself."""

import math

import numpy as np

from controller.clock import VirtualClock
from controller.demo.load import VirtualLoad
from controller.model.probe import Failure, ProbeOutcome, ProbePlan, ProbeRun, Sample
from controller.model.size import LambdaSize, RealtimeSize
from controller.sandbox.world import World

INIT_MS = 400.0


class WorldGenerator:
    """Satisfies `ProbeRunner` for functions: latencies as the world gives them at a size.

    Real-time endpoints are the demo's generator's.
    """

    def __init__(self, world: World, clock: VirtualClock) -> None:
        self._world = world
        self._clock = clock
        self._runs: dict[str, tuple[ProbePlan, float]] = {}
        self._instances = VirtualLoad(world, clock)
        self.plans: list[ProbePlan] = []
        self.wrong_answers = 0
        """Of each run, so many come with a good status and are not as they should be."""

    def start(self, probe_id: str, plan: ProbePlan) -> None:
        self.plans.append(plan)
        if isinstance(plan.size, RealtimeSize):
            self._instances.start(probe_id, plan)
            return
        self._runs[probe_id] = plan, self._clock.now_s()

    def poll(self, probe_id: str) -> ProbeRun | None:
        if probe_id not in self._runs:
            return self._instances.poll(probe_id)
        plan, began_s = self._runs[probe_id]
        if self._clock.now_s() < began_s + plan.duration_s:
            return None
        del self._runs[probe_id]
        return ProbeRun(
            ProbeOutcome.SUCCEEDED,
            "Ran to its end",
            began_s,
            self._clock.now_s(),
            tuple(self._samples(plan)),
        )

    def stop(self, probe_id: str) -> None:
        if probe_id not in self._runs:
            self._instances.stop(probe_id)
            return
        plan, _ = self._runs[probe_id]
        self._runs[probe_id] = plan, -math.inf

    def close(self) -> None:
        self._runs.clear()
        self._instances.close()

    def _samples(self, plan: ProbePlan) -> list[Sample]:
        assert isinstance(plan.size, LambdaSize)
        region = self._world.region(plan.target.key.account, plan.target.key.region)
        assert plan.target.name in region.functions, "what is called is there"
        nature = region.workloads[plan.target.key.name].nature
        dice = np.random.default_rng(plan.seed + len(self.plans))
        mean_ms = nature.curve.mean_ms(plan.size.memory_mb)
        short = nature.memory_shortfall(plan.size.memory_mb, 1.0)
        found = []
        for number in range(round(plan.requests_expected)):
            ms = mean_ms * float(nature.noise.quantile(dice.random(1))[0])
            cold = number == 0
            killed = dice.random() < short
            wrong = number < self.wrong_answers
            error = Failure.OUT_OF_MEMORY if killed else Failure.UNEXPECTED if wrong else None
            billed = math.ceil(ms + (INIT_MS if cold else 0.0))
            used = min(plan.size.memory_mb, round(nature.memory_mb))
            phase = -1 if number < plan.warm_up else 0
            found.append(
                Sample(
                    at_s=number * plan.duration_s / plan.requests_expected,
                    latency_ms=ms + 20.0 + (INIT_MS if cold else 0.0),
                    status=200,
                    error=error,
                    cold=cold,
                    billed_ms=billed,
                    duration_ms=ms,
                    memory_used_mb=used,
                    phase=phase,
                )
            )
        return found
