"""The policies that come with the project: they load, and an editor is content with them."""

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from policy_texts import POLICY
from ruamel.yaml import YAML

from controller.model.endpoint import Kind
from controller.model.policy import FleetLimits, Mode, OnConflict
from controller.policy import json_schema, load, load_with_warnings

POLICIES = Path(__file__).parents[2] / "policies"
DEMO = Path(__file__).parents[2] / "controller/demo/policies"
FILES = sorted([*POLICIES.rglob("*.yaml"), *DEMO.glob("*.yaml")])
EXAMPLES = sorted((POLICIES / "examples").glob("*.yaml"))


def named(path: Path) -> str:
    return str(path.relative_to(POLICIES.parent))


@pytest.mark.parametrize("file", FILES, ids=named)
def test_each_file_loads_without_a_warning(file: Path) -> None:
    _, warnings = load_with_warnings([file])
    assert [w.message for w in warnings if "holds no" not in w.message] == []


@pytest.mark.parametrize("file", FILES, ids=named)
def test_each_file_tells_the_editor_its_schema(file: Path) -> None:
    first = file.read_text("utf-8").splitlines()[0]
    match = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert match, first
    assert (file.parent / match.group(1)).resolve() == POLICIES / "rightsizer.schema.json"


@pytest.mark.parametrize("file", FILES, ids=named)
def test_each_document_is_valid_by_the_schema(file: Path) -> None:
    validator = Draft202012Validator(json_schema())
    documents = list(YAML(typ="safe", pure=True).load_all(file.read_text("utf-8")))
    assert documents
    for document in documents:
        assert [error.message for error in validator.iter_errors(document)] == []


def test_all_files_together_are_one_valid_set() -> None:
    assert len(load([POLICIES]).policies) >= len(EXAMPLES)


def test_the_defaults_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POLICY)
    (tmp_path / "b.yaml").write_text((POLICIES / "00-defaults.yaml").read_text())
    assert load([tmp_path]) == load([tmp_path / "a.yaml"])
    assert load([tmp_path]).limits == FleetLimits()


def test_the_defaults_file_states_every_default(tmp_path: Path) -> None:
    (spec, limits) = (
        document["spec"]
        for document in YAML(typ="safe", pure=True).load_all(
            (POLICIES / "00-defaults.yaml").read_text("utf-8")
        )
    )
    definitions = json_schema()["$defs"]

    def leaves(model: str) -> set[str]:
        found = set()
        for name, body in definitions[model]["properties"].items():
            if "$ref" in body:
                inner = body["$ref"].rpartition("/")[2]
                found |= {f"{name}.{leaf}" for leaf in leaves(inner)}
            elif "default" in body:
                found.add(name)
        return found

    def written(node: dict[str, object], prefix: str = "") -> set[str]:
        found = set()
        for name, value in node.items():
            inner = isinstance(value, dict)
            found |= written(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}"}  # type: ignore[arg-type]
        return found

    assert leaves("DefaultsSpec") - {"target.qualifier"} <= written(spec) | {
        "slo.latency.threshold"
    }
    assert leaves("LimitsSpec") == written(limits)


def test_the_examples_show_what_there_is_to_show() -> None:
    policies = load(EXAMPLES).policies
    assert {policy.mode for policy in policies} == set(Mode)
    assert {policy.on_conflict for policy in policies} == set(OnConflict)
    qualifiers = {policy.target.qualifier for policy in policies}
    assert qualifiers == {"live", "$LATEST", "AllTraffic", None}
    assert {kind for policy in policies for kind in policy.target.kinds} == set(Kind)
    assert any(policy.target.selector for policy in policies)
    assert any(policy.target.scope.role_arn for policy in policies)
    assert any(policy.change_windows for policy in policies)
    assert any(policy.budget_usd_per_month for policy in policies)
    assert any(policy.bounds.memory_mb for policy in policies)
