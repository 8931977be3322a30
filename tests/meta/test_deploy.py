"""What is shipped for deployment agrees with the program: permissions, image, manifests."""

import ast
import json
import re
from typing import Any

import pytest
from ruamel.yaml import YAML
from sources import REPOSITORY, modules

import controller
from controller.aws.errors import iam_action
from controller.model.policy import Mode
from controller.policy.loader import load_with_warnings
from controller.settings import Settings

DEPLOY = REPOSITORY / "deploy"
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text("utf-8")
IMPLIED = {"sts:AssumeRole"}
"""Granted by assume-role.json, which only some need."""
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
BY_THEIR_EFFECT = {
    "cloudwatch:DescribeAlarms",  # PutScalingPolicy makes alarms as whoever calls it
    "cloudwatch:TagResource",  # PutMetricAlarm with tags
    "iam:CreateServiceLinkedRole",  # RegisterScalableTarget, the first time in an account
    "sagemaker:AddTags",  # CreateEndpointConfig with tags
}
FILES = (
    "lambda-read",
    "lambda-enforce",
    "lambda-remove-versions",
    "sagemaker-read",
    "sagemaker-enforce",
    "notify",
)


def granted(name: str) -> set[str]:
    """All actions that a file allows."""
    document = json.loads((DEPLOY / "iam" / name).read_text("utf-8"))
    actions: set[str] = set()
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        listed = statement["Action"]
        actions |= {listed} if isinstance(listed, str) else set(listed)
    return actions


def called() -> set[str]:
    """IAM actions of the AWS operations that adapters name when they call them."""
    found = set()
    for module in modules():
        if not module.path.startswith(("controller/aws/", "controller/kinds/")):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "translated":
                words = [a.value for a in node.args[:2] if isinstance(a, ast.Constant)]
                if len(words) == 2 and str(words[1])[:1].isupper():
                    found.add(iam_action(str(words[0]), str(words[1])))
    return found


def manifests() -> dict[str, Any]:
    """Every Kubernetes manifest by kind."""
    yaml = YAML(typ="safe")
    found = {}
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.load_all(path.read_text("utf-8")):
            found[document["kind"]] = document
    return found


@pytest.mark.parametrize("kind", ["lambda", "sagemaker"])
def test_reading_grants_no_change(kind: str) -> None:
    for action in granted(f"{kind}-read.json"):
        assert re.match(r"[\w-]+:(Get|List|Start|Describe)\w+$", action), action


def test_every_call_is_granted_and_nothing_more() -> None:
    allowed = set().union(*(granted(f"{name}.json") for name in FILES))
    assert called() | CHOSEN_AT_RUN_TIME | BY_THEIR_EFFECT == allowed | IMPLIED


def test_calls_that_are_chosen_at_run_time_are_made_somewhere() -> None:
    texts = " ".join(module.text for module in modules())
    for action in CHOSEN_AT_RUN_TIME:
        assert action.rpartition(":")[2] in texts


def test_only_configurations_of_ours_may_be_deleted() -> None:
    document = json.loads((DEPLOY / "iam/sagemaker-enforce.json").read_text("utf-8"))
    for statement in document["Statement"]:
        if "sagemaker:DeleteEndpointConfig" in statement["Action"]:
            assert statement["Resource"].endswith(":endpoint-config/rightsizer-*")
    every = set().union(*(granted(f"{name}.json") for name in FILES))
    assert not {"sagemaker:DeleteEndpoint", "sagemaker:DeleteModel"} & every


def test_pod_runs_as_the_image_does() -> None:
    pod = manifests()["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    user = str(pod["securityContext"]["runAsUser"])
    assert f"USER {user}:{user}\n" in DOCKERFILE
    words = re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert words
    assert container["args"] == json.loads(words[1])
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/var/lib/rightsizer", "/etc/rightsizer/policies"} <= mounts
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    port = str(container["ports"][0]["containerPort"])
    assert f"EXPOSE {port}\n" in DOCKERFILE
    assert f"http://127.0.0.1:{port}/healthz" in DOCKERFILE


def test_image_listens_where_the_program_does_outside_it() -> None:
    """Same port as everywhere, on every address, and the journal on the volume."""
    port = Settings(store=REPOSITORY).listen.rpartition(":")[2]
    assert f"RIGHTSIZER_LISTEN=0.0.0.0:{port}\n" in DOCKERFILE
    assert f"EXPOSE {port}\n" in DOCKERFILE
    assert "RIGHTSIZER_STORE=/var/lib/rightsizer/journal.db" in DOCKERFILE
    assert "VOLUME /var/lib/rightsizer\n" in DOCKERFILE
    assert int(port) == manifests()["Service"]["spec"]["ports"][0]["port"]


def test_policies_of_the_base_are_valid_and_only_recommend() -> None:
    policies, warnings = load_with_warnings([DEPLOY / "kubernetes/policies.yaml"])
    assert not warnings
    assert {policy.mode for policy in policies.policies} == {Mode.RECOMMEND}


def test_manifests_and_image_name_this_version() -> None:
    (image,) = manifests()["Kustomization"]["images"]
    assert image["newTag"] == controller.__version__
    assert f"ARG VERSION={controller.__version__}\n" in DOCKERFILE


def test_one_writer_at_a_time() -> None:
    spec = manifests()["Deployment"]["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_image_is_built_from_the_lock_files(lock: str) -> None:
    assert f"pip install --require-hashes -r {lock}" in DOCKERFILE
    ignored = (REPOSITORY / ".dockerignore").read_text("utf-8")
    assert f"!{lock}\n" in ignored
