"""Grants as IAM's JSON, and who may assume a role."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.core.permissions.grant import Grant

VERSION = "2012-10-17"
MANAGED_POLICY_CHARACTERS = 6144
"""The most that a managed policy may hold, white space not counted (IAM quotas)."""


def document(grants: Sequence[Grant]) -> dict[str, Any]:
    """A policy to attach to the identity."""
    sids = _unique([grant.sid for grant in grants])
    return {
        "Version": VERSION,
        "Statement": [_statement(sid, grant) for sid, grant in zip(sids, grants, strict=True)],
    }


def documents(
    grants: Sequence[Grant], limit: int = MANAGED_POLICY_CHARACTERS
) -> list[dict[str, Any]]:
    """The same as several policies, none longer than `limit` characters, to attach together.

    Statements keep their order; one that is too long by itself is divided by its resources.
    """
    small = [part for grant in grants for part in _divided(grant, limit)]
    parts: list[list[Grant]] = [[]]
    for grant in small:
        if parts[-1] and characters(document([*parts[-1], grant])) > limit:
            parts.append([])
        parts[-1].append(grant)
    return [document(part) for part in parts]


def _divided(grant: Grant, limit: int) -> list[Grant]:
    if len(grant.resources) == 1 or characters(document([grant])) <= limit:
        return [grant]
    middle = len(grant.resources) // 2
    halves = (grant.resources[:middle], grant.resources[middle:])
    return [part for half in halves for part in _divided(replace(grant, resources=half), limit)]


def trust(principal_arn: str, external_id: str | None) -> dict[str, Any]:
    """The trust policy of a role that the controller assumes from another account.

    The external id keeps others, who have the same controller act for them, from having it
    act on this account ("the confused deputy", IAM User Guide).
    """
    statement: dict[str, Any] = {
        "Sid": "LetTheControllerIn",
        "Effect": "Allow",
        "Principal": {"AWS": principal_arn},
        "Action": "sts:AssumeRole",
    }
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": VERSION, "Statement": [statement]}


def _statement(sid: str, grant: Grant) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": _one_or_more(grant.actions),
        "Resource": _one_or_more(grant.resources),
    }
    conditions: dict[str, dict[str, Any]] = {}
    for condition in grant.conditions:
        tests = conditions.setdefault(condition.operator, {})
        tests[condition.key] = _one_or_more(condition.values)
    if conditions:
        found["Condition"] = conditions
    return found


def _one_or_more(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _unique(sids: Sequence[str]) -> list[str]:
    """The same words for other conditions get a number."""
    seen: dict[str, int] = {}
    found = []
    for sid in sids:
        seen[sid] = seen.get(sid, 0) + 1
        found.append(sid if seen[sid] == 1 else f"{sid}{seen[sid]}")
    return found


def characters(content: Mapping[str, Any]) -> int:
    """As IAM counts them: without white space between the parts."""
    return len(json.dumps(content, separators=(",", ":")))
