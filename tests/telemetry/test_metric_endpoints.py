"""An endpoint's gauges: what is unknown is absent, and what is gone is gone."""

from dataclasses import replace

import pytest
from telemetry_values import (
    KEY,
    POLICY,
    PRICES,
    SLO,
    Hands,
    assessment,
    candidate,
    change,
    condition,
    endpoint_value,
    hold,
    proposal,
    samples,
    value,
)

from controller.model.change import ChangePhase
from controller.model.condition import ConditionStatus, ConditionType
from controller.model.decision import Propose
from controller.model.demand import Attainment
from controller.model.missing import Missing
from controller.model.reason import Reason
from controller.telemetry.metrics import ReconcileResult, Telemetry

MIB = 2**20
UNKNOWN = Missing("no data")


@pytest.fixture
def hands() -> Hands:
    return Hands(1000.0)


@pytest.fixture
def telemetry(hands: Hands) -> Telemetry:
    return Telemetry(hands, "1.2.3", process=False)


def series_of(telemetry: Telemetry, name: str = "ocr") -> set[str]:
    return {
        sample.removeprefix("rightsizer_")
        for sample, labels in samples(telemetry)
        if ("name", name) in labels
    }


def test_an_assessed_endpoint_in_base_units(telemetry: Telemetry) -> None:
    telemetry.endpoint_assessed(POLICY, assessment())
    expected = {
        ("slo_objective_ratio",): 0.95,
        ("slo_objective_seconds", "percentile", "95"): 0.4,
        ("slo_latency_seconds", "percentile", "95"): 0.212,
        ("slo_attained_ratio",): 0.98,
        ("slo_error_ratio",): 0.001,
        ("slo_compliant",): 1.0,
        ("slo_window_requests",): 1000.0,
        ("slo_data_age_seconds",): 100.0,
        ("budget_monthly_dollars",): 120.0,
        ("cost_hourly_dollars", "basis", "current"): 0.2,
        ("cost_hourly_dollars", "basis", "desired"): 0.14,
        ("potential_savings_hourly_dollars",): 0.06,
        ("target_memory_bytes", "state", "current"): 3008 * MIB,
        ("target_memory_bytes", "state", "desired"): 2048 * MIB,
        ("change_open",): 0.0,
    }
    for (short, *label), number in expected.items():
        labels = {label[0]: label[1]} if label else {}
        assert endpoint_value(telemetry, short, **labels) == pytest.approx(number), short
    decision = {"decision": "change", "reason": "CheaperSize"}
    assert endpoint_value(telemetry, "endpoint_decision", **decision) == 1.0


def test_what_is_unknown_is_absent(telemetry: Telemetry) -> None:
    nothing = hold(Reason.NO_DATA)
    telemetry.endpoint_assessed(
        replace(POLICY, budget_usd_per_month=None),
        assessment(state=None, slo=UNKNOWN, candidates=(), wanted=nothing, decision=nothing),
    )
    assert series_of(telemetry) == {
        "slo_objective_ratio",
        "slo_objective_seconds",
        "endpoint_decision",
        "change_open",
    }


def test_too_little_data_is_neither_compliant_nor_not(telemetry: Telemetry) -> None:
    for attainment, expected in (
        (Attainment.MET, 1.0),
        (Attainment.BREACHED, 0.0),
        (Attainment.UNKNOWN, None),
    ):
        slo = replace(SLO, attainment=attainment)
        telemetry.endpoint_assessed(POLICY, assessment(slo=slo))
        assert endpoint_value(telemetry, "slo_compliant") == expected


def test_parts_of_an_slo_may_be_unknown(telemetry: Telemetry) -> None:
    slo = replace(SLO, met_ratio=UNKNOWN, p95_ms=UNKNOWN, error_ratio=UNKNOWN, newest_s=UNKNOWN)
    telemetry.endpoint_assessed(POLICY, assessment(slo=slo))
    absent = {"slo_attained_ratio", "slo_latency_seconds", "slo_error_ratio"}
    assert not series_of(telemetry) & (absent | {"slo_data_age_seconds"})
    assert endpoint_value(telemetry, "slo_window_requests") == 1000.0


def test_an_unknown_price_is_no_cost_and_no_saving(telemetry: Telemetry) -> None:
    unknown = hold(Reason.PRICE_UNKNOWN)
    candidates = (candidate(3008, Missing("no price")),)
    telemetry.endpoint_assessed(
        POLICY, assessment(candidates=candidates, wanted=unknown, decision=unknown)
    )
    costs = {"cost_hourly_dollars", "potential_savings_hourly_dollars"}
    assert not series_of(telemetry) & costs
    assert endpoint_value(telemetry, "target_memory_bytes", state="desired") == 3008 * MIB


@pytest.mark.parametrize("wanted", [hold(Reason.RIGHT_SIZE), Propose(proposal(4096, -20.0))])
def test_where_nothing_cheaper_is_wanted_the_saving_is_zero(
    telemetry: Telemetry, wanted: Propose
) -> None:
    telemetry.endpoint_assessed(POLICY, assessment(wanted=wanted, decision=wanted))
    assert endpoint_value(telemetry, "potential_savings_hourly_dollars") == 0.0


def test_a_blocked_change_still_shows_what_is_desired(telemetry: Telemetry) -> None:
    telemetry.endpoint_assessed(POLICY, assessment(decision=hold(Reason.PAUSED)))
    assert endpoint_value(telemetry, "target_memory_bytes", state="desired") == 2048 * MIB
    held = {"decision": "hold", "reason": "Paused"}
    assert endpoint_value(telemetry, "endpoint_decision", **held) == 1.0


def test_a_new_reason_ends_the_series_of_the_old_one(telemetry: Telemetry) -> None:
    telemetry.endpoint_assessed(POLICY, assessment(decision=hold(Reason.PAUSED)))
    telemetry.endpoint_assessed(POLICY, assessment(decision=hold(Reason.COOLDOWN)))
    body = telemetry.render()[0].decode()
    assert body.count("rightsizer_endpoint_decision{") == 1
    assert 'reason="Cooldown"' in body


def test_another_policy_takes_all_series_over(telemetry: Telemetry) -> None:
    telemetry.endpoint_assessed(POLICY, assessment())
    telemetry.endpoint_assessed(replace(POLICY, name="new"), assessment())
    body = telemetry.render()[0].decode()
    assert 'policy="new"' in body
    assert 'policy="ocr"' not in body


def test_a_forgotten_endpoint_leaves_no_series(telemetry: Telemetry) -> None:
    other = replace(KEY, name="other")
    for key in (KEY, other):
        telemetry.endpoint_assessed(POLICY, assessment(key=key))
        telemetry.conditions_set(key, "ocr", [condition()])
        telemetry.change_moved(change(key=key))
        telemetry.reconcile_finished(key, "ocr", ReconcileResult.SUCCESS, 0.1)
    telemetry.forget(KEY)
    telemetry.forget(KEY)
    assert series_of(telemetry) == set()
    assert "slo_compliant" in series_of(telemetry, "other")


def test_ages_grow_between_ticks(telemetry: Telemetry, hands: Hands) -> None:
    telemetry.endpoint_assessed(POLICY, assessment())
    telemetry.prices_used(PRICES)
    place = {"region": "eu-west-1", "architecture": "arm64", "source": "bundled"}
    price = {"service": "lambda", **place}
    for now_s in (1000.0, 1600.0):
        hands.now_s = now_s
        assert endpoint_value(telemetry, "slo_data_age_seconds") == now_s - 900.0
        assert value(telemetry, "price_age_seconds", **price) == now_s - 600.0
    hands.now_s = 0.0
    assert endpoint_value(telemetry, "slo_data_age_seconds") == 0.0


def test_only_a_reconcile_without_error_counts_as_the_last(
    telemetry: Telemetry, hands: Hands
) -> None:
    telemetry.reconcile_finished(KEY, "ocr", ReconcileResult.ERROR, 0.1)
    assert endpoint_value(telemetry, "last_reconcile_timestamp_seconds") is None
    telemetry.reconcile_finished(KEY, "ocr", ReconcileResult.REQUEUE, 0.1)
    hands.now_s = 2000.0
    telemetry.reconcile_finished(KEY, "ocr", ReconcileResult.ERROR, 0.1)
    assert endpoint_value(telemetry, "last_reconcile_timestamp_seconds") == 1000.0


def test_conditions_show_their_present_status_only(telemetry: Telemetry) -> None:
    paused, drifted = ConditionType.PAUSED, ConditionType.DRIFTED
    true, false, unknown = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
    telemetry.conditions_set(KEY, "ocr", [condition(paused, true), condition(drifted, unknown)])
    assert endpoint_value(telemetry, "paused") == 1.0
    assert endpoint_value(telemetry, "drift_detected") is None
    telemetry.conditions_set(KEY, "ocr", [condition(paused, false), condition(drifted, true)])
    assert endpoint_value(telemetry, "paused") == 0.0
    assert endpoint_value(telemetry, "drift_detected") == 1.0
    body = telemetry.render()[0].decode()
    assert body.count("rightsizer_condition{") == 2
    shown = {"type": "Paused", "status": "False", "reason": "RightSize"}
    assert endpoint_value(telemetry, "condition", **shown) == 1.0


def test_a_change_is_open_until_it_ends(telemetry: Telemetry) -> None:
    telemetry.change_moved(change(ChangePhase.APPLYING))
    assert endpoint_value(telemetry, "change_open") == 1.0
    telemetry.change_moved(change(ChangePhase.VERIFIED, updated_at_s=999.0))
    assert endpoint_value(telemetry, "change_open") == 0.0
    assert endpoint_value(telemetry, "last_change_timestamp_seconds") == 999.0


def test_a_hundred_endpoints_render_quickly_and_sorted(telemetry: Telemetry) -> None:
    for number in reversed(range(100)):
        key = replace(KEY, name=f"f{number:02}")
        telemetry.endpoint_assessed(POLICY, assessment(key=key, state=None))
    body = telemetry.render()[0].decode()
    at = [body.index(f'name="f{number:02}"') for number in range(100)]
    assert at == sorted(at)
