"""Lambda's data plane: one call, as long as the workload says, with its REPORT line.

Facts: a handler's error is HTTP 200 with `FunctionError`; `LogType=Tail` returns the last
4 KB of the log, base64; INIT is billed; a refused call is 429 TooManyRequestsException.
The answer carries `_sleep_ms`, which the HTTP door waits and the in-process door does not.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from controller.sandbox import draws
from controller.sandbox.invocations import Invocation
from controller.sandbox.lambda_common import (
    check_settled,
    config_of,
    constraint,
    find,
    function_missing,
)
from controller.sandbox.lambda_state import Function, lambda_time
from controller.sandbox.pool import offered_load
from controller.sandbox.region import Region
from controller.sandbox.serving import Serving, Variant
from controller.sandbox.warm_pool import WarmPool
from controller.sandbox.wire.contract import AwsError, RequestContext
from controller.sandbox.workload import Effect, Workload

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a call."""

    duration_ms: float
    used_mb: int
    error: dict[str, Any] | None
    note: str = ""


def invoke(world: World, ctx: RequestContext, params: Params) -> Mapping[str, Any]:
    """Invoke: RequestResponse, Event (202) or DryRun (204)."""
    function, qualifier = find(world, ctx, params)
    if config_of(function, qualifier).state == "Pending":
        check_settled(function)
    kind = params.get("InvocationType") or "RequestResponse"
    if kind == "DryRun":
        return {"StatusCode": 204, "Payload": b""}
    if kind not in ("RequestResponse", "Event"):
        raise constraint(kind, "invocationType", "Member must satisfy enum value set: "
                         "[Event, RequestResponse, DryRun]")  # fmt: skip
    region = world.region(ctx.account, ctx.region)
    history = region.histories.get(function.name)
    state = history.at(ctx.now_s) if history is not None else None
    route = state.route(qualifier) if state is not None else ()
    if state is None or not route:
        raise function_missing(f"{function.arn}:{qualifier or '$LATEST'}")
    asked = _Asked(region, function, qualifier, state, params.get("Payload") or b"")
    answer = _call(asked, ctx.now_s)
    if kind == "Event":
        return {"StatusCode": 202, "Payload": b""}
    if params.get("LogType") != "Tail":
        answer.pop("LogResult")
    return answer


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call to make, and what answers calls now."""

    region: Region
    function: Function
    qualifier: str | None
    state: Serving
    payload: bytes

    @property
    def limit(self) -> int:
        """Calls that may be in progress at once."""
        reserved = self.state.reserved
        return self.region.concurrency_limit if reserved is None else reserved


def _call(asked: _Asked, now_s: float) -> dict[str, Any]:
    region, function, state = asked.region, asked.function, asked.state
    request_id = region.new_id(function.name, "request")
    dice = draws.generator(region.seed, function.arn, request_id)
    variant = _pick(state, asked.qualifier, dice)
    pool = region.pools.setdefault(function.name, WarmPool())
    suffix = "" if asked.qualifier is None else f":{asked.qualifier}"
    resource = function.name + suffix
    executed = variant.version if asked.qualifier in function.aliases else None
    if pool.busy(now_s) >= asked.limit:
        region.note(function.name, Invocation(
            now_s, resource, executed, variant.version, request_id, 0.0, 0, None,
            variant.memory_mb, 0, error=False, throttled=True,
        ))  # fmt: skip
        raise _throttled(state.reserved)
    outcome = _run(state.workload, variant, now_s, dice, asked.payload)
    kept_warm = _kept_warm(region, function.name, state, variant, now_s)
    keep_s = state.workload.nature.keep_alive_s
    cold = pool.take(variant.uid, now_s, outcome.duration_ms, keep_s, warm=kept_warm)
    nature = state.workload.nature
    init_ms = nature.init_ms * max(0.1, 1.0 + nature.init_cv * dice.standard_normal())
    call = Invocation(
        at_s=now_s,
        resource=resource,
        executed_version=executed,
        version=variant.version,
        request_id=request_id,
        duration_ms=round(outcome.duration_ms, 2),
        billed_ms=math.ceil(outcome.duration_ms + (init_ms if cold else 0.0)),
        init_ms=round(init_ms, 2) if cold else None,
        memory_mb=variant.memory_mb,
        memory_used_mb=outcome.used_mb,
        error=outcome.error is not None,
        architecture=variant.architecture,
    )
    region.note(function.name, call)
    body = json.dumps(outcome.error) if outcome.error else json.dumps({"statusCode": 200})
    answer: dict[str, Any] = {
        "StatusCode": 200,
        "ExecutedVersion": variant.version,
        "LogResult": base64.b64encode(_log(call, outcome.note).encode()[-4096:]).decode(),
        "Payload": body.encode(),
        "_sleep_ms": call.duration_ms + (call.init_ms or 0.0),
    }
    if outcome.error is not None:
        answer["FunctionError"] = "Unhandled"
    return answer


def _pick(state: Serving, qualifier: str | None, dice: np.random.Generator) -> Variant:
    route = state.route(qualifier)
    shares = np.array([share for _, share in route])
    return route[int(dice.choice(len(route), p=shares / shares.sum()))][0]


def _run(
    workload: Workload, variant: Variant, now_s: float, dice: np.random.Generator, payload: bytes
) -> _Outcome:
    """One call: how long, how much memory, and whether it failed."""
    nature = workload.nature
    instant = np.array([now_s])
    slower = workload.factor(Effect.LATENCY, instant)
    heavier = workload.factor(Effect.MEMORY, instant)
    failing = workload.error_share(instant)
    mean_ms = nature.curve.mean_ms(variant.memory_mb) * variant.latency_factor
    mean_ms *= 1.0 if slower is None else float(slower[0])
    duration_ms = mean_ms * float(nature.noise.quantile(dice.random(1))[0])
    most = nature.memory_mb * variant.memory_factor * (1.0 if heavier is None else heavier[0])
    used = most * (1.0 - nature.memory_spread * float(dice.random()))
    if used > variant.memory_mb:
        error = {
            "errorType": "Runtime.ExitError",
            "errorMessage": "RequestId: {id} Error: Runtime exited with error: signal: killed",
        }
        return _Outcome(duration_ms, variant.memory_mb, error, "Runtime.ExitError")
    if duration_ms >= variant.timeout_s * 1000.0:
        text = f"{{id}} Task timed out after {variant.timeout_s:.2f} seconds"
        return _Outcome(
            variant.timeout_s * 1000.0, math.ceil(used),
            {"errorType": "Sandbox.Timedout", "errorMessage": text}, "timeout",
        )  # fmt: skip
    share = max(nature.error_rate, 0.0 if failing is None else float(failing[0]))
    if b'"sandbox_fail"' in payload or dice.random() < share:
        failure: dict[str, Any] = {"errorMessage": "the handler failed", "errorType": "Exception"}
        return _Outcome(duration_ms, math.ceil(used), failure | {"stackTrace": []})
    return _Outcome(duration_ms, math.ceil(used), None)


def _kept_warm(region: Region, name: str, state: Serving, variant: Variant, now_s: float) -> bool:
    """Whether ordinary traffic keeps an idle environment of the variant warm."""
    shares = [
        share
        for stream in state.workload.streams
        for served, share in state.route(stream.qualifier)
        if served.uid == variant.uid
    ]
    if not shares:
        return False
    mean_ms = state.workload.nature.curve.mean_ms(variant.memory_mb) * variant.latency_factor
    calls_per_s = offered_load(region, name, state, int(now_s)) * 1000.0 / mean_ms
    return calls_per_s * max(shares) * state.workload.nature.keep_alive_s > 3.0


def _throttled(reserved: int | None) -> AwsError:
    reason = "ConcurrentInvocationLimitExceeded"
    if reserved is not None:
        reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    return AwsError("TooManyRequestsException", "Rate Exceeded.", 429, Type="User", Reason=reason)


def _log(call: Invocation, note: str) -> str:
    """The tail of the log: START, END, REPORT."""
    lines = [f"START RequestId: {call.request_id} Version: {call.version}"]
    if note == "timeout":
        lines.append(f"{lambda_time(call.at_s)[:-5]}Z {call.request_id} Task timed out after "
                     f"{call.duration_ms / 1000.0:.2f} seconds")  # fmt: skip
    elif note:
        lines.append(f"RequestId: {call.request_id} Error: Runtime exited with error: signal: "
                     f"killed\n{note}")  # fmt: skip
    report = (
        f"REPORT RequestId: {call.request_id}\tDuration: {call.duration_ms:.2f} ms\t"
        f"Billed Duration: {call.billed_ms} ms\tMemory Size: {call.memory_mb} MB\t"
        f"Max Memory Used: {call.memory_used_mb} MB\t"
    )
    if call.init_ms is not None:
        report += f"Init Duration: {call.init_ms:.2f} ms\t"
    return "\n".join([*lines, f"END RequestId: {call.request_id}", report]) + "\n"
