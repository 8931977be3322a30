"""Scheduled actions through real boto3, and the schedules themselves; facts in docstrings."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sandbox.autoscaling.cron import ScheduleError
from controller.sandbox.autoscaling.schedule import parse_schedule
from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"
VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/shop/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


@pytest.fixture
def aas(world, in_process):
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "endpoints": [{"name": "shop", "instance_type": "ml.c5.xlarge", "instance_count": 2}],
            "scalable_targets": [{"endpoint": "shop", "min": 1, "max": 4}],
        },
    )
    return in_process("application-autoscaling")


def _put(aas, name="morning", schedule="rate(1 hour)", **more):
    action = more.pop("action", {"MinCapacity": 3})
    aas.put_scheduled_action(
        **VARIANT,
        ScheduledActionName=name,
        Schedule=schedule,
        ScalableTargetAction=action,
        **more,
    )


def _bounds(aas):
    target = aas.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"][0]
    return target["MinCapacity"], target["MaxCapacity"]


def _count(world):
    from controller.sandbox.sagemaker_state import sagemaker_of

    place = sagemaker_of(world, world.region(ACCOUNT, "eu-west-1"))
    return place.endpoints["shop"].variants["AllTraffic"].desired_instance_count


def test_at_its_time_it_overwrites_the_bounds(world, aas):
    """MinCapacity and MaxCapacity are overwritten, and the capacity is brought inside."""
    at = datetime.fromtimestamp(world.now_s(), UTC) + timedelta(hours=1)
    _put(
        aas,
        schedule=f"at({at:%Y-%m-%dT%H:%M:%S})",
        action={"MinCapacity": 3, "MaxCapacity": 9},
    )
    world.advance(3599.0)
    assert (_bounds(aas), _count(world)) == ((1, 4), 2)
    world.advance(1.0)
    assert (_bounds(aas), _count(world)) == ((3, 9), 3)
    world.advance(600.0)
    done = aas.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    assert [(a["Description"], a["Cause"]) for a in done] == [
        ("Setting desired instance count to 3.", "minimum capacity was set to 3"),
        (
            "Setting min capacity to 3 and max capacity to 9",
            "scheduled action name morning was triggered",
        ),
    ]
    assert {a["StatusCode"] for a in done} == {"Successful"}


def test_in_a_time_zone(world, aas):
    """Cron and at are in UTC unless a Timezone is named; 08:00 in Madrid is 07:00 UTC in
    winter. The world begins on a Friday in January at 08:00 UTC."""
    assert datetime.fromtimestamp(world.now_s(), UTC) == datetime(2027, 1, 15, 8, tzinfo=UTC)
    _put(aas, "utc", "cron(0 9 * * ? *)", action={"MaxCapacity": 5})
    _put(aas, "madrid", "cron(0 9 ? * MON-FRI *)", action={"MaxCapacity": 6},
         Timezone="Europe/Madrid")  # fmt: skip
    world.advance(3600.0 - 1.0)
    assert _bounds(aas) == (1, 4)
    world.advance(1.0)
    assert _bounds(aas) == (1, 5)
    world.advance(2 * 86_400.0)
    _put(aas, "utc", "cron(0 9 1 1 ? 2099)")
    world.advance(86_400.0)
    assert _bounds(aas) == (1, 6)


def test_suspended_scheduled_scaling_holds(world, aas):
    """ScheduledScalingSuspended: scheduled actions do nothing; later ones fire again."""
    _put(aas)
    aas.register_scalable_target(**VARIANT, SuspendedState={"ScheduledScalingSuspended": True})
    world.advance(3 * 3600.0)
    assert _bounds(aas) == (1, 4)
    aas.register_scalable_target(**VARIANT, SuspendedState={"ScheduledScalingSuspended": False})
    world.advance(3600.0)
    assert _bounds(aas) == (3, 4)


def test_a_busy_endpoint_gets_there_later(world, aas, in_process):
    """The bounds change at their time; the capacity once the endpoint is no longer Updating."""
    _put(aas, action={"MinCapacity": 4})
    world.advance(3590.0)
    in_process("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName="shop",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    world.advance(20.0)
    assert (_bounds(aas), _count(world)) == ((4, 4), 3)
    world.advance(1200.0)
    assert _count(world) == 4


def test_an_update_deletes_start_and_end(aas):
    """What is left out stays, but for StartTime and EndTime, which are deleted."""
    start, end = datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
    _put(aas, StartTime=start, EndTime=end, Timezone="Europe/Madrid")
    shown = aas.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"][0]
    assert (shown["StartTime"], shown["EndTime"]) == (start, end)
    aas.put_scheduled_action(
        **VARIANT, ScheduledActionName="morning", ScalableTargetAction={"MaxCapacity": 7}
    )
    shown = aas.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"][0]
    assert shown["Schedule"] == "rate(1 hour)"
    assert shown["Timezone"] == "Europe/Madrid"
    assert shown["ScalableTargetAction"] == {"MaxCapacity": 7}
    assert "StartTime" not in shown
    assert "EndTime" not in shown


def test_impossible_bounds_fail_at_their_time(world, aas):
    """A minimum above the target's maximum: the action fails, and the bounds stay."""
    _put(aas, action={"MinCapacity": 9})
    world.advance(3600.0)
    assert _bounds(aas) == (1, 4)
    done = aas.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    assert done[0]["StatusCode"] == "Failed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": "every tuesday"},
        {"schedule": "cron(0 8 * * *)"},
        {"schedule": "cron(0 8 * * * *)"},
        {"schedule": "cron(0 25 * * ? *)"},
        {"schedule": "rate(0 hours)"},
        {"schedule": "at(2027-13-01T00:00:00)"},
        {"Timezone": "Middle/Earth"},
        {"action": {}},
        {"action": {"MinCapacity": 0}},
        {"action": {"MinCapacity": 5, "MaxCapacity": 3}},
    ],
)
def test_what_is_refused(aas, refusal, wrong):
    """Unreadable schedules, unknown zones, bounds that make no sense: ValidationException."""
    code, message, status = refusal(lambda: _put(aas, **wrong))
    assert (code, status) == ("ValidationException", 400)
    assert message


def test_names_and_limits(aas, refusal):
    """At most 200 on a target; deleting one that is not there is ObjectNotFoundException; an
    action needs a target."""
    for number in range(200):
        _put(aas, f"a{number}")
    assert refusal(lambda: _put(aas, "one-more"))[0] == "LimitExceededException"
    pages = aas.get_paginator("describe_scheduled_actions").paginate(ServiceNamespace="sagemaker")
    assert [len(page["ScheduledActions"]) for page in pages] == [50, 50, 50, 50]
    aas.delete_scheduled_action(**VARIANT, ScheduledActionName="a7")
    code, _, _ = refusal(lambda: aas.delete_scheduled_action(**VARIANT, ScheduledActionName="a7"))
    assert code == "ObjectNotFoundException"
    aas.deregister_scalable_target(**VARIANT)
    assert refusal(lambda: _put(aas))[0] == "ObjectNotFoundException"


# --- schedules by themselves


def _next(text, after, zone=None, **bounds):
    origin = bounds.pop("origin", after)
    start, end = bounds.get("start"), bounds.get("end")
    schedule = parse_schedule(
        text,
        zone,
        None if start is None else start.timestamp(),
        None if end is None else end.timestamp(),
        origin.timestamp(),
    )
    at_s = schedule.next_after(after.timestamp())
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC)


def _utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 8 * * ? *", _utc(2027, 1, 16, 8)),
        ("*/15 * * * ? *", _utc(2027, 1, 15, 12, 15)),
        ("0/20 18 ? * MON-FRI *", _utc(2027, 1, 15, 18)),
        ("0 8 ? * 1 *", _utc(2027, 1, 17, 8)),
        ("0 8 ? * SAT-MON *", _utc(2027, 1, 16, 8)),
        ("30 6,22 1 * ? *", _utc(2027, 2, 1, 6, 30)),
        ("0 0 L * ? *", _utc(2027, 1, 31)),
        ("0 0 LW * ? *", _utc(2027, 1, 29)),
        ("0 0 16W * ? *", _utc(2027, 2, 16)),
        ("0 0 ? * FRI#1 *", _utc(2027, 2, 5)),
        ("0 0 ? * 6L *", _utc(2027, 1, 29)),
        ("0 0 29 FEB ? *", _utc(2028, 2, 29)),
        ("0 0 1 1 ? 2026", None),
    ],
)
def test_cron(cron, expected):
    """Six fields, names, ranges round the week, L, W and #; from a Friday in January at noon."""
    assert _next(f"cron({cron})", _utc(2027, 1, 15, 12)) == expected


def test_summer_time():
    """08:00 in Berlin is 07:00 UTC in winter and 06:00 UTC in summer."""
    winter = _next("cron(0 8 * * ? *)", _utc(2027, 1, 15), "Europe/Berlin")
    summer = _next("cron(0 8 * * ? *)", _utc(2027, 7, 15), "Europe/Berlin")
    assert (winter.hour, summer.hour) == (7, 6)


def test_a_rate_counts_from_its_start():
    """From StartTime where there is one, which itself counts; else from the creation."""
    noon = _utc(2027, 1, 15, 12)
    assert _next("rate(2 hours)", noon) == noon + timedelta(hours=2)
    start = noon + timedelta(minutes=7)
    assert _next("rate(2 hours)", noon, start=start) == start
    assert _next("rate(2 hours)", start, start=start) == start + timedelta(hours=2)
    end = start + timedelta(hours=3)
    late = start + timedelta(hours=2)
    assert _next("rate(2 hours)", late, start=start, end=end) is None


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - set below
)
def test_a_daily_cron_is_never_more_than_a_day_away(minute, hour, after):
    """It fires at its time of day, after the instant, within a day."""
    after = after.replace(tzinfo=UTC)
    fires = _next(f"cron({minute} {hour} * * ? *)", after)
    assert (fires.minute, fires.hour, fires.second) == (minute, hour, 0)
    assert timedelta() < fires - after <= timedelta(days=1)


@pytest.mark.parametrize("text", ["cron(60 1 * * ? *)", "cron(0 1 ? * ? *)", "cron(0 1 * 13 ? *)",
                                  "cron(0 1 * FOO ? *)", "cron(0 */0 * * ? *)"])  # fmt: skip
def test_unreadable_crons(text):
    with pytest.raises(ScheduleError):
        parse_schedule(text, None, None, None, 0.0)
