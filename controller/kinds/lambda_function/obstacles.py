"""What in a function's live state forbids a change, and which sizes are out of the question."""

from collections.abc import Mapping, Sequence

from controller.kinds.lambda_function.sizing import in_bounds, memory_floor_mb
from controller.model.demand import Demand
from controller.model.endpoint import LambdaLive, LambdaSize, Size
from controller.model.estimate import Rejection
from controller.model.missing import Missing
from controller.model.policy import Bounds
from controller.model.reason import Reason

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
    sizes_mb: Sequence[int], current_mb: int, bounds: Bounds, demand: Demand
) -> Mapping[Size, tuple[Rejection, str]]:
    """Sizes outside the bounds or too small for the memory in use.

    The floor never bars the current size or a larger one: a runtime that grows into all it
    is given would be chased upwards for ever. Only errors with all memory in use do that.
    """
    out: dict[Size, tuple[Rejection, str]] = {}
    floor = memory_floor_mb(demand)
    for mb in sizes_mb:
        size = LambdaSize(mb)
        if not in_bounds(bounds, mb):
            below = bounds.min_memory_mb is not None and mb < bounds.min_memory_mb
            rejection = Rejection.BELOW_BOUNDS if below else Rejection.ABOVE_BOUNDS
            out[size] = (rejection, "outside the policy's bounds")
        elif not isinstance(floor, Missing) and mb < min(floor, current_mb):
            out[size] = (
                Rejection.BELOW_MEMORY_FLOOR,
                f"{floor} MB are needed: {demand.memory_used_mb} MB were in use",
            )
    current = LambdaSize(current_mb)
    if current not in out and _out_of_memory(current_mb, demand):
        detail = f"all {current_mb} MB were in use while calls failed"
        out[current] = (Rejection.INFEASIBLE_BEFORE, detail)
    return out


def _out_of_memory(current_mb: int, demand: Demand) -> bool:
    if isinstance(demand.memory_used_mb, Missing) or isinstance(demand.error_ratio, Missing):
        return False
    return demand.memory_used_mb >= current_mb and demand.error_ratio >= OUT_OF_MEMORY_ERRORS
