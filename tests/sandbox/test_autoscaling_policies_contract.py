"""Scaling policies through real boto3: what they are, what is refused; facts in docstrings."""

import pytest

from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"
VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/shop/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
ALIAS = {
    "ServiceNamespace": "lambda",
    "ResourceId": "function:f:live",
    "ScalableDimension": "lambda:function:ProvisionedConcurrency",
}
PER_INSTANCE = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
UTILIZATION = {"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"}
STEPS = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
}


@pytest.fixture
def aas(world, in_process):
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "endpoints": [{"name": "shop", "instance_type": "ml.c5.xlarge", "instance_count": 2}],
            "functions": [{"name": "f", "versions": 1, "aliases": {"live": 1}}],
            "scalable_targets": [
                {"endpoint": "shop", "min": 1, "max": 4},
                {"function": "f", "qualifier": "live", "min": 0, "max": 4},
            ],
        },
    )
    return in_process("application-autoscaling")


def _track(aas, name="tt", resource=VARIANT, **config):
    given = {"TargetValue": 100.0, "PredefinedMetricSpecification": PER_INSTANCE} | config
    return aas.put_scaling_policy(
        **resource,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={k: v for k, v in given.items() if v is not None},
    )


def _step(aas, name="steps", resource=VARIANT, **config):
    return aas.put_scaling_policy(
        **resource,
        PolicyName=name,
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration=STEPS | config,
    )


def _policies(aas, namespace="sagemaker", **filters):
    found = aas.describe_scaling_policies(ServiceNamespace=namespace, **filters)
    return found["ScalingPolicies"]


def test_tracking_makes_two_alarms(aas, in_process):
    """The answer names the alarms TargetTracking-...: three minutes above the target, fifteen
    below 90 percent of it, on InvocationsPerInstance of the variant."""
    answer = _track(aas)
    names = [alarm["AlarmName"] for alarm in answer["Alarms"]]
    prefix = "TargetTracking-endpoint/shop/variant/AllTraffic-Alarm"
    assert [name[: len(prefix)] for name in names] == [prefix, prefix]
    alarms = in_process("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    high, low = sorted(alarms, key=lambda alarm: -alarm["Threshold"])
    assert (high["Threshold"], high["EvaluationPeriods"], high["Period"]) == (100.0, 3, 60)
    assert (low["Threshold"], low["EvaluationPeriods"], low["Period"]) == (90.0, 15, 60)
    assert (high["ComparisonOperator"], low["ComparisonOperator"]) == (
        "GreaterThanThreshold",
        "LessThanThreshold",
    )
    assert (high["Namespace"], high["MetricName"], high["Statistic"]) == (
        "AWS/SageMaker",
        "InvocationsPerInstance",
        "Sum",
    )
    assert high["AlarmActions"] == [answer["PolicyARN"]]
    described = _policies(aas)[0]
    assert described["Alarms"] == answer["Alarms"]
    assert described["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 100.0


def test_a_function_scales_in_below_0_63(aas, in_process):
    """For a target of 0.7 the scale-in alarm of provisioned concurrency is at 0.63."""
    _track(aas, resource=ALIAS, TargetValue=0.7, PredefinedMetricSpecification=UTILIZATION)
    alarms = in_process("cloudwatch").describe_alarms()["MetricAlarms"]
    assert sorted(alarm["Threshold"] for alarm in alarms) == [0.63, 0.7]
    assert {d["Name"]: d["Value"] for d in alarms[0]["Dimensions"]} == {
        "FunctionName": "f",
        "Resource": "f:live",
    }


def test_put_is_an_upsert_by_name(aas):
    """Putting a policy of the same name changes it; its ARN and its alarms stay."""
    first, second = _track(aas), _track(aas, TargetValue=200.0, ScaleInCooldown=60)
    assert first["PolicyARN"] == second["PolicyARN"]
    assert first["Alarms"] == second["Alarms"]
    assert [p["PolicyName"] for p in _policies(aas)] == ["tt"]
    config = _policies(aas)[0]["TargetTrackingScalingPolicyConfiguration"]
    assert (config["TargetValue"], config["ScaleInCooldown"]) == (200.0, 60)


def test_deleting_a_tracking_policy_deletes_its_alarms(aas, in_process, refusal):
    """Its alarms go with it; a second time is ObjectNotFoundException."""
    _track(aas)
    aas.delete_scaling_policy(**VARIANT, PolicyName="tt")
    assert in_process("cloudwatch").describe_alarms()["MetricAlarms"] == []
    code, message, _ = refusal(lambda: aas.delete_scaling_policy(**VARIANT, PolicyName="tt"))
    assert code == "ObjectNotFoundException"
    assert message.startswith("No scaling policy found for service namespace: sagemaker")


def test_a_step_policy_leaves_alarms_alone(aas, in_process):
    """It makes no alarm; those that name it are shown with it, and outlive it."""
    arn = _step(aas)["PolicyARN"]
    cw = in_process("cloudwatch")
    cw.put_metric_alarm(
        AlarmName="busy",
        Namespace="Shop",
        MetricName="Load",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=10.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[arn],
    )
    assert [alarm["AlarmName"] for alarm in _policies(aas)[0]["Alarms"]] == ["busy"]
    aas.delete_scaling_policy(**VARIANT, PolicyName="steps")
    assert len(cw.describe_alarms()["MetricAlarms"]) == 1


def test_a_policy_needs_a_target(aas, refusal):
    """ObjectNotFoundException where nothing is registered."""
    aas.deregister_scalable_target(**VARIANT)
    assert refusal(lambda: _track(aas))[0] == "ObjectNotFoundException"


@pytest.mark.parametrize(
    "wrong",
    [
        {"PredefinedMetricSpecification": None},
        {"PredefinedMetricSpecification": UTILIZATION},
        {"PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}},
        {"TargetValue": 0.0},
        {"TargetValue": -5.0},
        {"ScaleInCooldown": -1},
        {"CustomizedMetricSpecification": {"MetricName": "x"}},
        {
            "PredefinedMetricSpecification": None,
            "CustomizedMetricSpecification": {"MetricName": "x"},
        },
    ],
)
def test_wrong_tracking(aas, refusal, wrong):
    """No metric, two, another dimension's, a target of nothing: ValidationException."""
    code, message, status = refusal(lambda: _track(aas, **wrong))
    assert (code, status) == ("ValidationException", 400)
    assert message


@pytest.mark.parametrize("target", [0.05, 0.95, 70.0])
def test_utilization_is_a_share(aas, refusal, target):
    """Utilization of provisioned concurrency is a fraction from 0.1 to 0.9, no percentage."""
    code, _, _ = refusal(
        lambda: _track(
            aas, resource=ALIAS, TargetValue=target, PredefinedMetricSpecification=UTILIZATION
        )
    )
    assert code == "ValidationException"


def _interval(low, high, change=1):
    step = {"ScalingAdjustment": change}
    if low is not None:
        step["MetricIntervalLowerBound"] = float(low)
    if high is not None:
        step["MetricIntervalUpperBound"] = float(high)
    return step


@pytest.mark.parametrize(
    "wrong",
    [
        {"StepAdjustments": []},
        {"StepAdjustments": [_interval(0, 10), _interval(5, None)]},
        {"StepAdjustments": [_interval(0, 10), _interval(20, None)]},
        {"StepAdjustments": [_interval(10, 0)]},
        {"StepAdjustments": [_interval(n, n + 1) for n in range(21)]},
        {"AdjustmentType": "ExactCapacity", "StepAdjustments": [_interval(0, None, -1)]},
        {"MinAdjustmentMagnitude": 2},
    ],
)
def test_wrong_steps(aas, refusal, wrong):
    """No steps, overlaps, gaps, more than twenty, a negative exact capacity: 400."""
    assert refusal(lambda: _step(aas, **wrong))[0] == "ValidationException"


def test_what_a_dimension_cannot_have(aas, refusal):
    """Functions have no step scaling; neither service has predictive scaling."""
    assert refusal(lambda: _step(aas, resource=ALIAS))[0] == "ValidationException"
    code, message, _ = refusal(
        lambda: aas.put_scaling_policy(
            **VARIANT, PolicyName="clairvoyant", PolicyType="PredictiveScaling"
        )
    )
    assert code == "ValidationException"
    assert "PredictiveScaling" in message


def test_at_most_fifty(aas, refusal):
    """LimitExceededException beyond fifty policies on a target; pages of at most fifty."""
    for number in range(50):
        _step(aas, f"p{number:02d}")
    assert refusal(lambda: _step(aas, "one-more"))[0] == "LimitExceededException"
    _step(aas, "p00", Cooldown=10)
    pages = aas.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="sagemaker", PaginationConfig={"PageSize": 20}
    )
    assert [len(page["ScalingPolicies"]) for page in pages] == [20, 20, 10]
    assert [p["PolicyName"] for p in _policies(aas, PolicyNames=["p07", "nope"])] == ["p07"]


def test_custom_metrics_and_metric_math(aas, in_process):
    """A customized metric may be one metric, or metric math of which one series returns."""
    dimensions = [{"Name": "EndpointName", "Value": "shop"}]
    one = {"Namespace": "Shop", "MetricName": "Load", "Statistic": "Average",
           "Dimensions": dimensions}  # fmt: skip
    _track(aas, "one", PredefinedMetricSpecification=None, CustomizedMetricSpecification=one)
    metric = {"Namespace": "Shop", "MetricName": "Load", "Dimensions": dimensions}
    queries = [
        {"Id": "a", "MetricStat": {"Metric": metric, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "half", "Expression": "a / 2", "ReturnData": True},
    ]
    math = {"Metrics": queries}
    _track(aas, "math", PredefinedMetricSpecification=None, CustomizedMetricSpecification=math)
    shown = {p["PolicyName"]: p for p in _policies(aas)}
    spec = shown["math"]["TargetTrackingScalingPolicyConfiguration"]
    assert spec["CustomizedMetricSpecification"] == math
    assert len(in_process("cloudwatch").describe_alarms()["MetricAlarms"]) == 4


def test_the_service_may_lack_access_to_alarms(world, aas, refusal):
    """FailedResourceAccessException where its role may not touch CloudWatch's alarms."""
    from controller.sandbox.extensions import state_of
    from controller.sandbox.faults import Fault, FaultKind
    from controller.sandbox.front import Front

    _track(aas)
    plan = state_of(world, Front).faults
    plan.add(Fault(FaultKind.DENIED, service="cloudwatch", operation="DescribeAlarms"))
    assert refusal(lambda: _policies(aas))[0] == "FailedResourceAccessException"
    plan.clear()
    plan.add(Fault(FaultKind.DENIED, service="cloudwatch", operation="PutMetricAlarm"))
    assert refusal(lambda: _track(aas, "more"))[0] == "FailedResourceAccessException"
    assert [p["PolicyName"] for p in _policies(aas)] == ["tt"]
