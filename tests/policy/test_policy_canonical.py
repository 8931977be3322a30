"""A resolved policy written out again is the same policy; generation and digest tell contents."""

import io
import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from policy_strategies import policies
from policy_texts import POLICY, defaults, limits, loaded, policy
from ruamel.yaml import YAML

from controller.model.policy import Policy, Slo, Source
from controller.policy import load, load_with_warnings, resolved_document
from controller.policy.canonical import with_generation


def dumped(document: dict[str, Any]) -> str:
    out = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False  # ruamel writes flow style that it cannot read: {a: ??}
    yaml.dump(document, out)
    return out.getvalue()


@given(policies())
def test_a_resolved_policy_loads_back_to_itself(original: Policy) -> None:
    text = dumped(resolved_document(original))
    (again,) = load(["-"], io.StringIO(text)).policies
    assert replace(again, source=original.source) == original


@given(policies())
def test_so_it_does_as_json(original: Policy) -> None:
    text = json.dumps(resolved_document(original))
    (again,) = load(["-"], io.StringIO(text)).policies
    assert replace(again, source=original.source) == original


@given(policies())
def test_the_canonical_form_is_its_own_canonical_form(original: Policy) -> None:
    (again,) = load(["-"], io.StringIO(dumped(resolved_document(original)))).policies
    assert resolved_document(again) == resolved_document(original)


def test_the_document_shows_every_field_in_canonical_form() -> None:
    extra = "  cadence: {cooldownUp: 90m}\n  bounds: {maxMemory: 1024Mi}\n"
    (found,) = loaded(policy("a", "name: a", extra)).policies
    assert resolved_document(found) == {
        "apiVersion": "rightsizer.dev/v1alpha1",
        "kind": "RightsizingPolicy",
        "metadata": {"name": "a"},
        "spec": {
            "target": {
                "kind": "lambda_function",
                "name": "a",
                "region": "eu-west-1",
                "qualifier": "$LATEST",
            },
            "mode": "Recommend",
            "slo": {"latency": {"percentile": "p95", "threshold": "400ms"}, "window": "1h"},
            "budget": {"perMonth": "unlimited"},
            "bounds": {"maxMemory": "1Gi"},
            "cadence": {
                "interval": "5m",
                "cooldownUp": "1h30m",
                "cooldownDown": "6h",
                "stabilization": "1d",
                "minimumSaving": "5%",
            },
            "changeWindows": [],
            "rollout": {
                "canaryShare": "10%",
                "bake": "10m",
                "maximumBake": "6h",
                "minimumRequests": 200,
            },
            "confidence": "95%",
            "onConflict": "slo",
        },
    }


def test_the_generation_tells_content_and_not_place() -> None:
    (first,) = loaded(POLICY).policies
    (moved,) = loaded("# a comment\n\n" + POLICY.replace("400ms", "0s400ms")).policies
    (said_by_defaults,) = loaded(defaults("{mode: Recommend}"), POLICY).policies
    (other,) = loaded(POLICY.replace("400ms", "401ms")).policies
    assert first.generation == moved.generation == said_by_defaults.generation
    assert first.source != moved.source
    assert other.generation != first.generation
    assert len(first.generation) == 12


@given(policies())
def test_the_generation_depends_on_the_threshold_but_not_on_the_source(original: Policy) -> None:
    moved = replace(original, source=Source("elsewhere.yaml", 9, 9))
    slower = replace(original, slo=Slo(original.slo.threshold_ms + 1))
    assert with_generation(moved).generation == original.generation
    assert with_generation(slower).generation != original.generation


def test_the_digest_covers_policies_and_limits() -> None:
    digests = {
        loaded(POLICY).digest,
        loaded(POLICY, limits("{maxChangesPerHour: 1}")).digest,
        loaded(POLICY + "  mode: Off\n").digest,
        loaded(POLICY, policy("b", "name: b")).digest,
    }
    assert len(digests) == 4
    assert loaded(POLICY).digest == loaded(POLICY, limits("{maxChangesPerHour: 20}")).digest


def test_policies_come_sorted_by_name() -> None:
    found, _ = load_with_warnings(
        ["-"], io.StringIO(policy("b", "name: b") + "---\n" + policy("a", "name: a"))
    )
    assert [item.name for item in found.policies] == ["a", "b"]
