"""Calls made through InvokeEndpoint, as opposed to traffic that the workload makes up.

They are few, so they are kept one by one; metrics and the bill add them to the rest, and
they share the queue with the rest.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EndpointCall:
    """One call. `fleet` is the one that answered it; times in milliseconds.

    setup_ms is set for a serverless cold start. A throttled call has no latencies; error is
    `4xx` or `5xx` for one that failed.
    """

    at_s: float
    fleet: str
    variant: str
    config_name: str
    share_of_instance: float
    model_ms: float
    overhead_ms: float
    setup_ms: float | None = None
    error: str | None = None
    throttled: bool = False
    deploying: bool = False
    memory_mb: int = 0
    """Of the serverless variant that answered; 0 for instances."""
