"""Endpoint configurations as documents: what they say, and how one is copied forward. Pure.

A configuration never changes; a new size is a new configuration that must be like the old one
in every other field. Dropping data capture, a VPC, a volume key or tags on the way is the
classic mistake of tools that write such a configuration from what they know.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from controller.core.shadows import SHADOW_VARIANT
from controller.model.missing import Maybe, Missing
from controller.model.sagemaker import Speciality
from controller.model.sagemaker_steps import CreateConfig, ShadowVariant

NAME_PREFIX = "rightsizer-"
"""Of every configuration, alarm and action that we make."""
OWNER_TAG = "rightsizer:owner"
OWNER = "rightsizer"
ENDPOINT_TAG = "rightsizer:endpoint"
SOURCE_TAG = "rightsizer:source"
EXPIRES_TAG = "rightsizer:expires"
"""Until when anybody may want what was made for a probe."""
_EXPIRES_FORM = "%Y-%m-%dT%H:%M:%SZ"

Document = Mapping[str, Any]

_OF_AWS = ("EndpointConfigArn", "CreationTime", "ResponseMetadata")
_SIZE_FIELDS = ("InstanceType", "InitialInstanceCount", "ServerlessConfig")
"""Ours, and no release."""


def members(answer: Document) -> dict[str, Any]:
    """What DescribeEndpointConfig answered, as CreateEndpointConfig takes it but for the name."""
    left_out = (*_OF_AWS, "EndpointConfigName")
    return {name: value for name, value in answer.items() if name not in left_out}


def variant_of(config: Document, name: str) -> Document | None:
    """A production variant of a configuration; None where it has none of that name."""
    return next((one for one in config["ProductionVariants"] if one["VariantName"] == name), None)


def fingerprint(config: Document) -> str:
    """Hash of every field that a release could change.

    Instance type and count, serverless memory and concurrency are ours, and so is a shadow
    variant of ours; the configuration's name, ARN and time say nothing of what runs.
    """
    fields = members(config)
    for kind in ("ProductionVariants", "ShadowProductionVariants"):
        fields[kind] = [
            {name: value for name, value in one.items() if name not in _SIZE_FIELDS}
            for one in config.get(kind) or ()
            if one["VariantName"] != SHADOW_VARIANT
        ]
    text = json.dumps(fields, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def copied_forward(source: Document, step: CreateConfig) -> dict[str, Any]:
    """CreateEndpointConfig's parameters: the source with only the variant's size replaced.

    Raises KeyError where the source has no such variant.
    """
    wanted = members(source)
    if variant_of(source, step.variant) is None:
        raise KeyError(step.variant)
    wanted["ProductionVariants"] = [
        _resized(one, step) if one["VariantName"] == step.variant else one
        for one in source["ProductionVariants"]
    ]
    shadows = [one for one in source.get("ShadowProductionVariants") or () if not _of_ours(one)]
    if step.shadow is not None:
        shadows.append(_shadow(wanted["ProductionVariants"][0], step.shadow))
    wanted.pop("ShadowProductionVariants", None)
    more = {"ShadowProductionVariants": shadows} if shadows else {}
    return {**wanted, **more, "EndpointConfigName": step.name}


def _of_ours(variant: Document) -> bool:
    return bool(variant["VariantName"] == SHADOW_VARIANT)


def mirrors(config: Document) -> bool:
    """Whether a configuration has a shadow variant of ours."""
    return any(map(_of_ours, config.get("ShadowProductionVariants") or ()))


def _shadow(production: Document, shadow: ShadowVariant) -> dict[str, Any]:
    """The variant's own model and settings on other instances. The share that is copied is its
    weight over that of the production variant [DG:model-shadow-deployment]."""
    weight = float(production.get("InitialVariantWeight", 1.0))
    return {
        **production,
        "VariantName": SHADOW_VARIANT,
        "InstanceType": shadow.instance_type,
        "InitialInstanceCount": shadow.instances,
        "InitialVariantWeight": shadow.share * (weight if weight > 0.0 else 1.0),
    }


def _resized(variant: Document, step: CreateConfig) -> dict[str, Any]:
    sized = dict(variant)
    if step.instance_type is not None:
        sized["InstanceType"] = step.instance_type
    if step.instance_count is not None:
        sized["InitialInstanceCount"] = step.instance_count
    serverless = {
        "MemorySizeInMB": step.memory_mb,
        "MaxConcurrency": step.max_concurrency,
        "ProvisionedConcurrency": step.provisioned_concurrency,
    }
    given = {name: value for name, value in serverless.items() if value is not None}
    if given:
        merged = {**variant.get("ServerlessConfig", {}), **given}
        # AWS takes no 0 here: none is said by leaving it out.
        sized["ServerlessConfig"] = {name: value for name, value in merged.items() if value != 0}
    return sized


def same_content(one: Document, other: Document) -> bool:
    """Whether two configurations differ in nothing but their names and tags."""
    return _comparable(one) == _comparable(other)


def _comparable(config: Document) -> str:
    fields = {name: value for name, value in members(config).items() if name != "Tags"}
    return json.dumps(fields, sort_keys=True, default=str)


def tags_forward(
    tags: Mapping[str, str], endpoint: str, source: str, expires_at_s: float | None = None
) -> list[dict[str, str]]:
    """Tags of a copy: the user's own, and ours; AWS's (`aws:`) cannot be given."""
    own = {key: value for key, value in tags.items() if not key.startswith(("aws:", "rightsizer:"))}
    own |= {OWNER_TAG: OWNER, ENDPOINT_TAG: endpoint, SOURCE_TAG: source}
    if expires_at_s is not None:
        own[EXPIRES_TAG] = expiry_text(expires_at_s)
    return [{"Key": key, "Value": value} for key, value in own.items()]


def expiry_text(at_s: float) -> str:
    """An instant as the tag has it."""
    return datetime.fromtimestamp(at_s, UTC).strftime(_EXPIRES_FORM)


def mirrored_until_s(tags: Mapping[str, str]) -> Maybe[float]:
    """Until when a shadow variant of ours is wanted."""
    found = expiry_of(tags)
    return Missing("no tag says until when it is wanted") if found is None else found


def expiry_of(tags: Mapping[str, str]) -> float | None:
    """What the tag says; None where there is none, or it cannot be read."""
    try:
        return (
            datetime.strptime(tags.get(EXPIRES_TAG, ""), _EXPIRES_FORM)
            .replace(tzinfo=UTC)
            .timestamp()
        )
    except ValueError:
        return None


def may_be_ours(name: str) -> bool:
    """Whether it is worth asking for a configuration's tags."""
    return name.startswith(NAME_PREFIX)


def is_ours(name: str, tags: Mapping[str, str]) -> bool:
    """Whether a configuration was made by this controller: by its name and by its tag."""
    return may_be_ours(name) and tags.get(OWNER_TAG) == OWNER


def model_names(config: Document) -> tuple[str, ...]:
    """Models that a configuration's variants run, each once."""
    variants = (*config["ProductionVariants"], *(config.get("ShadowProductionVariants") or ()))
    return tuple(dict.fromkeys(v["ModelName"] for v in variants if v.get("ModelName")))


def artefacts(models: Iterable[Document]) -> tuple[str, ...]:
    """Where in S3 everything lies that models load, each once. One prefix ends with `/`."""
    found: list[str] = []
    for model in models:
        containers = [*(model.get("Containers") or ()), model.get("PrimaryContainer") or {}]
        for one in containers:
            source = (one.get("ModelDataSource") or {}).get("S3DataSource") or {}
            found += [one.get("ModelDataUrl") or source.get("S3Uri") or ""]
    return tuple(dict.fromkeys(url for url in found if url))


def specialities(config: Document, models: Iterable[Document]) -> dict[Speciality, str]:
    """What makes an endpoint one to be left alone or treated apart, with words for people."""
    variants: Sequence[Document] = config["ProductionVariants"]
    found = _of_config(config, variants)
    for variant in variants:
        found |= _of_variant(variant)
    for model in models:
        found |= _of_model(model)
    return found


def _of_config(config: Document, variants: Collection[Document]) -> dict[Speciality, str]:
    found: dict[Speciality, str] = {}
    if len(variants) > 1:
        names = ", ".join(one["VariantName"] for one in variants)
        found[Speciality.SEVERAL_VARIANTS] = f"it splits traffic between variants {names}"
    if mirrors(config):
        found[Speciality.SHADOW_VARIANTS] = "a shadow variant of ours gets a copy of its traffic"
    elif config.get("ShadowProductionVariants"):
        found[Speciality.SHADOW_VARIANTS] = "a shadow variant gets a copy of its traffic"
    if config.get("AsyncInferenceConfig"):
        found[Speciality.ASYNC] = "it answers asynchronously, from a queue"
    return found


def _of_variant(variant: Document) -> dict[Speciality, str]:
    found: dict[Speciality, str] = {}
    name = variant["VariantName"]
    if not variant.get("ModelName") or variant.get("ManagedInstanceScaling"):
        found[Speciality.INFERENCE_COMPONENTS] = (
            f"variant {name} hosts inference components, which have sizes of their own"
        )
    if variant.get("InstancePools"):
        found[Speciality.INSTANCE_POOLS] = f"variant {name} mixes instance types in pools"
    if variant.get("CapacityReservationConfig"):
        found[Speciality.CAPACITY_RESERVATION] = f"variant {name} runs on reserved capacity"
    return found


def _of_model(model: Document) -> dict[Speciality, str]:
    found: dict[Speciality, str] = {}
    name = model["ModelName"]
    containers = [*(model.get("Containers") or ())]
    if len(containers) > 1:
        found[Speciality.MULTI_CONTAINER] = f"model {name} has {len(containers)} containers"
    if model.get("PrimaryContainer"):
        containers.append(model["PrimaryContainer"])
    if any(one.get("Mode") == "MultiModel" for one in containers):
        found[Speciality.MULTI_MODEL] = f"model {name} loads many models on demand"
    account = str(model["ModelArn"]).split(":")[4]
    for package in (one.get("ModelPackageName") for one in containers):
        if package and package.count(":") >= 5 and package.split(":")[4] != account:
            found[Speciality.MARKETPLACE] = f"model {name} is a package of another account"
    return found
