"""Checks of `spec.bounds`: inside of what AWS offers, and at least one size inside of them.

What a policy inherits from defaults is checked only for leaving a size: defaults are for
endpoints of all kinds, and a bound may say nothing to one of them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from controller.model.endpoint import Kind
from controller.model.instance_types import FAMILIES, KNOWN_TYPES, is_burstable
from controller.model.policy import Policy
from controller.policy.amounts import format_memory_mb
from controller.policy.documents import BoundsSpec
from controller.policy.instances import meant
from controller.policy.kind_fields import COUNTERPARTS, KINDS_OF, NOUNS, belongs
from controller.policy.merging import MergedPolicy
from controller.policy.problems import PolicyProblem, did_you_mean, shown
from controller.policy.yaml_tree import Location, dotted, find, key_mark

SERVERLESS_STEPS_MB = tuple(range(1024, 6145, 1024))
"""SageMaker serverless inference: memory is exactly one of these."""
LAMBDA_RANGE_MB = (128, 10_240)
"""AWS Lambda quotas: 128-10,240 MB in steps of 1 MB."""
MOST_CONCURRENCY = 200
"""MaxConcurrency of one serverless endpoint."""

_AT: Location = ("spec", "bounds")


def check_kind_fields(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """Fields that say nothing to any of the policy's kinds."""
    kinds = policy.target.kinds
    root = merged.document.root
    for path, owners in KINDS_OF.items():
        at: Location = ("spec", *path.split("."))
        if find(root, at) is None or belongs(merged.spec, path):
            continue
        theirs = " and ".join(NOUNS[kind] for kind in NOUNS if kind in owners)
        mine = " and ".join(NOUNS[kind] for kind in kinds)
        instead = [COUNTERPARTS[path][k] for k in kinds if k in COUNTERPARTS.get(path, {})]
        hint = f'did you mean "{instead[0]}"?' if instead else "remove it"
        mark = key_mark(root, at)
        message = f"is of {theirs}, not of {mine}"
        yield PolicyProblem(merged.document.file, mark.line, mark.column, dotted(at), message, hint)


def check_memory(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """Memory that AWS offers."""
    spec, kinds = merged.spec.bounds, policy.target.kinds
    if spec is None:
        return
    low, high = spec.min_memory, spec.max_memory
    both = not merged.lost((*_AT, "minMemory")) and not merged.lost((*_AT, "maxMemory"))
    if low is not None and high is not None and low > high and both:
        yield merged.contradiction(
            (*_AT, "minMemory"),
            f"{format_memory_mb(low)} is more than maxMemory {format_memory_mb(high)}: "
            "no size satisfies both",
            (*_AT, "maxMemory"),
            "swap them?",
        )
        return
    if kinds == (Kind.LAMBDA_FUNCTION,):
        yield from _lambda_range(merged, spec)
    if kinds == (Kind.SERVERLESS_ENDPOINT,):
        yield from _serverless_steps(merged, spec)
    elif Kind.SERVERLESS_ENDPOINT in kinds:
        yield from _some_step(merged, spec)
    if spec.memory is not None and belongs(merged.spec, "bounds.memory"):
        within = (low or 0, high or LAMBDA_RANGE_MB[1])
        yield from _listed(merged, spec.memory, within, format_memory_mb)


def _lambda_range(merged: MergedPolicy, spec: BoundsSpec) -> Iterator[PolicyProblem]:
    smallest, largest = LAMBDA_RANGE_MB
    low, high = format_memory_mb(smallest), format_memory_mb(largest)
    for where, mb in _sizes(spec):
        if not smallest <= mb <= largest:
            must = f"must be between {low} and {high}, Lambda's smallest and largest size"
            message = f"{format_memory_mb(mb)} is out of range: {must}"
            yield merged.problem((*_AT, *where), message)


def _sizes(spec: BoundsSpec) -> Iterator[tuple[Location, int]]:
    ends: tuple[tuple[Location, int | None], ...] = (
        (("minMemory",), spec.min_memory),
        (("maxMemory",), spec.max_memory),
    )
    yield from ((where, mb) for where, mb in ends if mb is not None)
    yield from ((("memory", place), mb) for place, mb in enumerate(spec.memory or ()))


def _serverless_steps(merged: MergedPolicy, spec: BoundsSpec) -> Iterator[PolicyProblem]:
    """The six sizes: of a list every one must be among them, of a range at least one inside."""
    for where, mb in _sizes(spec):
        at: Location = (*_AT, *where)
        if mb in SERVERLESS_STEPS_MB or find(merged.document.root, at) is None:
            continue
        message = f"{format_memory_mb(mb)} is not one of a serverless endpoint's sizes, {_STEPS}"
        nearest_mb = min(SERVERLESS_STEPS_MB, key=lambda step: abs(step - mb))
        yield merged.problem(at, message, f"did you mean {format_memory_mb(nearest_mb)}?")
    yield from _some_step(merged, spec)


_STEPS = "1Gi, 2Gi … 6Gi"


def _some_step(merged: MergedPolicy, spec: BoundsSpec) -> Iterator[PolicyProblem]:
    low, high = spec.min_memory or 0, spec.max_memory or SERVERLESS_STEPS_MB[-1]
    if not any(low <= mb <= high for mb in SERVERLESS_STEPS_MB):
        name = "minMemory" if low > SERVERLESS_STEPS_MB[-1] or spec.max_memory is None else ""
        message = f"no size of serverless endpoints ({_STEPS}) lies inside of the bounds"
        yield merged.problem((*_AT, name or "maxMemory"), message)
    if spec.memory and not set(SERVERLESS_STEPS_MB) & set(spec.memory):
        message = f"none of these is a size of serverless endpoints ({_STEPS})"
        yield merged.problem((*_AT, "memory"), message)


def check_concurrency(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """At most what AWS gives one endpoint, and bounds in order."""
    spec = merged.spec.bounds
    if spec is None or Kind.SERVERLESS_ENDPOINT not in policy.target.kinds:
        return
    named = {
        "minConcurrency": spec.min_concurrency,
        "maxConcurrency": spec.max_concurrency,
        "maxProvisionedConcurrency": spec.max_provisioned_concurrency,
    }
    for name, count in named.items():
        if count is not None and count > MOST_CONCURRENCY:
            must = f"must be between 1 and {MOST_CONCURRENCY}, the most that one endpoint may have"
            message = f"{count} is out of range: {must}"
            yield merged.problem((*_AT, name), message)
    for lesser in ("minConcurrency", "maxProvisionedConcurrency"):
        low, high = named[lesser], named["maxConcurrency"]
        if low is not None and high is not None and low > high:
            message = f"{low} is more than maxConcurrency {high}"
            yield merged.contradiction((*_AT, lesser), message, (*_AT, "maxConcurrency"))


def check_instances(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """Instance types that exist and can be scaled, and bounds in order."""
    spec = merged.spec.bounds
    if spec is None or Kind.REALTIME_ENDPOINT not in policy.target.kinds:
        return
    low, high = spec.min_instances, spec.max_instances
    if low is not None and high is not None and low > high:
        yield merged.contradiction(
            (*_AT, "minInstances"),
            f"{low} is more than maxInstances {high}: no number satisfies both",
            (*_AT, "maxInstances"),
            "swap them?",
        )
    if spec.instance_types is not None:
        yield from _listed(merged, spec.instance_types, None, str, "instanceTypes")
        yield from _types(merged, spec.instance_types, (low or 1, high))
    if spec.instance_families is not None:
        yield from _listed(merged, spec.instance_families, None, str, "instanceFamilies")
        yield from _families(merged, spec.instance_families)
    both = [find(merged.document.root, (*_AT, n)) for n in ("instanceTypes", "instanceFamilies")]
    if all(node is not None for node in both):
        message = "says nothing beside instanceTypes, which names the types"
        yield merged.problem((*_AT, "instanceFamilies"), message, "keep one of them")


def _types(
    merged: MergedPolicy, types: Sequence[str], instances: tuple[int, int | None]
) -> Iterator[PolicyProblem]:
    at: Location = (*_AT, "instanceTypes")
    low, high = instances
    for place, name in enumerate(types):
        if name not in KNOWN_TYPES:
            message = f"{shown(name)} is not a type that this version knows"
            yield merged.problem((*at, place), message, meant(name), "warning")
        elif is_burstable(name) and (high is None or high > low):
            message = f"AWS does not autoscale {name}: it is chosen with a fixed number only"
            few = high is not None and all(is_burstable(other) for other in types)
            hint = f"set minInstances and maxInstances to one number, or use ml.m5{name[5:]}"
            yield merged.problem((*at, place), message, hint, "error" if few else "warning")


def _families(merged: MergedPolicy, families: Sequence[str]) -> Iterator[PolicyProblem]:
    for place, name in enumerate(families):
        if name not in FAMILIES:
            message = f"{shown(name)} is not a family that this version knows"
            hint = did_you_mean(name, FAMILIES)
            yield merged.problem((*_AT, "instanceFamilies", place), message, hint, "warning")


def _listed(
    merged: MergedPolicy,
    items: Sequence[Any],
    within: tuple[int, int] | None,
    text: Callable[[Any], str],
    name: str = "memory",
) -> Iterator[PolicyProblem]:
    """A list that leaves something to choose, without repetitions."""
    at: Location = (*_AT, name)
    what = "size" if within else "type"
    if not items:
        message = f"an empty list leaves no {what} to choose"
        hint = "remove it for all sizes" if within else "remove it for the live type's family"
        yield merged.problem(at, message, hint)
        return
    inside = [x for x in items if within is None or within[0] <= x <= within[1]]
    if not inside:
        message = "none of these sizes lies between minMemory and maxMemory"
        yield merged.problem(at, message)
    for index, item in enumerate(items):
        if item in items[:index]:
            yield merged.problem((*at, index), f"{text(item)} is listed twice")
        elif inside and item not in inside:
            message = f"{text(item)} is outside of minMemory and maxMemory: never chosen"
            yield merged.problem((*at, index), message, None, "warning")


BOUNDS_CHECKS = (check_kind_fields, check_memory, check_concurrency, check_instances)
