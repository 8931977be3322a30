"""The JSON Schema: as committed, a schema, closed, and of one mind with the loader."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from policy_strategies import policies
from policy_texts import POLICY, defaults, limits, loaded, refused
from ruamel.yaml import YAML

from controller.model.policy import Policy
from controller.policy import json_schema, resolved_document
from controller.policy.published import REFERENCE_PATH, SCHEMA_PATH, reference_text, schema_text

VALIDATOR = Draft202012Validator(json_schema())


def valid(document: Any) -> bool:
    return bool(VALIDATOR.is_valid(document))


def read(text: str) -> list[Any]:
    return [d for d in YAML(typ="safe", pure=True).load_all(text) if d is not None]


def test_the_committed_schema_is_the_one_made_from_the_code(repository: Path) -> None:
    committed = (repository / SCHEMA_PATH).read_text("utf-8")
    assert committed == schema_text(), "run: python -m controller.policy.published"


def test_the_reference_page_is_the_one_made_from_the_code(repository: Path) -> None:
    page = (repository / REFERENCE_PATH).read_text("utf-8")
    assert page == reference_text(page), "run: python -m controller.policy.published"
    with pytest.raises(ValueError, match="lacks the line"):
        reference_text("# a page without markers")


def test_it_is_a_schema_by_its_own_rules() -> None:
    Draft202012Validator.check_schema(json_schema())
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--check-metaschema", str(SCHEMA_PATH)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def objects(schema: Any) -> list[dict[str, Any]]:
    here = [schema] if isinstance(schema, dict) and "properties" in schema else []
    children = schema.values() if isinstance(schema, dict) else schema
    nested = [c for c in children if isinstance(c, (dict, list))]
    return here + [found for child in nested for found in objects(child)]


def test_every_mapping_is_closed_and_every_field_described() -> None:
    for mapping in objects(json_schema()["$defs"]):
        assert mapping["additionalProperties"] is False
        for name, field in mapping["properties"].items():
            referred = "$ref" in field or "$ref" in field.get("items", {})
            assert referred or "const" in field or field.get("description"), name


def test_defaults_are_those_of_the_resolved_policy() -> None:
    (silent,) = loaded(POLICY).policies
    spec = resolved_document(silent)["spec"]
    defs = json_schema()["$defs"]
    for model, section in (("CadenceSpec", "cadence"), ("RolloutSpec", "rollout")):
        for name, body in defs[model]["properties"].items():
            assert body["default"] == spec[section][name]
    assert defs["PolicySpec"]["properties"]["mode"]["default"] == spec["mode"]
    assert "default" not in defs["LatencySpec"]["properties"]["threshold"]
    assert "default" not in defs["TargetSpec"]["properties"]["region"]


@given(policies())
def test_whatever_the_loader_writes_the_schema_accepts(policy: Policy) -> None:
    document = json.loads(json.dumps(resolved_document(policy)))
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize(
    "text", [POLICY, defaults("{}"), defaults("{mode: Off}"), limits("{maxChangesPerDay: 0}")]
)
def test_valid_documents(text: str) -> None:
    assert all(valid(document) for document in read(text))


@pytest.mark.parametrize(
    "appended",
    [
        "  windoww: 1\n",
        "  mode: enforce\n",
        "  budget: 120 USD\n",
        "  budget: {perMonth: 120}\n",
        "  budget:\n",
        "  bounds: {minMemory: 1024}\n",
        "  bounds: {memory: 1Gi}\n",
        "  cadence: {interval: 300}\n",
        "  cadence: {interval: ''}\n",
        "  confidence: 95\n",
        "  changeWindows: [{start: '09:00'}]\n",
        "  changeWindows: [{start: '9:00', end: '10:00'}]\n",
        "  changeWindows: [{days: [Monday], start: '09:00', end: '10:00'}]\n",
        "  rollout: {minimumRequests: 0}\n",
        "  onConflict: cost\n",
    ],
)
def test_what_the_loader_refuses_an_editor_marks(appended: str) -> None:
    assert refused(POLICY + appended)
    assert not any(valid(document) for document in read(POLICY + appended))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v1alpha1", "v1"),
        ("RightsizingPolicy", "FleetLimits"),
        ("name: ocr, region", "region"),
        ("name: ocr, region", "name: ocr, selector: {namePattern: o}, region"),
        ("name: ocr}\n", "name: OCR}\n"),
        ("threshold: 400ms", "threshold: 400"),
        ("region: eu-west-1", "region: Ireland"),
    ],
)
def test_wrong_documents_are_marked_as_well(old: str, new: str) -> None:
    text = POLICY.replace(old, new, 1)
    assert text != POLICY
    assert not any(valid(document) for document in read(text))


def test_the_package_says_nothing_of_pydantic_until_it_is_needed() -> None:
    code = (
        "import sys; from controller.policy import PolicyInvalid, claims; "
        "print('pydantic' in sys.modules, 'ruamel.yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_names_that_the_package_does_not_have() -> None:
    import controller.policy

    with pytest.raises(AttributeError, match="no attribute 'loaded'"):
        getattr(controller.policy, "loaded")  # noqa: B009
    assert all(getattr(controller.policy, name) for name in controller.policy.__all__)
