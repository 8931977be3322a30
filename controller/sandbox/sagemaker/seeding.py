"""SageMaker's part of a seed document.

```
endpoint_quotas      {instance type or *: instances for endpoint usage}
endpoint_capacity    {instance type: instances that AWS could launch}
serverless_warm_usd     {kept, used}: what a GB-second of provisioned concurrency costs, kept and
                        used; AWS's own prices are not known, so that without it none is sold
endpoint_config_lag_s   how long CreateEndpoint and UpdateEndpoint cannot see a new configuration
endpoints: [{
  name, account, region, tags {}, age_days (30), status (InService),
  instance_type, instance_count (1)  or  memory_mb, max_concurrency (20),
  provisioned_concurrency; variant (AllTraffic), weight (1), routing;
  variants [{variant, and the members above}]  where there are several; shadow {likewise},
  history [[days_ago, {what was different from then on}], ...], unchanged_days (half as long
  ago as the last of the history: since when it is as it is now),
  config_name (NAME-config), config {further members of CreateEndpointConfig},
  model_name (NAME-model), image, model {further members of CreateModel},
  model_mb (64): of the model's artefact in S3, where `model` names no other,
  workload {see controller.sandbox.sagemaker.machines}
}]
endpoint_configs: [{name, account, region, age_days, tags, and an endpoint's size members}]
buckets: [{name, account, region, objects {key: bytes}}]
endpoint_update_faults: [{endpoint, outcome, reason, hang_s, times, instance_type, account, region}]
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of
from controller.sandbox.s3.state import put_objects, seed_bucket
from controller.sandbox.sagemaker.configs import read_config
from controller.sandbox.sagemaker.counts import endpoint_counts
from controller.sandbox.sagemaker.deployment import settle
from controller.sandbox.sagemaker.endpoints_api import new_endpoint
from controller.sandbox.sagemaker.fleets import fleets_of
from controller.sandbox.sagemaker.machines import endpoint_workload_from
from controller.sandbox.sagemaker.metrics import endpoint_metrics
from controller.sandbox.sagemaker.plain_api import when
from controller.sandbox.sagemaker.price_list import WarmPrices
from controller.sandbox.sagemaker_state import (
    IN_SERVICE,
    Endpoint,
    EndpointFault,
    SageMakerPlace,
    sagemaker_of,
)
from controller.sandbox.traffic import DAY_S
from controller.sandbox.workload import Disturbance, Effect

if TYPE_CHECKING:
    from controller.sandbox.region import Region
    from controller.sandbox.world import World

Document = Mapping[str, Any]

SECTIONS = frozenset(
    {"endpoints", "endpoint_configs", "endpoint_quotas", "endpoint_capacity",
     "endpoint_update_faults", "endpoint_config_lag_s", "serverless_warm_usd",
     "buckets"}
)  # fmt: skip
_SIZE = {"instance_type", "instance_count", "memory_mb", "max_concurrency",
         "provisioned_concurrency", "variant", "weight", "routing", "variants",
         "shadow"}  # fmt: skip
_CONFIG = {"name", "account", "region", "age_days", "tags", "config", "model_name", *_SIZE}
_ENDPOINT = {*_CONFIG, "status", "history", "unchanged_days", "config_name", "image", "model",
             "model_mb", "workload"}  # fmt: skip
_OUTCOMES = frozenset({"Failed", "InsufficientCapacity", "Hang", "RollbackFailed"})


def seed_sagemaker(world: World, document: Document, account: str, region: str) -> None:
    """Add SageMaker's part of a document. Raises ValueError naming what is wrong."""

    def place(item: Document) -> SageMakerPlace:
        return sagemaker_of(world, _region(world, item, account, region))

    home = place({})
    if "serverless_warm_usd" in document:
        asked = document["serverless_warm_usd"]
        prices = state_of(world, WarmPrices)
        prices.kept_usd, prices.used_usd = float(asked["kept"]), float(asked["used"])
    home.quotas.update(document.get("endpoint_quotas", {}))
    home.capacity.update(document.get("endpoint_capacity", {}))
    home.config_lag_s = float(document.get("endpoint_config_lag_s", home.config_lag_s))
    for item in document.get("buckets", ()):
        seed_bucket(world, item, account, region)
    for item in document.get("endpoints", ()):
        seed_endpoint(world, place(item), item)
    for item in document.get("endpoint_configs", ()):
        _seed_config(world, place(item), item)
    for item in document.get("endpoint_update_faults", ()):
        fault = {k: v for k, v in item.items() if k not in ("account", "region")}
        place(item).faults.append(endpoint_fault_from(fault))
    endpoint_metrics(world).forget()
    endpoint_counts(world).forget()


def endpoint_fault_from(document: Document) -> EndpointFault:
    """A fault of deployments from JSON: its fields by name. Raises TypeError, ValueError."""
    fault = EndpointFault(**document)
    if fault.outcome not in _OUTCOMES:
        raise ValueError(f"an endpoint's fault is one of {sorted(_OUTCOMES)}")
    return fault


def _region(world: World, item: Document, account: str, region: str) -> Region:
    return world.region(str(item.get("account", account)), str(item.get("region", region)))


def seed_endpoint(world: World, place: SageMakerPlace, document: Document) -> Endpoint:
    """Add one endpoint with its past. Raises ValueError naming what is wrong."""
    if unknown := set(document) - _ENDPOINT:
        raise ValueError(f"an endpoint has no member {min(unknown)!r}")
    name = str(document["name"])
    if name in place.endpoints:
        raise ValueError(f"there is already an endpoint {name!r}")
    now_s = world.now_s()
    created_s = now_s - float(document.get("age_days", 30.0)) * DAY_S
    model_name = str(document.get("model_name", f"{name}-model"))
    _seed_model(world, place, model_name, document, created_s)
    place.workloads[name] = endpoint_workload_from(document.get("workload", {}), now_s)
    final = str(document.get("config_name", f"{name}-config"))
    steps = list(_steps(document, now_s, created_s))
    for number, (begin_s, step) in enumerate(steps):
        config_name = final if number + 1 == len(steps) else f"{final}-{number}"
        given = _config_document(step, model_name)
        config = read_config(place, config_name, given, created_s)
        place.configs[config_name] = config
        place.endpoints.pop(name, None)
        endpoint = new_endpoint(place, name, config, created_s)
        for variant in (*endpoint.variants.values(), *endpoint.shadows.values()):
            settle(variant)
        place.serve(name, begin_s, fleets_of(endpoint))
    endpoint.status = str(document.get("status", IN_SERVICE))
    if endpoint.status == "Failed":
        endpoint.failure_reason = "The primary container did not pass the ping health check."
        place.histories[name].states.clear()
    if document.get("tags"):
        place.tags[endpoint.arn] = {str(k): str(v) for k, v in document["tags"].items()}
    return endpoint


def _steps(document: Document, now_s: float, created_s: float) -> Iterator[tuple[float, Document]]:
    """(instant, size from then on), oldest first; the last is the present one."""
    past = sorted(document.get("history", ()), key=lambda row: -float(row[0]))
    for number, (days_ago, members) in enumerate(past):
        begin_s = now_s - float(days_ago) * DAY_S if number else created_s
        yield begin_s, {**document, **members}
    if not past:
        yield created_s, document
        return
    days = float(document.get("unchanged_days", float(past[-1][0]) / 2.0))
    yield now_s - days * DAY_S, document


def disturb_endpoint(
    world: World,
    region: Region,
    endpoint: str,
    effect: str,
    factor: float,
    *,
    seconds: float | None = None,
    ramp_s: float = 0.0,
) -> None:
    """Change an endpoint's workload from now on, for `seconds` (None: for good).

    effect: `latency`, `traffic`, `errors` or `memory`. Raises ValueError for another,
    KeyError where there is no such endpoint.
    """
    with world.lock:
        now_s, place = world.now_s(), sagemaker_of(world, region)
        to_s = None if seconds is None else now_s + seconds
        more = Disturbance(Effect(effect), factor, now_s, to_s, ramp_s)
        present = place.workloads[endpoint]
        changed = replace(present, disturbances=(*present.disturbances, more))
        place.set_workload(endpoint, changed, now_s)


def _seed_model(
    world: World, place: SageMakerPlace, name: str, document: Document, created_s: float
) -> None:
    if name in place.models:
        return
    region = place.region
    image = document.get("image", f"{region.account}.dkr.ecr.{region.name}.amazonaws.com/model:1")
    bucket, key = f"models-{region.account}", f"{name}/model.tar.gz"
    model_bytes = round(float(document.get("model_mb", 64.0)) * 1024**2)
    put_objects(world, bucket, (region.account, region.name), {key: model_bytes})
    container = {"Image": image, "Mode": "SingleModel",
                 "ModelDataUrl": f"s3://{bucket}/{key}", "Environment": {}}  # fmt: skip
    members = dict(document.get("model", {}))
    if "Containers" not in members:
        members["PrimaryContainer"] = {**container, **members.get("PrimaryContainer", {})}
    place.models[name] = {
        "ModelName": name,
        "ExecutionRoleArn": f"arn:aws:iam::{region.account}:role/sagemaker",
        **members,
        "CreationTime": when(created_s),
    }


def _seed_config(world: World, place: SageMakerPlace, document: Document) -> None:
    if unknown := set(document) - _CONFIG:
        raise ValueError(f"an endpoint configuration has no member {min(unknown)!r}")
    name = str(document["name"])
    created_s = world.now_s() - float(document.get("age_days", 30.0)) * DAY_S
    model_name = str(document.get("model_name", f"{name}-model"))
    _seed_model(world, place, model_name, {}, created_s)
    given = _config_document(document, model_name)
    config = place.configs[name] = read_config(place, name, given, created_s)
    if document.get("tags"):
        place.tags[config.arn] = {str(k): str(v) for k, v in document["tags"].items()}


def _config_document(document: Document, model_name: str) -> dict[str, Any]:
    """CreateEndpointConfig's parameters for a seeded size."""
    variants = document.get("variants") or [document]
    given = {
        "ProductionVariants": [_variant_document(one, model_name) for one in variants],
        **document.get("config", {}),
    }
    if "shadow" in document:
        shadow = {"variant": "Shadow", **document["shadow"]}
        given["ShadowProductionVariants"] = [_variant_document(shadow, model_name)]
    return given


def _variant_document(document: Document, model_name: str) -> dict[str, Any]:
    view: dict[str, Any] = {
        "VariantName": str(document.get("variant", "AllTraffic")),
        "ModelName": model_name,
        "InitialVariantWeight": float(document.get("weight", 1.0)),
    }
    if "routing" in document:
        view["RoutingConfig"] = {"RoutingStrategy": document["routing"]}
    if "memory_mb" in document:
        size = {"MemorySizeInMB": int(document["memory_mb"]),
                "MaxConcurrency": int(document.get("max_concurrency", 20))}  # fmt: skip
        if document.get("provisioned_concurrency") is not None:
            size["ProvisionedConcurrency"] = int(document["provisioned_concurrency"])
        view["ServerlessConfig"] = size
    else:
        view["InstanceType"] = str(document.get("instance_type", "ml.c5.large"))
        view["InitialInstanceCount"] = int(document.get("instance_count", 1))
    return view
