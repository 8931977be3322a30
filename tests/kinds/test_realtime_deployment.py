"""How a new fleet is asked for: its count, its canary, its alarms, its name."""

import re
from dataclasses import replace

import pytest
from given import a_change
from hypothesis import given
from hypothesis import strategies as st

from controller.kinds.realtime_endpoint import deployment
from controller.kinds.realtime_endpoint.names import action_name, config_name
from controller.model.change import Baseline
from controller.model.policy import Rollout, Slo
from controller.model.reason import Reason
from controller.model.sagemaker_steps import Shift
from controller.model.size import RealtimeSize, ScheduledBounds

BEFORE = RealtimeSize("ml.c5.large", 2, 12, 600.0)


@pytest.mark.parametrize(
    ("after", "desired", "count"),
    [
        (RealtimeSize("ml.c5.xlarge", 1, 9, 1200.0), 5, 3),  # twice as much each
        (RealtimeSize("ml.c5.xlarge", 4, 9, 1200.0), 5, 4),  # the availability floor
        (RealtimeSize("ml.m5.large", 1, 9, 300.0), 8, 9),  # half as much, and a limit
        (RealtimeSize("ml.m5.large", 1, 9), 4, 4),  # nothing known: as many as before
        (RealtimeSize("ml.m5.large", 1, 1), 4, 1),  # fixed
    ],
)
def test_the_new_fleet_carries_what_the_old_one_carries(
    after: RealtimeSize, desired: int, count: int
) -> None:
    assert deployment.new_count(BEFORE, after, desired) == count


@given(st.integers(1, 40), st.floats(0.0, 0.5))
def test_a_canary_is_at_least_one_instance_and_at_most_half(count: int, share: float) -> None:
    shift = deployment.shift(Rollout(canary_share=share), "ml.c5.large", count, ("a",))
    percent = shift.canary_percent
    if percent is None:
        assert count == 1 or round(share * 100) == 0
        assert shift == Shift()
    else:
        assert 1 <= percent <= 50
        assert count * percent / 100.0 >= 1.0
        assert 0 <= shift.wait_s <= 3600
        assert shift.alarms == ("a",)


def test_inferentia_has_no_guardrails() -> None:
    assert deployment.shift(Rollout(), "ml.inf1.xlarge", 4, ("a",)) == Shift()


def test_alarms_are_in_the_metric_s_own_unit() -> None:
    config = "rightsizer-shop-c5-large-0123456789"
    latency, errors = deployment.alarm_names(config)
    change = a_change()
    slow = deployment.alarm(latency, config, "AllTraffic", change, Slo(150.0, 0.99))
    assert (slow.metric, slow.statistic, slow.threshold) == ("ModelLatency", "p99", 150_000.0)
    bad = deployment.alarm(errors, config, "AllTraffic", change, Slo(150.0))
    assert (bad.metric, bad.statistic, bad.threshold) == ("Invocation5XXErrors", "Average", 0.05)


def test_out_of_a_breach_no_worse_than_before_is_good_enough() -> None:
    base = Baseline(0.0, 60.0, 1000, 900, 200, 400.0)
    breach = replace(a_change(), reason=Reason.SLO_BREACHED, baseline=base)
    latency, errors = deployment.alarm_names("rightsizer-x")
    assert deployment.alarm(latency, "rightsizer-x", "v", breach, Slo(150.0)).threshold == 400_000.0
    assert deployment.alarm(errors, "rightsizer-x", "v", breach, Slo(150.0)).threshold == 0.4


@given(
    st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,40}", fullmatch=True).filter(
        lambda name: len(name) <= 63
    ),
    st.sampled_from(["ml.c5.large", "ml.c5n.18xlarge", "ml.p4d.24xlarge"]),
    st.integers(1, 99),
)
def test_names_are_names(endpoint: str, instance_type: str, count: int) -> None:
    name = config_name(endpoint, ("source", "f00d"), instance_type, count)
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name)
    assert name == config_name(endpoint, ("source", "f00d"), instance_type, count)
    assert name != config_name(endpoint, ("source", "cafe"), instance_type, count)
    assert name != config_name(endpoint, ("source", "f00d"), instance_type, count + 1)


def test_an_action_is_named_after_its_time() -> None:
    morning = ScheduledBounds("cron(0 7 ? * * *)", "UTC", 3, 8)
    assert action_name(morning) == action_name(replace(morning, min_instances=4))
    assert action_name(morning) != action_name(replace(morning, timezone="Europe/Rome"))


@pytest.mark.parametrize(
    ("target", "breaching", "count"), [(1800.0, False, 2), (1800.0, True, 4), (450.0, True, 6)]
)
def test_out_of_a_breach_there_are_never_fewer_than_were_too_few(
    target: float, breaching: bool, count: int
) -> None:
    before = RealtimeSize("ml.c5.large", 2, 6, 900.0)
    after = RealtimeSize("ml.c5.xlarge", 1, 6, target)
    assert deployment.new_count(before, after, 4, breaching=breaching) == count


@pytest.mark.parametrize(
    ("desired", "keeps"),
    [(2, True), (4, False), (5, True), (3, False)],
    ids=["the same", "as when reckoned", "grown since", "shrunk since"],
)
def test_instances_that_autoscaling_has_started_meanwhile_are_not_lost(
    desired: int, keeps: bool
) -> None:
    assert deployment.keeps_count(2, before=4, desired=desired) is keeps
