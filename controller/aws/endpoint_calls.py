"""One mutating call to a SageMaker endpoint each: what the steps of a change come to.

Every call may be repeated after a crash: a configuration that is there already with the
content wanted is taken, one that is gone needs no deleting, and UpdateEndpoint to the live
configuration is something that the rollout never asks for.
"""

from collections.abc import Mapping
from typing import Any

from controller.aws.endpoint_configs import (
    NAME_PREFIX,
    OWNER,
    OWNER_TAG,
    copied_forward,
    is_ours,
    same_content,
    tags_forward,
)
from controller.aws.endpoints import config_tags, describe_config
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.change import Mutation
from controller.model.endpoint import EndpointKey
from controller.model.errors import Conflict, NotFound, Retryable, Terminal
from controller.model.policy import Scope
from controller.model.sagemaker_steps import (
    CreateConfig,
    DeleteConfig,
    DeleteGuardAlarms,
    DeployConfig,
    PutGuardAlarm,
    SetConcurrency,
    SetInstanceCount,
    Shift,
)

NAMESPACE = "AWS/SageMaker"
EndpointStep = (
    CreateConfig
    | DeployConfig
    | DeleteConfig
    | SetConcurrency
    | SetInstanceCount
    | PutGuardAlarm
    | DeleteGuardAlarms
)
"""Steps that this room carries out; those of Application Auto Scaling have another."""


class EndpointCalls:
    """Carries out steps on endpoints, configurations and deployment alarms."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def execute(self, scope: Scope, key: EndpointKey, step: Mutation) -> Mapping[str, str]:
        """One mutation; returns what the change must remember of it: `created_config`,
        `deployed_config`, `deleted_config` or, where one may not be deleted, `kept_config`.

        Raises Conflict where the endpoint is being updated, Retryable where a configuration
        cannot be seen yet, TypeError for a step of another room.
        """
        match step:
            case CreateConfig(name=name):
                self._create_config(scope, key, step)
                return {"created_config": name}
            case DeployConfig(name=name):
                self._deploy(scope, key, step)
                return {"deployed_config": name}
            case DeleteConfig(name=name):
                return self._delete_config(scope, key, name)
            case SetConcurrency():
                self._set_capacity(scope, key, step.variant, _concurrency(step))
            case SetInstanceCount(variant=variant, instances=instances):
                self._set_capacity(scope, key, variant, {"DesiredInstanceCount": instances})
            case PutGuardAlarm():
                self._put_alarm(scope, key, step)
            case DeleteGuardAlarms(names=names):
                self._delete_alarms(scope, names)
            case _:
                raise TypeError(f"{type(step).__name__} is no step of an endpoint itself")
        return {}

    def _create_config(self, scope: Scope, key: EndpointKey, step: CreateConfig) -> None:
        source = describe_config(self._sessions, scope, step.source)
        try:
            wanted = copied_forward(source, step)
        except KeyError:
            raise Terminal(
                f"Config {step.source} in {scope.region} has no variant {step.variant}: nothing "
                "to copy forward.",
                operation="CreateEndpointConfig",
            ) from None
        tags = config_tags(self._sessions, scope, step.source, source["EndpointConfigArn"])
        until_s = None if step.shadow is None else step.shadow.expires_at_s
        wanted["Tags"] = tags_forward(tags, key.name, step.source, until_s)
        try:
            with translated("sagemaker", "CreateEndpointConfig", scope, f"config {step.name}"):
                self._sessions.sagemaker_writes(scope).create_endpoint_config(**wanted)
        except Conflict:
            self._take(scope, step.name, wanted)

    def _take(self, scope: Scope, name: str, wanted: Mapping[str, Any]) -> None:
        """Use the configuration that is there under the name, if it is what is wanted."""
        there = describe_config(self._sessions, scope, name)
        tags = config_tags(self._sessions, scope, name, there["EndpointConfigArn"])
        if is_ours(name, tags) and same_content(there, wanted):
            return
        raise Terminal(
            f"There is a config {name} in {scope.region} already, and it is not the one wanted: "
            "delete it.",
            operation="CreateEndpointConfig",
            code="NameTaken",
        )

    def _deploy(self, scope: Scope, key: EndpointKey, step: DeployConfig) -> None:
        more: dict[str, Any] = {}
        if not step.keep_count:
            more["ExcludeRetainedVariantProperties"] = [
                {"VariantPropertyType": "DesiredInstanceCount"}
            ]
        if step.shift != Shift():
            more["DeploymentConfig"] = deployment_config(step.shift)
        try:
            with translated("sagemaker", "UpdateEndpoint", scope, f"endpoint {key.name}"):
                self._sessions.sagemaker_writes(scope).update_endpoint(
                    EndpointName=key.name,
                    EndpointConfigName=step.name,
                    # Without it the live count and weight fall back to the config's Initial*.
                    RetainAllVariantProperties=True,
                    **more,
                )
        except NotFound as error:
            if "endpoint configuration" not in str(error):
                raise
            raise Retryable(
                f"SageMaker in {scope.region} does not see config {step.name} yet: it is tried "
                "again later.",
                operation="UpdateEndpoint",
                code=error.code,
            ) from None

    def _delete_config(self, scope: Scope, key: EndpointKey, name: str) -> Mapping[str, str]:
        """Delete a configuration of ours that this endpoint neither uses nor moves to.

        Any other is kept, which is the answer then and no error: nothing hangs on it.
        """
        gone = {"deleted_config": name}
        try:
            found = describe_config(self._sessions, scope, name)
        except NotFound:
            return gone
        tags = config_tags(self._sessions, scope, name, found["EndpointConfigArn"])
        if not is_ours(name, tags) or name in self._in_use(scope, key):
            return {"kept_config": name}
        try:
            with translated("sagemaker", "DeleteEndpointConfig", scope, f"config {name}"):
                self._sessions.sagemaker_writes(scope).delete_endpoint_config(
                    EndpointConfigName=name
                )
        except NotFound:
            return gone
        except Conflict:
            return {"kept_config": name}
        return gone

    def _in_use(self, scope: Scope, key: EndpointKey) -> set[str | None]:
        try:
            with translated("sagemaker", "DescribeEndpoint", scope, f"endpoint {key.name}"):
                shown = self._sessions.sagemaker_reads(scope).describe_endpoint(
                    EndpointName=key.name
                )
        except NotFound:
            return set()
        pending = shown.get("PendingDeploymentSummary") or {}
        return {shown["EndpointConfigName"], pending.get("EndpointConfigName")}

    def _set_capacity(
        self, scope: Scope, key: EndpointKey, variant: str, wanted: Mapping[str, Any]
    ) -> None:
        operation = "UpdateEndpointWeightsAndCapacities"
        with translated("sagemaker", operation, scope, f"endpoint {key.name}"):
            self._sessions.sagemaker_writes(scope).update_endpoint_weights_and_capacities(
                EndpointName=key.name,
                DesiredWeightsAndCapacities=[{"VariantName": variant, **wanted}],
            )

    def _put_alarm(self, scope: Scope, key: EndpointKey, step: PutGuardAlarm) -> None:
        _check_alarm_name(step.name)
        percentile = step.statistic.startswith("p")
        tags = {**step.tags, OWNER_TAG: OWNER}
        with translated("cloudwatch", "PutMetricAlarm", scope, f"alarm {step.name}"):
            self._sessions.cloudwatch_writes(scope).put_metric_alarm(
                AlarmName=step.name,
                AlarmDescription=f"Watches a deployment of endpoint {key.name} by rightsizer.",
                Namespace=NAMESPACE,
                MetricName=step.metric,
                Dimensions=[
                    {"Name": "EndpointName", "Value": key.name},
                    {"Name": "VariantName", "Value": step.variant},
                    {"Name": "EndpointConfigName", "Value": step.config},
                ],
                Period=step.period_s,
                EvaluationPeriods=step.evaluation_periods,
                Threshold=step.threshold,
                ComparisonOperator="GreaterThanThreshold",
                TreatMissingData="notBreaching",
                Tags=[{"Key": tag, "Value": value} for tag, value in tags.items()],
                **{"ExtendedStatistic" if percentile else "Statistic": step.statistic},
            )

    def _delete_alarms(self, scope: Scope, names: tuple[str, ...]) -> None:
        for name in names:
            _check_alarm_name(name)
        if not names:
            return
        try:
            with translated("cloudwatch", "DeleteAlarms", scope, "deployment alarms"):
                self._sessions.cloudwatch_writes(scope).delete_alarms(AlarmNames=list(names))
        except NotFound:
            return


def _concurrency(step: SetConcurrency) -> Mapping[str, Any]:
    wanted = {"MaxConcurrency": step.max_concurrency}
    if step.provisioned_concurrency is not None:
        wanted["ProvisionedConcurrency"] = step.provisioned_concurrency
    return {"ServerlessUpdateConfig": wanted}


def deployment_config(shift: Shift) -> dict[str, Any]:
    """UpdateEndpoint's DeploymentConfig: blue/green, all at once, canary or linear."""
    routing: dict[str, Any] = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": shift.wait_s}
    if shift.canary_percent is not None:
        routing |= {"Type": "CANARY", "CanarySize": _share(shift.canary_percent)}
    elif shift.linear_percent is not None:
        routing |= {"Type": "LINEAR", "LinearStepSize": _share(shift.linear_percent)}
    policy = {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": shift.termination_wait_s,
    }
    wanted: dict[str, Any] = {"BlueGreenUpdatePolicy": policy}
    if shift.alarms:
        wanted["AutoRollbackConfiguration"] = {
            "Alarms": [{"AlarmName": name} for name in shift.alarms]
        }
    return wanted


def _share(percent: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": percent}


def _check_alarm_name(name: str) -> None:
    if not name.startswith(NAME_PREFIX):
        raise ValueError(f"{name} is not the name of an alarm that we make")
