"""`rightsizer iam-policy` as a person uses it."""

import json
from pathlib import Path

import pytest
from cli_shell import Shell, policy

from controller.policy.loader import load

ROLE = "arn:aws:iam::444455556666:role/rightsizer"
THERE = """\
---
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata: {{name: there}}
spec:
  target: {{kind: lambda_function, name: far, region: eu-west-1, roleArn: {role}{more}}}
  slo: {{latency: {{percentile: p95, threshold: 1s}}}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One policy that enforces."""
    path = tmp_path / "policies.yaml"
    path.write_text(policy("ocr", mode="Enforce"), "utf-8")
    return path


def _there(file: Path, more: str = "") -> None:
    file.write_text(file.read_text("utf-8") + THERE.format(role=ROLE, more=more), "utf-8")


def test_the_same_policies_give_the_same_document(shell: Shell, file: Path) -> None:
    first, again = (shell("iam-policy", "--policies", file) for _ in range(2))
    assert first.code == 0
    assert first.out == again.out
    assert first.document["Version"] == "2012-10-17"
    assert "lambda:UpdateAlias" in first.out
    narrower = shell("iam-policy", "--policies", file, "--mode", "recommend")
    assert "lambda:UpdateAlias" not in narrower.out


def test_the_table_says_why(shell: Shell, file: Path) -> None:
    told = shell("iam-policy", "--policies", file, "-o", "table", "--account", "111122223333")
    assert "mode Enforce: set the memory" in told.out
    assert "arn:aws:lambda:eu-west-1:111122223333:function:ocr" in told.out


def test_roles_of_other_accounts_are_told_of_and_printed(shell: Shell, file: Path) -> None:
    _there(file, ", externalId: ours")
    mine = shell("iam-policy", "--policies", file)
    assert f"policies also act as {ROLE}" in mine.err
    assert "sts:AssumeRole" in mine.out
    theirs = shell("iam-policy", "--policies", file, "--role-arn", ROLE)
    assert "function:far" in theirs.out
    assert "function:ocr" not in theirs.out
    trust = shell("iam-policy", "--policies", file, "--role-arn", ROLE, "--trusted", "arn:x")
    (statement,) = trust.document["Statement"]
    assert statement["Condition"]["StringEquals"] == {"sts:ExternalId": "ours"}


def test_a_role_without_an_external_id_is_warned_of(shell: Shell, file: Path) -> None:
    _there(file)
    trust = shell("iam-policy", "--policies", file, "--role-arn", ROLE, "--trusted", "arn:x")
    assert "warning: no policy has an externalId" in trust.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--role-arn", ROLE), 1, "no policy names the role"),
        (("--trusted", "arn:x"), 64, "--trusted needs --role-arn"),
        (("--mode", "yolo"), 64, "observe"),
    ],
)
def test_what_cannot_be_printed(
    shell: Shell, file: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    answer = shell("iam-policy", "--policies", file, *arguments)
    assert answer.code == code
    assert says in answer.error


def test_policies_that_are_off_ask_for_nothing(shell: Shell, file: Path) -> None:
    file.write_text(policy("ocr", mode="Off"), "utf-8")
    assert "ask for nothing" in shell("iam-policy", "--policies", file).error


def test_a_long_document_is_said_to_be_and_split(shell: Shell, tmp_path: Path) -> None:
    many = tmp_path / "many.yaml"
    names = [f"function-with-a-long-name-{number:03d}" for number in range(60)]
    many.write_text("---\n".join(policy(name, mode="Enforce") for name in names), "utf-8")
    assert len(load([many]).policies) == 60
    whole = shell("iam-policy", "--policies", many)
    assert "a managed policy holds 6144" in whole.err
    parts = shell("iam-policy", "--policies", many, "--split").document
    assert len(parts) > 1
    assert all(len(json.dumps(part, separators=(",", ":"))) <= 6144 for part in parts)
    assert _pairs([whole.document]) == _pairs(parts)


def _pairs(documents: list[dict[str, list[dict[str, str | list[str]]]]]) -> set[tuple[str, str]]:
    """Every action with every resource."""

    def listed(value: str | list[str]) -> list[str]:
        return [value] if isinstance(value, str) else value

    return {
        (action, resource)
        for one in documents
        for statement in one["Statement"]
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
