"""All that one identity needs: the controller's own role, or one that it assumes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from controller.core.permissions import copies, endpoints, functions
from controller.core.permissions.grant import (
    ACCESS_OF,
    ANYWHERE,
    REQUESTED_REGION,
    Access,
    Condition,
    Grant,
    merged,
)
from controller.core.permissions.place import Place, place_of
from controller.model.endpoint import Kind
from controller.model.policy import Mode, Policy, PolicySet

PRICE_LIST_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Table:
    """A DynamoDB table that holds the journal or the lease."""

    name: str
    region: str
    make: bool = False
    """Whether `rightsizer store init` is to make it."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the process does beside its policies."""

    topics: tuple[str, ...] = ()
    """ARNs of SNS topics that `--notify` tells."""
    tables: tuple[Table, ...] = ()
    log_groups: tuple[str, ...] = ()
    """Names or patterns of log groups that functions of the policies log to instead of
    `/aws/lambda/NAME`."""
    keep_versions: bool = False
    volume_keys: tuple[str, ...] = ()
    """ARNs of KMS keys that configurations of real-time endpoints encrypt their volumes with."""
    models: tuple[str, ...] = ()
    """`s3://bucket` or `s3://bucket/prefix`: where models of serverless endpoints lie."""
    account: str | None = None
    """The account of the credentials in use; None: not said."""


def access_of(policy: Policy, asked: Access | None) -> Access | None:
    """What a policy needs: `asked`, or what its own mode asks for; None where it is Off."""
    if policy.mode is Mode.OFF:
        return None
    return ACCESS_OF[policy.mode] if asked is None else asked


def needs(
    policies: PolicySet,
    features: Features,
    *,
    asked: Access | None = None,
    role_arn: str | None = None,
) -> tuple[Grant, ...]:
    """Grants for the role `role_arn` that policies name, or (None) for the controller's own.

    The controller's own acts on the policies that name no role, assumes the roles of the
    others, and alone reads prices, publishes and keeps the journal.
    """
    acting = [p for p in policies.policies if access_of(p, asked) is not None]
    mine = [p for p in acting if p.target.scope.role_arn == role_arn]
    found = [grant for p in mine for grant in _of_policy(p, features, asked)]
    if role_arn is None:
        found += _own(acting, features)
    return merged(found)


def roles(policies: PolicySet) -> tuple[str, ...]:
    """ARNs of the roles that policies in force name."""
    named = {p.target.scope.role_arn for p in policies.policies if p.mode is not Mode.OFF}
    return tuple(sorted(role for role in named if role is not None))


def _of_policy(policy: Policy, features: Features, asked: Access | None) -> Iterator[Grant]:
    access = access_of(policy, asked)
    assert access is not None
    place = place_of(policy.target.scope, features.account)
    for kind in policy.target.kinds:
        if kind is Kind.LAMBDA_FUNCTION:
            yield from functions.grants(policy, place, access)
            yield from _memory_reports(policy, place, features)
            if features.keep_versions and access >= Access.ENFORCE:
                yield from functions.removing(policy, place)
        else:
            yield from endpoints.grants(policy, kind, place, access)
            if _by_hand(policy, kind, access, asked):
                yield from endpoints.mirroring(policy, place)
        yield from copies.grants(policy, kind, place, asked)
        if kind is Kind.SERVERLESS_ENDPOINT:
            yield from endpoints.model_sizes(features.models, place.partition)
        if kind is Kind.REALTIME_ENDPOINT and _deploys(policy, access, asked):
            yield from endpoints.volume_keys(features.volume_keys)
    yield from _payloads(policy, place, asked)
    yield from _shared(policy, place)


def _by_hand(policy: Policy, kind: Kind, access: Access, asked: Access | None) -> bool:
    """Whether people may have requests mirrored where the controller itself changes nothing."""
    mirrored = policy.probe is not None and policy.probe.mirrored
    more = asked is None and access < Access.ENFORCE
    return mirrored and more and kind is Kind.REALTIME_ENDPOINT


def _deploys(policy: Policy, access: Access, asked: Access | None) -> bool:
    """Whether configurations are made for the policy: other sizes, or copies to probe."""
    copied = policy.probe is not None and policy.probe.shadows and asked is None
    return access >= Access.ENFORCE or copied


def _payloads(policy: Policy, place: Place, asked: Access | None) -> Iterator[Grant]:
    """Objects that probes of the policy send."""
    sources = () if policy.probe is None else policy.probe.payloads
    urls = [source.s3.removeprefix("s3://") for source in sources if source.s3 is not None]
    if urls and (asked is None or asked is Access.PROBE):
        yield Grant(
            "ReadPayloadsOfProbes",
            ("s3:GetObject",),
            tuple(f"arn:{place.partition}:s3:::{url}" for url in urls),
            "probe: payloads are kept in these objects",
        )


def _memory_reports(policy: Policy, place: Place, features: Features) -> Iterator[Grant]:
    named = (place.arn("logs", f"log-group:{group}") for group in features.log_groups)
    others = (arn for one in named for arn in (one, f"{one}:*"))
    yield Grant(
        "QueryReportLines",
        ("logs:StartQuery",),
        (*functions.log_groups(policy, place), *others),
        "no metric of Lambda tells the memory in use; the REPORT lines do",
    )
    yield Grant(
        "ReadQueryResults",
        ("logs:GetQueryResults",),
        (place.arn("logs", "log-group:*"),),
        "results are asked for by the query's id, which belongs to no log group",
    )


def _shared(policy: Policy, place: Place) -> Iterator[Grant]:
    yield Grant(
        "ReadMetrics",
        ("cloudwatch:GetMetricData",),
        ANYWHERE,
        "demand and latency are CloudWatch's",
        (place.here,),
    )
    if policy.target.selector is not None:
        yield Grant(
            "FindByTags",
            ("tag:GetResources",),
            ANYWHERE,
            "selectors ask which resources carry which tags",
            (place.here,),
        )


def _own(acting: Iterable[Policy], features: Features) -> Iterator[Grant]:
    """What only the process itself does, whatever role its policies name."""
    named = {p.target.scope.role_arn for p in acting}
    assumed = tuple(sorted(role for role in named if role is not None))
    if assumed:
        yield Grant(
            "ActInOtherAccounts",
            ("sts:AssumeRole",),
            assumed,
            "policies name these roles in target.roleArn",
        )
    if named:
        yield Grant(
            "ReadPrices",
            ("pricing:GetProducts",),
            ANYWHERE,
            "without it the prices that came with the program are used, and grow old",
            (Condition("StringEquals", REQUESTED_REGION, (PRICE_LIST_REGION,)),),
        )
    if features.topics:
        yield Grant(
            "TellTopics",
            ("sns:Publish",),
            features.topics,
            "--notify has channels of type sns",
        )
    yield from _tables(features)


TABLE_ACTIONS = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
)
MAKING_ACTIONS = (
    "dynamodb:CreateTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:TagResource",
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:UpdateTimeToLive",
)


def _tables(features: Features) -> Iterator[Grant]:
    for table in features.tables:
        arn = Place(table.region, features.account or "*").arn("dynamodb", f"table/{table.name}")
        yield Grant(
            "KeepJournalAndLease",
            TABLE_ACTIONS,
            (arn,),
            "the journal, or the lease that says who may act, is in this table",
        )
        if table.make:
            yield Grant(
                "MakeTheTable",
                MAKING_ACTIONS,
                (arn,),
                "`rightsizer store init` makes the table where there is none",
            )
