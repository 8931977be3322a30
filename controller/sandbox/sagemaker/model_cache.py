"""Which models of a multi-model endpoint are in memory, for calls that name one.

Facts: a model is loaded when it is first asked for, the least recently used one goes when
memory is short; a request waits for its model.
"""

from __future__ import annotations

from controller.sandbox.sagemaker.catalogue import instance_types
from controller.sandbox.sagemaker.machines import EndpointWorkload
from controller.sandbox.sagemaker_state import Fleet, SageMakerPlace

STANDARD_FIT = 20
TIMEOUT_MS = 60_000.0


def takes_models(place: SageMakerPlace, endpoint: str, fleet: Fleet) -> bool:
    """Whether requests to a fleet must name a model."""
    live = place.endpoints[endpoint].variants.get(fleet.variant)
    name = None if live is None else live.config.model_name
    container = place.models.get(name or "", {}).get("PrimaryContainer", {})
    return bool(container.get("Mode") == "MultiModel")


def loading_ms(
    place: SageMakerPlace, workload: EndpointWorkload, fleet: Fleet, model: str, now_s: float
) -> float:
    """How long a request waits for its model; it is loaded, or on its way, from then on."""
    held = place.loaded.setdefault(fleet.uid, {})
    begun_s, load_ms = held.pop(model, None), workload.models.load_ms
    if begun_s is None:
        _, fit = workload.hit_ratio(instance_types().get(fleet.instance_type or ""))
        while len(held) >= (fit or STANDARD_FIT):
            del held[next(iter(held))]
        held[model] = now_s
        return load_ms
    held[model] = begun_s
    # While the clock stands still, the call that waited for the model has been answered.
    if begun_s == now_s and load_ms <= TIMEOUT_MS:
        return 0.0
    return max(0.0, begun_s - now_s + load_ms / 1000.0) * 1000.0
