"""From policies to grants: as narrow as the policies are, by ARN, tag and region."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from controller.core.permissions.documents import (
    MANAGED_POLICY_CHARACTERS,
    characters,
    document,
    trust,
)
from controller.core.permissions.grant import Access, Grant
from controller.core.permissions.needs import Features, Table, needs, roles
from controller.model.endpoint import Kind
from controller.model.policy import (
    FleetLimits,
    Mode,
    Policy,
    PolicySet,
    Scope,
    Selector,
    Slo,
    Source,
    Target,
)

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd"
ROLE = "arn:aws:iam::444455556666:role/rightsizer"


def policy(
    kind: Kind = Kind.LAMBDA_FUNCTION,
    *,
    name: str | None = "ocr",
    selector: Selector | None = None,
    scope: Scope = Scope("eu-west-1"),  # noqa: B008 - a frozen value
    mode: Mode = Mode.RECOMMEND,
    qualifier: str | None = None,
) -> Policy:
    target = Target(kind, scope, None if selector else name, selector, qualifier)
    return Policy("p", target, Slo(400.0), Source("p.yaml", 1, 1), "g", mode=mode)


def granted(*policies: Policy, **options: Any) -> tuple[Grant, ...]:
    features = options.pop("features", Features(account=ACCOUNT))
    return needs(PolicySet(policies, FleetLimits(), "d"), features, **options)


def on(grants: tuple[Grant, ...], action: str) -> set[str]:
    """All resources on which an action is granted."""
    return {r for grant in grants if action in grant.actions for r in grant.resources}


def test_a_named_function_is_all_that_is_reached() -> None:
    grants = granted(policy(mode=Mode.ENFORCE))
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:ocr"
    assert on(grants, "lambda:UpdateFunctionConfiguration") == {arn}
    assert on(grants, "lambda:GetFunctionConfiguration") == {arn}
    assert on(grants, "lambda:UpdateAlias") == set(), "no alias, no right to move one"
    assert on(grants, "lambda:ListFunctions") == set()
    assert on(grants, "tag:GetResources") == set()


def test_behind_an_alias_its_versions_are_read_and_the_function_is_changed() -> None:
    grants = granted(policy(mode=Mode.ENFORCE, qualifier="live"))
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:ocr"
    assert on(grants, "lambda:GetFunctionConfiguration") == {arn, f"{arn}:*"}
    assert on(grants, "lambda:UpdateAlias") == on(grants, "lambda:PublishVersion") == {arn}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("access", [Access.OBSERVE, Access.RECOMMEND])
def test_looking_changes_nothing(kind: Kind, access: Access) -> None:
    for grant in granted(policy(kind, mode=Mode.ENFORCE), asked=access):
        for action in grant.actions:
            assert re.match(r"[\w-]+:(Get|List|StartQuery|Describe)", action), action


@pytest.mark.parametrize("kind", Kind)
def test_nothing_of_anybody_is_ever_deleted(kind: Kind) -> None:
    grants = granted(policy(kind), asked=Access.ENFORCE, features=Features(keep_versions=True))
    for action in ("sagemaker:DeleteEndpoint", "sagemaker:DeleteModel"):
        assert on(grants, action) == set()
    assert all("/rightsizer-" in arn for arn in on(grants, "sagemaker:DeleteEndpointConfig"))
    deletes = [g for g in grants if "sagemaker:DeleteEndpointConfig" in g.actions]
    assert all(g.conditions[0].key == "aws:ResourceTag/rightsizer:owner" for g in deletes)


def test_a_selector_becomes_conditions_on_tags() -> None:
    selector = Selector("ocr-[ab]*", {"team": "ml", "stage": "prod"})
    grants = granted(policy(selector=selector, mode=Mode.ENFORCE))
    (change,) = (g for g in grants if "lambda:UpdateFunctionConfiguration" in g.actions)
    assert change.resources == (f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:ocr-?*",)
    assert [(c.key, c.values) for c in change.conditions] == [
        ("aws:ResourceTag/stage", ("prod",)),
        ("aws:ResourceTag/team", ("ml",)),
    ]
    assert on(grants, "tag:GetResources") == {"*"}
    assert on(grants, "lambda:ListFunctions") == set(), "tags alone find them"


def test_what_knows_no_resources_is_held_to_the_regions_of_the_policies() -> None:
    grants = granted(policy(), policy(name="b", scope=Scope("us-east-2")))
    (metrics,) = (g for g in grants if "cloudwatch:GetMetricData" in g.actions)
    assert metrics.conditions[0].values == ("eu-west-1", "us-east-2")
    everywhere = [g for g in grants if "*" in g.resources]
    assert all(g.conditions for g in everywhere)


def test_another_partition_has_other_arns() -> None:
    grants = granted(policy(scope=Scope("us-gov-west-1")))
    arns = {r for g in grants for r in g.resources} - {"*"}
    assert all(arn.startswith("arn:aws-us-gov:") for arn in arns)


def test_a_role_gets_what_its_policies_need_and_the_controller_only_the_way_there() -> None:
    there = policy(scope=Scope("eu-west-1", role_arn=ROLE, external_id="x"), mode=Mode.ENFORCE)
    own = granted(there)
    assert {action for g in own for action in g.actions} == {
        "pricing:GetProducts",
        "sts:AssumeRole",
    }
    assert on(own, "sts:AssumeRole") == {ROLE}
    theirs = granted(there, role_arn=ROLE)
    assert on(theirs, "lambda:UpdateFunctionConfiguration") == {
        "arn:aws:lambda:eu-west-1:444455556666:function:ocr"
    }
    assert on(theirs, "pricing:GetProducts") == on(theirs, "sts:AssumeRole") == set()
    assert roles(PolicySet((there, policy()), FleetLimits(), "d")) == (ROLE,)


def test_who_may_assume_it_is_one_principal_with_the_external_id() -> None:
    (statement,) = trust(f"arn:aws:iam::{ACCOUNT}:role/central", "x")["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:role/central"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "x"}}


def test_off_asks_for_nothing_whatever_is_asked() -> None:
    assert granted(policy(mode=Mode.OFF), asked=Access.ENFORCE) == ()


def test_what_the_process_does_beside_is_granted_when_it_is_done() -> None:
    topic = f"arn:aws:sns:eu-west-1:{ACCOUNT}:alerts"
    features = Features((topic,), (Table("journal", "eu-west-1"),), account=ACCOUNT)
    grants = granted(policy(), features=features)
    assert on(grants, "sns:Publish") == {topic}
    assert on(grants, "dynamodb:PutItem") == {f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/journal"}
    assert (
        on(granted(policy()), "dynamodb:PutItem") == on(granted(policy()), "sns:Publish") == set()
    )


def test_volume_keys_are_used_where_configurations_are_made_and_for_aws_only() -> None:
    features = Features(volume_keys=(KEY,), account=ACCOUNT)
    kind = Kind.REALTIME_ENDPOINT
    grants = granted(policy(kind, mode=Mode.ENFORCE), features=features)
    assert on(grants, "kms:CreateGrant") == on(grants, "kms:DescribeKey") == {KEY}
    (taking,) = [grant for grant in grants if "kms:CreateGrant" in grant.actions]
    (condition,) = taking.conditions
    assert (condition.operator, condition.key) == ("Bool", "kms:GrantIsForAWSResource")
    elsewhere = (
        granted(policy(kind), features=features),
        granted(policy(Kind.SERVERLESS_ENDPOINT, mode=Mode.ENFORCE), features=features),
        granted(policy(kind, mode=Mode.ENFORCE)),
    )
    assert all(on(grants, "kms:CreateGrant") == set() for grants in elsewhere)


def test_sizes_of_models_are_listed_under_their_prefixes_and_nothing_is_read() -> None:
    features = Features(models=("s3://models", "s3://shared/ml/"), account=ACCOUNT)
    grants = granted(policy(Kind.SERVERLESS_ENDPOINT), features=features)
    assert on(grants, "s3:ListBucket") == {"arn:aws:s3:::models", "arn:aws:s3:::shared"}
    held = [g.conditions for g in grants if "arn:aws:s3:::shared" in g.resources]
    assert [c.values for (c,) in held] == [("ml/*",)]
    assert on(grants, "s3:GetObject") == set()
    assert on(granted(policy(Kind.SERVERLESS_ENDPOINT)), "s3:ListBucket") == set()
    assert on(granted(policy(Kind.REALTIME_ENDPOINT), features=features), "s3:ListBucket") == set()


def _every() -> Iterator[Mapping[str, Any]]:
    """Documents for all kinds, ways to be found and levels."""
    kinds = [policy(kind, mode=Mode.ENFORCE, qualifier=None) for kind in Kind]
    tagged = [policy(kind, selector=Selector("a-*", {"team": "ml"})) for kind in Kind]
    features = Features(
        (f"arn:aws:sns:eu-west-1:{ACCOUNT}:alerts",),
        (Table("journal", "eu-west-1"),),
        ("/custom/*",),
        keep_versions=True,
        volume_keys=(KEY,),
        models=("s3://models", "s3://shared/ml/"),
        account=ACCOUNT,
    )
    for access in (None, *Access):
        yield document(
            granted(
                *kinds,
                *tagged,
                policy(qualifier="live", name="alias", mode=Mode.ENFORCE),
                policy(name="far", scope=Scope("eu-west-1", role_arn=ROLE)),
                features=features,
                asked=access,
            )
        )


def _explained(finding: str) -> bool:
    """UpdateEndpoint: the linter wants both resources in one statement; IAM asks for each by
    itself, and the tags of one are not the other's, so under tags there are two statements.
    DescribeLogGroups: the linter knows no resource of it, AWS asks for `log-group:*`."""
    known = ("'sagemaker:UpdateEndpoint'", "'logs:DescribeLogGroups'")
    return "RESOURCE_MISMATCH" in finding and any(action in finding for action in known)


def test_documents_of_endpoints_by_name_need_no_exception() -> None:
    parliament = pytest.importorskip("parliament")
    grants = granted(*(policy(kind, mode=Mode.ENFORCE) for kind in Kind))
    assert parliament.analyze_policy_string(json.dumps(document(grants))).findings == []


def test_every_document_is_clean_to_the_linter() -> None:
    parliament = pytest.importorskip("parliament")
    for content in _every():
        linted = parliament.analyze_policy_string(json.dumps(content))
        found = [f"{one.issue}: {one.detail}" for one in linted.findings]
        assert [text for text in found if not _explained(text)] == []
        sids = [statement["Sid"] for statement in content["Statement"]]
        assert len(sids) == len(set(sids))
        assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)
        assert 0 < characters(content) < 3 * MANAGED_POLICY_CHARACTERS, "of all there is at once"
