"""Target tracking on a real-time endpoint under traffic, through the metrics that it emits."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from time import process_time

import pytest
from boto3 import Session

from controller.sandbox.autoscaling.state import autoscaling_of
from controller.sandbox.inprocess_door import attach
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.seeding import seed_world
from controller.sandbox.workload import Disturbance, Effect
from controller.sandbox.world import World

pytestmark = pytest.mark.slow

ACCOUNT, REGION = "111122223333", "eu-west-1"
TARGET = 1500.0


def _world(traffic, *, count=2, least=1, most=12, seed=7, **target) -> World:
    world = World(seed=seed)
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "endpoints": [
                {
                    "name": "shop",
                    "instance_type": "ml.c5.xlarge",
                    "instance_count": count,
                    "workload": {"traffic": traffic},
                }
            ],
            "scalable_targets": [
                {
                    "endpoint": "shop",
                    "min": least,
                    "max": most,
                    "policies": [{"name": "tt", "target_value": TARGET}],
                    **target,
                }
            ],
        },
    )
    return world


def _count(world) -> int:
    place = sagemaker_of(world, world.region(ACCOUNT, REGION))
    return place.endpoints["shop"].variants["AllTraffic"].current_instance_count


def _days(world, days) -> list[int]:
    """The instances there are, every ten minutes."""
    counts = []
    for _ in range(days * 144):
        world.advance(600.0)
        counts.append(_count(world))
    return counts


DAILY = {"rps": 100, "daily_amplitude": 0.7, "peak_hour_utc": 14}


def test_it_follows_the_day():
    """Up with the morning, down with the night; the load per instance stays near the target.

    100 requests a second on average with an amplitude of 70 percent need about 7 instances at
    the peak (10,200 a minute) and 2 at night (1,800 a minute) for 1,500 a minute each.
    """
    world = _world(DAILY)
    began_s = world.now_s()
    counts = _days(world, 3)
    by_hour = {}
    for number, count in enumerate(counts[144:]):
        hour = datetime.fromtimestamp(began_s + 86_400 + 600 * (number + 1), UTC).hour
        by_hour.setdefault(hour, []).append(count)
    mean = {hour: sum(found) / len(found) for hour, found in by_hour.items()}
    assert 6.5 <= mean[14] <= 8.5
    assert 1.9 <= mean[3] <= 3.0
    assert min(counts) >= 1
    assert max(counts) <= 9
    # Two whole days of some six steps up and six down.
    changes = sum(a != b for a, b in pairwise(counts[144:]))
    assert 10 <= changes <= 40


def test_the_load_per_instance_stays_near_the_target():
    """InvocationsPerInstance is above the target for a few minutes a day only."""
    world = _world(DAILY)
    world.advance(2 * 86_400.0)
    session = Session(f"AKIA-{ACCOUNT}", "secret", region_name=REGION)
    attach(session, world)
    cw = session.client("cloudwatch")
    end_s = world.now_s() - 600.0
    points = cw.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="InvocationsPerInstance",
        Dimensions=[
            {"Name": "EndpointName", "Value": "shop"},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        StartTime=datetime.fromtimestamp(end_s - 86_400.0, UTC),
        EndTime=datetime.fromtimestamp(end_s, UTC),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    values = [point["Sum"] for point in points]
    assert len(values) == 1440
    above = sum(value > TARGET for value in values) / len(values)
    assert above < 0.15
    assert max(values) < 1.6 * TARGET


def test_silence_scales_in_to_the_minimum():
    """A variant that nobody calls emits zeros, so it scales in to MinCapacity, not to none."""
    world = _world({"rps": 0}, count=6)
    world.advance(2 * 3600.0)
    assert _count(world) == 1


def test_a_rush_is_met_after_minutes():
    """A tenfold rush: three minutes to notice, two to see, some to launch."""
    world = _world({"rps": 15})
    world.advance(3600.0)
    assert _count(world) == 1
    place = sagemaker_of(world, world.region(ACCOUNT, REGION))
    present = place.workloads["shop"]
    rush = Disturbance(Effect.TRAFFIC, 10.0, world.now_s())
    place.set_workload("shop", replace(present, disturbances=(rush,)), world.now_s())
    world.advance(300.0)
    assert _count(world) == 1
    world.advance(900.0)
    assert _count(world) >= 6


def test_the_maximum_binds_and_says_so():
    """At MaxCapacity under a load that needs more: AlreadyAtMaxCapacity."""
    world = _world(DAILY, most=3)
    world.advance(86_400.0)
    codes = {
        one.not_scaled["Code"]
        for one in autoscaling_of(world, ACCOUNT, REGION).activities
        if one.not_scaled is not None
    }
    assert "AlreadyAtMaxCapacity" in codes
    assert _count(world) <= 3


def test_a_scheduled_minimum_is_there_before_the_rise():
    """A scheduled action raises the floor before the morning and lowers it in the evening."""
    world = _world(
        DAILY,
        scheduled_actions=[
            {"name": "up", "schedule": "cron(0 6 * * ? *)", "min": 6},
            {"name": "down", "schedule": "cron(0 20 * * ? *)", "min": 1},
        ],
    )
    began_s = world.now_s()
    for number, count in enumerate(_days(world, 2)):
        hour = datetime.fromtimestamp(began_s + 600 * (number + 1), UTC).hour
        if number > 144 and 7 <= hour < 20:
            assert count >= 6


def test_the_same_seed_gives_the_same_story():
    """Bit for bit, in one jump or in many."""

    def story(step_s):
        world = _world(DAILY, seed=5)
        for _ in range(int(86_400 / step_s)):
            world.advance(step_s)
        activities = autoscaling_of(world, ACCOUNT, REGION).activities
        return [(a.start_s, a.description, a.status, a.end_s) for a in activities]

    assert story(86_400.0) == story(450.0)


def test_a_deployment_rolls_back_on_an_alarm(in_process, world):
    """AutoRollbackConfiguration: an alarm that goes off while the new fleet bakes brings the
    old one back."""
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "endpoints": [{"name": "shop", "instance_type": "ml.c5.xlarge", "instance_count": 2}],
        },
    )
    sm, cw = in_process("sagemaker"), in_process("cloudwatch")
    cw.put_metric_alarm(
        AlarmName="bad",
        Namespace="Shop",
        MetricName="Complaints",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=0.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    world.advance(600.0)
    live = sm.describe_endpoint_config(EndpointConfigName="shop-config")
    moved = {**live["ProductionVariants"][0], "InstanceType": "ml.c5.2xlarge"}
    sm.create_endpoint_config(EndpointConfigName="bigger", ProductionVariants=[moved])
    sm.update_endpoint(
        EndpointName="shop",
        EndpointConfigName="bigger",
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "CANARY",
                    "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                    "WaitIntervalInSeconds": 1800,
                },
                "TerminationWaitInSeconds": 600,
                "MaximumExecutionTimeoutInSeconds": 7200,
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "bad"}]},
        },
    )
    for _ in range(90):
        data = [{"MetricName": "Complaints", "Value": 3.0}]
        cw.put_metric_data(Namespace="Shop", MetricData=data)
        world.advance(60.0)
    after = sm.describe_endpoint(EndpointName="shop")
    assert after["EndpointStatus"] == "InService"
    assert after["EndpointConfigName"] == "shop-config"
    assert "bad" in after["FailureReason"]


@pytest.mark.slow
def test_days_of_ten_endpoints_take_seconds():
    """Some ten seconds of a processor for ten endpoints and ten days, on a machine at rest."""
    world = World(seed=7)
    names = [f"e{number}" for number in range(10)]
    seed_world(
        world,
        {
            "endpoints": [
                {
                    "name": name,
                    "instance_type": "ml.c5.xlarge",
                    "instance_count": 2,
                    "workload": {"traffic": DAILY},
                }
                for name in names
            ],
            "scalable_targets": [
                {
                    "endpoint": name,
                    "min": 1,
                    "max": 12,
                    "policies": [{"name": "tt", "target_value": TARGET}],
                }
                for name in names
            ],
        },
    )
    began = process_time()
    world.advance(10 * 86_400.0)
    assert process_time() - began < 60.0


def test_concurrent_requests_scale_sooner():
    """The high-resolution metric of requests in progress acts after one minute, not three."""
    metric = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    policies = [{"name": "tt", "target_value": 2.0, "metric": metric}]
    world = _world({"rps": 60}, count=3, policies=policies)
    world.advance(3600.0)
    settled = _count(world)
    place = sagemaker_of(world, world.region(ACCOUNT, REGION))
    rush = Disturbance(Effect.TRAFFIC, 2.5, world.now_s())
    present = place.workloads["shop"]
    place.set_workload("shop", replace(present, disturbances=(rush,)), world.now_s())
    began_s = world.now_s()
    world.advance(300.0)
    first = next(
        one
        for one in autoscaling_of(world, ACCOUNT, REGION).activities
        if one.start_s > began_s and one.not_scaled is None
    )
    assert first.start_s - began_s <= 240.0
    world.advance(1200.0)
    assert _count(world) > settled


def test_a_functions_provisioned_concurrency_follows_its_use():
    """Utilization of an alias's environments: out above 0.7, in below 0.63."""
    world = World(seed=7)
    seed_world(
        world,
        {
            "functions": [
                {
                    "name": "f",
                    "memory_mb": 1024,
                    "versions": 1,
                    "aliases": {"live": 1},
                    "provisioned": {"live": 5},
                    "workload": {
                        "curve": {"a_ms": 300, "b": 0},
                        "qualifier": "live",
                        "traffic": {"rps": 20, "daily_amplitude": 0.8, "peak_hour_utc": 14},
                    },
                }
            ],
            "scalable_targets": [
                {
                    "function": "f",
                    "qualifier": "live",
                    "min": 1,
                    "max": 60,
                    "policies": [{"name": "tt", "target_value": 0.7}],
                }
            ],
        },
    )
    function = world.region().functions["f"]

    def mean_at(hour):
        """Environments around an hour of the day; the world begins at 08:00 UTC."""
        start_s = world.now_s() - (world.now_s() % 86_400.0) + 86_400.0
        world.advance_to(start_s + 3600.0 * hour - 1800.0)
        found = []
        for _ in range(12):
            world.advance(300.0)
            found.append(function.provisioned["live"].requested)
        return sum(found) / len(found)

    assert mean_at(14) > 2.0 * mean_at(2)
