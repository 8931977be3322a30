"""What is exposed of probes: how they ended, and what they cost.

A part of the catalogue.
"""

from controller.telemetry.metric import Group, Metric, counter

PROBE_METRICS: tuple[Metric, ...] = (
    counter(
        Group.PROBES,
        "probe_runs_total",
        "Probes that ended, by outcome: succeeded, aborted (a stop rule ended it early; what it saw"
        " counts), discarded (the generator was measured, not the endpoint) or failed (it could not"
        " be run).",
        "outcome",
    ),
    counter(Group.PROBES, "probe_requests_total", "Requests that probes sent."),
    counter(
        Group.PROBES,
        "probe_mirrored_requests_total",
        "Users' requests that AWS copied to shadow variants of ours: mirrored probes send none.",
    ),
    counter(
        Group.PROBES,
        "probe_cost_dollars_total",
        "What probes cost, as reckoned from requests, durations and prices.",
    ),
)
