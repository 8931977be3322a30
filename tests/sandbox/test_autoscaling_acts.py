"""Application Auto Scaling at work, minute by minute; facts in the docstrings.

The load is put by the test as a metric of its own, divided by the instances there are, so
that every minute is known.
"""

import boto3
import pytest

from controller.sandbox.inprocess_door import attach
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

pytestmark = pytest.mark.slow

ACCOUNT = "111122223333"
MINUTE = 60.0
VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/shop/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
LOAD = {"Namespace": "Shop", "MetricName": "LoadPerInstance", "Statistic": "Average"}


class Stage:
    """An endpoint with an autoscaler, and a load on it in units of one instance's target."""

    def __init__(self, world, connect):
        self.world = world
        seed_world(
            world,
            {
                "account": ACCOUNT,
                "endpoints": [
                    {"name": "shop", "instance_type": "ml.c5.xlarge", "instance_count": 2}
                ],
                "scalable_targets": [{"endpoint": "shop", "min": 1, "max": 10}],
            },
        )
        self.aas = connect("application-autoscaling")
        self.cw = connect("cloudwatch")
        self.sm = connect("sagemaker")

    def track(self, name="tt", metric="LoadPerInstance", **config):
        """A target tracking policy with a target of 100 and short waits."""
        spec = {**LOAD, "MetricName": metric}
        given = {
            "TargetValue": 100.0,
            "CustomizedMetricSpecification": spec,
            "ScaleOutCooldown": 240,
            "ScaleInCooldown": 240,
        }
        self.aas.put_scaling_policy(
            **VARIANT,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=given | config,
        )

    @property
    def variant(self):
        place = sagemaker_of(self.world, self.world.region(ACCOUNT, "eu-west-1"))
        return place.endpoints["shop"].variants["AllTraffic"]

    @property
    def wanted(self):
        """DesiredInstanceCount."""
        return self.variant.desired_instance_count

    def minutes(self, number, load, metric="LoadPerInstance"):
        """Let minutes pass under a load of `load` instances' targets (None: no data)."""
        for _ in range(number):
            if load is not None:
                value = 100.0 * load / self.variant.current_instance_count
                self.put(value, metric)
            self.world.advance(MINUTE)

    def put(self, value, metric="LoadPerInstance"):
        self.cw.put_metric_data(
            Namespace="Shop", MetricData=[{"MetricName": metric, "Value": float(value)}]
        )

    def activities(self, everything=False):
        """Newest first."""
        found = self.aas.describe_scaling_activities(
            ServiceNamespace="sagemaker", IncludeNotScaledActivities=everything
        )
        return found["ScalingActivities"]

    def reasons(self):
        """Codes of why nothing was done, newest first."""
        listed = self.activities(everything=True)
        return [a["NotScaledReasons"][0]["Code"] for a in listed if "NotScaledReasons" in a]


@pytest.fixture
def stage(world, in_process):
    return Stage(world, in_process)


def test_out_after_three_minutes(stage):
    """Three minutes above the target scale out in proportion; two do not."""
    stage.track()
    stage.minutes(5, 1.9)
    stage.minutes(2, 5)
    stage.minutes(1, 1.9)
    assert stage.wanted == 2
    stage.minutes(2, 5)
    assert stage.wanted == 2
    stage.minutes(2, 5)
    assert stage.wanted == 5
    done = stage.activities()[0]
    assert done["StatusCode"] == "InProgress"
    assert done["Description"] == "Setting desired instance count to 5."
    assert "AlarmHigh" in done["Cause"]
    assert done["Cause"].endswith("in state ALARM triggered policy tt")
    stage.minutes(8, 5)
    done = stage.activities()[0]
    assert done["StatusCode"] == "Successful"
    assert done["StatusMessage"].endswith("Change successfully fulfilled by sagemaker.")


def test_in_after_fifteen_minutes(stage):
    """Fifteen minutes below 90 percent of the target scale in, no sooner."""
    stage.track()
    stage.minutes(20, 1.9)
    assert stage.wanted == 2
    stage.minutes(14, 0.5)
    assert stage.wanted == 2
    stage.minutes(3, 0.5)
    assert stage.wanted == 1


def test_just_below_the_target_nothing_happens(stage):
    """Between 90 and 100 percent of the target is where it is meant to be."""
    stage.track()
    stage.minutes(60, 1.9)
    assert stage.activities(everything=True) == []


def test_flapping_is_anticipated(stage):
    """Scaling in is left alone where it would lead to scaling out again."""
    stage.track()
    stage.minutes(40, 1.6)
    assert stage.wanted == 2
    assert stage.reasons() == ["AutoScalingAnticipatedFlapping"]
    assert stage.activities() == []


def test_the_bounds_hold(stage):
    """Nothing beyond MaxCapacity or below MinCapacity; the reasons are to be had."""
    stage.aas.register_scalable_target(**VARIANT, MaxCapacity=4)
    stage.track()
    stage.minutes(30, 9)
    assert stage.wanted == 4
    assert stage.reasons()[0] == "AlreadyAtMaxCapacity"
    stage.minutes(90, 0.1)
    assert stage.wanted == 1
    assert stage.reasons()[0] == "AlreadyAtMinCapacity"


def test_missing_data_scales_nothing(stage):
    """No data: INSUFFICIENT_DATA, and no scaling in."""
    stage.track()
    stage.minutes(10, 1.9)
    stage.minutes(60, None)
    assert stage.wanted == 2
    states = {a["StateValue"] for a in stage.cw.describe_alarms()["MetricAlarms"]}
    assert states == {"INSUFFICIENT_DATA"}


def test_nothing_is_scaled_while_updating(stage):
    """Scaling is blocked while the endpoint is Updating, and tried again."""
    stage.track()
    stage.minutes(5, 1.9)
    stage.minutes(1, 8)
    stage.sm.update_endpoint_weights_and_capacities(
        EndpointName="shop",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    stage.minutes(3, 8)
    assert stage.wanted == 3
    assert stage.reasons() == ["TargetServicePutResourceAsUnscalable"]
    stage.minutes(10, 8)
    assert stage.wanted >= 8


def test_waiting_after_scaling_out(stage):
    """During ScaleOutCooldown only a larger scale-out goes through."""
    stage.track(ScaleOutCooldown=3600)
    stage.minutes(5, 3.5)
    stage.minutes(8, 3.5)
    assert stage.wanted == 4
    stage.minutes(15, 4.5)
    assert stage.wanted == 4
    stage.minutes(15, 9)
    assert stage.wanted > 4


def test_waiting_after_scaling_in(stage):
    """During ScaleInCooldown there is no further scale-in, but a scale-out at once."""
    stage.aas.register_scalable_target(**VARIANT, MinCapacity=6)
    stage.minutes(10, 5.9)
    stage.aas.register_scalable_target(**VARIANT, MinCapacity=1)
    stage.track(ScaleInCooldown=7200)
    stage.minutes(25, 3)
    assert stage.wanted == 3
    stage.minutes(60, 1)
    assert stage.wanted == 3
    stage.minutes(10, 5)
    assert stage.wanted == 5


def test_several_policies(stage):
    """Out if any wants to; in only if all are ready to; the largest capacity wins."""
    stage.track("one")
    stage.track("two", metric="Other")

    def both(number, first, second):
        for _ in range(number):
            count = stage.variant.current_instance_count
            stage.put(100.0 * second / count, "Other")
            stage.minutes(1, first)

    both(20, 1.9, 1.9)
    both(10, 1.9, 4)
    assert stage.wanted == 4
    both(40, 1, 3.8)
    assert stage.wanted == 4
    both(40, 1, 2)
    assert stage.wanted == 2


def test_scale_in_can_be_disabled(stage):
    """DisableScaleIn: the policy never takes instances away."""
    stage.track(DisableScaleIn=True)
    stage.minutes(40, 0.1)
    assert stage.wanted == 2


@pytest.mark.parametrize("direction", ["In", "Out"])
def test_suspension_holds(stage, direction):
    """A suspended direction is left alone until it is resumed."""
    stage.track()
    name = f"DynamicScaling{direction}Suspended"
    stage.aas.register_scalable_target(**VARIANT, SuspendedState={name: True})
    load = 0.1 if direction == "In" else 6
    stage.minutes(30, load)
    assert stage.wanted == 2
    stage.aas.register_scalable_target(**VARIANT, SuspendedState={name: False})
    stage.minutes(30, load)
    assert stage.wanted == (1 if direction == "In" else 6)


STEPS = [
    {"MetricIntervalUpperBound": 50.0, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 50.0, "ScalingAdjustment": 3},
]


def _step(stage, steps=STEPS, kind="ChangeInCapacity", **more):
    arn = stage.aas.put_scaling_policy(
        **VARIANT,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": kind,
            "StepAdjustments": steps,
            "Cooldown": 3600,
            **more,
        },
    )["PolicyARN"]
    stage.cw.put_metric_alarm(
        AlarmName="busy",
        **LOAD,
        Period=60,
        EvaluationPeriods=2,
        Threshold=100.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[arn],
    )


@pytest.mark.parametrize(("load", "wanted"), [(2.4, 3), (4, 5)])
def test_steps_by_how_far_it_is_exceeded(stage, load, wanted):
    """The step whose interval holds the difference from the alarm's threshold is taken."""
    _step(stage)
    stage.minutes(5, 1)
    stage.minutes(5, load)
    assert stage.wanted == wanted


def test_a_larger_step_interrupts_the_wait(stage):
    """What was added last counts as part of the next scale-out: from 2 by 3 to 5, not to 6."""
    _step(stage)
    stage.minutes(5, 1)
    stage.minutes(15, 2.4)
    assert stage.wanted == 3
    stage.minutes(15, 3.5)
    assert stage.wanted == 3
    stage.minutes(15, 6)
    assert stage.wanted == 5


@pytest.mark.parametrize(
    ("kind", "adjustment", "more", "wanted"),
    [
        ("ExactCapacity", 7, {}, 7),
        ("PercentChangeInCapacity", 25, {}, 3),
        ("PercentChangeInCapacity", 180, {}, 5),
        ("PercentChangeInCapacity", 25, {"MinAdjustmentMagnitude": 4}, 6),
        ("PercentChangeInCapacity", -10, {}, 1),
        ("ChangeInCapacity", -5, {}, 1),
    ],
)
def test_kinds_of_steps(stage, kind, adjustment, more, wanted):
    """Percentages between 0 and 1 instance are one, above they are rounded down; nothing goes
    below the minimum."""
    _step(stage, [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": adjustment}], kind,
          **more)  # fmt: skip
    stage.minutes(4, 3)
    assert stage.wanted == wanted


def test_disabled_actions_scale_nothing(stage):
    """An alarm whose actions are disabled triggers no policy."""
    _step(stage)
    stage.cw.disable_alarm_actions(AlarmNames=["busy"])
    stage.minutes(10, 4)
    assert stage.wanted == 2


def test_a_deleted_policy_scales_nothing(stage, world):
    """After its policy is gone a target stays as it is, and costs nothing."""
    stage.track()
    stage.aas.delete_scaling_policy(**VARIANT, PolicyName="tt")
    stage.minutes(10, 9)
    assert stage.wanted == 2
    assert world.next_event_s() is None


def test_looking_changes_nothing():
    """Whether anybody looks at alarms and activities, and when, has no influence."""
    assert _played(looks=True) == _played(looks=False)


def _connect_to(world):
    def connect(service):
        session = boto3.Session(f"AKIA-{ACCOUNT}", "secret", region_name="eu-west-1")
        attach(session, world)
        return session.client(service)

    return connect


def _played(looks):
    world = World(seed=7)
    stage = Stage(world, _connect_to(world))
    stage.track(ScaleOutCooldown=120, ScaleInCooldown=300)
    for load in (1.9, 3, 5, 4, 2, 6, 1, 0.5, 3):
        for _ in range(17):
            stage.minutes(1, load)
            if looks:
                stage.cw.describe_alarms()
                stage.activities(everything=True)
    return [(a["StartTime"], a["Description"], a["StatusCode"]) for a in stage.activities(True)]
