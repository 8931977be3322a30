"""What the runtime reports is what a scrape sees."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from telemetry_values import (
    KEY,
    POLICIES,
    POLICY,
    Hands,
    assessment,
    change,
    hold,
    samples,
    value,
)

from controller.model.change import ChangePhase, Verdict, VerdictKind
from controller.model.errors import AccessDenied, StoreError
from controller.model.missing import Missing
from controller.model.probe import ProbeOutcome
from controller.model.reason import Reason
from controller.model.size import LambdaSize
from controller.telemetry.metrics import ReconcileResult, Telemetry


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry(Hands(), "1.2.3")


def test_reconciles_are_counted_by_result(telemetry: Telemetry) -> None:
    telemetry.reconcile_finished(KEY, "ocr", ReconcileResult.SUCCESS, 0.2)
    telemetry.reconcile_finished(KEY, "ocr", ReconcileResult.ERROR, 2.0)
    telemetry.reconcile_failed(AccessDenied("no"))
    telemetry.reconcile_failed(KeyError("a bug"))
    assert value(telemetry, "reconcile_total", result="success") == 1.0
    assert value(telemetry, "reconcile_total", result="error") == 1.0
    assert value(telemetry, "reconcile_errors_total", error="AccessDenied") == 1.0
    assert value(telemetry, "reconcile_errors_total", error="Unexpected") == 1.0
    assert value(telemetry, "reconcile_duration_seconds_sum") == pytest.approx(2.2)
    assert value(telemetry, "reconcile_duration_seconds_bucket", le="0.25") == 1.0


def test_calls_to_aws_are_counted_by_code(telemetry: Telemetry) -> None:
    telemetry.on_call("cloudwatch", "GetMetricData", "OK", 0.1, 0)
    telemetry.on_call("cloudwatch", "GetMetricData", "Throttling", 3.0, 2)
    telemetry.on_call("cloudwatch", "GetMetricData", "what is this?\n", 3.0, 0)
    call = {"service": "cloudwatch", "operation": "GetMetricData"}
    for code in ("OK", "Throttling", "Other"):
        assert value(telemetry, "aws_requests_total", **call, code=code) == 1.0
    assert value(telemetry, "aws_retries_total", **call) == 2.0
    assert value(telemetry, "aws_request_duration_seconds_count", **call) == 3.0


def test_metrics_requested_are_billed(telemetry: Telemetry) -> None:
    telemetry.on_metrics_requested(500)
    telemetry.on_metrics_requested(1000)
    assert value(telemetry, "cloudwatch_metrics_requested_total") == 1500.0
    cost = value(telemetry, "self_cost_dollars_total", component="cloudwatch")
    assert cost == pytest.approx(0.015)
    telemetry.on_bytes_scanned(2e9)
    assert value(telemetry, "self_cost_dollars_total", component="logs_insights") == 0.01


def test_who_leads_is_shown(telemetry: Telemetry) -> None:
    assert value(telemetry, "leader", shard="0/1") == 1.0, "without a lease one leads"
    telemetry.leads(True, 12.5)
    telemetry.lease_turned()
    assert value(telemetry, "lease_remaining_seconds") == 12.5
    telemetry.leads(False, 12.5)
    telemetry.lease_turned()
    assert value(telemetry, "leader", shard="0/1") == 0.0
    assert value(telemetry, "lease_remaining_seconds") == 0.0
    assert value(telemetry, "lease_transitions_total") == 2.0


def test_who_does_not_lead_shows_no_endpoint(telemetry: Telemetry) -> None:
    telemetry.endpoint_assessed(POLICY, assessment())
    assert b'name="ocr"' in telemetry.render()[0]
    telemetry.leads(False, 0.0)
    assert b'name="ocr"' not in telemetry.render()[0]
    telemetry.leads(True, 10.0)
    telemetry.endpoint_assessed(POLICY, assessment())
    assert b'name="ocr"' in telemetry.render()[0]


def test_probes_are_counted_by_outcome_with_what_they_cost(telemetry: Telemetry) -> None:
    assert value(telemetry, "probe_runs_total", outcome="failed") == 0.0
    telemetry.probe_ended(ProbeOutcome.SUCCEEDED, 300, 0.25)
    telemetry.probe_ended(ProbeOutcome.FAILED, 2, Missing("no price"))
    assert value(telemetry, "probe_runs_total", outcome="succeeded") == 1.0
    assert value(telemetry, "probe_runs_total", outcome="failed") == 1.0
    assert value(telemetry, "probe_requests_total") == 302.0
    assert value(telemetry, "probe_cost_dollars_total") == 0.25
    telemetry.requests_mirrored(4284)
    assert value(telemetry, "probe_mirrored_requests_total") == 4284.0


@pytest.mark.parametrize(
    ("phase", "target_mb", "action", "result"),
    [
        (ChangePhase.VERIFIED, 2048, "decrease", "verified"),
        (ChangePhase.ROLLED_BACK, 4096, "increase", "rolled_back"),
        (ChangePhase.FAILED, 2048, "decrease", "failed"),
    ],
)
def test_a_change_counts_once_when_it_ends(
    telemetry: Telemetry, phase: ChangePhase, target_mb: int, action: str, result: str
) -> None:
    for step in (ChangePhase.PLANNED, ChangePhase.APPLYING, ChangePhase.VERIFYING, phase):
        telemetry.change_moved(change(step, target=LambdaSize(target_mb)))
    ended = {key: number for key, number in samples(telemetry).items() if "changes_total" in key[0]}
    labels = frozenset({"action": action, "result": result}.items())
    assert {key for key, number in ended.items() if number} == {
        ("rightsizer_changes_total", labels)
    }
    assert sum(ended.values()) == 1.0


def test_a_rollback_counts_by_the_verdicts_reason(telemetry: Telemetry) -> None:
    worse = Verdict(VerdictKind.FAIL, Reason.MADE_WORSE, "…")
    telemetry.change_moved(change(ChangePhase.ROLLED_BACK, verdict=worse))
    telemetry.change_moved(change(ChangePhase.ROLLED_BACK))
    assert value(telemetry, "rollbacks_total", reason="MadeWorse") == 1.0
    assert value(telemetry, "rollbacks_total", reason="CheaperSize") == 1.0
    telemetry.change_moved(change(ChangePhase.ROLLED_BACK, reason=Reason.PROBING))
    assert value(telemetry, "rollbacks_total", reason="Probing") is None, "no size was changed"


def test_a_change_found_at_the_start_is_not_counted_again(telemetry: Telemetry) -> None:
    telemetry.change_seen(change(ChangePhase.VERIFIED))
    assert value(telemetry, "changes_total", action="decrease", result="verified") == 0.0


def test_only_a_wanted_change_counts_as_blocked(telemetry: Telemetry) -> None:
    telemetry.endpoint_assessed(POLICY, assessment())
    telemetry.endpoint_assessed(POLICY, assessment(decision=hold(Reason.COOLDOWN)))
    right = hold(Reason.RIGHT_SIZE)
    telemetry.endpoint_assessed(POLICY, assessment(wanted=right, decision=right))
    assert value(telemetry, "changes_blocked_total", reason="Cooldown") == 1.0
    assert value(telemetry, "changes_blocked_total", reason="RightSize") is None


def test_a_reload_replaces_the_set_and_a_failed_one_keeps_it(telemetry: Telemetry) -> None:
    telemetry.reload_succeeded(POLICIES, 900.0)
    two = {"policy": "two", "mode": "Off", "generation": "g1"}
    assert value(telemetry, "policies", mode="Enforce") == 1.0
    assert value(telemetry, "policies", mode="Observe") == 0.0
    assert value(telemetry, "policy_info", **two) == 1.0
    telemetry.reload_failed()
    assert value(telemetry, "config_last_reload_successful") == 0.0
    assert value(telemetry, "config_last_reload_success_timestamp_seconds") == 900.0
    assert value(telemetry, "config_hash_info", digest="d1") == 1.0
    telemetry.reload_succeeded(replace(POLICIES, policies=(POLICY,), digest="d2"), 950.0)
    assert value(telemetry, "config_last_reload_successful") == 1.0
    assert value(telemetry, "policy_info", **two) is None
    assert value(telemetry, "config_hash_info", digest="d1") is None
    assert value(telemetry, "config_hash_info", digest="d2") == 1.0
    assert value(telemetry, "config_reloads_total", result="success") == 2.0
    assert value(telemetry, "config_reloads_total", result="error") == 1.0


def test_a_scrape_never_sees_half_a_reload(telemetry: Telemetry) -> None:
    telemetry.reload_succeeded(POLICIES, 900.0)
    done = threading.Event()

    def reload() -> None:
        for at in range(200):
            telemetry.reload_succeeded(POLICIES, float(at))
        done.set()

    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(reload)
            while not done.is_set():
                body = telemetry.render()[0]
                assert body.count(b"rightsizer_policy_info{") == 2
                assert body.count(b"rightsizer_config_hash_info{") == 1
    finally:
        sys.setswitchinterval(before_s)


def test_the_journals_errors_count_by_cause(telemetry: Telemetry) -> None:
    telemetry.store_failed(StoreError("disk", code="full"))
    telemetry.store_failed(StoreError("?"))
    assert value(telemetry, "state_store_errors_total", cause="full") == 1.0
    assert value(telemetry, "state_store_errors_total", cause="unknown") == 1.0


def test_threads_lose_no_count(telemetry: Telemetry) -> None:
    def work(number: int) -> None:
        for _ in range(200):
            telemetry.reconcile_finished(KEY, "ocr", ReconcileResult.SUCCESS, 0.1)
            telemetry.endpoint_assessed(POLICY, assessment(key=replace(KEY, name=f"f{number}")))
            telemetry.forget(replace(KEY, name=f"f{number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert value(telemetry, "reconcile_total", result="success") == 800.0
