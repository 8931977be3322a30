"""Live SageMaker endpoints, as both of their kinds see them.

A look is DescribeEndpoint, and DescribeEndpointConfig where the configuration is not known
yet. What cannot change while a configuration is live (its tags' owner, its models) is
remembered. The status is a word and no proof: who wants to know whether a deployment came
through compares the live configuration's name with the one asked for.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.aws.endpoint_configs import (
    SOURCE_TAG,
    Document,
    artefacts,
    fingerprint,
    is_ours,
    may_be_ours,
    mirrored_until_s,
    mirrors,
    model_names,
    specialities,
    variant_of,
)
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.endpoint import EndpointKey, Kind, Phase
from controller.model.errors import NotFound, Terminal
from controller.model.policy import Scope
from controller.model.sagemaker import Endpoint, EndpointConfig

_KEPT = 2000
_PHASES = {
    "InService": Phase.STABLE,
    "Creating": Phase.UPDATING,
    "Updating": Phase.UPDATING,
    "SystemUpdating": Phase.UPDATING,
    "Deleting": Phase.UPDATING,
    "RollingBack": Phase.ROLLING_BACK,
    "Failed": Phase.FAILED,
    "UpdateRollbackFailed": Phase.FAILED,
    "OutOfService": Phase.FAILED,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at an endpoint: the values, and the variant's own documents beside them."""

    endpoint: Endpoint
    phase: Phase
    configured: Document
    """The variant in the live configuration (ProductionVariant)."""
    live: Document
    """The variant as DescribeEndpoint shows it (ProductionVariantSummary); empty while the
    endpoint is being created."""

    @property
    def etag(self) -> str:
        """Changes with the configuration and with everything set in place."""
        config = self.endpoint.config
        return f"{config.name}@{config.created_at_s:.0f}/{self.endpoint.modified_at_s:.3f}"


@dataclass(frozen=True, slots=True)
class _Config:
    value: EndpointConfig
    document: Document


class Endpoints:
    """Looks at endpoints over boto3; shared by threads and by both kinds."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._configs: OrderedDict[tuple[str, str, str], _Config] = OrderedDict()
        self._confirmed: dict[EndpointKey, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def look(self, scope: Scope, key: EndpointKey, *, thorough: bool = True) -> Seen:
        """The endpoint and its live configuration.

        Not thorough: a configuration that was seen since the endpoint was last modified is
        taken as remembered. Raises NotFound where there is no endpoint of this kind and name
        with the key's variant, Terminal where its configuration was deleted under it.
        """
        with translated("sagemaker", "DescribeEndpoint", scope, f"endpoint {key.name}"):
            shown = self._sessions.sagemaker_reads(scope).describe_endpoint(EndpointName=key.name)
        config = self._config(scope, key, shown, thorough=thorough)
        configured = variant_of(config.document, key.qualifier)
        if configured is None:
            raise _no_variant(scope, key, config.document)
        _check_kind(scope, key, configured)
        pending = shown.get("PendingDeploymentSummary") or {}
        endpoint = Endpoint(
            arn=shown["EndpointArn"],
            status=shown["EndpointStatus"],
            failure_reason=shown.get("FailureReason"),
            config=config.value,
            variant=key.qualifier,
            modified_at_s=shown["LastModifiedTime"].timestamp(),
            pending_config=pending.get("EndpointConfigName"),
            guards=_guards(shown.get("LastDeploymentConfig") or {}),
        )
        live = variant_of({"ProductionVariants": shown.get("ProductionVariants") or ()},
                          key.qualifier)  # fmt: skip
        phase = _PHASES.get(endpoint.status, Phase.UPDATING)
        return Seen(endpoint, phase, configured, live or {})

    def _config(
        self, scope: Scope, key: EndpointKey, shown: Document, *, thorough: bool
    ) -> _Config:
        """The live configuration; its name may be given anew only after it was let go."""
        name = shown["EndpointConfigName"]
        place = (key.account, key.region, name)
        as_of = (name, shown["LastModifiedTime"].timestamp())
        with self._lock:
            kept = self._configs.get(place)
            if kept is not None and not thorough and self._confirmed.get(key) == as_of:
                self._configs.move_to_end(place)
                return kept
        document = self._describe(scope, key, name)
        if kept is None or kept.value.created_at_s != document["CreationTime"].timestamp():
            kept = _Config(self._read(scope, document), document)
        with self._lock:
            self._configs[place], self._confirmed[key] = kept, as_of
            if len(self._configs) > _KEPT:
                self._configs.popitem(last=False)
        return kept

    def _describe(self, scope: Scope, key: EndpointKey, name: str) -> dict[str, Any]:
        try:
            return describe_config(self._sessions, scope, name)
        except NotFound:
            raise Terminal(
                f"Endpoint {key.name} in {scope.region} uses configuration {name}, which was "
                "deleted: AWS does not tell what it runs on any more; deploy another one.",
                operation="DescribeEndpointConfig",
                code="ConfigDeleted",
            ) from None

    def _read(self, scope: Scope, document: Document) -> EndpointConfig:
        name, arn = document["EndpointConfigName"], document["EndpointConfigArn"]
        models = [model for one in model_names(document) if (model := self._model(scope, one))]
        tags = config_tags(self._sessions, scope, name, arn) if may_be_ours(name) else {}
        ours = is_ours(name, tags)
        counts = [v.get("InitialInstanceCount") for v in document["ProductionVariants"]]
        return EndpointConfig(
            name=name,
            arn=arn,
            fingerprint=fingerprint(document),
            created_at_s=document["CreationTime"].timestamp(),
            ours=ours,
            specialities=specialities(document, models),
            initial_instance_count=counts[0] if len(counts) == 1 else None,
            has_volume_key=bool(document.get("KmsKeyId")),
            source=tags.get(SOURCE_TAG) if ours else None,
            artefacts=artefacts(models),
            mirrored_until_s=mirrored_until_s(tags) if ours and mirrors(document) else None,
        )

    def _model(self, scope: Scope, name: str) -> Document | None:
        """A model; None where it was deleted, which does not disturb an endpoint that runs."""
        try:
            with translated("sagemaker", "DescribeModel", scope, f"model {name}"):
                model: Document = self._sessions.sagemaker_reads(scope).describe_model(
                    ModelName=name
                )
        except NotFound:
            return None
        return model


def describe_config(sessions: Sessions, scope: Scope, name: str) -> dict[str, Any]:
    """DescribeEndpointConfig's answer. Raises NotFound."""
    with translated("sagemaker", "DescribeEndpointConfig", scope, f"config {name}"):
        answer: dict[str, Any] = sessions.sagemaker_reads(scope).describe_endpoint_config(
            EndpointConfigName=name
        )
    return answer


def config_tags(sessions: Sessions, scope: Scope, name: str, arn: str) -> Mapping[str, str]:
    """All tags of a configuration."""
    found: dict[str, str] = {}
    more: dict[str, str] = {}
    while True:
        with translated("sagemaker", "ListTags", scope, f"config {name}"):
            page = sessions.sagemaker_reads(scope).list_tags(
                ResourceArn=arn, MaxResults=100, **more
            )
        found |= {tag["Key"]: tag["Value"] for tag in page["Tags"]}
        token = page.get("NextToken")
        if not token:
            return found
        more = {"NextToken": token}


def _guards(deployment: Document) -> tuple[str, ...]:
    alarms = (deployment.get("AutoRollbackConfiguration") or {}).get("Alarms") or ()
    return tuple(alarm["AlarmName"] for alarm in alarms)


def kind_of_variant(variant: Document) -> Kind:
    """Told by any document of a variant: in a configuration, live, or pending."""
    names = ("ServerlessConfig", "CurrentServerlessConfig", "DesiredServerlessConfig")
    serverless = any(variant.get(name) is not None for name in names)
    return Kind.SERVERLESS_ENDPOINT if serverless else Kind.REALTIME_ENDPOINT


_IN_WORDS = {
    Kind.SERVERLESS_ENDPOINT: "a serverless endpoint",
    Kind.REALTIME_ENDPOINT: "a real-time endpoint",
}


def _check_kind(scope: Scope, key: EndpointKey, variant: Document) -> None:
    kind = kind_of_variant(variant)
    if kind is not key.kind:
        raise NotFound(
            f"Endpoint {key.name} in {scope.region} is {_IN_WORDS[kind]}, and the policy is for "
            f"{_IN_WORDS[key.kind]}: change the policy's kind.",
            operation="DescribeEndpointConfig",
            code="OtherKind",
        )


def _no_variant(scope: Scope, key: EndpointKey, config: Document) -> NotFound:
    names = ", ".join(one["VariantName"] for one in config["ProductionVariants"])
    return NotFound(
        f"Endpoint {key.name} in {scope.region} has no variant {key.qualifier} (it has {names}): "
        "name one in the policy.",
        operation="DescribeEndpointConfig",
        code="NoSuchVariant",
    )
