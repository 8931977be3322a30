"""Unit tests of the rules themselves, run by promtool: when they fire, what they say, when not."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from telemetry_values import OWNER, POLICIES, POLICY

from controller.model.policy import Slo
from controller.telemetry.rules.burn import LAG_S, STEP_S, preset, seconds_to_fire
from controller.telemetry.rules.document import Format, text
from controller.telemetry.rules.options import RuleOptions

pytestmark = pytest.mark.slow

SCRAPE_S = 60
SLOW_ALERT = "RightsizerSlowRequests"
HEALTHY_S = 3 * 3600
LABELS = ",".join(f'{name}="{value}"' for name, value in OWNER.items())
TRAFFIC = 600
"""Requests in every five minutes."""


class Unit:
    """Runs `promtool test rules` on cases against one policy's rules."""

    def __init__(self, promtool: str, folder: Path) -> None:
        self._promtool = promtool
        self._folder = folder
        policy = replace(POLICY, slo=Slo(400.0, max_error_ratio=0.01))
        rules = text(replace(POLICIES, policies=(policy,)), RuleOptions(), Format.PROMETHEUS)
        (folder / "rules.yml").write_text(rules, encoding="utf-8")

    def run(
        self,
        series: dict[str, Sequence[float]],
        firing: Sequence[dict[str, Any]] = (),
        said: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Series to feed; what fires when (see `tiers` and `named`); alerts in full."""
        case = {
            "interval": f"{SCRAPE_S}s",
            "input_series": [
                {"series": name, "values": " ".join(f"{value:.10g}" for value in values)}
                for name, values in series.items()
            ],
            "promql_expr_test": list(firing),
            "alert_rule_test": list(said),
        }
        document = {
            "rule_files": ["rules.yml"],
            "evaluation_interval": f"{SCRAPE_S}s",
            "tests": [case],
        }
        (self._folder / "test.yml").write_text(json.dumps(document), encoding="utf-8")
        done = subprocess.run(
            [self._promtool, "test", "rules", "test.yml"],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def unit(program: Callable[[str], str], tmp_path: Path) -> Unit:
    return Unit(program("promtool"), tmp_path)


def counters(
    until_s: float, bad_ratio: Callable[[float], float], *, traffic: int = TRAFFIC
) -> dict[str, Sequence[float]]:
    """What a scrape sees: counters that grow once in five minutes, with the lag of the data.

    bad_ratio: share of slow requests at an instant.
    """
    requests, slow, errors = [], [], []
    for at_s in range(0, int(until_s) + 1, SCRAPE_S):
        reads = int(max(0.0, at_s - LAG_S) // STEP_S)
        requests.append(float(reads * traffic))
        slow.append(float(sum(round(traffic * bad_ratio(i * STEP_S)) for i in range(reads))))
        errors.append(0.0)
    return {
        f"rightsizer_slo_requests_total{{{LABELS}}}": requests,
        f"rightsizer_slo_slow_requests_total{{{LABELS}}}": slow,
        f"rightsizer_slo_failed_requests_total{{{LABELS}}}": errors,
    }


def tiers(seconds: float, *expected: str, alert: str = SLOW_ALERT) -> dict[str, Any]:
    """The tiers of a burn-rate alert that fire at an instant: all of them, no other.

    `drip`, which adds up whole hours, has a test of its own.
    """
    chosen = f'ALERTS{{alertname="{alert}",alertstate="firing",burnrate_tier!="drip"}}'
    return _samples(seconds, f"sum by (burnrate_tier) ({chosen})", "burnrate_tier", expected)


def named(seconds: float, *expected: str) -> dict[str, Any]:
    """The controller's own alerts that fire at an instant: all of them, no other."""
    chosen = 'ALERTS{alertname!="RightsizerSlowRequests",alertstate="firing"}'
    return _samples(seconds, f"sum by (alertname) ({chosen})", "alertname", expected)


def _samples(seconds: float, expr: str, label: str, expected: Sequence[str]) -> dict[str, Any]:
    samples = [{"labels": f'{{{label}="{value}"}}', "value": 1} for value in expected]
    return {"expr": expr, "eval_time": f"{int(seconds)}s", "exp_samples": samples}


def test_all_slow_pages_within_the_promised_time_and_ends_soon_after(unit: Unit) -> None:
    fast, slow, *_ = preset(0.95)
    promised_s, slower_s = (seconds_to_fire(tier, 0.95, 1.0) for tier in (fast, slow))
    assert promised_s is not None
    assert slower_s is not None
    ends_s = HEALTHY_S + 3600
    series = counters(ends_s + 3600, lambda at_s: float(HEALTHY_S <= at_s < ends_s))
    late_s = LAG_S + SCRAPE_S
    unit.run(
        series,
        [
            tiers(HEALTHY_S),
            tiers(HEALTHY_S + STEP_S + LAG_S),
            tiers(HEALTHY_S + promised_s, "fast"),
            tiers(HEALTHY_S + slower_s + STEP_S, "fast", "slow", "steady"),
            tiers(ends_s + fast.short_s + late_s, "slow", "steady"),
            tiers(ends_s + slow.short_s + STEP_S + late_s, "steady"),
        ],
    )


def test_the_page_says_what_happens_in_whole_sentences(unit: Unit) -> None:
    who = "lambda_function eu-west-1/ocr (live)"
    told = {
        "summary": f"{who}: more than 50 % of its requests were slower than 400 ms",
        "description": (
            "Over the last 20 min, and still over the last 10 min, more than 50 % of the requests"
            f" of {who} were slower than 400 ms; policy ocr allows 5 %. At this rate a month's"
            " budget of slow requests is gone in 1d 12h 0m 0s."
        ),
        "runbook_url": "docs/runbook.md#rightsizerslowrequests",
    }
    labels = {**OWNER, "severity": "page", "burnrate_tier": "fast", "slo": "latency"}
    unit.run(
        counters(1800, lambda _: 1.0, traffic=20),
        said=[
            {
                "eval_time": "1620s",
                "alertname": SLOW_ALERT,
                "exp_alerts": [{"exp_labels": labels, "exp_annotations": told}],
            }
        ],
    )


def test_a_third_slow_pages_slowly_and_never_fast(unit: Unit) -> None:
    share = 0.34
    after_s = seconds_to_fire(preset(0.95)[1], 0.95, share)
    assert after_s is not None
    series = counters(HEALTHY_S + after_s + 600, lambda at_s: share if at_s >= HEALTHY_S else 0.02)
    unit.run(
        series,
        [
            tiers(HEALTHY_S + 1800),
            tiers(HEALTHY_S + after_s, "slow", "steady"),
        ],
    )


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_a_kept_slo_is_silent(unit: Unit, share: float) -> None:
    unit.run(counters(6 * 3600, lambda _: share), [tiers(h * 3600) for h in (1, 3, 6)])


def test_few_requests_never_page_however_slow(unit: Unit) -> None:
    traffic = 12  # 48 in twenty minutes, where 50 are needed
    series = counters(1800, lambda _: 1.0, traffic=traffic)
    unit.run(series, [tiers(1200), tiers(1800)])


def test_a_counter_that_starts_high_is_no_burst(unit: Unit) -> None:
    """A new Prometheus, or a controller that moved: what came before is not counted."""
    series = {
        name: [value + 1e6 for value in values]
        for name, values in counters(1800, lambda _: 0.0).items()
    }
    unit.run(series, [tiers(900), tiers(1800)])


def test_a_little_too_slow_for_a_day_is_a_ticket(unit: Unit) -> None:
    series = counters(30 * 3600, lambda at_s: 0.08 if at_s >= 4 * 3600 else 0.0)
    drips = f'ALERTS{{alertname="{SLOW_ALERT}",alertstate="firing",severity="ticket"}}'
    unit.run(
        series,
        [
            tiers(30 * 3600),
            _samples(10 * 3600, f"sum by (burnrate_tier) ({drips})", "burnrate_tier", []),
            _samples(29 * 3600, f"sum by (burnrate_tier) ({drips})", "burnrate_tier", ["drip"]),
        ],
    )


def test_failed_requests_page_as_well(unit: Unit) -> None:
    series = counters(3600, lambda _: 0.0)
    slow = next(values for name, values in series.items() if "slow" in name)
    failed = next(name for name in series if "failed" in name)
    series[failed] = [0.3 * value for value in next(iter(series.values()))]
    assert max(slow) == 0.0
    expected = tiers(3000, "fast", "slow", "steady", alert="RightsizerFailedRequests")
    unit.run(series, [tiers(3000), expected])


def flat(short: str, value: float, minutes: int, **labels: str) -> dict[str, list[float]]:
    """One of the controller's gauges, of the endpoint."""
    pairs = ",".join(f'{name}="{text}"' for name, text in {**OWNER, **labels}.items())
    return {f"rightsizer_{short}{{{pairs}}}": [value] * (minutes + 1)}


def policies(mode: str, count: float, minutes: int) -> dict[str, list[float]]:
    """How many policies of a mode are in force."""
    return {f'rightsizer_policies{{mode="{mode}"}}': [count] * (minutes + 1)}


def leads(replica: str, value: float, minutes: int) -> dict[str, list[float]]:
    """Whether a replica leads."""
    labels = f'shard="0/2",instance="{replica}:9797",node="node-{replica}"'
    return {f"rightsizer_leader{{{labels}}}": [value] * (minutes + 1)}


def probes(outcome: str, hourly: float) -> dict[str, list[float]]:
    """Probes that end so, from the start on."""
    name = f'rightsizer_probe_runs_total{{outcome="{outcome}"}}'
    return {name: [float(int(hourly * minute / 60)) for minute in range(601)]}


UP = {'rightsizer_build_info{version="1"}': [1.0] * 601}


@pytest.mark.parametrize(
    ("series", "minutes", "alert"),
    [
        ({}, 10, "RightsizerDown"),
        (
            UP | {"rightsizer_config_last_reload_successful": [0.0] * 11},
            10,
            "RightsizerPolicyInvalid",
        ),
        (UP | flat("drift_detected", 1, 30), 20, "RightsizerDrift"),
        (UP | flat("slo_compliant", 0, 60), 40, "RightsizerSloBreached"),
        (
            UP | flat("condition", 1, 60, type="DataFresh", status="False", reason="StaleData"),
            40,
            "RightsizerDataStale",
        ),
        (
            UP | flat("condition", 1, 60, type="Degraded", status="True", reason="AccessDenied"),
            40,
            "RightsizerEndpointDegraded",
        ),
        (
            UP | flat("cost_hourly_dollars", 1, 180, basis="current")
            | flat("budget_monthly_dollars", 700, 180),
            150,
            "RightsizerBudgetExceeded",
        ),
        (
            UP | flat("endpoint_decision", 1, 90, decision="hold", reason="Infeasible"),
            80,
            "RightsizerSloInfeasible",
        ),
        (
            UP
            | flat("last_change_info", 1, 30, phase="RolledBack", reason="MadeWorse")
            | flat("last_change_timestamp_seconds", 300, 30),
            20,
            "RightsizerRolledBack",
        ),
        (
            UP | {f"rightsizer_change_open{{{LABELS}}}": [float(m % 60 < 30) for m in range(301)]},
            299,
            "RightsizerFlapping",
        ),
        (
            UP | {'rightsizer_reconcile_total{result="error"}': [m * 5.0 for m in range(61)]}
            | {'rightsizer_reconcile_total{result="success"}': [m * 10.0 for m in range(61)]},
            40,
            "RightsizerReconcileErrors",
        ),
        (
            UP | {'rightsizer_aws_throttles_total{service="lambda",operation="GetAlias"}':
                  [m * 5.0 for m in range(61)]},
            40,
            "RightsizerThrottled",
        ),
        (
            UP | {'rightsizer_state_store_errors_total{cause="full"}': [3.0] * 11},
            9,
            "RightsizerJournalErrors",
        ),
        (
            UP
            | {'rightsizer_notifications_total{result="failed"}': [0.0] * 3 + [2.0] * 8},
            10,
            "RightsizerNotificationsFailing",
        ),
        (
            UP | {'rightsizer_price_age_seconds{service="lambda",region="r"}': [4e6] * 91},
            80,
            "RightsizerPriceOld",
        ),
        (UP | flat("last_reconcile_timestamp_seconds", 60, 60), 24, "RightsizerStalled"),
        (UP | policies("Recommend", 2.0, 40), 30, "RightsizerSeesNothing"),
        (UP | leads("a", 0.0, 20) | leads("b", 0.0, 20), 10, "RightsizerNoLeader"),
        (
            UP | {"rightsizer_lease_transitions_total": [m / 5.0 for m in range(61)]},
            59,
            "RightsizerLeaderChanging",
        ),
        (
            UP | probes("succeeded", 1.0) | probes("discarded", 2.0) | probes("failed", 2.0),
            180,
            "RightsizerProbeFailing",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_of_the_controllers_own(
    unit: Unit, series: dict[str, list[float]], minutes: int, alert: str
) -> None:
    unit.run(series, [named(minutes * 60, alert)])


def test_a_well_controller_is_silent(unit: Unit) -> None:
    series = (
        UP
        | {"rightsizer_config_last_reload_successful": [1.0] * 121}
        | flat("drift_detected", 0, 120)
        | flat("slo_compliant", 1, 120)
        | flat("paused", 1, 120)
        | leads("a", 1.0, 120)
        | leads("b", 0.0, 120)
        | policies("Enforce", 3.0, 120)
        | {'rightsizer_state_store_errors_total{cause="busy"}': [2.0] * 121}
        | {"rightsizer_lease_transitions_total": [float(min(m, 60) // 30) for m in range(121)]}
        | probes("succeeded", 3.0)
        | probes("failed", 1.0)
        | flat("condition", 1, 120, type="DataFresh", status="False", reason="NoData")
        | flat("cost_hourly_dollars", 1, 120, basis="current")
        | flat("budget_monthly_dollars", 800, 120)
        | {'rightsizer_reconcile_total{result="error"}': [0.0] * 121}
        | {'rightsizer_reconcile_total{result="success"}': [m * 10.0 for m in range(121)]}
        | {
            f"rightsizer_last_reconcile_timestamp_seconds{{{LABELS}}}": [
                m * 60.0 for m in range(121)
            ]
        }
    )
    unit.run(series, [named(minutes * 60) for minutes in (30, 60, 120)])


def test_policies_that_are_off_look_at_nothing(unit: Unit) -> None:
    unit.run(UP | policies("Off", 2.0, 60), [named(3600)])
