"""Lambda's operations on reserved and provisioned concurrency.

Facts: at least 100 of the account's concurrency must stay unreserved; provisioned
concurrency belongs to an alias or a version, never to `$LATEST`, is IN_PROGRESS for minutes,
cannot be had by an alias with weights, and is allocated anew when its alias moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.sandbox import draws
from controller.sandbox.lambda_common import config_of, find, invalid, is_latest, page, user_error
from controller.sandbox.lambda_state import Function, Provisioned, lambda_time
from controller.sandbox.region import Region
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]

UNRESERVED_MINIMUM = 100
SHORTEST_S, LONGEST_S = 60.0, 180.0


def put_function_concurrency(world: World, ctx: RequestContext, params: Params) -> Answer:
    """PutFunctionConcurrency; 0 stops the function."""
    function, _ = find(world, ctx, params)
    region = world.region(ctx.account, ctx.region)
    wanted = int(params["ReservedConcurrentExecutions"])
    others = region.reserved_total - (function.reserved or 0)
    if region.concurrency_limit - others - wanted < UNRESERVED_MINIMUM:
        raise _too_little_left()
    if wanted < sum(p.requested for p in function.provisioned.values()):
        raise invalid("ReservedConcurrentExecutions must be at least the function's "
                      "provisioned concurrency.")  # fmt: skip
    function.reserved = wanted
    region.serve(function.name, ctx.now_s)
    return {"ReservedConcurrentExecutions": wanted}


def _too_little_left() -> Exception:
    return invalid(
        "Specified ReservedConcurrentExecutions for function decreases account's "
        f"UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MINIMUM}]."
    )


def get_function_concurrency(world: World, ctx: RequestContext, params: Params) -> Answer:
    """GetFunctionConcurrency: empty where nothing is reserved."""
    function, _ = find(world, ctx, params, reading=True)
    if function.reserved is None:
        return {}
    return {"ReservedConcurrentExecutions": function.reserved}


def delete_function_concurrency(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteFunctionConcurrency."""
    function, _ = find(world, ctx, params)
    function.reserved = None
    world.region(ctx.account, ctx.region).serve(function.name, ctx.now_s)
    return {}


def put_provisioned(world: World, ctx: RequestContext, params: Params) -> Answer:
    """PutProvisionedConcurrencyConfig."""
    function, qualifier = find(world, ctx, params)
    region = world.region(ctx.account, ctx.region)
    if qualifier is None or is_latest(qualifier):
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished "
                      "function versions.")  # fmt: skip
    config_of(function, qualifier)
    alias = function.aliases.get(qualifier)
    if alias is not None and is_latest(alias.version):
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished "
                      "function versions.")  # fmt: skip
    if alias is not None and alias.weights:
        raise invalid("Alias with weights can not be used with Provisioned Concurrency")
    wanted = int(params["ProvisionedConcurrentExecutions"])
    limit = function.reserved
    if limit is None:
        limit = region.concurrency_limit - region.reserved_total - UNRESERVED_MINIMUM
    others = sum(p.requested for q, p in function.provisioned.items() if q != qualifier)
    if wanted + others > limit:
        raise _too_little_left()
    available = (
        function.provisioned[qualifier].available if qualifier in function.provisioned else 0
    )
    function.provisioned[qualifier] = Provisioned(
        wanted, min(available, wanted), "IN_PROGRESS", ctx.now_s
    )
    region.serve(function.name, ctx.now_s)
    _make_ready(world, region, function, qualifier)
    return _view(function.provisioned[qualifier])


def reallocate(world: World, region: Region, function: Function, qualifier: str) -> None:
    """The alias moved: its environments are those of the old version; build new ones."""
    present = function.provisioned[qualifier]
    function.provisioned[qualifier] = replace(present, available=0, status="IN_PROGRESS")
    _make_ready(world, region, function, qualifier)


def _make_ready(world: World, region: Region, function: Function, qualifier: str) -> None:
    asked = function.provisioned[qualifier]
    share = draws.uniform(
        region.seed, region.account, region.name, function.name, region.ids, "provisioned"
    )

    def end(world: World) -> None:
        present = function.provisioned.get(qualifier)
        if region.functions.get(function.name) is not function or present is not asked:
            return
        function.provisioned[qualifier] = replace(
            present, available=present.requested, status="READY"
        )
        region.serve(function.name, world.now_s())

    world.schedule(
        world.now_s() + SHORTEST_S + (LONGEST_S - SHORTEST_S) * share,
        f"provisioned concurrency of {function.arn}:{qualifier} ready",
        end,
    )


def get_provisioned(world: World, ctx: RequestContext, params: Params) -> Answer:
    """GetProvisionedConcurrencyConfig."""
    function, qualifier = find(world, ctx, params, reading=True)
    found = function.provisioned.get(qualifier or "")
    if found is None:
        config_of(function, qualifier)
        raise user_error(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
            404,
        )
    return _view(found)


def list_provisioned(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListProvisionedConcurrencyConfigs."""
    function, _ = find(world, ctx, params, reading=True)
    views = [
        {"FunctionArn": f"{function.arn}:{q}", **_view(function.provisioned[q])}
        for q in sorted(function.provisioned)
    ]
    shown, marker = page(views, params, lambda view: str(view["FunctionArn"]))
    return {"ProvisionedConcurrencyConfigs": shown} | ({"NextMarker": marker} if marker else {})


def delete_provisioned(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteProvisionedConcurrencyConfig."""
    function, qualifier = find(world, ctx, params)
    function.provisioned.pop(qualifier or "", None)
    world.region(ctx.account, ctx.region).serve(function.name, ctx.now_s)
    return {}


def _view(config: Provisioned) -> dict[str, Any]:
    view: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AvailableProvisionedConcurrentExecutions": config.available,
        "AllocatedProvisionedConcurrentExecutions": config.available,
        "Status": config.status,
        "LastModified": lambda_time(config.last_modified_s),
    }
    if config.reason is not None:
        view["StatusReason"] = config.reason
    return view
