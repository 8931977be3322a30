"""A resolved policy written out again: every field, defaults included, in canonical form.

The document loads back to an equal policy, and its hash is the policy's generation.
Where a policy stands in which file is no part of it: moving a policy changes nothing.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from controller.model.endpoint import Kind
from controller.model.policy import Bounds, ChangeWindow, FleetLimits, Policy, PolicySet, Target
from controller.policy.amounts import (
    UNLIMITED,
    format_memory_mb,
    format_money_usd,
    format_percentile,
    format_ratio,
)
from controller.policy.change_windows import DAYS, format_time
from controller.policy.durations import format_duration_ms, format_duration_s
from controller.policy.envelope import API_VERSION, POLICY
from controller.policy.probe_resolve import probe_document

GENERATION_DIGITS = 12


def resolved_document(policy: Policy) -> dict[str, Any]:
    """The policy as a document of YAML's own types, fit for `get policies -o yaml`."""
    metadata: dict[str, Any] = {"name": policy.name}
    if policy.labels:
        metadata["labels"] = dict(policy.labels)
    return {
        "apiVersion": API_VERSION,
        "kind": POLICY,
        "metadata": metadata,
        "spec": _spec(policy),
    }


def with_generation(policy: Policy) -> Policy:
    """The policy, with its `generation` computed from its content."""
    return replace(policy, generation=_digest(resolved_document(policy))[:GENERATION_DIGITS])


def policy_set(policies: Iterable[Policy], limits: FleetLimits) -> PolicySet:
    """The set, sorted by name: the order of files means nothing."""
    by_name = tuple(sorted(policies, key=lambda policy: policy.name))
    content = {
        "policies": [[policy.name, policy.generation] for policy in by_name],
        "limits": asdict(limits),
    }
    return PolicySet(by_name, limits, _digest(content))


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _spec(policy: Policy) -> dict[str, Any]:
    cadence, rollout = policy.cadence, policy.rollout
    budget = policy.budget_usd_per_month
    return {
        "target": _target(policy.target),
        "mode": policy.mode.value,
        "slo": _slo(policy),
        "budget": {"perMonth": UNLIMITED if budget is None else format_money_usd(budget)},
        "bounds": _bounds(policy.bounds),
        "cadence": {
            "interval": format_duration_s(cadence.interval_s),
            "cooldownUp": format_duration_s(cadence.cooldown_up_s),
            "cooldownDown": format_duration_s(cadence.cooldown_down_s),
            "stabilization": format_duration_s(cadence.stabilization_s),
            "minimumSaving": format_ratio(cadence.min_saving_ratio),
        },
        "changeWindows": [_change_window(window) for window in policy.change_windows],
        "rollout": {
            "canaryShare": format_ratio(rollout.canary_share),
            "bake": format_duration_s(rollout.bake_s),
            "maximumBake": format_duration_s(rollout.max_bake_s),
            "minimumRequests": rollout.min_requests,
        },
        **_autoscaling(policy),
        **_probe(policy),
        "confidence": format_ratio(policy.confidence),
        "onConflict": policy.on_conflict.value,
    }


def _bounds(bounds: Bounds) -> dict[str, Any]:
    types, families = bounds.instance_types, bounds.instance_families
    return _present(
        minMemory=_memory(bounds.min_memory_mb),
        maxMemory=_memory(bounds.max_memory_mb),
        memory=None if bounds.memory_mb is None else [_memory(mb) for mb in bounds.memory_mb],
        minConcurrency=bounds.min_concurrency,
        maxConcurrency=bounds.max_concurrency,
        maxProvisionedConcurrency=bounds.max_provisioned_concurrency,
        instanceTypes=None if types is None else list(types),
        instanceFamilies=None if families is None else list(families),
        minInstances=bounds.min_instances,
        maxInstances=bounds.max_instances,
    )


def _autoscaling(policy: Policy) -> dict[str, Any]:
    if Kind.REALTIME_ENDPOINT not in policy.target.kinds:
        return {}
    scaling = policy.autoscaling
    return {
        "autoscaling": {
            "utilization": format_ratio(scaling.utilization),
            "schedule": scaling.schedule,
            **({} if scaling.windows is None else {"windows": format_ratio(scaling.windows)}),
        }
    }


def _probe(policy: Policy) -> dict[str, Any]:
    probe = policy.probe
    return (
        {}
        if probe is None
        else {"probe": probe_document(probe, policy.target.kinds, policy.source.file)}
    )


def _kind(target: Target) -> str | list[str]:
    words = [kind.value for kind in target.kinds]
    return words[0] if len(words) == 1 else words


def _target(target: Target) -> dict[str, Any]:
    scope, selector = target.scope, target.selector
    return _present(
        kind=_kind(target),
        name=target.name,
        selector=None
        if selector is None
        else _present(namePattern=selector.name_pattern, tags=dict(selector.tags) or None),
        region=scope.region,
        account=scope.account,
        roleArn=scope.role_arn,
        externalId=scope.external_id,
        qualifier=target.qualifier,
    )


def _slo(policy: Policy) -> dict[str, Any]:
    slo = policy.slo
    only_duration = policy.target.kinds == (Kind.LAMBDA_FUNCTION,)
    error_rate = None if slo.max_error_ratio is None else format_ratio(slo.max_error_ratio)
    return _present(
        latency=_present(
            percentile=format_percentile(slo.percentile),
            threshold=format_duration_ms(slo.threshold_ms),
            covers=None if only_duration else slo.covers.value,
        ),
        errorRate=error_rate,
        window=format_duration_s(slo.window_s),
    )


def _change_window(window: ChangeWindow) -> dict[str, Any]:
    return {
        "days": [DAYS[day] for day in window.days],
        "start": format_time(window.start_minute),
        "end": format_time(window.end_minute),
        "timezone": window.timezone,
    }


def _memory(memory_mb: int | None) -> str | None:
    return None if memory_mb is None else format_memory_mb(memory_mb)


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
