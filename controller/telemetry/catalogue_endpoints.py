"""What is exposed of each endpoint: service level, cost, sizes, decisions.

A part of the catalogue. Every metric here carries the endpoint's own labels before its
own, and what is not known of an endpoint is absent, never 0.
"""

from controller.telemetry.metric import Group, Metric, MetricType


def endpoint_gauge(group: Group, short: str, help_: str, *labels: str) -> Metric:
    """A row for something known of each endpoint."""
    return Metric(group, MetricType.GAUGE, short, help_, labels, per_endpoint=True)


def _endpoint_counter(group: Group, short: str, help_: str) -> Metric:
    return Metric(group, MetricType.COUNTER, short, help_, per_endpoint=True)


ENDPOINT_METRICS: tuple[Metric, ...] = (
    endpoint_gauge(
        Group.SLO,
        "slo_objective_ratio",
        "Share of requests that the policy wants within the objective's latency.",
    ),
    endpoint_gauge(
        Group.SLO,
        "slo_objective_seconds",
        "Latency that the policy allows at the percentile.",
        "percentile",
    ),
    _endpoint_counter(
        Group.SLO,
        "slo_requests_total",
        "Requests seen in CloudWatch, late points included; goes on across restarts.",
    ),
    _endpoint_counter(
        Group.SLO,
        "slo_slow_requests_total",
        "Those of them that were slower than the objective's latency.",
    ),
    _endpoint_counter(Group.SLO, "slo_failed_requests_total", "Those of them that failed."),
    endpoint_gauge(
        Group.SLO,
        "slo_error_budget_remaining_ratio",
        "Share of the slow requests allowed over the last two weeks that is not used; below 0"
        " where more were slow than allowed, absent where unknown.",
    ),
    endpoint_gauge(
        Group.SLO,
        "slo_burn_rate",
        "How many times faster than allowed the window's requests used the budget of slow"
        " requests; 1 uses it up exactly, absent where unknown. Not a share: at 95 % it goes"
        " up to 20.",
    ),
    endpoint_gauge(
        Group.SLO,
        "slo_attained_ratio",
        "Share of requests in the window that were within the objective's latency; absent where"
        " unknown.",
    ),
    endpoint_gauge(
        Group.SLO,
        "slo_latency_seconds",
        "Latency measured at the percentile over the window; absent where unknown.",
        "percentile",
    ),
    endpoint_gauge(
        Group.SLO,
        "slo_compliant",
        "1 if the SLO is met, 0 if it is breached; absent where there is too little data to say.",
    ),
    endpoint_gauge(
        Group.SLO,
        "slo_error_ratio",
        "Share of requests in the window that failed; absent where unknown.",
    ),
    endpoint_gauge(Group.SLO, "slo_window_requests", "Requests in the SLO's window."),
    endpoint_gauge(
        Group.SLO,
        "slo_data_age_seconds",
        "Age of the newest data; absent where there is none at all.",
    ),
    endpoint_gauge(
        Group.COST,
        "cost_hourly_dollars",
        "Expected cost per hour under the present demand, by basis: current size or desired size;"
        " absent where a price is unknown. 730 hours make a month.",
        "basis",
    ),
    endpoint_gauge(
        Group.COST,
        "budget_monthly_dollars",
        "The policy's budget per month; absent where it has none.",
    ),
    endpoint_gauge(
        Group.COST,
        "potential_savings_hourly_dollars",
        "What the desired size would save per hour; 0 where nothing cheaper is wanted, absent"
        " where a price is unknown.",
    ),
    endpoint_gauge(
        Group.SIZE,
        "target_memory_bytes",
        "Memory, by state: current (what AWS reports) or desired (what the controller wants).",
        "state",
    ),
    endpoint_gauge(
        Group.SIZE,
        "target_max_concurrency",
        "Most requests at a time of a serverless endpoint, by state.",
        "state",
    ),
    endpoint_gauge(
        Group.SIZE,
        "target_provisioned_concurrency",
        "Environments of a serverless endpoint kept warm, by state.",
        "state",
    ),
    endpoint_gauge(
        Group.SIZE,
        "target_min_instances",
        "Least instances of a real-time endpoint, by state.",
        "state",
    ),
    endpoint_gauge(
        Group.SIZE,
        "target_max_instances",
        "Most instances of a real-time endpoint, by state.",
        "state",
    ),
    endpoint_gauge(
        Group.SIZE,
        "target_requests_per_second_per_instance",
        "Load of an instance that autoscaling aims at, by state; absent without target tracking.",
        "state",
    ),
    endpoint_gauge(
        Group.SIZE,
        "target_instance_info",
        "Always 1; the instance type of a real-time endpoint, by state.",
        "state",
        "instance_type",
    ),
    endpoint_gauge(
        Group.SIZE,
        "running_instances",
        "Instances of a real-time endpoint that run now, as autoscaling has it.",
    ),
    endpoint_gauge(
        Group.COST,
        "advice",
        "Always 1; something that a person might do and the controller never does, by reason.",
        "reason",
    ),
    endpoint_gauge(
        Group.COST,
        "advice_savings_hourly_dollars",
        "What following the advice would save per hour, at a middle guess.",
        "reason",
    ),
    endpoint_gauge(
        Group.SIZE,
        "endpoint_decision",
        "Always 1; the last decision (hold or change) and its reason.",
        "decision",
        "reason",
    ),
    endpoint_gauge(
        Group.SIZE,
        "condition",
        "Always 1; the status of each condition, and its reason.",
        "type",
        "status",
        "reason",
    ),
    endpoint_gauge(
        Group.SIZE,
        "paused",
        "1 if a person has paused the endpoint or the fleet, 0 if not; absent where unknown.",
    ),
    endpoint_gauge(
        Group.SIZE,
        "drift_detected",
        "1 if somebody else changed the endpoint's size, 0 if not; absent where unknown.",
    ),
)
