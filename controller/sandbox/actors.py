"""Somebody else at work in the account: the console, Terraform, a release pipeline.

Actors call the same handlers as everybody, at their own times. A plan is JSON-able:

```
{actor: "console",   at_s | at_in_s, function, memory_mb}
    sets the memory of $LATEST by hand; with `alias`, publishes it and moves the alias too.
{actor: "terraform", at_s | at_in_s, every_s, function, memory_mb, alias, times}
    comes back every `every_s` seconds and puts the memory back wherever it differs.
{actor: "release",   at_s | at_in_s, function, alias, latency_factor, memory_factor, code}
    new code, published, the alias moved to it; durations and memory change by the factors.
{actor: "recreate",  at_s | at_in_s, function, memory_mb, down_s (60)}
    deletes the function and creates it anew; aliases and versions are gone.
{actor: "delete",    at_s | at_in_s, function}
{actor: "workload",  at_s | at_in_s, function, disturbance | workload}
    the workload itself changes.
{actor: "scaling",   ...: see controller.sandbox.autoscaling.actor}
    scalable targets, policies, scheduled actions.
```
and those of endpoints: see controller.sandbox.sagemaker.actors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.sandbox import foreign
from controller.sandbox.autoscaling import actor as scaling
from controller.sandbox.sagemaker.actors import ENDPOINT_ACTS, EndpointHand
from controller.sandbox.workload import Workload, disturbance_from, instant_of, workload_from

if TYPE_CHECKING:
    from controller.sandbox.world import World

Document = Mapping[str, Any]


def plan(world: World, document: Document, account: str, region: str) -> None:
    """Schedule an actor. Raises ValueError for an unknown one or one without a time."""
    name = document.get("actor")
    if name == scaling.ACTOR:
        _plan_scaling(world, document, account, region)
        return
    act, at_endpoint = _ACTS.get(str(name)), ENDPOINT_ACTS.get(str(name))
    if act is None and at_endpoint is None:
        known = sorted([*_ACTS, *ENDPOINT_ACTS, scaling.ACTOR])
        raise ValueError(f"an actor is one of {known}, not {name!r}")
    at_s = instant_of(document, "at", world.now_s())
    if at_s is None:
        raise ValueError(f"actor {name!r} needs at_s or at_in_s")
    place = str(document.get("account", account)), str(document.get("region", region))
    if at_endpoint is not None:
        owner = EndpointHand(*place, str(document["endpoint"]), str(name))
        what = f"{name}: {owner.endpoint}"
        world.schedule(at_s, what, lambda w: at_endpoint(w, owner, document))
    elif act is not None:
        hand = foreign.Hand(*place, str(document["function"]), str(name))
        world.schedule(at_s, f"{name}: {hand.function}", lambda w: act(w, hand, document))


def _plan_scaling(world: World, document: Document, account: str, region: str) -> None:
    at_s = instant_of(document, "at", world.now_s())
    if at_s is None:
        raise ValueError(f"actor {scaling.ACTOR!r} needs at_s or at_in_s")
    place = str(document.get("account", account)), str(document.get("region", region))
    scaling.plan(world, document, at_s, place)


def _console(world: World, hand: foreign.Hand, document: Document) -> None:
    foreign.set_memory(world, hand, int(document["memory_mb"]), document.get("alias"))


def _terraform(world: World, hand: foreign.Hand, document: Document) -> None:
    foreign.set_memory(world, hand, int(document["memory_mb"]), document.get("alias"))
    times = document.get("times")
    if times is not None and times <= 1:
        return
    again = {**document, **({} if times is None else {"times": times - 1})}
    world.schedule(
        world.now_s() + float(document.get("every_s", 86_400.0)),
        f"terraform: {hand.function}",
        lambda w: _terraform(w, hand, again),
    )


def _release(world: World, hand: foreign.Hand, document: Document) -> None:
    foreign.release(
        world,
        hand,
        alias=document.get("alias"),
        latency_factor=float(document.get("latency_factor", 1.0)),
        memory_factor=float(document.get("memory_factor", 1.0)),
        code=str(document.get("code", f"release at {world.now_s():.0f}")),
    )


def _delete(world: World, hand: foreign.Hand, document: Document) -> None:
    foreign.delete(world, hand)


def _recreate(world: World, hand: foreign.Hand, document: Document) -> None:
    foreign.recreate(world, hand, document.get("memory_mb"), float(document.get("down_s", 60.0)))


def _workload(world: World, hand: foreign.Hand, document: Document) -> None:
    region = world.region(hand.account, hand.region)
    present = region.workloads.get(hand.function, Workload())
    if "workload" in document:
        changed = workload_from(document["workload"], world.now_s())
    else:
        more = disturbance_from(document["disturbance"], world.now_s())
        changed = replace(present, disturbances=(*present.disturbances, more))
    region.set_workload(hand.function, changed, world.now_s())


_ACTS = {
    "console": _console,
    "terraform": _terraform,
    "release": _release,
    "recreate": _recreate,
    "delete": _delete,
    "workload": _workload,
}
