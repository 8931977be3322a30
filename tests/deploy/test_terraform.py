"""The Terraform module: it validates, its own tests pass, and it applies against an emulated AWS.

Real: the terraform program and the AWS provider. Emulated: AWS, by moto's server. Nothing runs
in the service that is made; that the task starts is not shown here.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chart import DEPLOY, tool
from emulated_aws import EmulatedAws
from pages import page

from controller.cli.config import options
from controller.policy.loader import load_with_warnings
from controller.store.dynamodb.connect import Table, check

pytestmark = pytest.mark.slow

MODULE = DEPLOY / "terraform/ecs"
MIRRORS = ("/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "/opt/*")
"""Where a copy of the provider may be that needs no registry."""


@dataclass(frozen=True)
class Terraform:
    """The program in a folder of its own."""

    folder: Path
    env_of_terraform: dict[str, str]

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["terraform", f"-chdir={self.folder}", *arguments, "-no-color"],
            env={**os.environ, **self.env_of_terraform},
            capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout


def _mirror() -> Path | None:
    found = (path for where in MIRRORS for path in Path("/").glob(where.lstrip("/")))
    return next((path for path in found if (path / "registry.terraform.io").is_dir()), None)


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Ready in a copy of the module."""
    mirror = _mirror()
    if shutil.which("terraform") is None or mirror is None:
        pytest.skip("there is no terraform, or no mirror of the AWS provider")
    folder = tmp_path_factory.mktemp("terraform")
    shutil.copytree(MODULE, folder / "ecs")
    settings = folder / "terraform.rc"
    settings.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
    )
    env = {"TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    return Terraform(folder, env)


def test_it_is_formatted_and_passes_its_own_tests(terraform: Terraform) -> None:
    inner = Terraform(terraform.folder / "ecs", terraform.env_of_terraform)
    inner("init", "-backend=false", "-input=false")
    inner("fmt", "-check", "-recursive")
    assert "Success!" in inner("test")


def test_the_page_from_nothing_to_a_service(
    terraform: Terraform, aws: EmulatedAws, tmp_path: Path
) -> None:
    """docs/install/ecs.md, command by command; then policies of one's own."""
    (network,) = aws("ec2").describe_vpcs()["Vpcs"]
    subnet = aws("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    followed = page("ecs.md", tmp_path, AWS_ENDPOINT_URL=aws.url, EMULATED_AWS=aws.url,
                    **terraform.env_of_terraform)  # fmt: skip
    image, first, own = (
        block.replace("vpc-0123456789abcdef0", network["VpcId"]).replace(
            "subnet-0123456789abcdef0", subnet
        )
        for block in followed.blocks
    )
    followed.follow(image)
    followed.follow(first)
    assert _permissions(aws) == _generated("recommend")
    _check_resources(aws, tmp_path)
    followed.follow(own)
    printed = json.loads((tmp_path / "my-rightsizer/permissions.json").read_text("utf-8"))
    assert _permissions(aws) == printed
    programs = [call[0] for call in followed.called]
    assert programs == ["make", "docker", "terraform", "terraform", "aws", "terraform"]


def _permissions(aws: EmulatedAws) -> Any:
    return aws("iam").get_role_policy(RoleName="rightsizer", PolicyName="policies")[
        "PolicyDocument"
    ]


def _generated(mode: str) -> Any:
    text = tool("terraform-permissions").permissions(mode)
    for name, value in (("partition", "aws"), ("region", "eu-west-1"), ("account", "123456789012")):
        text = text.replace(f"${{{name}}}", value)
    return json.loads(text)


def _check_resources(aws: EmulatedAws, folder: Path) -> None:
    table = Table("rightsizer", "eu-west-1", aws.url)
    check(aws("dynamodb"), table)
    ttl = aws("dynamodb").describe_time_to_live(TableName="rightsizer")
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "expires"
    (service,) = aws("ecs").describe_services(cluster="rightsizer", services=["rightsizer"])[
        "services"
    ]
    assert service["desiredCount"] == 2
    task = aws("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])
    kept = json.loads((DEPLOY / "ecs/task-definition.json").read_text("utf-8"))
    assert {name: task["taskDefinition"].get(name) for name in kept} == kept
    _check_task(task["taskDefinition"], folder)
    names = {one["AlarmName"] for one in aws("cloudwatch").describe_alarms()["MetricAlarms"]}
    assert names == {"rightsizer-silent", "rightsizer-errors"}
    assert aws("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 400


def _check_task(task: dict[str, Any], folder: Path) -> None:
    """The containers say what the program understands; the first one's script is run."""
    files, main = task["containerDefinitions"]
    known = {option.envvar for option in options()}
    given = {one["name"] for one in main["environment"] if one["name"].startswith("RIGHTSIZER_")}
    assert given <= known
    state = folder / "state"
    state.mkdir()
    python, flag, script = files["entryPoint"]
    assert (python, flag) == ("python", "-c")
    policies = {one["name"]: one["value"] for one in files["environment"]}["POLICIES"]
    script = script.replace("/var/lib/rightsizer", str(state))
    subprocess.run(
        [shutil.which("python3") or "python3", "-c", script],
        env={"POLICIES": policies, "TOKEN": "t" * 40}, check=True,
    )  # fmt: skip
    assert (state / "token").stat().st_mode & 0o777 == 0o600
    loaded, warnings = load_with_warnings([state / "policies"])
    assert not warnings
    assert {policy.mode.value for policy in loaded.policies} == {"Recommend"}


@pytest.mark.parametrize("mode", ["observe", "recommend", "enforce"])
def test_its_permissions_are_the_generated_ones(mode: str) -> None:
    kept = (MODULE / f"files/permissions-{mode}.json.tftpl").read_text("utf-8")
    assert kept == tool("terraform-permissions").permissions(mode), (
        "run tools/terraform-permissions"
    )
