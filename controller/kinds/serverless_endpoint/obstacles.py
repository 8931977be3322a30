"""What in a serverless endpoint's live state forbids a change, and which sizes are out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from controller.core.slo import CERTAIN
from controller.core.stats import share_at_most
from controller.kinds.serverless_endpoint.concurrency import Limits, needed
from controller.kinds.serverless_endpoint.sizing import MEMORY_HEADROOM, environments, in_bounds
from controller.model.demand import Demand, SloStatus
from controller.model.estimate import Rejection
from controller.model.missing import Maybe, Missing
from controller.model.policy import Covers, Policy
from controller.model.reason import Reason
from controller.model.sagemaker import ServerlessLive
from controller.model.size import ServerlessSize, Size

OUT_OF_MEMORY_ERRORS = 0.01
"""With all memory in use, a share of errors from which running out of it is the likely cause."""
DAYS_PER_MONTH = 730.0 / 24.0

Barred = dict[Size, tuple[Rejection, str]]


def obstacles(live: ServerlessLive) -> Mapping[Reason, str]:
    """Reasons to leave the endpoint alone, most telling first."""
    found: dict[Reason, str] = {}
    special = live.endpoint.config.specialities
    if special:
        found[Reason.SPECIAL_ENDPOINT] = "; ".join(special.values())
    if live.autoscaled:
        found[Reason.FOREIGN_AUTOSCALING] = (
            "Application Auto Scaling moves its provisioned concurrency; deregister the target "
            "to hand it over"
        )
    return found


def barred(
    sizes: Sequence[ServerlessSize],
    current: ServerlessSize,
    policy: Policy,
    demand: Demand,
    slo: SloStatus,
    *,
    floor_mb: Maybe[int],
    limits: Limits,
    unpriced: str | None = None,
) -> Barred:
    """Sizes outside the bounds, too small for the memory in use, or throttling; `unpriced`: why
    it is not known what keeping environments warm costs.

    The floor never bars the current memory or a larger one; only calls that fail now, with
    all memory in use, do.
    """
    out = _throttling(sizes, current, demand, slo, limits)
    out |= _cold_harm(sizes, current, policy, demand)
    out |= _kept_for_nobody(sizes, current, policy, demand)
    used_mb = demand.memory_used_mb
    if not isinstance(floor_mb, Missing) and not isinstance(used_mb, Missing):
        starving = _out_of_memory(current.memory_mb, used_mb, slo)
        out |= _memory(sizes, current, policy, used_mb, floor_mb=floor_mb, starving=starving)
    out |= _bounds(sizes, policy, limits)
    out |= _warm(sizes, current, policy, unpriced)
    return out


def _warm(
    sizes: Sequence[ServerlessSize],
    current: ServerlessSize,
    policy: Policy,
    unpriced: str | None,
) -> Barred:
    """What may not be kept warm: more than the policy allows, or at a price nobody knows.

    Without a word in the policy the number stays whatever somebody chose.
    """
    allowed, out = policy.bounds.max_provisioned_concurrency, Barred()
    for size in sizes:
        number = size.provisioned_concurrency
        if allowed is not None and number > allowed:
            detail = f"{number} kept warm, and the policy allows {allowed}"
            out[size] = (Rejection.ABOVE_BOUNDS, detail)
        elif number > current.provisioned_concurrency and unpriced is not None:
            out[size] = (Rejection.PRICE_UNKNOWN, unpriced)
    return out


def _kept_for_nobody(
    sizes: Sequence[ServerlessSize], current: ServerlessSize, policy: Policy, demand: Demand
) -> Barred:
    """Kept warm while, as AWS says, nobody has called for a day: none of it is needed, and
    nothing else is to be changed."""
    allowed = policy.bounds.max_provisioned_concurrency
    least_s = policy.cadence.stabilization_s
    if allowed is None or current.provisioned_concurrency == 0 or demand.idle_s < least_s:
        return {}
    detail = (
        f"nobody has called for {demand.idle_s / 3600.0:.0f} hours, and "
        f"{current.provisioned_concurrency} are kept warm"
    )
    cold = replace(current, provisioned_concurrency=0)
    return {size: (Rejection.KEPT_FOR_NOBODY, detail) for size in sizes if size != cold}


def _bounds(sizes: Sequence[ServerlessSize], policy: Policy, limits: Limits) -> Barred:
    out: Barred = {}
    allowed = [size for size in sizes if in_bounds(policy.bounds, size.memory_mb)]
    for size in sizes:
        if size not in allowed:
            below = all(size.memory_mb < other.memory_mb for other in allowed)
            rejection = Rejection.BELOW_BOUNDS if below else Rejection.ABOVE_BOUNDS
            out[size] = (rejection, "outside the policy's bounds")
        elif size.max_concurrency > limits.most:
            why = f"concurrency over {limits.most}: {limits.why_most}"
            out[size] = (Rejection.ABOVE_BOUNDS, why)
        elif size.max_concurrency < limits.least:
            out[size] = (Rejection.BELOW_BOUNDS, f"concurrency under {limits.least}")
    return out


def _memory(
    sizes: Sequence[ServerlessSize],
    current: ServerlessSize,
    policy: Policy,
    used_mb: int,
    *,
    floor_mb: int,
    starving: bool,
) -> Barred:
    least_mb = floor_mb if starving else min(floor_mb, current.memory_mb)
    room = any(in_bounds(policy.bounds, s.memory_mb) and s.memory_mb >= least_mb for s in sizes)
    if starving and not room:
        # Where the bounds leave no room for the headroom, more than is in use beats none.
        least_mb = used_mb + 1
    enough = floor_mb <= math.ceil(used_mb * MEMORY_HEADROOM)
    why = f"{used_mb} MB were in use" if enough else "so large is the model, as it lies in S3"
    out: Barred = {}
    for size in sizes:
        if starving and size.memory_mb == current.memory_mb:
            detail = f"all {current.memory_mb} MB were in use while requests failed"
            out[size] = (Rejection.INFEASIBLE_BEFORE, detail)
        elif size.memory_mb < least_mb:
            detail = f"{floor_mb} MB are needed: {why}"
            out[size] = (Rejection.BELOW_MEMORY_FLOOR, detail)
    return out


def _out_of_memory(current_mb: int, used_mb: int, slo: SloStatus) -> bool:
    """Whether requests surely fail at the current size while its memory is used up."""
    if isinstance(slo.error_ratio, Missing):
        return False
    errors = round(slo.error_ratio * slo.requests)
    surely = share_at_most(OUT_OF_MEMORY_ERRORS, errors, slo.requests) <= 1.0 - CERTAIN
    return used_mb >= current_mb * 0.99 and surely


def _throttling(
    sizes: Sequence[ServerlessSize],
    current: ServerlessSize,
    demand: Demand,
    slo: SloStatus,
    limits: Limits,
) -> Barred:
    """While requests are throttled and the limit can be raised, that comes first: it is done
    in place, starts nothing anew, and costs nothing."""
    least = min(needed(current.max_concurrency, demand, slo), limits.most)
    if least <= current.max_concurrency:
        return {}
    out: Barred = {}
    for size in sizes:
        if size.max_concurrency < least:
            detail = f"requests are throttled: at least {least} at once are needed"
            out[size] = (Rejection.TOO_LITTLE_CONCURRENCY, detail)
        elif size.memory_mb != current.memory_mb:
            detail = "requests are throttled: the limit is raised in place first"
            out[size] = (Rejection.TOO_LITTLE_CONCURRENCY, detail)
    return out


def _cold_harm(
    sizes: Sequence[ServerlessSize], current: ServerlessSize, policy: Policy, demand: Demand
) -> Barred:
    """Less memory for money, where starting all environments anew would use up a whole day's
    budget of slow requests: only an objective that contains cold starts knows of this."""
    if policy.slo.covers is not Covers.TOTAL:
        return {}
    allowed = (1.0 - policy.slo.percentile) * demand.requests_per_month.mid / DAYS_PER_MONTH
    cold = environments(demand)
    if cold <= allowed:
        return {}
    detail = f"{cold} cold starts of a change are more slow requests than a day may have"
    smaller = [size for size in sizes if size.memory_mb < current.memory_mb]
    return dict.fromkeys(smaller, (Rejection.NOT_ALLOWED, detail))
