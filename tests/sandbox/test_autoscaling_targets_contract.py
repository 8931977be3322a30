"""Scalable targets of Application Auto Scaling through real boto3; facts in the docstrings."""

import pytest

from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"
COUNT = "sagemaker:variant:DesiredInstanceCount"
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
PROVISIONED = "lambda:function:ProvisionedConcurrency"


def variant(endpoint="shop", dimension=COUNT):
    """How requests name a variant."""
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/AllTraffic",
        "ScalableDimension": dimension,
    }


ALIAS = {
    "ServiceNamespace": "lambda",
    "ResourceId": "function:f:live",
    "ScalableDimension": PROVISIONED,
}


@pytest.fixture
def account(world):
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "endpoints": [
                {"name": "shop", "instance_type": "ml.c5.xlarge", "instance_count": 2},
                {"name": "burst", "instance_type": "ml.t2.medium"},
                {"name": "quiet", "memory_mb": 2048, "max_concurrency": 10},
                {
                    "name": "warm",
                    "memory_mb": 2048,
                    "max_concurrency": 10,
                    "provisioned_concurrency": 2,
                },
            ],
            "functions": [{"name": "f", "versions": 2, "aliases": {"live": 2}}],
        },
    )


@pytest.fixture
def aas(account, in_process):
    return in_process("application-autoscaling")


@pytest.fixture
def sm(account, in_process):
    return in_process("sagemaker")


def _count(sm, endpoint="shop"):
    return sm.describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0][
        "DesiredInstanceCount"
    ]


def test_register_and_describe(account, connect):
    """What is registered is listed with bounds, role, suspension and an ARN of its own."""
    aas = connect("application-autoscaling")
    arn = aas.register_scalable_target(**variant(), MinCapacity=1, MaxCapacity=4)
    found = aas.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert [(t["MinCapacity"], t["MaxCapacity"]) for t in found] == [(1, 4)]
    assert found[0]["ScalableTargetARN"] == arn["ScalableTargetARN"]
    assert found[0]["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
    assert set(found[0]["SuspendedState"].values()) == {False}


def test_min_and_max_are_required_the_first_time(aas, refusal):
    """MinCapacity and MaxCapacity: required to register, unchanged where left out later."""
    for given in ({}, {"MinCapacity": 1}, {"MaxCapacity": 3}):
        code, _, status = refusal(
            lambda given=given: aas.register_scalable_target(**variant(), **given)
        )
        assert (code, status) == ("ValidationException", 400)
    aas.register_scalable_target(**variant(), MinCapacity=1, MaxCapacity=4)
    aas.register_scalable_target(**variant(), MaxCapacity=6)
    aas.register_scalable_target(**variant(), SuspendedState={"ScheduledScalingSuspended": True})
    found = aas.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"][0]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 6)
    assert found["SuspendedState"]["ScheduledScalingSuspended"] is True


@pytest.mark.parametrize(
    ("resource", "bounds"),
    [
        (variant("nobody"), (1, 2)),
        (variant("shop"), (3, 2)),
        (variant("shop"), (0, 2)),
        (variant("shop"), (-1, 2)),
        (variant("burst"), (1, 2)),
        (variant("quiet"), (1, 2)),
        (variant("quiet", CONCURRENCY), (1, 2)),
        (variant("shop", CONCURRENCY), (1, 2)),
        ({**variant(), "ResourceId": "endpoint/shop"}, (1, 2)),
        ({**variant(), "ScalableDimension": PROVISIONED}, (1, 2)),
        ({**ALIAS, "ResourceId": "function:f:$LATEST"}, (1, 2)),
        ({**ALIAS, "ResourceId": "function:f:dead"}, (1, 2)),
        (
            {
                "ServiceNamespace": "sagemaker",
                "ResourceId": "inference-component/x",
                "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
            },
            (1, 2),
        ),
    ],
)
def test_what_cannot_be_registered(aas, refusal, resource, bounds):
    """Unknown resource, min above max, variant minimum below 1, ml.t2, serverless without
    provisioned concurrency, another dimension's resource, $LATEST: ValidationException."""
    low, high = bounds
    code, message, status = refusal(
        lambda: aas.register_scalable_target(**resource, MinCapacity=low, MaxCapacity=high)
    )
    assert (code, status) == ("ValidationException", 400)
    assert message


def test_registering_clamps_at_once(world, aas, sm):
    """Registering or updating brings the capacity inside the bounds at once: an endpoint's
    scale-out is Updating for minutes, and lowering the maximum is a live scale-in."""
    aas.register_scalable_target(**variant(), MinCapacity=4, MaxCapacity=6)
    assert sm.describe_endpoint(EndpointName="shop")["EndpointStatus"] == "Updating"
    assert _count(sm) == 4
    world.advance(600.0)
    assert sm.describe_endpoint(EndpointName="shop")["EndpointStatus"] == "InService"
    aas.register_scalable_target(**variant(), MinCapacity=1, MaxCapacity=3)
    assert _count(sm) == 3
    world.advance(600.0)
    done = aas.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    assert [(a["Description"], a["Cause"], a["StatusCode"]) for a in done] == [
        ("Setting desired instance count to 3.", "maximum capacity was set to 3", "Successful"),
        ("Setting desired instance count to 4.", "minimum capacity was set to 4", "Successful"),
    ]
    assert 180 <= (done[1]["EndTime"] - done[1]["StartTime"]).total_seconds() <= 400


def test_an_update_clamps_even_without_bounds(world, aas, sm):
    """Updating checks the capacity even where Min and Max are not in the request."""
    aas.register_scalable_target(**variant(), MinCapacity=1, MaxCapacity=3)
    sm.update_endpoint_weights_and_capacities(
        EndpointName="shop",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 5}],
    )
    world.advance(600.0)
    assert _count(sm) == 5
    aas.register_scalable_target(**variant(), SuspendedState={"DynamicScalingInSuspended": True})
    assert _count(sm) == 3


def test_a_resource_that_is_not_active_keeps_its_capacity(world, aas, sm):
    """While the endpoint is Updating, registering changes the bounds and not the capacity."""
    sm.update_endpoint_weights_and_capacities(
        EndpointName="shop",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    aas.register_scalable_target(**variant(), MinCapacity=5, MaxCapacity=6)
    world.advance(600.0)
    assert _count(sm) == 3


def test_a_pending_update(world, aas, refusal):
    """ConcurrentUpdateException: the target already has a pending update."""
    aas.register_scalable_target(**variant(), MinCapacity=4, MaxCapacity=6)
    code, _, status = refusal(lambda: aas.register_scalable_target(**variant(), MinCapacity=5))
    assert (code, status) == ("ConcurrentUpdateException", 400)
    aas.register_scalable_target(**variant(), MaxCapacity=7)
    world.advance(600.0)
    aas.register_scalable_target(**variant(), MinCapacity=5)


def test_a_refused_change_is_a_failed_activity(world, aas, sm):
    """Where the service refuses (here a quota), the activity is Failed and says why."""
    seed_world(world, {"account": ACCOUNT, "endpoint_quotas": {"ml.c5.xlarge": 3}})
    aas.register_scalable_target(**variant(), MinCapacity=4, MaxCapacity=6)
    done = aas.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    assert done[0]["StatusCode"] == "Failed"
    assert "ml.c5.xlarge" in done[0]["StatusMessage"]
    assert _count(sm) == 2


def test_no_machines_is_a_failed_activity(world, aas, sm):
    """Insufficient capacity shows when the launch is over, as a Failed activity."""
    seed_world(world, {"account": ACCOUNT, "endpoint_capacity": {"ml.c5.xlarge": 3}})
    aas.register_scalable_target(**variant(), MinCapacity=4, MaxCapacity=6)
    world.advance(900.0)
    done = aas.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    assert done[0]["StatusCode"] == "Failed"


def test_a_newer_change_overrides(world, aas, sm):
    """An activity whose capacity somebody else changed in between is Overridden."""
    lam = ALIAS
    aas.register_scalable_target(**lam, MinCapacity=2, MaxCapacity=6)
    world.advance(10.0)
    region = world.region(ACCOUNT, "eu-west-1")
    del region.functions["f"].provisioned["live"]
    world.advance(30.0)
    done = aas.describe_scaling_activities(ServiceNamespace="lambda")["ScalingActivities"]
    assert done[0]["StatusCode"] == "Overridden"


def test_deregistering_takes_everything_along(world, aas, in_process, refusal):
    """Deregistering deletes the policies (with their alarms) and the scheduled actions."""
    aas.register_scalable_target(**variant(), MinCapacity=1, MaxCapacity=4)
    aas.put_scaling_policy(
        **variant(),
        PolicyName="tt",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 100.0,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
            },
        },
    )
    aas.put_scheduled_action(
        **variant(),
        ScheduledActionName="morning",
        Schedule="rate(1 hour)",
        ScalableTargetAction={"MinCapacity": 3},
    )
    cw = in_process("cloudwatch")
    assert len(cw.describe_alarms()["MetricAlarms"]) == 2
    aas.deregister_scalable_target(**variant())
    assert aas.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    assert aas.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"] == []
    assert cw.describe_alarms()["MetricAlarms"] == []
    world.advance(7200.0)
    assert world.next_event_s() is None
    aas.register_scalable_target(**variant(), MinCapacity=1, MaxCapacity=4)
    assert aas.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    aas.deregister_scalable_target(**variant())
    code, message, _ = refusal(lambda: aas.deregister_scalable_target(**variant()))
    assert code == "ObjectNotFoundException"
    assert message == (
        "No scalable target registered for service namespace: sagemaker, resource ID: "
        f"endpoint/shop/variant/AllTraffic, scalable dimension: {COUNT}"
    )


def test_a_registered_variant_stands_in_the_way_of_a_type_change(world, aas, sm, refusal):
    """UpdateEndpoint to another instance type fails while the variant is registered."""
    aas.register_scalable_target(**variant(), MinCapacity=1, MaxCapacity=4)
    live = sm.describe_endpoint_config(EndpointConfigName="shop-config")
    moved = {**live["ProductionVariants"][0], "InstanceType": "ml.c5.2xlarge"}
    sm.create_endpoint_config(EndpointConfigName="bigger", ProductionVariants=[moved])
    code, _, _ = refusal(
        lambda: sm.update_endpoint(EndpointName="shop", EndpointConfigName="bigger")
    )
    assert code == "ValidationException"
    aas.deregister_scalable_target(**variant())
    sm.update_endpoint(EndpointName="shop", EndpointConfigName="bigger")


def test_deleting_the_endpoint_deregisters(world, aas, sm):
    """DeleteEndpoint deregisters the scalable targets of its variants."""
    aas.register_scalable_target(**variant(), MinCapacity=1, MaxCapacity=4)
    sm.delete_endpoint(EndpointName="shop")
    world.advance(600.0)
    assert aas.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_resource_ids_match_exactly(aas, refusal):
    """A resource id is no prefix; a dimension needs a resource id; regions are apart."""
    aas.register_scalable_target(**variant(), MinCapacity=1, MaxCapacity=4)
    for wanted in ("endpoint/shop", "endpoint/shop/variant/All", "endpoint/sho/variant/AllTraffic"):
        found = aas.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[wanted])
        assert found["ScalableTargets"] == []
    code, _, _ = refusal(
        lambda: aas.describe_scalable_targets(ServiceNamespace="sagemaker", ScalableDimension=COUNT)
    )
    assert code == "ValidationException"
    assert aas.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"] == []


def test_paging(world, aas, in_process, refusal):
    """Fifty a page at most; a token that is not the listing's is InvalidNextTokenException."""
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "functions": [
                {"name": f"f{n:03d}", "versions": 1, "aliases": {"live": 1}} for n in range(120)
            ],
            "scalable_targets": [
                {"function": f"f{n:03d}", "qualifier": "live", "min": 0, "max": 2}
                for n in range(120)
            ],
        },
    )
    pages = list(aas.get_paginator("describe_scalable_targets").paginate(ServiceNamespace="lambda"))
    assert [len(page["ScalableTargets"]) for page in pages] == [50, 50, 20]
    names = {t["ResourceId"] for page in pages for t in page["ScalableTargets"]}
    assert len(names) == 120
    for wrong in ({"NextToken": "nonsense"}, {"MaxResults": 51}):
        code, _, _ = refusal(
            lambda wrong=wrong: aas.describe_scalable_targets(ServiceNamespace="lambda", **wrong)
        )
        assert code in ("InvalidNextTokenException", "ValidationException")


def test_at_most_five_hundred(world, aas, refusal):
    """LimitExceededException beyond 500 targets."""
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "functions": [{"name": "g", "versions": 501}],
            "scalable_targets": [
                {"function": "g", "qualifier": str(n), "min": 0, "max": 1} for n in range(1, 501)
            ],
        },
    )
    more = {**ALIAS, "ResourceId": "function:g:501"}
    code, _, status = refusal(
        lambda: aas.register_scalable_target(**more, MinCapacity=0, MaxCapacity=1)
    )
    assert (code, status) == ("LimitExceededException", 400)


def test_tags(aas, refusal):
    """Tags come with registration, TagResource and UntagResource; at most fifty."""
    arn = aas.register_scalable_target(
        **variant(), MinCapacity=1, MaxCapacity=4, Tags={"team": "ml"}
    )["ScalableTargetARN"]
    aas.tag_resource(ResourceARN=arn, Tags={"env": "prod"})
    assert aas.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "ml", "env": "prod"}
    aas.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert aas.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"env": "prod"}
    many = {str(n): "x" for n in range(50)}
    assert refusal(lambda: aas.tag_resource(ResourceARN=arn, Tags=many))[0] == (
        "TooManyTagsException"
    )
    gone = arn[:-1] + ("0" if arn[-1] != "0" else "1")
    code = refusal(lambda: aas.list_tags_for_resource(ResourceARN=gone))[0]
    assert code == "ResourceNotFoundException"


def test_the_other_dimensions(world, aas, in_process):
    """Provisioned concurrency of a serverless variant and of an alias are scaled as well."""
    aas.register_scalable_target(**variant("warm", CONCURRENCY), MinCapacity=4, MaxCapacity=8)
    aas.register_scalable_target(**ALIAS, MinCapacity=3, MaxCapacity=5)
    world.advance(600.0)
    live = in_process("sagemaker").describe_endpoint(EndpointName="warm")
    serverless = live["ProductionVariants"][0]["CurrentServerlessConfig"]
    assert serverless["ProvisionedConcurrency"] == 4
    config = in_process("lambda").get_provisioned_concurrency_config(
        FunctionName="f", Qualifier="live"
    )
    assert (config["Status"], config["RequestedProvisionedConcurrentExecutions"]) == ("READY", 3)


def test_other_services_are_not_here(aas, refusal):
    """A dimension of a service that the sandbox lacks is refused without a retry."""
    code, _, status = refusal(
        lambda: aas.register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId="service/a/b",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=1,
            MaxCapacity=2,
        )
    )
    assert (code, status) == ("NotImplementedInSandbox", 400)
