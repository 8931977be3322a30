"""Somebody else at an endpoint; plans are part of a seed document's `actors`.

```
{actor: "endpoint_console",   at_s | at_in_s, endpoint, variant, instance_count or
                              max_concurrency, provisioned_concurrency}
    changes what there is of a variant by hand.
{actor: "endpoint_release",   at_s | at_in_s, endpoint, instance_type, instance_count, memory_mb,
                              max_concurrency}
    makes a configuration like the present one but for what is given, and updates to it.
{actor: "endpoint_terraform", at_s | at_in_s, every_s, times, endpoint, config_name}
    comes back every `every_s` seconds and updates the endpoint to its own configuration (the
    one it has at the first coming, if none is named) wherever it has another.
{actor: "endpoint_delete",    at_s | at_in_s, endpoint}
{actor: "endpoint_recreate",  at_s | at_in_s, endpoint, down_s (60)}
    deletes it and creates it again under the same configuration.
{actor: "endpoint_maintenance", at_s | at_in_s, endpoint, seconds (900)}
    AWS's own: SystemUpdating for so long.
{actor: "endpoint_workload",  at_s | at_in_s, endpoint, disturbance | workload}
    the workload itself changes.
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from controller.sandbox.sagemaker.machines import endpoint_workload_from
from controller.sandbox.sagemaker_state import (
    IN_SERVICE,
    SYSTEM_UPDATING,
    SageMakerPlace,
    sagemaker_of,
)
from controller.sandbox.wire.contract import AwsError, RequestContext
from controller.sandbox.workload import disturbance_from

if TYPE_CHECKING:
    from controller.sandbox.world import World

Document = Mapping[str, Any]
RETRY_S = 60.0
TRIES = 60


@dataclass(frozen=True, slots=True)
class EndpointHand:
    """Who acts on which endpoint."""

    account: str
    region: str
    endpoint: str
    name: str

    def place(self, world: World) -> SageMakerPlace:
        """SageMaker where the endpoint is."""
        return sagemaker_of(world, world.region(self.account, self.region))

    def call(self, world: World, operation: str, **params: Any) -> Mapping[str, Any]:
        """Call an operation of SageMaker as this actor. Raises AwsError as the API would."""
        from controller.sandbox.sagemaker.api import HANDLERS

        principal = f"arn:aws:iam::{self.account}:user/{self.name}"
        ctx = RequestContext(
            "sagemaker", operation, self.account, self.region, principal, world.now_s()
        )
        return HANDLERS[operation](world, ctx, params)


Act = Callable[["World", EndpointHand, Document], None]


def patiently(world: World, hand: EndpointHand, act: Callable[[World], None], left: int) -> None:
    """Do it now, or when the endpoint is InService; give up on any other refusal."""
    endpoint = hand.place(world).endpoints.get(hand.endpoint)
    if endpoint is None:
        return
    if endpoint.status != IN_SERVICE and left > 0:
        world.schedule(
            world.now_s() + RETRY_S, f"{hand.name}: {hand.endpoint}",
            lambda w: patiently(w, hand, act, left - 1),
        )  # fmt: skip
        return
    try:
        act(world)
    except AwsError:
        # It was refused, as the API refuses; whoever acts by hand shrugs.
        return


def _console(world: World, hand: EndpointHand, document: Document) -> None:
    wanted: dict[str, Any] = {"VariantName": document.get("variant", "AllTraffic")}
    if "instance_count" in document:
        wanted["DesiredInstanceCount"] = int(document["instance_count"])
    if "weight" in document:
        wanted["DesiredWeight"] = float(document["weight"])
    names = {
        "max_concurrency": "MaxConcurrency",
        "provisioned_concurrency": "ProvisionedConcurrency",
    }
    update = {api: int(document[name]) for name, api in names.items() if name in document}
    if update:
        wanted["ServerlessUpdateConfig"] = update
    patiently(
        world,
        hand,
        lambda w: _ignore(hand.call(w, "UpdateEndpointWeightsAndCapacities",
                                    EndpointName=hand.endpoint,
                                    DesiredWeightsAndCapacities=[wanted])),
        TRIES,
    )  # fmt: skip


def _release(world: World, hand: EndpointHand, document: Document) -> None:
    def act(world: World) -> None:
        name = f"{hand.endpoint}-{hand.name.replace('_', '-')}-{int(world.now_s())}"[:63]
        present = hand.place(world).endpoints[hand.endpoint].config
        variants = [_changed(dict(one.members), document) for one in present.variants]
        members = {**present.members, "ProductionVariants": variants}
        hand.call(world, "CreateEndpointConfig", EndpointConfigName=name, **members)
        hand.call(world, "UpdateEndpoint", EndpointName=hand.endpoint, EndpointConfigName=name)

    patiently(world, hand, act, TRIES)


def _changed(members: dict[str, Any], document: Document) -> dict[str, Any]:
    if "instance_type" in document:
        members["InstanceType"] = str(document["instance_type"])
    if "instance_count" in document:
        members["InitialInstanceCount"] = int(document["instance_count"])
    if "ServerlessConfig" in members:
        size = dict(members["ServerlessConfig"])
        names = {"memory_mb": "MemorySizeInMB", "max_concurrency": "MaxConcurrency"}
        size |= {api: int(document[name]) for name, api in names.items() if name in document}
        members["ServerlessConfig"] = size
    return members


def _terraform(world: World, hand: EndpointHand, document: Document) -> None:
    endpoint = hand.place(world).endpoints.get(hand.endpoint)
    if endpoint is None:
        return
    own = str(document.get("config_name", endpoint.config_name))

    def act(world: World) -> None:
        if hand.place(world).endpoints[hand.endpoint].config_name != own:
            hand.call(world, "UpdateEndpoint", EndpointName=hand.endpoint, EndpointConfigName=own)

    patiently(world, hand, act, TRIES)
    times = document.get("times")
    if times is not None and times <= 1:
        return
    again = {**document, "config_name": own, **({} if times is None else {"times": times - 1})}
    world.schedule(
        world.now_s() + float(document.get("every_s", 86_400.0)),
        f"{hand.name}: {hand.endpoint}",
        lambda w: _terraform(w, hand, again),
    )


def _delete(world: World, hand: EndpointHand, document: Document) -> None:
    patiently(
        world, hand,
        lambda w: _ignore(hand.call(w, "DeleteEndpoint", EndpointName=hand.endpoint)), TRIES,
    )  # fmt: skip


def _recreate(world: World, hand: EndpointHand, document: Document) -> None:
    endpoint = hand.place(world).endpoints.get(hand.endpoint)
    if endpoint is None:
        return
    config, tags = endpoint.config_name, hand.place(world).tags.get(endpoint.arn, {})
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    _delete(world, hand, document)

    def create(world: World) -> None:
        if hand.endpoint not in hand.place(world).endpoints:
            hand.call(world, "CreateEndpoint", EndpointName=hand.endpoint,
                      EndpointConfigName=config, Tags=listed)  # fmt: skip

    down_s = max(30.0, float(document.get("down_s", 60.0)))
    world.schedule(world.now_s() + down_s, f"{hand.name}: {hand.endpoint} created again", create)


def _maintenance(world: World, hand: EndpointHand, document: Document) -> None:
    def begin(world: World) -> None:
        endpoint = hand.place(world).endpoints[hand.endpoint]
        endpoint.status = SYSTEM_UPDATING
        number = endpoint.changes

        def end(_: World) -> None:
            if endpoint.status == SYSTEM_UPDATING and endpoint.changes == number:
                endpoint.status = IN_SERVICE

        seconds = float(document.get("seconds", 900.0))
        world.schedule(world.now_s() + seconds, f"maintenance of {hand.endpoint} ends", end)

    patiently(world, hand, begin, TRIES)


def _workload(world: World, hand: EndpointHand, document: Document) -> None:
    place, now_s = hand.place(world), world.now_s()
    if "workload" in document:
        changed = endpoint_workload_from(document["workload"], now_s)
    else:
        present = place.workloads[hand.endpoint]
        more = disturbance_from(document["disturbance"], now_s)
        changed = replace(present, disturbances=(*present.disturbances, more))
    place.set_workload(hand.endpoint, changed, now_s)


def _ignore(_: object) -> None:
    """An answer that nobody reads."""


ENDPOINT_ACTS: Mapping[str, Act] = {
    "endpoint_console": _console,
    "endpoint_release": _release,
    "endpoint_terraform": _terraform,
    "endpoint_delete": _delete,
    "endpoint_recreate": _recreate,
    "endpoint_maintenance": _maintenance,
    "endpoint_workload": _workload,
}
