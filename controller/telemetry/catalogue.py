"""Every metric the controller exposes, as one literal table.

Naming follows Prometheus' practices (https://prometheus.io/docs/practices/naming/): base
units, `_total` on counters, `_ratio` from 0 to 1, `_info` always 1. Labels are bounded by
the policies in force: no ARN, no request id, no message. `docs/metrics.md` is generated
from here, and a test fails on anything exposed that is not listed.
"""

from controller.telemetry.catalogue_endpoints import ENDPOINT_METRICS, endpoint_gauge
from controller.telemetry.catalogue_probes import PROBE_METRICS
from controller.telemetry.metric import Group, Metric, counter, gauge, histogram

CATALOGUE: tuple[Metric, ...] = (
    gauge(Group.BUILD, "build_info", "Always 1; what is running.", "version", "python"),
    counter(
        Group.RECONCILE,
        "reconcile_total",
        "Reconciles of one endpoint that ended, by result: success, requeue (wants to come back"
        " before its next turn) or error.",
        "result",
    ),
    histogram(
        Group.RECONCILE,
        "reconcile_duration_seconds",
        "Time one reconcile took, from taking the key off the queue to its record.",
    ),
    counter(
        Group.RECONCILE,
        "reconcile_errors_total",
        "Reconciles that ended in an error, by the error's kind.",
        "error",
    ),
    endpoint_gauge(
        Group.RECONCILE,
        "last_reconcile_timestamp_seconds",
        "When the endpoint was last reconciled without an error.",
    ),
    gauge(Group.RECONCILE, "active_workers", "Workers that are reconciling at this moment."),
    gauge(Group.RECONCILE, "max_concurrent_reconciles", "Workers there are."),
    gauge(Group.QUEUE, "queue_depth", "Endpoints that are due and wait for a worker."),
    histogram(
        Group.QUEUE,
        "queue_latency_seconds",
        "Time from when an endpoint was due to when a worker took it.",
    ),
    counter(
        Group.QUEUE, "queue_retries_total", "Endpoints put back into the queue after an error."
    ),
    counter(Group.QUEUE, "scheduler_missed_runs_total", "Scheduled runs that did not take place."),
    counter(
        Group.QUEUE,
        "scheduler_overruns_total",
        "Scheduled runs left out because the one before was still going on.",
    ),
    gauge(Group.QUEUE, "scheduler_lag_seconds", "How late the last scheduled run started."),
    gauge(
        Group.LEASE,
        "leader",
        "1 while this replica leads its shard, 0 while it stands by and shows no endpoints; a"
        " process without a lease always leads.",
        "shard",
    ),
    gauge(
        Group.LEASE,
        "lease_remaining_seconds",
        "How long this replica may still act without renewing its lease; 0 where it does not lead,"
        " or needs no lease.",
    ),
    counter(
        Group.LEASE,
        "lease_transitions_total",
        "Times that this replica began or ceased to lead.",
    ),
    gauge(Group.CONFIG, "policies", "Policies in force, by mode.", "mode"),
    gauge(
        Group.CONFIG,
        "policy_info",
        "Always 1; one series per policy in force. The generation is a hash of its content.",
        "policy",
        "mode",
        "generation",
    ),
    gauge(
        Group.CONFIG,
        "config_last_reload_successful",
        "1 if the last attempt to load the policies succeeded, 0 if the set before it stays in"
        " force.",
    ),
    gauge(
        Group.CONFIG,
        "config_last_reload_success_timestamp_seconds",
        "When policies were last loaded.",
    ),
    counter(
        Group.CONFIG,
        "config_reloads_total",
        "Attempts to load the policies, by result: success or error.",
        "result",
    ),
    gauge(
        Group.CONFIG,
        "config_hash_info",
        "Always 1; a hash over all policies and limits in force.",
        "digest",
    ),
    counter(
        Group.AWS,
        "aws_requests_total",
        "Calls to AWS that ended, retries not counted apart. The code is OK, AWS's error code, or"
        " the name of an exception where no answer came.",
        "service",
        "operation",
        "code",
    ),
    histogram(
        Group.AWS,
        "aws_request_duration_seconds",
        "Time a call to AWS took, its retries included.",
        "service",
        "operation",
    ),
    counter(
        Group.AWS,
        "aws_throttles_total",
        "Attempts that AWS throttled, whether or not a retry succeeded.",
        "service",
        "operation",
    ),
    counter(
        Group.AWS, "aws_retries_total", "Attempts beyond a call's first.", "service", "operation"
    ),
    counter(
        Group.AWS,
        "aws_refused_total",
        "Calls that the controller's own call budget held back; AWS never saw them.",
        "service",
        "operation",
    ),
    counter(
        Group.AWS,
        "cloudwatch_metrics_requested_total",
        "Metrics requested with GetMetricData, as CloudWatch bills them.",
    ),
    counter(
        Group.AWS,
        "self_cost_dollars_total",
        "What the controller's own reads cost, by component: cloudwatch (metrics requested) or"
        " logs_insights (bytes scanned); estimated from list prices.",
        "component",
    ),
    *ENDPOINT_METRICS,
    counter(
        Group.PLUMBING,
        "notifications_total",
        "Events for a channel, by result: sent, failed (given up), suppressed (said already) or"
        " dropped (too many waited).",
        "channel",
        "result",
    ),
    gauge(
        Group.COST,
        "price_age_seconds",
        "Age of the prices in use; SageMaker's have no architecture.",
        "service",
        "region",
        "architecture",
        "source",
    ),
    endpoint_gauge(
        Group.CHANGES,
        "change_open",
        "1 while a change of the endpoint is in flight, else 0; a mirrored probe is none.",
    ),
    endpoint_gauge(
        Group.CHANGES,
        "last_change_info",
        "Always 1; how far the last change of the endpoint came, and its reason or its verdict's.",
        "phase",
        "reason",
    ),
    endpoint_gauge(
        Group.CHANGES,
        "last_change_timestamp_seconds",
        "When the last change of the endpoint moved on.",
    ),
    counter(
        Group.CHANGES,
        "changes_total",
        "Changes that ended, by action (increase, decrease) and result (verified, unverified,"
        " rolled_back, failed).",
        "action",
        "result",
    ),
    counter(
        Group.CHANGES, "rollbacks_total", "Changes that were rolled back, by reason.", "reason"
    ),
    counter(
        Group.CHANGES,
        "changes_blocked_total",
        "Assessments that wanted a change which a guard held back, by the guard's reason.",
        "reason",
    ),
    *PROBE_METRICS,
    counter(Group.PLUMBING, "log_messages_total", "Log messages written, by level.", "level"),
    counter(
        Group.PLUMBING,
        "state_store_errors_total",
        "Reads and writes of the journal that failed, by cause.",
        "cause",
    ),
)
