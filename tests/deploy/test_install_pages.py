"""docs/install, followed command by command as far as there are stand-ins for AWS and a cluster."""

import json
from pathlib import Path
from typing import Any

import pytest
from chart import YAML_SAFE
from emulated_aws import EmulatedAws
from pages import page

from controller.clock import SystemClock
from controller.policy.loader import load_with_warnings
from controller.sandbox.extensions import state_of
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.iam.guard import Guard
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

HERE = "arn:aws:iam::123456789012:user/sandbox"
THERE = "arn:aws:sts::444455556666:assumed-role/rightsizer"
POLICIES = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata: {name: here}
spec:
  mode: Enforce
  target: {kind: lambda_function, name: ocr, region: eu-west-1, qualifier: live}
  slo: {latency: {percentile: p95, threshold: 400ms}}
---
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata: {name: there}
spec:
  mode: Enforce
  target:
    kind: realtime_endpoint
    name: svc
    region: eu-west-1
    roleArn: arn:aws:iam::444455556666:role/rightsizer
    externalId: only-ours
  slo: {latency: {percentile: p95, threshold: 100ms}}
"""
FUNCTION = {"name": "ocr", "memory_mb": 1024, "versions": 1, "aliases": {"live": 1}, "age_days": 1}
ENDPOINT = {"name": "svc", "account": "444455556666", "instance_type": "ml.c5.large",
            "instance_count": 1, "age_days": 1}  # fmt: skip


@pytest.mark.slow
def test_permissions(tmp_path: Path, aws: EmulatedAws) -> None:
    """The documents that the page prints are enforced, and `doctor` finds them sufficient."""
    world = World(seed=1, start_s=SystemClock().now_s())
    nature = {"workload": {"qualifier": "live", "traffic": {"rps": 1.0}}}
    seed_world(world, {"functions": [{**FUNCTION, **nature}], "endpoints": [ENDPOINT]})
    server = SandboxServer(world, "127.0.0.1", 0)
    server.start()
    try:
        followed = page("iam.md", tmp_path, AWS_ENDPOINT_URL=server.url, EMULATED_AWS=aws.url)
        (tmp_path / "my-policies").mkdir()
        (tmp_path / "my-policies/all.yaml").write_text(POLICIES, "utf-8")
        mine, why, theirs, roles, enough = followed.blocks
        followed.follow(mine)
        told = followed.follow(why)
        assert "target.roleArn" in told
        followed.follow(theirs)
        followed.follow(roles)
        guard = state_of(world, Guard)
        guard.attach(HERE, [_read(tmp_path / "permissions.json")])
        guard.attach(THERE, [_read(tmp_path / "theirs.json")])
        report = followed.follow(f"{enough.strip()} --try-enforce || true")
    finally:
        server.stop()
    denied = [(access.action, access.resource) for _, access in guard.denied]
    assert denied == [("tag:GetResources", "*")] * 2, report
    assert "\nfail" not in report, report
    kept = aws("iam").get_role(RoleName="rightsizer")["Role"]["AssumeRolePolicyDocument"]
    assert kept["Statement"][0]["Condition"] == {"StringEquals": {"sts:ExternalId": "only-ours"}}


def _read(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


@pytest.mark.slow
def test_kubernetes(tmp_path: Path, aws: EmulatedAws) -> None:
    validator = pytest.importorskip("kubernetes_validate")
    followed = page("kubernetes.md", tmp_path, EMULATED_AWS=aws.url)
    for block in followed.blocks:
        followed.follow(block)
    manifests = {
        one["kind"]: one
        for one in YAML_SAFE.load_all((tmp_path / "rendered.yaml").read_text("utf-8"))
    }
    for document in manifests.values():
        validator.validate(document, validator.latest_version(), strict=True)
    spec = manifests["Deployment"]["spec"]
    assert spec["replicas"] == 2
    (container,) = spec["template"]["spec"]["containers"]
    assert container["image"].startswith("registry.example/rightsizer:")
    (tmp_path / "mounted.yaml").write_text(manifests["ConfigMap"]["data"]["policies.yaml"], "utf-8")
    loaded, warnings = load_with_warnings([tmp_path / "mounted.yaml"])
    assert not warnings
    assert [policy.mode.value for policy in loaded.policies] == ["Recommend"]
    made = aws("iam").get_role_policy(RoleName="rightsizer", PolicyName="rightsizer")
    actions = json.dumps(made["PolicyDocument"])
    assert "dynamodb:CreateTable" in actions
    assert "lambda:Update" not in actions
    account = manifests["ServiceAccount"]["metadata"]
    associated = next(call for call in followed.called if call[:2] == ["aws", "eks"])
    assert associated[associated.index("--service-account") + 1] == account["name"]
    assert associated[associated.index("--namespace") + 1] == account["namespace"]
