"""What an autoscaler reads cheaply is what everybody else reads."""

import pytest

from controller.sandbox.metric_points import Span, Subject
from controller.sandbox.sagemaker.counts import endpoint_counts
from controller.sandbox.sagemaker.metrics import endpoint_metrics
from controller.sandbox.seeding import seed_world
from controller.sandbox.statistic import parse_statistic
from controller.sandbox.world import World

ACCOUNT, REGION = "123456789012", "eu-west-1"
SUBJECT = Subject(ACCOUNT, REGION, (("EndpointName", "shop"), ("VariantName", "AllTraffic")))


@pytest.mark.parametrize("step_s", [60.0, 420.0, 5400.0])
def test_counting_alone_gives_the_same_points(step_s):
    """Invocations and InvocationsPerInstance do not depend on requests being served, nor on
    how often they are read; also through scaling, a disturbance and a weekend."""
    world = World(seed=11)
    seed_world(
        world,
        {
            "endpoints": [
                {
                    "name": "shop",
                    "instance_type": "ml.c5.xlarge",
                    "instance_count": 2,
                    "workload": {"traffic": {"rps": 2, "daily_amplitude": 0.9}},
                }
            ],
            "scalable_targets": [
                {
                    "endpoint": "shop",
                    "min": 1,
                    "max": 9,
                    "policies": [{"name": "tt", "target_value": 40}],
                }
            ],
        },
    )
    began_s = int(world.now_s())
    end_s = began_s + 8 * 3600
    wanted = [
        (name, parse_statistic(statistic))
        for name in ("Invocations", "InvocationsPerInstance")
        for statistic in ("Sum", "Average", "SampleCount", "p50")
    ]
    span = Span(60, began_s - 3600, end_s)
    while world.now_s() < end_s:
        endpoint_counts(world).read(SUBJECT, wanted, span, world.now_s())
        world.advance(step_s)
    counted = endpoint_counts(world).read(SUBJECT, wanted, span, world.now_s())
    served = endpoint_metrics(world).read(SUBJECT, wanted, span, world.now_s())
    assert len(counted[wanted[0]]) > 400
    assert counted == served
    sums = [one for one in wanted if one[1].name == "Sum"]
    assert endpoint_counts(world).read(SUBJECT, sums, span, world.now_s()) == {
        one: served[one] for one in sums
    }
