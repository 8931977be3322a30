"""Rules made from policies: whole, well-formed, and only about metrics that exist."""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telemetry_values import POLICIES, POLICY

from controller.model.policy import Cadence, Mode, PolicySet, Slo
from controller.telemetry.catalogue import CATALOGUE
from controller.telemetry.metric import MetricType
from controller.telemetry.rules.burn import (
    Burn,
    NeverFires,
    Severity,
    checked,
    preset,
    seconds_to_fire,
    stretched,
)
from controller.telemetry.rules.document import Format, groups, text
from controller.telemetry.rules.explain import table
from controller.telemetry.rules.options import RuleOptions
from controller.telemetry.rules.promql import Rule, duration, number, spoken
from controller.telemetry.rules.slo_alerts import policy_labels

PLAIN = RuleOptions()
NAME = re.compile(r"\brightsizer[_:][a-zA-Z0-9_:]*")


def with_policies(*policies: object) -> PolicySet:
    return replace(POLICIES, policies=policies)  # type: ignore[arg-type]


def rules(policies: PolicySet = POLICIES, options: RuleOptions = PLAIN) -> Iterator[Rule]:
    for group in groups(policies, options):
        yield from group.rules


def test_every_metric_that_rules_speak_of_exists() -> None:
    exposed = {metric.name for metric in CATALOGUE if metric.type is not MetricType.HISTOGRAM}
    recorded: set[str] = set()
    for rule in rules(with_policies(replace(POLICY, slo=Slo(400.0, max_error_ratio=0.01)))):
        names = set(NAME.findall(rule.expr))
        assert names <= exposed | recorded, f"{rule.record or rule.alert}: {names - exposed}"
        if rule.record is not None:
            recorded.add(rule.record)


def test_a_policy_that_is_off_has_no_alerts() -> None:
    off = replace(POLICY, name="off", mode=Mode.OFF)
    assert {rule.labels.get("policy") for rule in rules(with_policies(POLICY, off))} == {
        None,
        "ocr",
    }


def test_recordings_do_not_grow_with_policies() -> None:
    many = with_policies(*(replace(POLICY, name=f"p{n}") for n in range(50)))
    one = [rule for rule in rules(with_policies(POLICY)) if rule.record]
    assert [rule for rule in rules(many) if rule.record] == one


def test_every_alert_says_what_it_must() -> None:
    for rule in rules():
        if rule.alert is None:
            continue
        assert rule.labels["severity"] in set(Severity)
        assert set(rule.annotations) >= {"summary", "description", "runbook_url"}
        assert rule.annotations["description"].endswith(".")


def test_tiers_have_stable_labels_for_inhibition() -> None:
    found = [
        (rule.labels["burnrate_tier"], rule.labels["severity"], rule.labels["slo"])
        for rule in rules(with_policies(POLICY))
        if rule.alert == "RightsizerSlowRequests"
    ]
    assert found == [
        ("fast", "page", "latency"),
        ("slow", "page", "latency"),
        ("steady", "ticket", "latency"),
        ("drip", "ticket", "latency"),
    ]


def test_errors_are_watched_where_the_policy_limits_them() -> None:
    limited = replace(POLICY, slo=Slo(400.0, max_error_ratio=0.01))
    names = [rule.alert for rule in rules(with_policies(limited))]
    assert names.count("RightsizerFailedRequests") == 4
    assert "RightsizerFailedRequests" not in [rule.alert for rule in rules(with_policies(POLICY))]


def test_the_same_policies_give_the_same_file() -> None:
    for form in Format:
        assert text(POLICIES, PLAIN, form) == text(POLICIES, PLAIN, form)


@pytest.mark.parametrize("pace", [1.0, 60.0])
@pytest.mark.parametrize("interval_s", [300.0, 900.0])
def test_promtool_takes_them(
    program: Callable[[str], str], tmp_path: Path, pace: float, interval_s: float
) -> None:
    slow = replace(
        POLICY,
        name="slow",
        slo=Slo(400.0, 0.99, max_error_ratio=0.001),
        cadence=Cadence(interval_s=interval_s),
        labels={"team": "a {{ b", "app.kubernetes.io/name": "x"},
    )
    file = tmp_path / "rules.yml"
    options = replace(PLAIN, pace=pace, dashboard="https://grafana.example/d/endpoint")
    file.write_text(text(with_policies(POLICY, slow), options, Format.PROMETHEUS), "utf-8")
    done = subprocess.run(
        [program("promtool"), "check", "rules", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout + done.stderr


@given(st.floats(0.5, 0.9999))
def test_the_preset_fires_at_every_objective(objective: float) -> None:
    tiers = checked(preset(objective), objective)
    shares = [tier.bad_ratio(objective) for tier in tiers]
    assert shares == sorted(shares, reverse=True)
    for tier, share in zip(tiers, shares, strict=True):
        assert 1.0 - objective < share < 1.0
        assert seconds_to_fire(tier, objective, 1.0) is not None
        assert seconds_to_fire(tier, objective, share * 0.999) is None


def test_at_95_percent_the_numbers_are_round() -> None:
    assert [(round(t.factor, 9), t.min_requests) for t in preset(0.95)] == [
        (10.0, 50),
        (5.0, 100),
        (2.0, 500),
        (1.2, 7600),
    ]


@pytest.mark.parametrize(("objective", "factor"), [(0.95, 20.0), (0.9, 14.4), (0.5, 2.0)])
def test_what_can_never_fire_is_refused(objective: float, factor: float) -> None:
    tier = Burn("fast", Severity.PAGE, factor, 3600.0, 300.0, 0)
    with pytest.raises(NeverFires, match="could never fire"):
        checked([tier], objective)
    policy = replace(POLICY, slo=Slo(400.0, objective))
    with pytest.raises(NeverFires, match="fast"):
        groups(with_policies(policy), replace(PLAIN, tiers=(tier,)))


def test_seldom_read_endpoints_have_longer_windows() -> None:
    (fast, *_) = preset(0.95)
    assert stretched(fast, 300.0) == stretched(fast, 60.0) == fast
    assert stretched(fast, 900.0).short_s == 3 * fast.short_s


def test_the_table_says_never_where_it_never_fires() -> None:
    lines = table(with_policies(POLICY), PLAIN).splitlines()
    assert "50 %" in lines[1]
    assert lines[1].split()[-1] == "never"


def test_labels_of_a_policy_go_with_its_alerts() -> None:
    labels = {"team": "vision", "app.kubernetes.io/name": "ocr", "severity": "none", "9": "x"}
    assert policy_labels(labels) == {"team": "vision", "app_kubernetes_io_name": "ocr", "_9": "x"}


def test_words() -> None:
    assert [duration(s) for s in (0.5, 20, 1200, 5400, 259_200)] == [
        "500ms", "20s", "20m", "90m", "3d",
    ]  # fmt: skip
    assert number(1.0 - 0.95) == "0.05"
    assert [spoken(s) for s in (750, 5400, 21_600, 129_600)] == ["13 min", "90 min", "6 h", "36 h"]
