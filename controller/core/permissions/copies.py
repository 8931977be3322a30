"""What probes need: requests of our own, and copies that are made, called and deleted.

Resource types and condition keys: Service Authorization Reference for Lambda, SageMaker, IAM,
ECR and CloudWatch Logs. A copy is made under a name that begins with our prefix and a tag that
names its owner; only what bears both is ever called for a shadow probe or deleted.
"""

from collections.abc import Iterator

from controller.core.permissions.endpoints import OWNER, OWNER_TAG
from controller.core.permissions.grant import ANYWHERE, Access, Condition, Grant
from controller.core.permissions.place import ANY, Place, pattern_of, tagged, written
from controller.core.shadows import PREFIX
from controller.model.endpoint import LATEST, Kind
from controller.model.policy import Policy

_ASKED_AS_OURS = (Condition("StringEquals", f"aws:RequestTag/{OWNER_TAG}", (OWNER,)),)
_OURS = (Condition("StringEquals", f"aws:ResourceTag/{OWNER_TAG}", (OWNER,)),)


def grants(policy: Policy, kind: Kind, place: Place, asked: Access | None) -> Iterator[Grant]:
    """For one kind of one policy, by its `probe`; `asked` Probe is all, any less is nothing."""
    if asked is not None and asked < Access.PROBE:
        return
    everything = asked is Access.PROBE
    if everything or (policy.probe is not None and policy.probe.payloads):
        yield _calling(policy, kind, place)
    if everything or (policy.probe is not None and policy.probe.shadows):
        of_functions = kind is Kind.LAMBDA_FUNCTION
        yield from _functions(policy, place) if of_functions else _endpoints(policy, place)
        yield from _tidying(kind, place)


def _calling(policy: Policy, kind: Kind, place: Place) -> Grant:
    resources: tuple[str, ...]
    if kind is Kind.LAMBDA_FUNCTION:
        function = place.arn("lambda", f"function:{pattern_of(policy.target)}")
        named = policy.target.qualifier_of(kind)
        resources = (function,) if named == LATEST else (f"{function}:{named}",)
        action = "lambda:InvokeFunction"
    else:
        names = written(pattern_of(policy.target))
        resources = tuple(place.arn("sagemaker", f"endpoint/{name}") for name in names)
        action = "sagemaker:InvokeEndpoint"
    why = "probe: live probes call the endpoint as a client would"
    return Grant("SendLiveProbes", (action,), resources, why, tagged(policy.target))


def _functions(policy: Policy, place: Place) -> Iterator[Grant]:
    source = place.arn("lambda", f"function:{pattern_of(policy.target)}")
    copies = (place.arn("lambda", f"function:{PREFIX}{ANY}"),)
    versions = (
        () if policy.target.qualifier_of(Kind.LAMBDA_FUNCTION) == LATEST else (f"{source}:*",)
    )
    yield Grant(
        "ReadFunctionsToCopy",
        ("lambda:GetFunction", "lambda:ListTags"),
        (source, *versions),
        "probe.shadows: a copy is made from the code and the settings of the version in use",
        tagged(policy.target),
    )
    yield Grant(
        "SeeAndMakeCopiesOfFunctions",
        ("lambda:CreateFunction", "lambda:GetFunction", "lambda:ListTags"),
        copies,
        "probe.shadows: a copy is a function of its own",
    )
    yield Grant(
        "TagCopiesOfFunctions",
        ("lambda:TagResource",),
        copies,
        "probe.shadows: a copy's tags say whose it is, of what, and until when",
        _ASKED_AS_OURS,
    )
    yield Grant(
        "CallAndDeleteCopiesOfFunctions",
        ("lambda:DeleteFunction", "lambda:InvokeFunction", "lambda:PutFunctionConcurrency"),
        copies,
        "probe.shadows: a copy is limited, measured and deleted",
        _OURS,
    )
    yield from _of_what_functions_use(place)


def _of_what_functions_use(place: Place) -> Iterator[Grant]:
    """Rights that CreateFunction asks of its caller, for what the source is made of."""
    yield Grant(
        "GiveCopiesTheRoleOfTheirSource",
        ("iam:PassRole",),
        (f"arn:{place.partition}:iam::{place.account}:role/*",),
        "probe.shadows: a copy acts as the function does; narrow it to the roles of your functions",
        (Condition("StringEquals", "iam:PassedToService", ("lambda.amazonaws.com",)),),
    )
    yield Grant(
        "GiveCopiesTheLayersOfTheirSource",
        ("lambda:GetLayerVersion",),
        (f"arn:{place.partition}:lambda:{place.region}:{ANY}:layer:*:*",),
        "probe.shadows: layers may be of any account",
    )
    yield Grant(
        "GiveCopiesTheImageOfTheirSource",
        ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
        (place.arn("ecr", "repository/*"),),
        "probe.shadows: functions from container images",
    )
    yield Grant(
        "GiveCopiesTheNetworkOfTheirSource",
        ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
        ANYWHERE,
        "probe.shadows: functions in a VPC",
        (place.here,),
    )
    yield Grant(
        "FindCopiesOfFunctions",
        ("tag:GetResources",),
        ANYWHERE,
        "probe.shadows: a copy that no journal knows of is found by its tags, and deleted",
        (place.here,),
    )


def _endpoints(policy: Policy, place: Place) -> Iterator[Grant]:
    names = written(pattern_of(policy.target))
    sources = tuple(place.arn("sagemaker", f"endpoint/{name}") for name in names)
    copies = tuple(
        place.arn("sagemaker", f"{what}/{PREFIX}{ANY}") for what in ("endpoint", "endpoint-config")
    )
    yield Grant(
        "ReadTagsOfEndpointsToCopy",
        ("sagemaker:ListTags",),
        sources,
        "probe.shadows: a copy's bill goes where its source's goes, by the same tags",
    )
    yield Grant(
        "MakeCopiesOfEndpoints",
        ("sagemaker:AddTags", "sagemaker:CreateEndpoint", "sagemaker:CreateEndpointConfig"),
        copies,
        "probe.shadows: a copy is an endpoint and a configuration of its own",
        _ASKED_AS_OURS,
    )
    yield Grant(
        "SeeCopiesOfEndpoints",
        ("sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:ListTags"),
        copies,
        "probe.shadows: a copy is looked at until it serves, and until it is gone",
    )
    yield Grant(
        "CallAndDeleteCopiesOfEndpoints",
        ("sagemaker:DeleteEndpoint", "sagemaker:DeleteEndpointConfig", "sagemaker:InvokeEndpoint"),
        copies,
        "probe.shadows: a copy is measured and deleted",
        _OURS,
    )
    yield Grant(
        "FindCopiesOfEndpoints",
        ("sagemaker:ListEndpointConfigs", "sagemaker:ListEndpoints"),
        ANYWHERE,
        "probe.shadows: a copy that no journal knows of is found by its name, and deleted",
        (place.here,),
    )


def _tidying(kind: Kind, place: Place) -> Iterator[Grant]:
    room = "lambda" if kind is Kind.LAMBDA_FUNCTION else "sagemaker/Endpoints"
    group = place.arn("logs", f"log-group:/aws/{room}/{PREFIX}{ANY}")
    yield Grant(
        "DeleteLogsOfCopies",
        ("logs:DeleteLogGroup",),
        (group, f"{group}:*"),
        "probe.shadows: the log group that a copy's first request made outlives the copy",
    )
    yield Grant(
        "FindLogsOfCopies",
        ("logs:DescribeLogGroups",),
        (place.arn("logs", "log-group:*"),),
        "probe.shadows: a copy's last lines may make its log group anew",
    )
