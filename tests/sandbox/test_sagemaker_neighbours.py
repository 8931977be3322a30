"""Deployments beside the real Application Auto Scaling and the real alarms of the sandbox."""

import pytest

from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
RESOURCE = "endpoint/e/variant/AllTraffic"


@pytest.fixture
def seeded(world):
    table = {"ml.c5.xlarge": {"service_ms": 40, "servers": 4},
             "ml.c5.large": {"service_ms": 400, "servers": 2}}  # fmt: skip
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "endpoints": [
                {
                    "name": "e",
                    "instance_type": "ml.c5.xlarge",
                    "instance_count": 4,
                    "workload": {"machines": {"table": table}, "traffic": {"rps": 15}},
                }
            ],
        },
    )
    return world


def _config(sm, instance_type):
    sm.create_endpoint_config(
        EndpointConfigName="next",
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": "e-model",
                "InstanceType": instance_type,
                "InitialInstanceCount": 4,
            }
        ],
    )


def test_a_type_change_waits_for_deregistration(seeded, in_process, refusal):
    """UpdateEndpoint that changes the type of a registered variant fails until its scalable
    target is deregistered; deleting the endpoint deregisters it as well."""
    sm, scaling = in_process("sagemaker"), in_process("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": RESOURCE,
        "ScalableDimension": DIMENSION,
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=8)
    _config(sm, "ml.c5.large")

    def update():
        return sm.update_endpoint(EndpointName="e", EndpointConfigName="next")

    assert refusal(update)[0] == "ValidationException"
    scaling.deregister_scalable_target(**target)
    assert update()["EndpointArn"]
    seeded.advance(1800)
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=8)
    seeded.advance(900)
    sm.delete_endpoint(EndpointName="e")
    left = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert left == []


def test_an_alarm_on_the_new_fleet_rolls_a_slow_type_back(seeded, in_process):
    """The alarm watches the dimension EndpointConfigName, in microseconds; a canary on a type
    that is ten times slower trips it, and the endpoint ends on its old configuration."""
    sm, cloudwatch = in_process("sagemaker"), in_process("cloudwatch")
    _config(sm, "ml.c5.large")
    cloudwatch.put_metric_alarm(
        AlarmName="slow",
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[
            {"Name": "EndpointName", "Value": "e"},
            {"Name": "VariantName", "Value": "AllTraffic"},
            {"Name": "EndpointConfigName", "Value": "next"},
        ],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=100_000,
        ComparisonOperator="GreaterThanThreshold",
    )
    sm.update_endpoint(
        EndpointName="e",
        EndpointConfigName="next",
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "CANARY",
                    "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
                    "WaitIntervalInSeconds": 1200,
                }
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "slow"}]},
        },
    )
    seen = []
    for _ in range(60):
        seeded.advance(60)
        shown = sm.describe_endpoint(EndpointName="e")
        if not seen or seen[-1] != shown["EndpointStatus"]:
            seen.append(shown["EndpointStatus"])
    assert seen == ["Updating", "RollingBack", "InService"]
    assert shown["EndpointConfigName"] == "e-config"
    assert "slow" in shown["FailureReason"]
