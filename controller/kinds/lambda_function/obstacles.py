"""What in a function's live state forbids a change, and which sizes are out of the question."""

from collections.abc import Mapping, Sequence

from controller.core.slo import CERTAIN
from controller.core.stats import share_at_most
from controller.kinds.lambda_function.sizing import in_bounds, memory_floor_mb
from controller.model.demand import Demand, SloStatus
from controller.model.endpoint import LambdaLive
from controller.model.estimate import Rejection
from controller.model.missing import Missing
from controller.model.policy import Bounds
from controller.model.reason import Reason
from controller.model.size import LambdaSize, Size

OUT_OF_MEMORY_ERRORS = 0.01
"""With all memory in use, a share of errors from which running out of it is the likely cause."""


def obstacles(live: LambdaLive, change_open: bool) -> Mapping[Reason, str]:
    """Reasons to leave the function alone, most telling first.

    While a change of ours is open, the alias and `$LATEST` differ by design.
    """
    found: dict[Reason, str] = {}
    if live.alias is None or change_open:
        return found
    serving, latest = live.serving, live.latest
    if live.alias.weights:
        found[Reason.FOREIGN_ROUTING] = (
            f"alias {live.alias.name} splits traffic between versions {serving.version} and "
            f"{', '.join(sorted(live.alias.weights))}; somebody's rollout is under way"
        )
    if live.alias.version == latest.version:
        found[Reason.FOREIGN_ROUTING] = (
            f"alias {live.alias.name} points to $LATEST; point it to a published version, or "
            "set the policy's qualifier to $LATEST"
        )
    elif latest.fingerprint != serving.fingerprint:
        found[Reason.UNRELEASED_CODE] = (
            f"$LATEST differs from version {serving.version} in more than memory; publishing "
            "it would release what nobody has released"
        )
    if live.provisioned_concurrency is not None:
        found[Reason.PROVISIONED_CONCURRENCY] = (
            f"{live.provisioned_concurrency} environments are kept warm on alias "
            f"{live.alias.name}; moving it would drop them for minutes"
        )
    return found


def barred(
    sizes_mb: Sequence[int], current_mb: int, bounds: Bounds, demand: Demand, slo: SloStatus
) -> Mapping[Size, tuple[Rejection, str]]:
    """Sizes outside the bounds or too small for the memory in use.

    The floor never bars the current size or a larger one: a runtime that grows into all it
    is given would be chased upwards for ever. Only calls that fail now, with all memory in
    use, bar the current size, and with it what is below the floor.
    """
    allowed = [mb for mb in sizes_mb if in_bounds(bounds, mb)]
    starving = _out_of_memory(current_mb, demand, slo)
    least_mb = _least_mb(allowed, current_mb, demand, starving)
    inside = frozenset(allowed)
    out: dict[Size, tuple[Rejection, str]] = {}
    for mb in sizes_mb:
        if mb not in inside:
            below = all(mb < other for other in allowed)
            rejection = Rejection.BELOW_BOUNDS if below else Rejection.ABOVE_BOUNDS
            out[LambdaSize(mb)] = (rejection, "outside the policy's bounds")
        elif starving and mb == current_mb:
            detail = f"all {current_mb} MB were in use while calls failed"
            out[LambdaSize(mb)] = (Rejection.INFEASIBLE_BEFORE, detail)
        elif mb < least_mb:
            detail = f"{least_mb} MB are needed: {demand.memory_used_mb} MB were in use"
            out[LambdaSize(mb)] = (Rejection.BELOW_MEMORY_FLOOR, detail)
    return out


def _least_mb(allowed: Sequence[int], current_mb: int, demand: Demand, starving: bool) -> int:
    """The least memory to choose; 0 where what is in use is not known."""
    floor, used = memory_floor_mb(demand), demand.memory_used_mb
    if isinstance(floor, Missing) or isinstance(used, Missing):
        return 0
    if not starving:
        return min(floor, current_mb)
    # Where the bounds leave no room for the headroom, more than is in use is better than none.
    return floor if any(mb >= floor for mb in allowed) else used + 1


def _out_of_memory(current_mb: int, demand: Demand, slo: SloStatus) -> bool:
    """Whether calls surely fail at the current size while its memory is used up."""
    if isinstance(demand.memory_used_mb, Missing) or isinstance(slo.error_ratio, Missing):
        return False
    errors = round(slo.error_ratio * slo.requests)
    surely = share_at_most(OUT_OF_MEMORY_ERRORS, errors, slo.requests) <= 1.0 - CERTAIN
    return demand.memory_used_mb >= current_mb and surely
