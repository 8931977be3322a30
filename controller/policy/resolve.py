"""From merged specs to the frozen values the controller works with.

Only what somebody wrote is passed on to the dataclasses of `controller.model.policy`;
all else takes the defaults declared there, which are nowhere repeated.
"""

from decimal import Decimal
from typing import Any, cast

from controller.model.endpoint import Kind, default_qualifier
from controller.model.policy import (
    Autoscaling,
    Bounds,
    Cadence,
    ChangeWindow,
    FleetLimits,
    Policy,
    Rollout,
    Scope,
    Selector,
    Slo,
    Target,
)
from controller.policy.amounts import UNLIMITED
from controller.policy.canonical import with_generation
from controller.policy.change_windows import DAYS, UTC
from controller.policy.documents import (
    BudgetSpec,
    ChangeWindowSpec,
    LimitsDocument,
    PolicyDocument,
    PolicySpec,
    TargetSpec,
)
from controller.policy.kind_fields import belongs
from controller.policy.merging import MergedPolicy
from controller.policy.names import role_account
from controller.policy.probe_resolve import probing
from controller.policy.reading import ReadDocument

DAY_MINUTES = 24 * 60


def resolved(merged: MergedPolicy) -> Policy:
    """The policy. Its required fields must have been checked (`checks.required`)."""
    spec = merged.spec
    document = cast(PolicyDocument, merged.document.model)
    policy = Policy(
        name=document.metadata.name,
        target=_target(spec.target),
        slo=_slo(spec),
        source=merged.document.source,
        generation="",
        budget_usd_per_month=_budget(spec.budget),
        bounds=_bounds(spec),
        autoscaling=_autoscaling(spec),
        probe=probing(merged),
        cadence=_cadence(spec),
        rollout=_rollout(spec),
        change_windows=tuple(_change_window(window) for window in spec.change_windows or ()),
        labels=document.metadata.labels,
        **_given(mode=spec.mode, confidence=spec.confidence, on_conflict=spec.on_conflict),
    )
    return with_generation(policy)


def resolved_limits(document: ReadDocument | None) -> FleetLimits:
    """The fleet's limits; the defaults where no document sets any."""
    if document is None:
        return FleetLimits()
    spec = cast(LimitsDocument, document.model).spec
    limits = _given(
        max_concurrent_changes=spec.max_concurrent_changes,
        max_changes_per_hour=spec.max_changes_per_hour,
        max_changes_per_day=spec.max_changes_per_day,
    )
    counts = {name: None if value == UNLIMITED else value for name, value in limits.items()}
    return FleetLimits(budget_usd_per_month=_budget(spec.budget), **counts)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _target(spec: TargetSpec) -> Target:
    account = spec.account
    if account is None and spec.role_arn is not None:
        account = role_account(spec.role_arn)
    scope = Scope(cast(str, spec.region), account, spec.role_arn, spec.external_id)
    selector = None
    if spec.selector is not None:
        selector = Selector(spec.selector.name_pattern, spec.selector.tags or {})
    first, *others = cast(tuple[Kind, ...], spec.kind)
    qualifier = spec.qualifier
    if qualifier is None and not others:
        qualifier = default_qualifier(first)
    return Target(first, scope, spec.name, selector, qualifier, tuple(others))


def _slo(spec: PolicySpec) -> Slo:
    slo = spec.slo
    latency = slo.latency if slo else None
    return Slo(
        **_given(
            threshold_ms=latency.threshold if latency else None,
            percentile=latency.percentile if latency else None,
            covers=latency.covers if latency and belongs(spec, "slo.latency.covers") else None,
            max_error_ratio=slo.error_rate if slo else None,
            window_s=slo.window if slo else None,
        )
    )


def _budget(spec: BudgetSpec | None) -> float | None:
    return float(spec.per_month) if spec and isinstance(spec.per_month, Decimal) else None


def _bounds(spec: PolicySpec) -> Bounds:
    bounds = spec.bounds
    if bounds is None:
        return Bounds()
    types, families = bounds.instance_types, bounds.instance_families
    fields = {
        "minMemory": ("min_memory_mb", bounds.min_memory),
        "maxMemory": ("max_memory_mb", bounds.max_memory),
        "memory": ("memory_mb", None if bounds.memory is None else tuple(sorted(bounds.memory))),
        "minConcurrency": ("min_concurrency", bounds.min_concurrency),
        "maxConcurrency": ("max_concurrency", bounds.max_concurrency),
        "maxProvisionedConcurrency": (
            "max_provisioned_concurrency",
            bounds.max_provisioned_concurrency,
        ),
        "instanceTypes": ("instance_types", None if types is None else tuple(sorted(types))),
        "instanceFamilies": (
            "instance_families",
            None if families is None else tuple(sorted(families)),
        ),
        "minInstances": ("min_instances", bounds.min_instances),
        "maxInstances": ("max_instances", bounds.max_instances),
    }
    kept = [pair for name, pair in fields.items() if belongs(spec, f"bounds.{name}")]
    return Bounds(**_given(**dict(kept)))


def _autoscaling(spec: PolicySpec) -> Autoscaling:
    given = spec.autoscaling
    if given is None or not belongs(spec, "autoscaling"):
        return Autoscaling()
    return Autoscaling(
        **_given(utilization=given.utilization, schedule=given.schedule, windows=given.windows)
    )


def _cadence(spec: PolicySpec) -> Cadence:
    cadence = spec.cadence
    if cadence is None:
        return Cadence()
    return Cadence(
        **_given(
            interval_s=cadence.interval,
            cooldown_up_s=cadence.cooldown_up,
            cooldown_down_s=cadence.cooldown_down,
            stabilization_s=cadence.stabilization,
            min_saving_ratio=cadence.minimum_saving,
        )
    )


def _rollout(spec: PolicySpec) -> Rollout:
    rollout = spec.rollout
    if rollout is None:
        return Rollout()
    return Rollout(
        **_given(
            canary_share=rollout.canary_share,
            bake_s=rollout.bake,
            max_bake_s=rollout.maximum_bake,
            min_requests=rollout.minimum_requests,
        )
    )


def _change_window(spec: ChangeWindowSpec) -> ChangeWindow:
    days = range(len(DAYS)) if spec.days is None else sorted(set(spec.days))
    return ChangeWindow(tuple(days), spec.start, spec.end % DAY_MINUTES, spec.timezone or UTC)
