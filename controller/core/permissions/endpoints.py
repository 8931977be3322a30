"""What policies on SageMaker endpoints need.

Resource types and condition keys: Service Authorization Reference for SageMaker, Application
Auto Scaling and CloudWatch. A scalable target's ARN holds an id that nobody chooses, so targets
are narrowed by namespace and dimension instead.
"""

from collections.abc import Iterator

from controller.core.permissions.grant import ANYWHERE, Access, Condition, Grant
from controller.core.permissions.place import ANY, Place, pattern_of, tagged, written
from controller.model.endpoint import Kind
from controller.model.policy import Policy

OURS = "rightsizer-"
"""What names of configurations and alarms that we make begin with."""
OWNER_TAG, OWNER = "rightsizer:owner", "rightsizer"
UPDATE = "sagemaker:UpdateEndpoint"
ROLE_OF_SCALING = (
    "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_SCALING = tuple(
    Condition("StringEquals", f"application-autoscaling:{key}", (value,))
    for key, value in (
        ("scalable-dimension", "sagemaker:variant:DesiredInstanceCount"),
        ("service-namespace", "sagemaker"),
    )
)


def grants(policy: Policy, kind: Kind, place: Place, access: Access) -> Iterator[Grant]:
    """For one kind of one policy; metrics, prices and tags are asked for elsewhere."""
    yield from _seeing(policy, kind, place)
    if access >= Access.ENFORCE:
        yield from _changing(policy, place)
        if kind is Kind.REALTIME_ENDPOINT:
            yield from _scaling(place)
            yield from _guarding(place)


def mirroring(policy: Policy, place: Place) -> Iterator[Grant]:
    """What a mirrored probe needs that a person asks for where sizes are not changed: another
    configuration, its deployment, and the way back."""
    yield from _making(place, "probe.shadow.mirrored")
    yield from _deploying(policy, place, "probe.shadow.mirrored")


def _endpoints(policy: Policy, place: Place) -> tuple[str, ...]:
    names = written(pattern_of(policy.target))
    return tuple(place.arn("sagemaker", f"endpoint/{name}") for name in names)


def _seeing(policy: Policy, kind: Kind, place: Place) -> Iterator[Grant]:
    if kind is Kind.SERVERLESS_ENDPOINT:
        yield Grant(
            "SeeAllEndpoints",
            ("sagemaker:DescribeEndpoint",),
            (place.arn("sagemaker", "endpoint/*"),),
            "all serverless endpoints of a region share one pool of concurrency, which AWS does "
            "not add up",
        )
    else:
        yield Grant(
            "SeeEndpoints",
            ("sagemaker:DescribeEndpoint",),
            _endpoints(policy, place),
            "every tick looks at the endpoint",
            tagged(policy.target),
        )
    yield Grant(
        "SeeConfigurationsAndModels",
        ("sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel", "sagemaker:ListTags"),
        (place.arn("sagemaker", "endpoint-config/*"), place.arn("sagemaker", "model/*")),
        "an endpoint's configuration and models may have any name, and change with releases",
    )
    yield from _seeing_autoscaling(kind, place)
    yield from _listing(policy, kind, place)


def _seeing_autoscaling(kind: Kind, place: Place) -> Iterator[Grant]:
    yield Grant(
        "SeeWhetherAutoscaled",
        ("application-autoscaling:DescribeScalableTargets",),
        ANYWHERE,
        "what is registered with Application Auto Scaling moves by itself",
        (place.here,),
    )
    if kind is Kind.REALTIME_ENDPOINT:
        yield Grant(
            "SeeAutoscaling",
            (
                "application-autoscaling:DescribeScalingPolicies",
                "application-autoscaling:DescribeScheduledActions",
            ),
            ANYWHERE,
            "instances follow demand by the policies and the schedule of the variant",
            (place.here,),
        )
        yield Grant(
            "SeeTagsOfVariants",
            ("application-autoscaling:ListTagsForResource",),
            (place.arn("application-autoscaling", "scalable-target/*"),),
            "tags of a registered variant are put back with it after another instance type",
        )


def _listing(policy: Policy, kind: Kind, place: Place) -> Iterator[Grant]:
    yield Grant(
        "ListConfigurations",
        ("sagemaker:ListEndpointConfigs",),
        ANYWHERE,
        "configurations of ours that were left behind are advised on",
        (place.here,),
    )
    if policy.target.selector is not None or kind is Kind.SERVERLESS_ENDPOINT:
        yield Grant(
            "ListEndpoints",
            ("sagemaker:ListEndpoints",),
            ANYWHERE,
            "selectors find endpoints by listing them, and so is a region's concurrency counted",
            (place.here,),
        )


def _changing(policy: Policy, place: Place) -> Iterator[Grant]:
    yield from _making(place, "mode Enforce")
    yield Grant(
        "ChangeCapacities",
        ("sagemaker:UpdateEndpointWeightsAndCapacities",),
        _endpoints(policy, place),
        "mode Enforce: counts and concurrency are set in place",
        tagged(policy.target),
    )
    yield from _deploying(policy, place, "mode Enforce")


def _making(place: Place, what: str) -> Iterator[Grant]:
    ours = (place.arn("sagemaker", f"endpoint-config/{OURS}*"),)
    yield Grant(
        "MakeConfigurations",
        ("sagemaker:AddTags", "sagemaker:CreateEndpointConfig"),
        ours,
        f"{what}: another size is another configuration, tagged as ours",
        (Condition("StringEquals", f"aws:RequestTag/{OWNER_TAG}", (OWNER,)),),
    )
    yield Grant(
        "DeleteConfigurationsOfOurs",
        ("sagemaker:DeleteEndpointConfig",),
        ours,
        f"{what}: configurations that we made and nothing uses are removed",
        (Condition("StringEquals", f"aws:ResourceTag/{OWNER_TAG}", (OWNER,)),),
    )


def _deploying(policy: Policy, place: Place, what: str) -> Iterator[Grant]:
    """UpdateEndpoint asks for the endpoint and for the configuration, each by itself; tags of
    the endpoint say nothing of the configuration, so under tags these are two statements."""
    named, configs = _endpoints(policy, place), place.arn("sagemaker", "endpoint-config/*")
    conditions = tagged(policy.target)
    why = f"{what}: another size is deployed, and the way back leads to a configuration of "
    if conditions:
        yield Grant("DeployToEndpoints", (UPDATE,), named, f"{why}any name", conditions)
        yield Grant("DeployConfigurations", (UPDATE,), (configs,), f"{why}any name")
    else:
        yield Grant("Deploy", (UPDATE,), (*named, configs), f"{why}any name")


def volume_keys(keys: tuple[str, ...]) -> Iterator[Grant]:
    """A configuration that names a key is deployed with a grant on it, which SageMaker takes as
    the caller (AWS KMS Developer Guide, grants for AWS services)."""
    if not keys:
        return
    yield Grant(
        "LetSageMakerUseVolumeKeys",
        ("kms:CreateGrant",),
        keys,
        "mode Enforce: volumes of another instance type are encrypted with the key of before",
        (Condition("Bool", "kms:GrantIsForAWSResource", ("true",)),),
    )
    yield Grant(
        "SeeVolumeKeys",
        ("kms:DescribeKey",),
        keys,
        "mode Enforce: a configuration that names a key is made by who may see the key",
    )


def model_sizes(stores: tuple[str, ...], partition: str) -> Iterator[Grant]:
    """Names and sizes of models' artefacts, without a right to what is in them."""
    for store in stores:
        bucket, _, prefix = store.removeprefix("s3://").partition("/")
        held = Condition("StringLike", "s3:prefix", (f"{prefix.rstrip('*')}*",))
        yield Grant(
            "SeeSizesOfModels",
            ("s3:ListBucket",),
            (f"arn:{partition}:s3:::{bucket}",),
            "memory is never less than the model takes; without it what is in use counts alone",
            (held,) if prefix.rstrip("*") else (),
        )


def _scaling(place: Place) -> Iterator[Grant]:
    verbs = (
        "DeleteScalingPolicy",
        "DeleteScheduledAction",
        "DeregisterScalableTarget",
        "PutScalingPolicy",
        "PutScheduledAction",
        "RegisterScalableTarget",
    )
    yield Grant(
        "ChangeAutoscalingOfVariants",
        tuple(f"application-autoscaling:{verb}" for verb in verbs),
        (place.arn("application-autoscaling", "scalable-target/*"),),
        "mode Enforce: bounds, target value and schedule; another instance type has the variant "
        "taken out and put back",
        _SCALING,
    )
    yield Grant(
        "TagVariantsAgain",
        ("application-autoscaling:TagResource",),
        (place.arn("application-autoscaling", "scalable-target/*"),),
        "mode Enforce: a variant that is put back into autoscaling gets the tags that it had",
    )
    service = Condition(
        "StringEquals",
        "iam:AWSServiceName",
        ("sagemaker.application-autoscaling.amazonaws.com",),
    )
    yield Grant(
        "RegisterTheFirstVariantOfAnAccount",
        ("iam:CreateServiceLinkedRole",),
        (f"arn:{place.partition}:iam::{place.account or ANY}:{ROLE_OF_SCALING}",),
        "mode Enforce: the first variant ever registered makes the role that scaling acts as",
        (service,),
    )


def _guarding(place: Place) -> Iterator[Grant]:
    ours = place.arn("cloudwatch", f"alarm:{OURS}*")
    theirs = place.arn("cloudwatch", "alarm:TargetTracking-*")
    yield Grant(
        "KeepAlarms",
        ("cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"),
        (ours, theirs),
        "mode Enforce: alarms guard a deployment; Application Auto Scaling keeps those of target "
        "tracking with the rights of whoever writes the scaling policy",
    )
    yield Grant(
        "TagAlarmsOfOurs",
        ("cloudwatch:TagResource",),
        (ours,),
        "mode Enforce: alarms that we make are tagged as ours",
        (Condition("StringEquals", f"aws:RequestTag/{OWNER_TAG}", (OWNER,)),),
    )
