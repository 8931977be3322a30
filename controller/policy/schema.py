"""JSON Schema (draft 2020-12) of the three kinds of document, for editors and CI.

Made from the pydantic models. Two things are put right on the way: a field that may be
absent is described as absent, not as null, which the loader refuses; and each default is
the one of the resolved policy, read from `controller.model.policy` by resolving a policy
that says nothing.
"""

import re
from typing import Any

from pydantic.json_schema import models_json_schema

from controller.model.endpoint import Kind
from controller.model.policy import FleetLimits, Policy, Scope, Slo, Source, Target
from controller.model.probing import LiveProbe, Probing
from controller.policy.amounts import UNLIMITED, format_money_usd
from controller.policy.canonical import resolved_document
from controller.policy.documents import DOCUMENTS
from controller.policy.probe_resolve import probe_document

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = "urn:rightsizer.dev:v1alpha1"

_NOT_DEFAULTS = {
    "target.name",
    "target.region",
    "target.kind",
    "target.qualifier",
    "slo.latency.threshold",
}
"""What the policy that says nothing must say nevertheless, or what depends on the kind."""


def json_schema() -> dict[str, Any]:
    """One schema for all kinds: `oneOf` by `kind`, closed against unknown fields."""
    models = [(model, "validation") for _, model in DOCUMENTS]
    _, whole = models_json_schema(models, by_alias=True)  # type: ignore[arg-type]
    definitions = {name: _tidied(body) for name, body in sorted(whole["$defs"].items())}
    for body in definitions.values():
        body.pop("title", None)
    _add_defaults(definitions, "PolicySpec", _default_spec(), "")
    _add_defaults(definitions, "DefaultsSpec", _default_spec(), "")
    _add_defaults(definitions, "LimitsSpec", _default_limits(), "")
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "Rightsizer policies, rightsizer.dev/v1alpha1",
        "description": "Policies, defaults and limits of Rightsizer. Generated; do not edit.",
        "oneOf": [{"$ref": f"#/$defs/{model.__name__}"} for _, model in DOCUMENTS],
        "$defs": definitions,
    }


def _tidied(node: Any) -> Any:
    """Without null alternatives, generated titles and line breaks in descriptions."""
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _tidied(value) for key, value in node.items() if key != "title" or _named(value)}
    if isinstance(node.get("description"), str):
        node["description"] = re.sub(r"\s+", " ", node["description"])
    if "default" in node and node["default"] in (None, {}):
        del node["default"]
    options = [option for option in node.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1 and "anyOf" in node:
        del node["anyOf"]
        node = {**options[0], **node}
    elif options:
        node["anyOf"] = options
    return node


def _named(value: Any) -> bool:
    """A property called `title` is a schema; a generated title is text."""
    return isinstance(value, dict)


def _default_spec() -> dict[str, Any]:
    kinds = (Kind.SERVERLESS_ENDPOINT, Kind.REALTIME_ENDPOINT)
    target = Target(Kind.LAMBDA_FUNCTION, Scope("eu-west-1"), name="example", more_kinds=kinds)
    silent = Policy("example", target, Slo(threshold_ms=1.0), Source("", 1, 1), "")
    spec: dict[str, Any] = resolved_document(silent)["spec"]
    probes = probe_document(Probing((), LiveProbe()), target.kinds)
    del probes["payloads"]
    return {**spec, "probe": probes}


def _default_limits() -> dict[str, Any]:
    limits = FleetLimits()
    budget = limits.budget_usd_per_month
    return {
        "maxConcurrentChanges": _limit(limits.max_concurrent_changes),
        "maxChangesPerHour": _limit(limits.max_changes_per_hour),
        "maxChangesPerDay": _limit(limits.max_changes_per_day),
        "budget": {"perMonth": UNLIMITED if budget is None else format_money_usd(budget)},
    }


def _limit(limit: int | None) -> int | str:
    return UNLIMITED if limit is None else limit


def _add_defaults(
    definitions: dict[str, Any], model: str, values: dict[str, Any], path: str
) -> None:
    """Write each value as the `default` of its property, following references."""
    for name, body in definitions[model].get("properties", {}).items():
        here = f"{path}{name}"
        if name not in values or here in _NOT_DEFAULTS:
            continue
        value = values[name]
        if isinstance(value, dict) and "$ref" in body:
            _add_defaults(definitions, body["$ref"].rpartition("/")[2], value, f"{here}.")
        else:
            body["default"] = value
