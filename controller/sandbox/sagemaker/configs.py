"""Reading an endpoint configuration, with every check that SageMaker makes.

Facts: serverless memory is one of six sizes, which the API's own model does not say; a
serverless endpoint has one variant and takes no data capture, VPC or shadow; with a shadow
there is exactly one production variant; a KMS key is refused for types with local NVMe;
managed instance scaling is for inference components only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.sandbox.sagemaker.catalogue import instance_types
from controller.sandbox.sagemaker.refusals import invalid
from controller.sandbox.sagemaker_state import (
    EndpointConfig,
    SageMakerPlace,
    ServerlessConfig,
    VariantConfig,
)

MEMORY_MB = (1024, 2048, 3072, 4096, 5120, 6144)
MOST_CONCURRENCY = 200
_MOST_VARIANTS = 10
_NOT_BESIDE = ("ml.inf1.",)
"""Types without shadow variants [DG:shadow-tests-exclusions]."""
_NOT_SERVERLESS = ("DataCaptureConfig", "VpcConfig", "AsyncInferenceConfig", "KmsKeyId")

Document = Mapping[str, Any]


def read_config(place: SageMakerPlace, name: str, given: Document, now_s: float) -> EndpointConfig:
    """The configuration of CreateEndpointConfig's parameters. Raises ValidationException."""
    members = {
        key: value for key, value in given.items() if key not in ("EndpointConfigName", "Tags")
    }
    variants = tuple(_variant(place, one) for one in given["ProductionVariants"])
    shadows = tuple(_variant(place, one) for one in given.get("ShadowProductionVariants", ()))
    _check_variants(variants, shadows)
    if shadows:
        _check_beside(place, (*variants, *shadows), given)
    if any(one.serverless is not None for one in (*variants, *shadows)):
        _check_serverless(variants, shadows, given)
    for one in variants if given.get("KmsKeyId") else ():
        kind = instance_types().get(one.instance_type or "")
        if kind is not None and kind.nvme:
            raise invalid(
                f"KmsKeyId is not supported for instance type {one.instance_type}, which has "
                "local instance storage that is encrypted by hardware."
            )
    arn = place.arn("endpoint-config", name)
    return EndpointConfig(name, arn, now_s, variants, shadows, members)


def _variant(place: SageMakerPlace, given: Document) -> VariantConfig:
    name = str(given["VariantName"])
    model = given.get("ModelName")
    if model is not None and model not in place.models:
        raise invalid(f'Could not find model "{place.arn("model", model)}".')
    if given.get("AcceleratorType") is not None:
        raise invalid(f"AcceleratorType of variant {name} is no longer supported.")
    if model is not None and given.get("ManagedInstanceScaling") is not None:
        raise invalid("ManagedInstanceScaling is only supported for inference component endpoints")
    serverless = given.get("ServerlessConfig")
    kind = given.get("InstanceType") or _pooled(given)
    if serverless is not None and kind is not None:
        raise invalid(f"Variant {name} may have InstanceType or ServerlessConfig, not both.")
    if serverless is None and kind is None:
        raise invalid(f"Variant {name} needs an InstanceType or a ServerlessConfig.")
    count = given.get("InitialInstanceCount")
    if serverless is None and model is not None and count is None:
        raise invalid(f"InitialInstanceCount of variant {name} is missing.")
    return VariantConfig(
        name=name,
        model_name=model,
        instance_type=kind,
        initial_instance_count=0 if serverless is not None else int(count or 1),
        initial_weight=float(given.get("InitialVariantWeight", 1.0)),
        serverless=None if serverless is None else read_serverless(serverless),
        members=dict(given),
    )


def _pooled(given: Document) -> str | None:
    """The first choice of a variant with instance pools; the sandbox launches no other."""
    pools: Sequence[Document] = given.get("InstancePools", ())
    return min(pools, key=lambda pool: int(pool["Priority"]))["InstanceType"] if pools else None


def read_serverless(given: Document) -> ServerlessConfig:
    """A ServerlessConfig, checked. Raises ValidationException."""
    size = ServerlessConfig(
        int(given["MemorySizeInMB"]), int(given["MaxConcurrency"]),
        given.get("ProvisionedConcurrency"),
    )  # fmt: skip
    if size.memory_mb not in MEMORY_MB:
        listed = ", ".join(str(mb) for mb in MEMORY_MB)
        raise invalid(
            f"1 validation error detected: Value '{size.memory_mb}' at 'memorySizeInMB' failed to "
            f"satisfy constraint: Member must satisfy enum value set: [{listed}]"
        )
    if not 1 <= size.max_concurrency <= MOST_CONCURRENCY:
        raise invalid(f"MaxConcurrency must be between 1 and {MOST_CONCURRENCY}.")
    if (size.provisioned_concurrency or 0) > size.max_concurrency:
        raise invalid("ProvisionedConcurrency must not exceed MaxConcurrency.")
    return size


def _check_variants(variants: Sequence[VariantConfig], shadows: Sequence[VariantConfig]) -> None:
    names = [one.name for one in (*variants, *shadows)]
    if not 1 <= len(variants) <= _MOST_VARIANTS:
        raise invalid(f"An endpoint configuration has 1 to {_MOST_VARIANTS} production variants.")
    if len(set(names)) != len(names):
        raise invalid("Variant names must be unique within an endpoint configuration.")
    if shadows and (len(variants) != 1 or len(shadows) != 1):
        raise invalid("With ShadowProductionVariants there must be exactly one production variant "
                      "and one shadow variant.")  # fmt: skip


def _check_beside(
    place: SageMakerPlace, all_of_them: Sequence[VariantConfig], given: Document
) -> None:
    """Fact: no shadow tests of asynchronous, multi-model or multi-container endpoints, nor with
    Inf1 [DG:shadow-tests-exclusions]."""
    if given.get("AsyncInferenceConfig") is not None:
        raise invalid("Shadow variants are not supported with AsyncInferenceConfig.")
    for one in all_of_them:
        if (one.instance_type or "").startswith(_NOT_BESIDE):
            kind = one.instance_type
            raise invalid(f"Shadow variants are not supported with instance type {kind}.")
        model = place.models.get(one.model_name or "", {})
        containers = [*model.get("Containers", ()), model.get("PrimaryContainer", {})]
        many = len(model.get("Containers", ())) > 1
        if many or any(container.get("Mode") == "MultiModel" for container in containers):
            raise invalid("Shadow variants are not supported with multi-model or multi-container "
                          "endpoints.")  # fmt: skip


def _check_serverless(
    variants: Sequence[VariantConfig], shadows: Sequence[VariantConfig], given: Document
) -> None:
    if len(variants) != 1 or shadows:
        raise invalid("A serverless endpoint has exactly one production variant.")
    for name in _NOT_SERVERLESS:
        if given.get(name) is not None:
            raise invalid(f"{name} is not supported for serverless endpoints.")
