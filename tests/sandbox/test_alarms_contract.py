"""CloudWatch alarms through real boto3; facts in the docstrings."""

import json
from datetime import UTC, datetime

import pytest

from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"
MINUTE = 60.0


@pytest.fixture
def cw(world, in_process):
    return in_process("cloudwatch")


def _put(cw, value, *, metric="Load", namespace="Shop", **more):
    cw.put_metric_data(
        Namespace=namespace, MetricData=[{"MetricName": metric, "Value": value, **more}]
    )


def _alarm(cw, name="a", **more):
    cw.put_metric_alarm(
        **{
            "AlarmName": name,
            "Namespace": "Shop",
            "MetricName": "Load",
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 3,
            "Threshold": 10.0,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        | more
    )


def _state(cw, name="a"):
    return cw.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]


def _minutes(world, cw, *values):
    """Let minutes pass, each with a value of its own or, for None, without one."""
    for value in values:
        if value is not None:
            _put(cw, value)
        world.advance(MINUTE)


def test_an_alarm_is_created_without_data(world, cw, connect):
    """A new alarm is INSUFFICIENT_DATA, unchecked, and shows what it was given."""
    _alarm(connect("cloudwatch"), AlarmDescription="too much", DatapointsToAlarm=2)
    alarm = connect("cloudwatch").describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
    assert alarm["StateReason"] == "Unchecked: Initial alarm creation"
    assert alarm["AlarmArn"] == f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:a"
    assert (alarm["DatapointsToAlarm"], alarm["Threshold"]) == (2, 10.0)
    assert alarm["ActionsEnabled"] is True


def test_three_minutes_above_set_it_off(world, cw):
    """All of EvaluationPeriods must breach; one good minute brings it back to OK."""
    _alarm(cw)
    _minutes(world, cw, 5, 5, 5)
    assert _state(cw) == "OK"
    _minutes(world, cw, 20, 20)
    assert _state(cw) == "OK"
    _minutes(world, cw, 20)
    assert _state(cw) == "ALARM"
    reason = cw.describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]
    assert reason["StateReason"].startswith("Threshold Crossed: 3 out of the last 3 datapoints")
    assert json.loads(reason["StateReasonData"])["recentDatapoints"] == [20, 20, 20]
    _minutes(world, cw, 5)
    assert _state(cw) == "OK"


def test_m_out_of_n(world, cw):
    """DatapointsToAlarm of EvaluationPeriods are enough."""
    _alarm(cw, EvaluationPeriods=5, DatapointsToAlarm=2)
    _minutes(world, cw, 5, 20, 5, 5)
    assert _state(cw) != "ALARM"
    _minutes(world, cw, 20)
    assert _state(cw) == "ALARM"


@pytest.mark.parametrize(
    ("missing", "state"),
    [
        (None, "INSUFFICIENT_DATA"),
        ("missing", "INSUFFICIENT_DATA"),
        ("ignore", "OK"),
        ("breaching", "ALARM"),
        ("notBreaching", "OK"),
    ],
)
def test_missing_data(world, cw, missing, state):
    """TreatMissingData: missing (the default) ends in INSUFFICIENT_DATA, ignore keeps."""
    _alarm(cw, **({} if missing is None else {"TreatMissingData": missing}))
    _minutes(world, cw, 5, 5, 5, 5)
    assert _state(cw) == "OK"
    world.advance(20 * MINUTE)
    assert _state(cw) == state


def test_looking_late_changes_nothing(world, cw):
    """An alarm that is looked at only at the end went through the same states."""
    for name in ("watched", "forgotten"):
        _alarm(cw, name)
    for value in (5, 5, 5, 20, 20, 20, 20, None, None, 5, 5, 20, None, 20, 20, 20):
        _minutes(world, cw, value)
        _state(cw, "watched")

    def story(name):
        items = cw.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
        return [(i["Timestamp"], i["HistorySummary"]) for i in items["AlarmHistoryItems"]]

    assert story("watched") == story("forgotten")
    assert len(story("watched")) >= 3


def test_a_state_set_by_hand_lasts_a_minute(world, cw, refusal):
    """SetAlarmState is temporary: the next evaluation puts the alarm right again."""
    _alarm(cw)
    _minutes(world, cw, 5, 5, 5)
    assert _state(cw) == "OK"
    cw.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="a test")
    assert _state(cw) == "ALARM"
    _minutes(world, cw, 5)
    assert _state(cw) == "OK"
    code, _, status = refusal(
        lambda: cw.set_alarm_state(AlarmName="no", StateValue="OK", StateReason="x")
    )
    assert (code, status) == ("ResourceNotFound", 404)


def test_an_update_keeps_the_state(world, cw):
    """Updating overwrites the configuration and leaves the state until the next evaluation."""
    _alarm(cw)
    _minutes(world, cw, 20, 20, 20)
    assert _state(cw) == "ALARM"
    _alarm(cw, Threshold=100.0)
    assert _state(cw) == "ALARM"
    _minutes(world, cw, 20)
    assert _state(cw) == "OK"


def test_deleting_is_lenient(world, cw):
    """Names that do not exist are passed over; the history of a deleted alarm stays."""
    _alarm(cw)
    cw.delete_alarms(AlarmNames=["a", "never-was"])
    assert cw.describe_alarms()["MetricAlarms"] == []
    summaries = [i["HistorySummary"] for i in cw.describe_alarm_history()["AlarmHistoryItems"]]
    assert summaries == ['Alarm "a" deleted', 'Alarm "a" created']


def test_actions_are_switched(world, cw):
    """DisableAlarmActions and EnableAlarmActions; the alarm goes on being evaluated."""
    _alarm(cw, AlarmActions=["arn:aws:sns:eu-west-1:111122223333:pager"])
    cw.disable_alarm_actions(AlarmNames=["a"])
    assert cw.describe_alarms()["MetricAlarms"][0]["ActionsEnabled"] is False
    cw.enable_alarm_actions(AlarmNames=["a"])
    assert cw.describe_alarms()["MetricAlarms"][0]["ActionsEnabled"] is True


def test_listing(world, cw):
    """By prefix, by state, by action, in pages of at most a hundred; accounts are apart."""
    for number in range(120):
        _alarm(cw, f"team-{number:03d}", OKActions=["arn:aws:sns:eu-west-1:1:x"])
    _alarm(cw, "other")
    pages = cw.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix="team-", PaginationConfig={"PageSize": 50}
    )
    sizes = [len(page["MetricAlarms"]) for page in pages]
    assert sizes == [50, 50, 20]
    assert len(cw.describe_alarms(ActionPrefix="arn:aws:sns", MaxRecords=100)["MetricAlarms"])
    assert cw.describe_alarms(StateValue="ALARM")["MetricAlarms"] == []
    assert cw.describe_alarms(AlarmTypes=["CompositeAlarm"])["MetricAlarms"] == []


def test_alarms_for_a_metric(world, cw):
    """DescribeAlarmsForMetric wants exactly these dimensions."""
    _alarm(cw)
    _alarm(cw, "b", Dimensions=[{"Name": "Till", "Value": "1"}])
    found = cw.describe_alarms_for_metric(Namespace="Shop", MetricName="Load")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in found] == ["a"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"DatapointsToAlarm": 4},
        {"TreatMissingData": "sometimes"},
        {"ExtendedStatistic": "p95"},
        {"Period": 3600, "EvaluationPeriods": 200},
        {"Period": 300, "EvaluationPeriods": 289},
        {"EvaluateLowSampleCountPercentile": "ignore"},
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
    ],
)
def test_what_is_refused(world, cw, refusal, wrong):
    """M above N, unknown treatment, two statistics, too long, no percentile: 400."""
    code, message, status = refusal(lambda: _alarm(cw, **wrong))
    assert (code, status) == ("ValidationError", 400)
    assert message


FUNCTION = {
    "name": "f",
    "memory_mb": 1024,
    "versions": 1,
    "aliases": {"live": 1},
    "workload": {
        "curve": {"a_ms": 100, "b": 0},
        "cv": 0.1,
        "qualifier": "live",
        "traffic": {"rps": 5},
    },
}
DURATION = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Duration",
    "Dimensions": [{"Name": "FunctionName", "Value": "f"}, {"Name": "Resource", "Value": "f:live"}],
}


@pytest.fixture
def lam(world):
    seed_world(world, {"account": ACCOUNT, "functions": [FUNCTION]})


def _percentile_alarm(cw, name, statistic, threshold, operator, **more):
    cw.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/Lambda",
        MetricName="Duration",
        Dimensions=DURATION["Dimensions"],
        ExtendedStatistic=statistic,
        Period=60,
        EvaluationPeriods=2,
        Threshold=threshold,
        ComparisonOperator=operator,
        **more,
    )


def test_percentiles_and_percentile_ranks(world, cw, lam):
    """ExtendedStatistic: p95 in milliseconds, PR(:x) as the percentage of calls within x."""
    _percentile_alarm(cw, "slow", "p95", 150, "GreaterThanThreshold")
    _percentile_alarm(cw, "broken-promise", "PR(:150)", 99, "LessThanThreshold")
    world.advance(10 * MINUTE)
    assert (_state(cw, "slow"), _state(cw, "broken-promise")) == ("OK", "OK")
    world.disturb("f", "latency", 2.0, account=ACCOUNT)
    world.advance(10 * MINUTE)
    assert (_state(cw, "slow"), _state(cw, "broken-promise")) == ("ALARM", "ALARM")


def test_published_late_means_seen_late(world, cw, lam):
    """A minute sets an alarm off only once CloudWatch has published it."""
    _percentile_alarm(cw, "slow", "p95", 150, "GreaterThanThreshold")
    world.advance(10 * MINUTE)
    world.disturb("f", "latency", 2.0, account=ACCOUNT)
    began_s = world.now_s()
    while _state(cw, "slow") != "ALARM":
        world.advance(MINUTE)
    assert 120 + 105 <= world.now_s() - began_s <= 120 + 105 + 120


def test_few_samples_can_be_ignored(world, cw, lam):
    """With `ignore` a p99 of fewer than 10 / (1 - 0.99) = 1,000 samples changes nothing."""
    _percentile_alarm(cw, "evaluated", "p99", 50, "GreaterThanThreshold")
    _percentile_alarm(cw, "ignored", "p99", 50, "GreaterThanThreshold",
                      EvaluateLowSampleCountPercentile="ignore")  # fmt: skip
    world.advance(10 * MINUTE)
    assert _state(cw, "evaluated") == "ALARM"
    assert _state(cw, "ignored") == "INSUFFICIENT_DATA"


def _metric(query_id, name):
    metric = {
        "Namespace": "AWS/Lambda",
        "MetricName": name,
        "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
    }
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    return {"Id": query_id, "MetricStat": stat, "ReturnData": False}


def test_metric_math(world, cw, lam, refusal):
    """A math alarm watches the one series that returns data."""
    metrics = [
        _metric("errors", "Errors"),
        _metric("calls", "Invocations"),
        {"Id": "rate", "Expression": "100 * errors / calls", "ReturnData": True},
    ]
    rule = {
        "EvaluationPeriods": 2,
        "Threshold": 20.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cw.put_metric_alarm(AlarmName="rate", Metrics=metrics, **rule)
    world.advance(10 * MINUTE)
    assert _state(cw, "rate") == "OK"
    world.disturb("f", "errors", 0.5, account=ACCOUNT)
    world.advance(10 * MINUTE)
    assert _state(cw, "rate") == "ALARM"
    metrics[1]["ReturnData"] = True
    code, message, _ = refusal(
        lambda: cw.put_metric_alarm(AlarmName="two", Metrics=metrics, **rule)
    )
    assert code == "ValidationError"
    assert "Exactly one element" in message


def test_tags(world, cw, refusal):
    """Tags are set at creation and by TagResource only; an update ignores them."""
    _alarm(cw, Tags=[{"Key": "team", "Value": "ml"}])
    arn = cw.describe_alarms()["MetricAlarms"][0]["AlarmArn"]
    _alarm(cw, Tags=[{"Key": "team", "Value": "web"}])
    assert cw.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "ml"}]
    cw.tag_resource(ResourceARN=arn, Tags=[{"Key": "env", "Value": "prod"}])
    cw.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert [tag["Key"] for tag in cw.list_tags_for_resource(ResourceARN=arn)["Tags"]] == ["env"]
    gone = arn.replace(":a", ":b")
    code = refusal(lambda: cw.list_tags_for_resource(ResourceARN=gone))[0]
    assert code == "ResourceNotFoundException"


def test_the_past_counts_for_a_new_alarm(world, cw, lam):
    """The first evaluation looks at data from before the alarm was made."""
    world.advance(30 * MINUTE)
    _percentile_alarm(cw, "slow", "p95", 50, "GreaterThanThreshold")
    world.advance(2 * MINUTE)
    assert _state(cw, "slow") == "ALARM"
    at = cw.describe_alarms()["MetricAlarms"][0]["StateTransitionedTimestamp"]
    assert at <= datetime.fromtimestamp(world.now_s(), UTC)
