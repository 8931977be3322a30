"""Creating an endpoint and moving it to another configuration, over minutes.

Facts: UpdateEndpoint launches a new fleet, shifts traffic, ends the old one. When it fails,
traffic goes back, and the endpoint is InService again under the OLD configuration's name with
a FailureReason: the status alone never tells success. Alarms named for rollback are looked at
every minute from the first shift until the old fleet is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from controller.sandbox import draws
from controller.sandbox.extensions import state_of
from controller.sandbox.sagemaker.fleets import fleets_of
from controller.sandbox.sagemaker.guardrails import Plan
from controller.sandbox.sagemaker.launching import launch_problem, launch_s, take_fault
from controller.sandbox.sagemaker_neighbours import Neighbours
from controller.sandbox.sagemaker_state import (
    FAILED,
    IN_SERVICE,
    ROLLING_BACK,
    UPDATE_ROLLBACK_FAILED,
    UPDATING,
    Endpoint,
    EndpointConfig,
    Fleet,
    SageMakerPlace,
    Variant,
)

if TYPE_CHECKING:
    from controller.sandbox.world import World

LOOK_S = 60.0


@dataclass(slots=True)
class Deployment:
    """One way of an endpoint to a configuration; `number` is the endpoint's change."""

    place: SageMakerPlace
    endpoint: Endpoint
    config: EndpointConfig
    variants: dict[str, Variant]
    shadows: dict[str, Variant]
    plan: Plan
    number: int = 0
    step: int = 0
    over: bool = False

    # --- the way

    def begin(self, world: World) -> None:
        """Start an update; the endpoint is InService until now."""
        endpoint, now_s = self.endpoint, world.now_s()
        endpoint.changes += 1
        self.number = endpoint.changes
        endpoint.status, endpoint.failure_reason = UPDATING, None
        endpoint.modified_s = now_s
        endpoint.pending = self._summary(now_s, "Creating")
        first = self.plan.steps[0].share if self.plan.rolling else 1.0
        self._serve(now_s, 0.0, launched=first if self.plan.guarded else 0.0)
        self._later(world, self._launch_s(), self._launched)
        if self.plan.timeout_s is not None:
            late = "The deployment did not finish within MaximumExecutionTimeoutInSeconds."
            self._later(world, self.plan.timeout_s, lambda w: self._roll_back(w, late))

    def _launched(self, world: World) -> None:
        problem, fault = None, None
        if self.step == 0:
            fault = take_fault(self.place, self.endpoint.name, self.variants.values())
        if fault is not None and fault.outcome == "Hang":
            if fault.hang_s is not None:
                self._later(world, fault.hang_s, self._shift)
            return
        if fault is not None and fault.outcome == "RollbackFailed":
            self.over = True
            self.endpoint.status = UPDATE_ROLLBACK_FAILED
            self.endpoint.failure_reason = fault.reason
            return
        problem = launch_problem(self.place, self.endpoint, self.variants.values(), fault)
        if problem is not None:
            self._roll_back(world, problem)
            return
        self._shift(world)

    def _shift(self, world: World) -> None:
        step = self.plan.steps[self.step]
        self.endpoint.pending = self._summary(world.now_s(), "Baking")
        self._serve(world.now_s(), step.share, launched=step.share if self.plan.rolling else 1.0)
        if self.step + 1 < len(self.plan.steps):
            following = self._next_batch if self.plan.rolling else self._next_step
            self._bake(world, step.wait_s, following)
        else:
            self._bake(world, step.wait_s + self.plan.termination_wait_s, self._finish)

    def _next_step(self, world: World) -> None:
        self.step += 1
        self._shift(world)

    def _next_batch(self, world: World) -> None:
        self.step += 1
        done, launched = self.plan.steps[self.step - 1].share, self.plan.steps[self.step].share
        self._serve(world.now_s(), done, launched=launched)
        self._later(world, self._launch_s(), self._launched)

    def _bake(self, world: World, wait_s: float, then: Callable[[World], None]) -> None:
        """Wait, looking at the alarms; roll back at the first that goes off."""
        alarms = state_of(world, Neighbours).alarms
        region = self.place.region
        for name in self.plan.alarms if alarms is not None else ():
            assert alarms is not None
            if alarms.alarm_state(region.account, region.name, name) == "ALARM":
                self._roll_back(world, f"One or more alarms went off: {name}.")
                return
        if wait_s <= 0:
            then(world)
            return
        pause_s = min(wait_s, LOOK_S) if self.plan.alarms else wait_s
        self._later(world, pause_s, lambda w: self._bake(w, wait_s - pause_s, then))

    def _finish(self, world: World) -> None:
        endpoint = self.endpoint
        self.over = True
        endpoint.config, endpoint.variants, endpoint.shadows = (
            self.config, self.variants, self.shadows,
        )  # fmt: skip
        for variant in (*self.variants.values(), *self.shadows.values()):
            settle(variant)
        if self.plan.document is not None:
            endpoint.last_deployment = dict(self.plan.document)
        self._rest(world)

    def _roll_back(self, world: World, reason: str) -> None:
        endpoint = self.endpoint
        self.over = True
        endpoint.status, endpoint.failure_reason = ROLLING_BACK, reason
        self._serve(world.now_s(), 0.0, launched=0.0)
        seconds = 60.0 + 60.0 * _dice(self.place, endpoint, "rollback")
        number = endpoint.changes

        def back(world: World) -> None:
            if endpoint.changes == number and endpoint.status == ROLLING_BACK:
                self._rest(world)

        world.schedule(world.now_s() + seconds, f"sagemaker: {endpoint.name} rolled back", back)

    def _rest(self, world: World) -> None:
        endpoint = self.endpoint
        endpoint.status, endpoint.pending = IN_SERVICE, None
        endpoint.modified_s = world.now_s()
        self.place.serve(endpoint.name, world.now_s(), fleets_of(endpoint))

    # --- its means

    def _later(self, world: World, seconds: float, act: Callable[[World], None]) -> None:
        """Go on later, unless the endpoint is gone or this is over by then."""

        def go_on(world: World) -> None:
            there = self.place.endpoints.get(self.endpoint.name) is self.endpoint
            if there and not self.over and self.endpoint.changes == self.number:
                act(world)

        what = f"sagemaker: {self.endpoint.name} to {self.config.name}"
        world.schedule(world.now_s() + seconds, what, go_on)

    def _launch_s(self) -> float:
        return launch_s(self.config, _dice(self.place, self.endpoint, f"launch {self.step}"))

    def _serve(self, now_s: float, share: float, launched: float) -> None:
        """Give a share of the traffic to the new fleet, of which so much is launched."""
        old = [self._old(fleet, share) for fleet in fleets_of(self.endpoint)]
        moved = replace(self.endpoint, config=self.config, variants=self.variants,
                        shadows=self.shadows)  # fmt: skip
        new = [self._new(fleet, share, launched) for fleet in _as_asked(moved)]
        self.place.serve(self.endpoint.name, now_s, (*old, *new))

    def _old(self, fleet: Fleet, moved: float) -> Fleet:
        left = fleet.instances
        if self.plan.rolling:
            left = max(0, fleet.instances - round(fleet.instances * moved))
        gone = moved >= 1.0 and not self.plan.guarded
        share = 0.0 if gone else fleet.share * (1.0 - moved)
        billed = 0 if gone else left
        return replace(fleet, share=share, instances=billed, billed=billed, deploying=True)

    def _new(self, fleet: Fleet, moved: float, launched: float) -> Fleet:
        billed = round(fleet.instances * launched)
        serving = round(fleet.instances * moved) if moved > 0 else 0
        serving = max(1, serving) if moved > 0 and fleet.instance_type else serving
        return replace(fleet, share=fleet.share * moved, instances=serving,
                       billed=max(billed, serving), deploying=True)  # fmt: skip

    def _summary(self, now_s: float, status: str) -> dict[str, Any]:
        started: Mapping[str, Any] = self.endpoint.pending or {}
        return {
            "EndpointConfigName": self.config.name,
            "StartTime": started.get("StartTime", now_s),
            "variants": self.variants,
            "status": (status, now_s),
        }


def create(world: World, place: SageMakerPlace, endpoint: Endpoint) -> None:
    """Bring a new endpoint into service, or to Failed, some minutes from now."""
    seconds = launch_s(endpoint.config, _dice(place, endpoint, "create"))

    def done(world: World) -> None:
        if place.endpoints.get(endpoint.name) is not endpoint:
            return
        fault = take_fault(place, endpoint.name, endpoint.variants.values())
        if fault is not None and fault.outcome == "Hang":
            if fault.hang_s is not None:
                world.schedule(world.now_s() + fault.hang_s, f"sagemaker: {endpoint.name}", done)
            return
        endpoint.failure_reason = launch_problem(place, endpoint, endpoint.variants.values(), fault)
        endpoint.modified_s, endpoint.pending = world.now_s(), None
        if endpoint.failure_reason is not None:
            endpoint.status = FAILED
            for variant in endpoint.variants.values():
                variant.desired_instance_count = 0
            return
        endpoint.status = IN_SERVICE
        for variant in (*endpoint.variants.values(), *endpoint.shadows.values()):
            settle(variant)
        place.serve(endpoint.name, world.now_s(), fleets_of(endpoint))

    world.schedule(world.now_s() + seconds, f"sagemaker: {endpoint.name} created", done)


def settle(variant: Variant) -> None:
    """Let what was asked for be what there is."""
    variant.current_instance_count = variant.desired_instance_count
    variant.current_serverless = variant.desired_serverless
    variant.current_weight = variant.desired_weight


def _as_asked(endpoint: Endpoint) -> tuple[Fleet, ...]:
    """Fleets as they will be: of copies of the variants that are settled."""
    copies = {name: replace(variant) for name, variant in endpoint.variants.items()}
    shadows = {name: replace(variant) for name, variant in endpoint.shadows.items()}
    for variant in (*copies.values(), *shadows.values()):
        settle(variant)
    return fleets_of(replace(endpoint, variants=copies, shadows=shadows))


def _dice(place: SageMakerPlace, endpoint: Endpoint, what: str) -> float:
    region = place.region
    return draws.uniform(
        region.seed, region.account, region.name, endpoint.name, endpoint.changes, what
    )
