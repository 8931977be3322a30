"""What the runtime calls when something has happened, and what a scrape then sees.

All methods are safe from several threads and cheap; none raises for what it is given.
`Telemetry` also listens to AWS calls (it has the methods of `controller.aws.calls.CallListener`).
"""

import platform
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from prometheus_client import CollectorRegistry

from controller.core.slo_ledger import Totals
from controller.model.change import Change, ChangePhase
from controller.model.condition import Condition
from controller.model.decision import Assessment, Hold, Propose
from controller.model.endpoint import EndpointKey
from controller.model.errors import AdapterError, StoreError
from controller.model.missing import Maybe, Missing
from controller.model.policy import Mode, Policy, PolicySet
from controller.model.probe import ProbeOutcome
from controller.model.reason import Reason
from controller.model.size import lessens
from controller.telemetry.catalogue import CATALOGUE
from controller.telemetry.endpoint_page import EndpointPage
from controller.telemetry.prices import PriceCollector, Prices
from controller.telemetry.registry import exposition, instruments, register_process

_USD_PER_METRIC_REQUESTED = 0.01 / 1000
"""GetMetricData, first tier (https://aws.amazon.com/cloudwatch/pricing/)."""
_USD_PER_BYTE_SCANNED = 0.005 / 1e9
"""Logs Insights (the same page)."""
_RESULTS: Mapping[ChangePhase, str] = {
    ChangePhase.VERIFIED: "verified",
    ChangePhase.UNVERIFIED: "unverified",
    ChangePhase.ROLLED_BACK: "rolled_back",
    ChangePhase.FAILED: "failed",
}
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class ReconcileResult(StrEnum):
    """How one reconcile ended."""

    SUCCESS = "success"
    REQUEUE = "requeue"
    """Fine, but it wants to come back before its next turn."""
    ERROR = "error"


class Telemetry:
    """The controller's metrics.

    Args:
        now_s: the clock's time, for ages and timestamps.
        version: of this program.
        process: also export `process_*` and `python_gc_*`.
        shard: the part of the fleet that this process keeps, or would, and of how many.
    """

    def __init__(
        self,
        now_s: Callable[[], float],
        version: str,
        *,
        process: bool = True,
        shard: str = "0/1",
    ) -> None:
        self._now_s = now_s
        self._reload_lock = threading.Lock()
        self._registry = CollectorRegistry(auto_describe=False)
        self._endpoints = EndpointPage(now_s)
        self._prices = PriceCollector(now_s)
        self._registry.register(self._prices)
        left_out = [metric.short for metric in CATALOGUE if metric.per_endpoint]
        built = instruments(self._registry, [*left_out, "price_age_seconds"])
        self._counters, self._gauges = built.counters, built.gauges
        self._histograms = built.histograms
        self._gauges["build_info"].labels(version, platform.python_version()).set(1)
        self._leader = self._gauges["leader"].labels(shard)
        self._leader.set(1)  # until a lease says otherwise
        if process:
            register_process(self._registry)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The body of `/metrics` and its content type, for a request's `Accept` header."""
        with self._reload_lock:
            return exposition(
                self._registry, accept, lambda om: self._endpoints.text(openmetrics=om)
            )

    # reconciling

    def reconcile_finished(
        self, key: EndpointKey, policy: str, result: ReconcileResult, seconds: float
    ) -> None:
        """One reconcile ended, after `seconds`."""
        self._counters["reconcile_total"].labels(result).inc()
        self._histograms["reconcile_duration_seconds"].observe(seconds)
        if result is not ReconcileResult.ERROR:
            self._endpoints.update(key, policy, reconciled_at_s=self._now_s())

    def reconcile_failed(self, error: BaseException) -> None:
        """Why a reconcile ended in an error; `reconcile_finished` is called as well."""
        kind = type(error).__name__ if isinstance(error, AdapterError) else "Unexpected"
        self._counters["reconcile_errors_total"].labels(kind).inc()

    def workers(self, active: int, total: int) -> None:
        """Workers that reconcile now, and workers there are."""
        self._gauges["active_workers"].set(active)
        self._gauges["max_concurrent_reconciles"].set(total)

    # queue and scheduler

    def queue(self, depth: int) -> None:
        """Endpoints due and waiting."""
        self._gauges["queue_depth"].set(depth)

    def queue_waited(self, seconds: float) -> None:
        """A worker took a key that had been due for `seconds`."""
        self._histograms["queue_latency_seconds"].observe(seconds)

    def queue_retried(self) -> None:
        """A key was put back after an error."""
        self._counters["queue_retries_total"].inc()

    def scheduler_missed(self) -> None:
        """A scheduled run did not take place."""
        self._counters["scheduler_missed_runs_total"].inc()

    def scheduler_overran(self) -> None:
        """A scheduled run was left out because the one before still went on."""
        self._counters["scheduler_overruns_total"].inc()

    def scheduler_started(self, lag_s: float) -> None:
        """A scheduled run began, `lag_s` after it was due."""
        self._gauges["scheduler_lag_seconds"].set(max(0.0, lag_s))

    # policies

    def reload_succeeded(self, policies: PolicySet, at_s: float) -> None:
        """These policies are in force from now on."""
        self._counters["config_reloads_total"].labels("success").inc()
        self._gauges["config_last_reload_successful"].set(1)
        self._gauges["config_last_reload_success_timestamp_seconds"].set(at_s)
        # a scrape sees the old set or the new one, never half of each
        with self._reload_lock:
            self._put_policies(policies)

    def _put_policies(self, policies: PolicySet) -> None:
        for short in ("policies", "policy_info", "config_hash_info"):
            self._gauges[short].clear()
        for mode in Mode:
            count = sum(policy.mode is mode for policy in policies.policies)
            self._gauges["policies"].labels(mode).set(count)
        for policy in policies.policies:
            labels = (policy.name, policy.mode, policy.generation)
            self._gauges["policy_info"].labels(*labels).set(1)
        self._gauges["config_hash_info"].labels(policies.digest).set(1)

    def reload_failed(self) -> None:
        """The policies could not be loaded; the set before stays in force."""
        self._counters["config_reloads_total"].labels("error").inc()
        self._gauges["config_last_reload_successful"].set(0)

    # endpoints

    def endpoint_assessed(self, policy: Policy, assessment: Assessment) -> None:
        """What one tick concluded; replaces what was exported of the endpoint."""
        self._endpoints.update(assessment.key, policy.name, objective=policy, assessment=assessment)
        if isinstance(assessment.wanted, Propose) and isinstance(assessment.decision, Hold):
            self._counters["changes_blocked_total"].labels(assessment.decision.reason).inc()

    def conditions_set(
        self, key: EndpointKey, policy: str, conditions: Iterable[Condition]
    ) -> None:
        """All conditions of an endpoint; replaces those before."""
        by_type = {condition.type: condition for condition in conditions}
        self._endpoints.update(key, policy, conditions=by_type)

    def requests_counted(
        self, key: EndpointKey, policy: str, total: Totals, budget_left: Maybe[float]
    ) -> None:
        """All requests counted so far, and what is left of the budget of slow ones."""
        self._endpoints.update(key, policy, counted=total, budget_left=budget_left)

    def change_moved(self, change: Change) -> None:
        """A change was planned, advanced or closed: called once per journalled step."""
        self._endpoints.update(change.key, change.policy, change=change)
        if change.reason is Reason.PROBING:
            return  # a mirrored probe changes no size, and is counted as a probe
        result = _RESULTS.get(change.phase)
        if result is not None:
            action = "decrease" if lessens(change.before, change.target) else "increase"
            self._counters["changes_total"].labels(action, result).inc()
        if change.phase is ChangePhase.ROLLED_BACK:
            reason = change.reason if change.verdict is None else change.verdict.reason
            self._counters["rollbacks_total"].labels(reason).inc()

    def change_seen(self, change: Change) -> None:
        """A change found in the journal at start: shown, not counted again."""
        self._endpoints.update(change.key, change.policy, change=change)

    def forget(self, key: EndpointKey) -> None:
        """No policy claims the endpoint any more: all its series end."""
        self._endpoints.forget(key)

    def prices_used(self, prices: Prices) -> None:
        """These prices are the ones in use for their service, region and architecture."""
        self._prices.put(prices)

    # lease and probes

    def leads(self, leader: bool, remaining_s: float) -> None:
        """Whether this replica leads, and for how long at most without a renewal.

        One that does not lead shows no endpoint: what it knew of them grows old, and the
        replica that leads shows them.
        """
        if not leader:
            self._endpoints.clear()
        self._leader.set(float(leader))
        self._gauges["lease_remaining_seconds"].set(max(0.0, remaining_s) if leader else 0.0)

    def lease_turned(self) -> None:
        """This replica began or ceased to lead."""
        self._counters["lease_transitions_total"].inc()

    def probe_ended(self, outcome: ProbeOutcome, requests: int, cost_usd: Maybe[float]) -> None:
        """A probe ended, after so many requests; a cost that is not known is not counted."""
        self._counters["probe_runs_total"].labels(outcome.value.lower()).inc()
        self._counters["probe_requests_total"].inc(requests)
        if not isinstance(cost_usd, Missing):
            self._counters["probe_cost_dollars_total"].inc(cost_usd)

    def requests_mirrored(self, requests: int) -> None:
        """So many of users' requests were copied to a shadow variant of ours."""
        self._counters["probe_mirrored_requests_total"].inc(requests)

    # calls to AWS

    def on_call(
        self, service: str, operation: str, code: str, seconds: float, retries: int
    ) -> None:
        """A call to AWS ended; the code is `OK`, AWS's error code, or an exception's name."""
        word = code if _WORD.fullmatch(code) else "Other"
        self._counters["aws_requests_total"].labels(service, operation, word).inc()
        self._histograms["aws_request_duration_seconds"].labels(service, operation).observe(seconds)
        if retries > 0:
            self._counters["aws_retries_total"].labels(service, operation).inc(retries)

    def on_throttled(self, service: str, operation: str) -> None:
        """AWS throttled one attempt."""
        self._counters["aws_throttles_total"].labels(service, operation).inc()

    def on_refused(self, service: str, operation: str) -> None:
        """Our own call budget held a call back."""
        self._counters["aws_refused_total"].labels(service, operation).inc()

    def on_metrics_requested(self, count: int) -> None:
        """CloudWatch will bill this many metrics."""
        self._counters["cloudwatch_metrics_requested_total"].inc(count)
        self.self_cost("cloudwatch", count * _USD_PER_METRIC_REQUESTED)

    def on_bytes_scanned(self, count: float) -> None:
        """CloudWatch Logs will bill this many bytes of a query."""
        self.self_cost("logs_insights", count * _USD_PER_BYTE_SCANNED)

    def self_cost(self, component: str, usd: float) -> None:
        """The controller itself has spent this."""
        self._counters["self_cost_dollars_total"].labels(component).inc(usd)

    # plumbing

    def channels(self, names: Iterable[str]) -> None:
        """These channels exist: their counters start at zero."""
        for name in names:
            for result in ("sent", "failed", "suppressed", "dropped"):
                self._counters["notifications_total"].labels(name, result)

    def notified(self, channel: str, result: str, events: int) -> None:
        """Events for a channel were sent, failed, suppressed or dropped."""
        self._counters["notifications_total"].labels(channel, result).inc(events)

    def log_message(self, level: str) -> None:
        """A log message was written."""
        self._counters["log_messages_total"].labels(level).inc()

    def store_failed(self, error: StoreError) -> None:
        """The journal could not be read or written."""
        self._counters["state_store_errors_total"].labels(error.code or "unknown").inc()
