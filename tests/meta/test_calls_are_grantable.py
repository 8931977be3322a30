"""Every call that the code names is one that `rightsizer iam-policy` can grant, and the reverse."""

import ast

from botocore.session import Session as BotocoreSession
from sources import modules

from controller.aws.errors import iam_action
from controller.core.permissions.grant import Access
from controller.core.permissions.needs import Features, Table, needs
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
from controller.model.probing import PayloadSource, Probing

ROOMS = ("controller/aws/", "controller/kinds/", "controller/probes/", "controller/store/")
NEEDS_NOTHING = {"sts:GetCallerIdentity"}
OF_PEOPLE = {"lambda:ListAliases"}
"""Asked by `init`, before there is a policy to generate anything from."""
CHOSEN_AT_RUN_TIME = {
    "application-autoscaling:DeleteScalingPolicy",
    "application-autoscaling:DeleteScheduledAction",
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "application-autoscaling:PutScalingPolicy",
    "application-autoscaling:PutScheduledAction",
    "application-autoscaling:RegisterScalableTarget",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
}
"""Calls whose service or operation stands in a variable where they are made."""


def called() -> set[str]:
    """IAM actions of the AWS operations that adapters name when they call them."""
    found = set()
    for module in modules():
        if not module.path.startswith(ROOMS):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "translated":
                words = [a.value for a in node.args[:2] if isinstance(a, ast.Constant)]
                if len(words) == 2 and str(words[1])[:1].isupper():
                    found.add(iam_action(str(words[0]), str(words[1])))
    return found


def granted() -> set[str]:
    """All actions of all policies, modes and features."""
    selectors = (None, Selector("a-*"), Selector(tags={"a": "b"}))
    role = "arn:aws:iam::444455556666:role/rightsizer"
    targets = [
        Target(kind, scope, None if selector else "a", selector, qualifier)
        for kind in Kind
        for selector in selectors
        for qualifier in (None, "live")
        for scope in (Scope("eu-west-1"), Scope("eu-west-1", role_arn=role))
    ]
    source = Source("p.yaml", 1, 1)
    probe = Probing(payloads=(PayloadSource(s3="s3://bucket/key"),), shadows=True)
    policies = [
        Policy("p", t, Slo(1.0), source, "g", mode=Mode.ENFORCE, probe=probe) for t in targets
    ]
    features = Features(
        topics=("arn:aws:sns:eu-west-1:1:t",),
        tables=(Table("t", "eu-west-1", make=True),),
        keep_versions=True,
        models=("s3://models/here",),
        volume_keys=("arn:aws:kms:eu-west-1:1:key/k",),
    )
    grants = needs(PolicySet(tuple(policies), FleetLimits(), "d"), features, asked=Access.PROBE)
    return {action for grant in grants for action in grant.actions}


def test_every_call_can_be_granted() -> None:
    assert called() - NEEDS_NOTHING - OF_PEOPLE - granted() == set()


IN_TRANSACTIONS = {
    "Put": "PutItem",
    "Delete": "DeleteItem",
    "Update": "UpdateItem",
    "ConditionCheck": "ConditionCheckItem",
}
"""A transaction asks for what its members ask for (DynamoDB Developer Guide, "Transactions")."""


def test_the_journal_s_calls_are_granted_on_its_table() -> None:
    """DynamoDB's client is called by methods, whose names are its operations'."""
    found: set[str] = set()
    for module in modules():
        if not module.path.startswith("controller/store/dynamodb/"):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = "".join(part.title() for part in node.func.attr.split("_"))
                if name in OPERATIONS:
                    found.add(name)
            if isinstance(node, ast.Dict):
                keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
                found |= {IN_TRANSACTIONS[str(key)] for key in keys & IN_TRANSACTIONS.keys()}
    asked = {f"dynamodb:{name}" for name in found if not name.startswith("Transact")}
    of_tags = {"dynamodb:TagResource"}  # CreateTable with tags
    assert asked | of_tags == {one for one in granted() if one.startswith("dynamodb:")}


OPERATIONS = frozenset(BotocoreSession().get_service_model("dynamodb").operation_names)


def test_calls_that_are_chosen_at_run_time_are_made_somewhere() -> None:
    texts = " ".join(module.text for module in modules())
    for action in CHOSEN_AT_RUN_TIME:
        assert action.rpartition(":")[2] in texts
    assert granted() >= CHOSEN_AT_RUN_TIME
