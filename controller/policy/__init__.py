"""Policies: YAML documents in, resolved and frozen `controller.model.policy` values out.

The names below are the package's face. They are imported on first use, because the
loader brings pydantic and a YAML parser with it and `rightsizer --help` needs neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.policy.canonical import resolved_document
    from controller.policy.loader import load, load_with_warnings
    from controller.policy.ownership import (
        ClaimConflict,
        Claims,
        Discovered,
        claims,
        match_selector,
    )
    from controller.policy.problems import PolicyInvalid, PolicyProblem
    from controller.policy.schema import json_schema
    from controller.policy.starter import render_starter
    from controller.policy.watch import PolicyWatch

__all__ = [
    "ClaimConflict",
    "Claims",
    "Discovered",
    "PolicyInvalid",
    "PolicyProblem",
    "PolicyWatch",
    "claims",
    "json_schema",
    "load",
    "load_with_warnings",
    "match_selector",
    "render_starter",
    "resolved_document",
]

_HOMES = {
    "ClaimConflict": "ownership",
    "Claims": "ownership",
    "Discovered": "ownership",
    "PolicyInvalid": "problems",
    "PolicyProblem": "problems",
    "PolicyWatch": "watch",
    "claims": "ownership",
    "json_schema": "schema",
    "load": "loader",
    "load_with_warnings": "loader",
    "match_selector": "ownership",
    "render_starter": "starter",
    "resolved_document": "canonical",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
