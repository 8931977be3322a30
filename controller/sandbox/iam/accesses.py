"""Which actions on which resources a call asks for: AWS's Service Authorization Reference.

Some calls ask for more than their own name: tags given at creation, the configuration beside
the endpoint, alarms that another service makes as the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from controller.sandbox.iam import resources
from controller.sandbox.iam.document import Access
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Asks = Callable[["World", RequestContext, Params], Iterator[Access]]

_PREFIXES = {"resourcegroupstaggingapi": "tag", "sagemaker-runtime": "sagemaker"}
_NEEDS_NOTHING = {("sts", "GetCallerIdentity")}


def accesses(world: World, ctx: RequestContext, params: Params) -> list[Access]:
    """All of them must be allowed. Empty where no permission is needed."""
    if (ctx.service, ctx.operation) in _NEEDS_NOTHING:
        return []
    asks = _ASKS.get((ctx.service, ctx.operation)) or _BY_SERVICE.get(ctx.service, _plain)
    return list(asks(world, ctx, params))


def _access(ctx: RequestContext, resource: str = "*", action: str = "", **keys: str) -> Access:
    prefix = _PREFIXES.get(ctx.service, ctx.service)
    return Access(
        action or f"{prefix}:{ctx.operation}",
        resource,
        {"aws:RequestedRegion": ctx.region, **keys},
    )


def _plain(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    yield _access(ctx)


def _function(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    """Calls with a Qualifier are about the version or alias, and not about the function."""
    if "FunctionName" not in params:
        yield _access(ctx)
        return
    arn, tags = resources.function(world, ctx, params)
    action = "lambda:InvokeFunction" if ctx.operation == "Invoke" else ""
    yield _access(ctx, arn, action, **resources.as_keys("ResourceTag", tags))
    if ctx.operation == "CreateFunction":
        service = {"iam:PassedToService": "lambda.amazonaws.com"}
        yield _access(ctx, params["Role"], "iam:PassRole", **service)
    if given := params.get("Tags"):
        yield _access(ctx, arn, "lambda:TagResource", **resources.as_keys("RequestTag", given))


def _sagemaker(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    """Of whatever kind the parameters name; an endpoint and its configuration both."""
    given = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
    asked = resources.as_keys("RequestTag", given)
    named = list(resources.of_sagemaker(world, ctx, params))
    for arn, tags in named:
        yield _access(ctx, arn, **resources.as_keys("ResourceTag", tags), **asked)
    if not named:
        yield _access(ctx, **asked)
    if ctx.operation.startswith("Create") and given:
        yield _access(ctx, named[0][0], "sagemaker:AddTags", **asked)
    yield from _volume_key(world, ctx, params)
    deployment = params.get("DeploymentConfig") or {}
    for alarm in (deployment.get("AutoRollbackConfiguration") or {}).get("Alarms", []):
        arn = resources.alarm(ctx, alarm["AlarmName"])
        yield _access(ctx, arn, "cloudwatch:DescribeAlarms")


def _volume_key(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    """SageMaker looks at the key that a configuration names, and takes a grant on it where one
    is deployed, both as the caller."""
    if ctx.operation == "CreateEndpointConfig" and params.get("KmsKeyId"):
        yield _access(ctx, resources.key(ctx, params["KmsKeyId"]), "kms:DescribeKey")
    elif ctx.operation in ("CreateEndpoint", "UpdateEndpoint"):
        named = resources.key_of_config(world, ctx, str(params["EndpointConfigName"]))
        if named is not None:
            for_aws = {"kms:GrantIsForAWSResource": "true"}
            yield _access(ctx, resources.key(ctx, named), "kms:CreateGrant", **for_aws)


def _scaling(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    if ctx.operation.startswith("Describe"):
        yield _access(ctx)
        return
    if "ResourceARN" in params:
        yield _access(ctx, params["ResourceARN"])
        return
    keys = {
        "application-autoscaling:service-namespace": params.get("ServiceNamespace", ""),
        "application-autoscaling:scalable-dimension": params.get("ScalableDimension", ""),
    }
    target = resources.scalable_target(ctx, params)
    yield _access(ctx, target, **keys)
    if params.get("Tags"):
        yield _access(ctx, target, "application-autoscaling:TagResource")
    yield from _in_its_name(world, ctx, params)


def _in_its_name(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    """What Application Auto Scaling does with the caller's rights."""
    tracking = resources.alarm(ctx, f"TargetTracking-{params.get('ResourceId', '')}-AlarmHigh-1")
    verbs: tuple[str, ...] = ()
    if params.get("PolicyType") == "TargetTrackingScaling":
        verbs = ("DescribeAlarms", "PutMetricAlarm")
    elif ctx.operation in ("DeleteScalingPolicy", "DeregisterScalableTarget"):
        verbs = ("DeleteAlarms",)
    for verb in verbs:
        yield _access(ctx, tracking, f"cloudwatch:{verb}")
    if ctx.operation == "RegisterScalableTarget":
        service = "sagemaker.application-autoscaling.amazonaws.com"
        yield _access(
            ctx,
            f"arn:aws:iam::{ctx.account}:role/aws-service-role/{service}/"
            "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
            "iam:CreateServiceLinkedRole",
            **{"iam:AWSServiceName": service},
        )


def _alarms(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    given = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
    asked = resources.as_keys("RequestTag", given)
    names = params.get("AlarmNames") or [params.get("AlarmName", "*")]
    for name in names:
        yield _access(ctx, resources.alarm(ctx, name), **asked)
    if ctx.operation == "PutMetricAlarm" and given:
        arn = resources.alarm(ctx, params["AlarmName"])
        yield _access(ctx, arn, "cloudwatch:TagResource", **asked)


def _bucket(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    """Listing is a right on the bucket; a condition may hold it to a prefix."""
    keys = {"s3:prefix": str(params.get("Prefix", ""))}
    yield _access(ctx, f"arn:aws:s3:::{params['Bucket']}", "s3:ListBucket", **keys)


def _start_query(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    groups = params.get("logGroupNames") or [params.get("logGroupName")]
    for group in groups:
        yield _access(ctx, resources.log_group(ctx, str(group)))


def _log_group(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    yield _access(ctx, resources.log_group(ctx, str(params["logGroupName"])))


def _query(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    yield _access(ctx, resources.log_group(ctx, ""))


def _assume(world: World, ctx: RequestContext, params: Params) -> Iterator[Access]:
    yield _access(ctx, params["RoleArn"])


_BY_SERVICE: Mapping[str, Asks] = {
    "lambda": _function,
    "sagemaker": _sagemaker,
    "sagemaker-runtime": _sagemaker,
    "application-autoscaling": _scaling,
}
_ASKS: Mapping[tuple[str, str], Asks] = {
    ("cloudwatch", "PutMetricAlarm"): _alarms,
    ("cloudwatch", "DeleteAlarms"): _alarms,
    ("cloudwatch", "DescribeAlarms"): _alarms,
    ("logs", "StartQuery"): _start_query,
    ("logs", "GetQueryResults"): _query,
    ("logs", "DeleteLogGroup"): _log_group,
    ("logs", "DescribeLogGroups"): _query,
    ("s3", "ListObjectsV2"): _bucket,
    ("sts", "AssumeRole"): _assume,
}
