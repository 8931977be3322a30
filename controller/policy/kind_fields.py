"""Which fields of a policy speak of which kinds of endpoint; those not listed, of all.

A policy's own field that belongs to none of its kinds is an error. One that it inherits is
left out in silence: defaults are for endpoints of all kinds.
"""

from collections.abc import Mapping
from types import MappingProxyType

from controller.model.endpoint import Kind
from controller.policy.documents import PolicySpec

_LAMBDA = Kind.LAMBDA_FUNCTION
_SERVERLESS = Kind.SERVERLESS_ENDPOINT
_REALTIME = Kind.REALTIME_ENDPOINT

NOUNS: Mapping[Kind, str] = MappingProxyType(
    {
        _LAMBDA: "Lambda functions",
        _SERVERLESS: "serverless endpoints",
        _REALTIME: "real-time endpoints",
    }
)

KINDS_OF: Mapping[str, frozenset[Kind]] = MappingProxyType(
    {
        "slo.latency.covers": frozenset({_SERVERLESS, _REALTIME}),
        "bounds.minMemory": frozenset({_LAMBDA, _SERVERLESS}),
        "bounds.maxMemory": frozenset({_LAMBDA, _SERVERLESS}),
        "bounds.memory": frozenset({_LAMBDA, _SERVERLESS}),
        "bounds.minConcurrency": frozenset({_SERVERLESS}),
        "bounds.maxConcurrency": frozenset({_SERVERLESS}),
        "bounds.maxProvisionedConcurrency": frozenset({_SERVERLESS}),
        "bounds.instanceTypes": frozenset({_REALTIME}),
        "bounds.instanceFamilies": frozenset({_REALTIME}),
        "bounds.minInstances": frozenset({_REALTIME}),
        "bounds.maxInstances": frozenset({_REALTIME}),
        "autoscaling": frozenset({_REALTIME}),
        "probe.shadow.mirrored": frozenset({_REALTIME}),
    }
)
"""By path below `spec`."""

COUNTERPARTS: Mapping[str, Mapping[Kind, str]] = MappingProxyType(
    {
        "bounds.minMemory": {_REALTIME: "instanceTypes"},
        "bounds.maxMemory": {_REALTIME: "instanceTypes"},
        "bounds.memory": {_REALTIME: "instanceTypes"},
        "bounds.minConcurrency": {_REALTIME: "minInstances"},
        "bounds.maxConcurrency": {_REALTIME: "maxInstances"},
        "bounds.instanceTypes": {_LAMBDA: "memory", _SERVERLESS: "memory"},
        "bounds.minInstances": {_SERVERLESS: "minConcurrency"},
        "bounds.maxInstances": {_SERVERLESS: "maxConcurrency"},
    }
)
"""What says the nearest thing of another kind."""


def belongs(spec: PolicySpec, path: str) -> bool:
    """Whether a field speaks of any of the policy's kinds."""
    return not KINDS_OF[path].isdisjoint(spec.target.kind or ())
