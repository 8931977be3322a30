"""SageMaker Runtime: one request to an endpoint, as long as its queue and its model say.

Facts: what a model fails is ModelError, 424; a model that is still loading, 429; no machine,
503; what is wrong with the request, ValidationError, 400. Bodies are at most 6 MB, 4 MB for
serverless; a container must answer within 60 s. TargetVariant overrides the weights. The
answer carries `_sleep_ms`, which the HTTP door waits and the in-process door does not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from controller.sandbox import draws
from controller.sandbox.lambda_common import locked
from controller.sandbox.sagemaker.metrics import endpoint_key
from controller.sandbox.sagemaker.model_cache import loading_ms, takes_models
from controller.sandbox.sagemaker.plain_api import place_of
from controller.sandbox.sagemaker.runtime_calls import EndpointCall
from controller.sandbox.sagemaker.runtime_serving import Moment, Served, on_instances, serverless
from controller.sandbox.sagemaker_state import CREATING, FAILED, EndpointServing, Fleet
from controller.sandbox.wire.contract import AwsError, Handler, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]

MOST_BYTES = 6_291_456
MOST_SERVERLESS_BYTES = 4 * 1024 * 1024
TIMEOUT_MS = 60_000.0


def _note(moment: Moment, served: Served, **more: Any) -> None:
    """Keep the call."""
    fleet = moment.fleet
    call = EndpointCall(
        at_s=moment.now_s,
        fleet=fleet.uid,
        variant=fleet.variant,
        config_name=fleet.config_name,
        share_of_instance=1.0 / fleet.instances if fleet.instances else 0.0,
        model_ms=served.model_ms,
        overhead_ms=served.overhead_ms,
        setup_ms=served.setup_ms,
        deploying=fleet.deploying,
        memory_mb=0 if fleet.serverless is None else fleet.serverless.memory_mb,
        **more,
    )
    moment.place.calls.setdefault(moment.endpoint, []).append(call)


def invoke_endpoint(world: World, ctx: RequestContext, params: Params) -> Mapping[str, Any]:
    """InvokeEndpoint."""
    moment = _moment(world, ctx, params)
    serverless_size = moment.fleet.serverless
    most = MOST_BYTES if serverless_size is None else MOST_SERVERLESS_BYTES
    if len(params.get("Body") or b"") > most:
        raise _invalid(f"Request body exceeds the maximum of {most} bytes.")
    wait_ms = _model_wait(moment, params.get("TargetModel"))
    if serverless_size is None:
        if moment.fleet.instances <= 0:
            raise AwsError("ServiceUnavailable", "No instance is available to serve the request.",
                           503)  # fmt: skip
        served = on_instances(moment)
    else:
        taken = serverless(moment)
        if taken is None:
            _note(moment, Served(0.0, 0.0), throttled=True)
            raise AwsError("ThrottlingException", "Exceeded the maximum concurrency of the "
                           "serverless endpoint.", 429)  # fmt: skip
        served = taken
    served = Served(served.model_ms, served.overhead_ms + wait_ms, served.setup_ms, served.failure)
    return _answered(moment, params, served)


def _moment(world: World, ctx: RequestContext, params: Params) -> Moment:
    place, name = place_of(world, ctx), str(params["EndpointName"])
    endpoint, timeline = place.endpoints.get(name), place.histories.get(name)
    if endpoint is None:
        raise _invalid(f"Endpoint {name} of account {ctx.account} not found.")
    state = None if timeline is None else timeline.at(ctx.now_s)
    if state is None or not state.fleets or endpoint.status in (CREATING, FAILED):
        raise _invalid(f"Endpoint {name} of account {ctx.account} is not in service.")
    if params.get("InferenceComponentName") is not None:
        raise _invalid(f"Endpoint {name} has no inference components.")
    request_id = place.region.new_id(name, "request")
    dice = draws.generator(*endpoint_key(place, name), request_id)
    fleet = _pick(state, params.get("TargetVariant"), dice)
    return Moment(place, name, state, fleet, ctx.now_s, dice)


def _pick(state: EndpointServing, target: str | None, dice: np.random.Generator) -> Fleet:
    """The fleet that a request goes to: by share, or among the target variant's."""
    among = [f for f in state.fleets if not f.shadow and target in (None, f.variant)]
    if not among:
        raise _invalid(f"Variant {target} was not found.")
    shares = np.array([fleet.share for fleet in among])
    if shares.sum() <= 0:
        shares = np.array([float(max(fleet.instances, 1)) for fleet in among])
    return among[int(dice.choice(len(among), p=shares / shares.sum()))]


def _model_wait(moment: Moment, target: str | None) -> float:
    """Milliseconds until the target model of a multi-model endpoint is there."""
    many = takes_models(moment.place, moment.endpoint, moment.fleet)
    if not many:
        if target is not None:
            raise _invalid("TargetModel is only supported by multi-model endpoints.")
        return 0.0
    if target is None:
        raise _invalid("Target Model is required to access Multi-Model Endpoint.")
    wait_ms = loading_ms(
        moment.place, moment.state.workload, moment.fleet, str(target), moment.now_s
    )
    if wait_ms > TIMEOUT_MS:
        text = f"Model {target} is not ready for inference; it is still being loaded."
        raise AwsError("ModelNotReadyException", text, 429)
    return wait_ms


def _answered(moment: Moment, params: Params, served: Served) -> Mapping[str, Any]:
    failure = served.failure or _failure(moment, params, served)
    error = None if failure is None else "5xx"
    _note(moment, served, error=error)
    sleep_ms = served.model_ms + served.overhead_ms
    if failure is not None:
        status, text = failure
        raise AwsError(
            "ModelError",
            f'Received server error ({status}) from primary with message "{text}".',
            424,
            OriginalStatusCode=status,
            OriginalMessage=text,
        )
    return {
        "Body": json.dumps({"predictions": [0]}).encode(),
        "ContentType": params.get("Accept") or "application/json",
        "InvokedProductionVariant": moment.fleet.variant,
        "_sleep_ms": sleep_ms,
    }


def _failure(moment: Moment, params: Params, served: Served) -> tuple[int, str] | None:
    """(status, text) where the model answers with an error."""
    workload = moment.state.workload
    if served.model_ms >= TIMEOUT_MS:
        return 0, "Your invocation timed out while waiting for a response from container primary."
    failing = workload.error_share(np.array([moment.now_s]))
    share = max(workload.nature.error_rate, 0.0 if failing is None else float(failing[0]))
    body = params.get("Body") or b""
    if b'"sandbox_fail"' in body or moment.dice.random() < share:
        return 500, "the model failed"
    return None


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message, 400)


HANDLERS: Mapping[str, Handler] = {"InvokeEndpoint": locked(invoke_endpoint)}
