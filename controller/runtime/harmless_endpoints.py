"""One harmless call for each permission that the controller needs of SageMaker endpoints.

Reads are asked for little. SageMaker has no revision to be refused for, so changes are asked of
things that do not exist: whoever may make them hears that, and all others are denied.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from controller.aws.cloudwatch import CloudWatchReader
from controller.aws.endpoint_configs import artefacts
from controller.aws.endpoints import config_tags, describe_config
from controller.aws.errors import translated
from controller.aws.model_sizes import ModelSizes
from controller.aws.sessions import Sessions
from controller.aws.variants import endpoint_variants
from controller.core.periods import HOUR_S, closed_end
from controller.core.sentence import counted
from controller.model.endpoint import Kind
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.window import SeriesQuery
from controller.ports import Clock

NOBODY = "rightsizer-doctor-asks-for-nothing"
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_AUTOSCALING = "application-autoscaling"

Named = tuple[str, Callable[[], str]]
"""An IAM action, and the call that needs it."""


@dataclass(frozen=True, slots=True)
class SubjectEndpoint:
    """An endpoint to try calls on."""

    name: str
    variant: str
    kind: Kind


class FirstEndpoint:
    """Lists endpoints, and remembers one to try the other calls on."""

    def __init__(self, sessions: Sessions, scope: Scope) -> None:
        self._sessions = sessions
        self._scope = scope
        self.found: SubjectEndpoint | None = None

    def call(self) -> str:
        """`sagemaker:ListEndpoints`."""
        with translated("sagemaker", "ListEndpoints", self._scope):
            page = self._sessions.sagemaker_reads(self._scope).list_endpoints(MaxResults=50)
        names = [one["EndpointName"] for one in page["Endpoints"]]
        for name in names[:1]:
            for variant in endpoint_variants(self._sessions, self._scope, name)[:1]:
                self.found = SubjectEndpoint(name, variant.name, variant.kind)
        return f"{counted(len(names), 'endpoint')} on the first page"


class PlaceCalls:
    """Reads that need no endpoint, for a place that has none. Each raises AdapterError."""

    def __init__(self, sessions: Sessions, scope: Scope) -> None:
        self._sessions = sessions
        self._scope = scope

    def reads(self) -> Iterator[Named]:
        """Each on its own."""
        yield "sagemaker:ListEndpointConfigs", self.own_configs
        client = self._sessions.autoscaling_reads(self._scope)
        for operation, call, answered in (
            ("DescribeScalableTargets", client.describe_scalable_targets, "ScalableTargets"),
            ("DescribeScalingPolicies", client.describe_scaling_policies, "ScalingPolicies"),
            ("DescribeScheduledActions", client.describe_scheduled_actions, "ScheduledActions"),
        ):
            yield f"{_AUTOSCALING}:{operation}", partial(self._counted, operation, call, answered)

    def own_configs(self) -> str:
        """`sagemaker:ListEndpointConfigs`."""
        with translated("sagemaker", "ListEndpointConfigs", self._scope):
            page = self._sessions.sagemaker_reads(self._scope).list_endpoint_configs(
                NameContains="rightsizer-", MaxResults=100
            )
        return f"{len(page['EndpointConfigs'])} of ours on the first page"

    def _counted(self, operation: str, call: Callable[..., Any], answered: str) -> str:
        with translated(_AUTOSCALING, operation, self._scope):
            page = call(ServiceNamespace="sagemaker", MaxResults=10)
        return f"{len(page[answered])} on the first page"


class HarmlessEndpointCalls:
    """The calls about one endpoint. Each returns what came of it; raises AdapterError."""

    def __init__(
        self, sessions: Sessions, clock: Clock, scope: Scope, endpoint: SubjectEndpoint
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._scope = scope
        self._endpoint = endpoint
        self._config = ""
        self._models: tuple[str, ...] = ()
        self._artefacts: tuple[str, ...] = ()
        self._arn = ""
        self._target = ""

    def reads(self) -> Iterator[Named]:
        """In an order in which each learns what the next one asks for."""
        yield "sagemaker:DescribeEndpoint", self._describe
        yield "sagemaker:DescribeEndpointConfig", self._describe_config
        yield "sagemaker:DescribeModel", self._describe_model
        yield "sagemaker:ListTags", self._tags
        yield "sagemaker:ListEndpointConfigs", PlaceCalls(self._sessions, self._scope).own_configs
        yield "cloudwatch:GetMetricData", self._metrics
        if self._endpoint.kind is Kind.REALTIME_ENDPOINT:
            yield "application-autoscaling:DescribeScalableTargets", self._targets
            yield "application-autoscaling:DescribeScalingPolicies", self._policies
            yield "application-autoscaling:DescribeScheduledActions", self._actions
            yield "application-autoscaling:ListTagsForResource", self._tags_of_target
        else:
            yield "s3:ListBucket", self._model_sizes

    def changes(self) -> Iterator[Named]:
        """Those of mode Enforce, asked for what does not exist: AWS refuses them for that.

        The endpoint is the real one, since permissions may name it. DeleteEndpointConfig may
        be granted by the tag of what is deleted, so that nothing without tags can tell.
        """
        yield "sagemaker:UpdateEndpoint", self._update
        yield "sagemaker:UpdateEndpointWeightsAndCapacities", self._weigh
        if self._endpoint.kind is Kind.REALTIME_ENDPOINT:
            yield "application-autoscaling:DeleteScalingPolicy", self._delete_policy
            yield "application-autoscaling:DeregisterScalableTarget", self._deregister

    def _describe(self) -> str:
        name = self._endpoint.name
        with translated("sagemaker", "DescribeEndpoint", self._scope, f"endpoint {name}"):
            answer = self._sessions.sagemaker_reads(self._scope).describe_endpoint(
                EndpointName=name
            )
        self._config = answer["EndpointConfigName"]
        return f"{name} is {answer['EndpointStatus']} with {self._config}"

    def _describe_config(self) -> str:
        if not self._config:
            return "not tried: the endpoint could not be described"
        answer = describe_config(self._sessions, self._scope, self._config)
        variants = answer["ProductionVariants"]
        self._arn = answer["EndpointConfigArn"]
        self._models = tuple(one["ModelName"] for one in variants if one.get("ModelName"))
        found = f"variants {', '.join(one['VariantName'] for one in variants)}"
        if answer.get("KmsKeyId"):
            found += (
                f"; volumes are encrypted with {answer['KmsKeyId']}: see iam-policy --volume-key"
            )
        return found

    def _describe_model(self) -> str:
        if not self._models:
            return "not tried: the configuration names no model"
        (model, *_) = self._models
        with translated("sagemaker", "DescribeModel", self._scope, f"model {model}"):
            answer = self._sessions.sagemaker_reads(self._scope).describe_model(ModelName=model)
        self._artefacts = artefacts([answer])
        return f"{model} can be read"

    def _model_sizes(self) -> str:
        """No failure: without it, memory in use counts alone."""
        size = ModelSizes(self._sessions, self._clock).total(self._scope, self._artefacts, ask=True)
        if isinstance(size, Missing):
            return f"not needed, but would help (iam-policy --models): {size.reason}"
        return f"the model takes {size / 1024.0**2:,.0f} MB"

    def _tags(self) -> str:
        if not self._arn:
            return "not tried: the configuration could not be described"
        tags = config_tags(self._sessions, self._scope, self._config, self._arn)
        return f"{len(tags)} on {self._config}"

    def _metrics(self) -> str:
        end_s = closed_end(self._clock.now_s(), int(HOUR_S))
        name, variant = self._endpoint.name, self._endpoint.variant
        query = SeriesQuery(
            namespace="AWS/SageMaker",
            metric="Invocations",
            dimensions=(("EndpointName", name), ("VariantName", variant)),
            stat="Sum",
            period_s=int(HOUR_S),
            start_s=end_s - HOUR_S,
            end_s=end_s,
        )
        reader = CloudWatchReader(self._sessions, self._clock)
        (answer,) = reader.read(self._scope, [query]).values()
        if isinstance(answer, Missing):
            return answer.reason
        return f"{sum(value for _, value in answer.points):,.0f} requests in the last whole hour"

    def _targets(self) -> str:
        with translated(_AUTOSCALING, "DescribeScalableTargets", self._scope):
            answer = self._reading().describe_scalable_targets(
                ServiceNamespace="sagemaker", ResourceIds=[self._resource], MaxResults=1
            )
        for target in answer["ScalableTargets"]:
            self._target = target.get("ScalableTargetARN", "")
            return "registered"
        return "not registered"

    def _tags_of_target(self) -> str:
        if not self._target:
            return "not tried: the variant is not registered"
        with translated(_AUTOSCALING, "ListTagsForResource", self._scope):
            tags = self._reading().list_tags_for_resource(ResourceARN=self._target)["Tags"]
        return f"{len(tags)} on the variant's target"

    def _policies(self) -> str:
        with translated(_AUTOSCALING, "DescribeScalingPolicies", self._scope):
            answer = self._reading().describe_scaling_policies(
                ServiceNamespace="sagemaker", ResourceId=self._resource
            )
        return f"{len(answer['ScalingPolicies'])} on the variant"

    def _actions(self) -> str:
        with translated(_AUTOSCALING, "DescribeScheduledActions", self._scope):
            answer = self._reading().describe_scheduled_actions(
                ServiceNamespace="sagemaker", ResourceId=self._resource
            )
        return f"{len(answer['ScheduledActions'])} on the variant"

    def _update(self) -> str:
        name = self._endpoint.name
        with translated("sagemaker", "UpdateEndpoint", self._scope, f"endpoint {name}"):
            self._writing().update_endpoint(EndpointName=name, EndpointConfigName=NOBODY)
        return ""

    def _weigh(self) -> str:
        operation = "UpdateEndpointWeightsAndCapacities"
        with translated("sagemaker", operation, self._scope, f"endpoint {self._endpoint.name}"):
            self._writing().update_endpoint_weights_and_capacities(
                EndpointName=self._endpoint.name,
                DesiredWeightsAndCapacities=[{"VariantName": NOBODY, "DesiredWeight": 1.0}],
            )
        return ""

    def _delete_policy(self) -> str:
        with translated(_AUTOSCALING, "DeleteScalingPolicy", self._scope, f"policy {NOBODY}"):
            self._sessions.autoscaling_writes(self._scope).delete_scaling_policy(
                PolicyName=NOBODY, **_NO_VARIANT
            )
        return ""

    def _deregister(self) -> str:
        with translated(_AUTOSCALING, "DeregisterScalableTarget", self._scope, NOBODY):
            self._sessions.autoscaling_writes(self._scope).deregister_scalable_target(**_NO_VARIANT)
        return ""

    def _reading(self) -> Any:
        return self._sessions.autoscaling_reads(self._scope)

    def _writing(self) -> Any:
        return self._sessions.sagemaker_writes(self._scope)

    @property
    def _resource(self) -> str:
        return f"endpoint/{self._endpoint.name}/variant/{self._endpoint.variant}"


_NO_VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": f"endpoint/{NOBODY}/variant/none",
    "ScalableDimension": _DIMENSION,
}
