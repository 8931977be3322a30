"""Endpoints through real boto3: creation, capacity, quotas, deletion."""

import pytest

from controller.sandbox.extensions import state_of
from controller.sandbox.sagemaker_neighbours import Neighbours
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"


def _seed(world, *endpoints, **more):
    seed_world(world, {"account": ACCOUNT, "endpoints": list(endpoints), **more})


@pytest.fixture
def sm(connect):
    return connect("sagemaker")


def _status(sm, name="e"):
    return sm.describe_endpoint(EndpointName=name)["EndpointStatus"]


def _config(sm, name, **members):
    variant = {"VariantName": "AllTraffic", "ModelName": "e-model", **members}
    sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def test_a_new_endpoint_is_creating_for_minutes(world, sm):
    """CreateEndpoint returns at once; a real-time one is InService some five minutes later."""
    _seed(world, {"name": "e"})
    _config(sm, "c", InstanceType="ml.c5.large", InitialInstanceCount=2)
    arn = sm.create_endpoint(EndpointName="new", EndpointConfigName="c")["EndpointArn"]
    assert arn == f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:endpoint/new"
    shown = sm.describe_endpoint(EndpointName="new")
    assert shown["EndpointStatus"] == "Creating"
    assert shown["PendingDeploymentSummary"]["EndpointConfigName"] == "c"
    world.advance(120)
    assert _status(sm, "new") == "Creating"
    world.advance(600)
    shown = sm.describe_endpoint(EndpointName="new")
    assert shown["EndpointStatus"] == "InService"
    assert "PendingDeploymentSummary" not in shown
    (variant,) = shown["ProductionVariants"]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (2, 2)


def test_a_new_configuration_may_not_be_seen_at_once(world, sm, refusal):
    """Right after CreateEndpointConfig, CreateEndpoint can say that it does not exist."""
    _seed(world, {"name": "e"}, endpoint_config_lag_s=5)
    _config(sm, "c", InstanceType="ml.c5.large", InitialInstanceCount=1)

    def create():
        return sm.create_endpoint(EndpointName="new", EndpointConfigName="c")

    code, message, _ = refusal(create)
    assert code == "ValidationException"
    assert "Could not find endpoint configuration" in message
    world.advance(6)
    assert create()["EndpointArn"]


def test_capacity_lacking_shows_only_as_a_failure_reason(world, sm):
    """InsufficientInstanceCapacity comes as FailureReason of Failed; only deletion works then."""
    _seed(world, {"name": "e"}, endpoint_capacity={"ml.g5.xlarge": 0})
    _config(sm, "c", InstanceType="ml.g5.xlarge", InitialInstanceCount=1)
    sm.create_endpoint(EndpointName="new", EndpointConfigName="c")
    world.advance(900)
    shown = sm.describe_endpoint(EndpointName="new")
    assert shown["EndpointStatus"] == "Failed"
    assert "InsufficientInstanceCapacity" in shown["FailureReason"]
    sm.delete_endpoint(EndpointName="new")
    world.advance(60)
    assert [row["EndpointName"] for row in sm.list_endpoints()["Endpoints"]] == ["e"]


def test_a_quota_is_a_limit_exceeded(world, sm, refusal):
    """ResourceLimitExceeded names type, limit, utilisation and delta; it is per type."""
    _seed(world, {"name": "e", "instance_type": "ml.g5.xlarge"},
          endpoint_quotas={"ml.g5.xlarge": 1})  # fmt: skip
    code, message, status = refusal(
        lambda: sm.update_endpoint_weights_and_capacities(
            EndpointName="e",
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
        )
    )
    assert (code, status) == ("ResourceLimitExceeded", 400)
    assert "'ml.g5.xlarge for endpoint usage' is 1" in message
    assert "delta of 1" in message


def test_capacity_changes_without_a_configuration(world, sm, refusal):
    """UpdateEndpointWeightsAndCapacities: Updating, then InService, same configuration; no
    second one meanwhile. Instances take minutes to launch."""
    _seed(world, {"name": "e", "instance_count": 1})

    def ask(count):
        wanted = {"VariantName": "AllTraffic", "DesiredInstanceCount": count}
        return sm.update_endpoint_weights_and_capacities(
            EndpointName="e", DesiredWeightsAndCapacities=[wanted]
        )

    ask(3)
    shown = sm.describe_endpoint(EndpointName="e")
    (variant,) = shown["ProductionVariants"]
    assert shown["EndpointStatus"] == "Updating"
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 3)
    assert refusal(lambda: ask(2))[0] == "ValidationException"
    world.advance(150)
    assert _status(sm) == "Updating"
    world.advance(300)
    shown = sm.describe_endpoint(EndpointName="e")
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("InService", "e-config")
    assert shown["ProductionVariants"][0]["CurrentInstanceCount"] == 3


def test_the_capacity_of_one_variant_at_a_time(world, sm, refusal):
    """ "Weight of one or more variants, or capacity of one variant"."""
    _seed(world, {"name": "e", "variants": [{"variant": "A"}, {"variant": "B", "weight": 3}]})
    both = [{"VariantName": name, "DesiredInstanceCount": 2} for name in "AB"]
    assert (
        refusal(
            lambda: sm.update_endpoint_weights_and_capacities(
                EndpointName="e", DesiredWeightsAndCapacities=both
            )
        )[0]
        == "ValidationException"
    )
    sm.update_endpoint_weights_and_capacities(
        EndpointName="e",
        DesiredWeightsAndCapacities=[{"VariantName": "A", "DesiredWeight": 1},
                                     {"VariantName": "B", "DesiredWeight": 0}],
    )  # fmt: skip
    world.advance(120)
    shown = sm.describe_endpoint(EndpointName="e")["ProductionVariants"]
    assert {one["VariantName"]: one["CurrentWeight"] for one in shown} == {"A": 1, "B": 0}


def test_serverless_concurrency_changes_in_place(world, sm, refusal):
    """ServerlessUpdateConfig reaches concurrency, not memory, without a new configuration."""
    _seed(world, {"name": "e", "memory_mb": 2048, "max_concurrency": 10})

    def ask(**update):
        return sm.update_endpoint_weights_and_capacities(
            EndpointName="e",
            DesiredWeightsAndCapacities=[
                {"VariantName": "AllTraffic", "ServerlessUpdateConfig": update}
            ],
        )

    ask(MaxConcurrency=40)
    world.advance(120)
    shown = sm.describe_endpoint(EndpointName="e")
    (variant,) = shown["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 40}
    assert shown["EndpointConfigName"] == "e-config"
    assert refusal(lambda: ask(MaxConcurrency=5, ProvisionedConcurrency=6))[0] == (
        "ValidationException"
    )


@pytest.mark.parametrize(("region", "pool"), [("eu-west-1", 1000), ("eu-south-1", 500)])
def test_the_serverless_pool_of_an_account(world, in_process, refusal, region, pool):
    """All serverless endpoints of a region share 1000 or 500 of concurrency."""
    endpoints = [{"name": f"e{n}", "memory_mb": 1024, "max_concurrency": 200, "region": region}
                 for n in range(pool // 200)]  # fmt: skip
    _seed(world, *endpoints)
    sm = in_process("sagemaker", region=region)
    left = pool - 200 * (pool // 200)
    sm.create_endpoint_config(
        EndpointConfigName="more",
        ProductionVariants=[
            {
                "VariantName": "A",
                "ModelName": "e0-model",
                "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": left + 1},
            }
        ],
    )
    code, message, _ = refusal(
        lambda: sm.create_endpoint(EndpointName="more", EndpointConfigName="more")
    )
    assert code == "ResourceLimitExceeded"
    assert str(pool) in message


def test_fifty_serverless_endpoints(world, in_process, refusal):
    """At most 50 serverless endpoints in a region."""
    _seed(world, *({"name": f"e{n}", "memory_mb": 1024, "max_concurrency": 1} for n in range(50)))
    sm = in_process("sagemaker")
    code, _, _ = refusal(
        lambda: sm.create_endpoint(EndpointName="more", EndpointConfigName="e0-config")
    )
    assert code == "ResourceLimitExceeded"


def test_deletion_takes_scalable_targets_along(world, sm):
    """DeleteEndpoint deregisters the variants' scalable targets."""
    _seed(world, {"name": "e"})
    gone = []

    class Targets:
        def registered_targets(self, account, region, endpoint, variant):
            return ["sagemaker:variant:DesiredInstanceCount"]

        def deregister(self, account, region, endpoint, variant):
            gone.append((account, region, endpoint, variant))

    state_of(world, Neighbours).autoscaling = Targets()
    sm.delete_endpoint(EndpointName="e")
    assert _status(sm) == "Deleting"
    assert gone == [(ACCOUNT, "eu-west-1", "e", "AllTraffic")]


def test_an_endpoint_made_of_the_same_model_behaves_alike(world, in_process):
    """A candidate endpoint for probes is the same model on other machines."""
    _seed(world, {"name": "e", "workload": {"machines": {"work_ms": 321}, "traffic": {"rps": 9}}})
    sm = in_process("sagemaker")
    _config(sm, "c", InstanceType="ml.c5.4xlarge", InitialInstanceCount=1)
    sm.create_endpoint(EndpointName="new", EndpointConfigName="c")
    workload = sagemaker_of(world, world.region(ACCOUNT, "eu-west-1")).workloads["new"]
    assert workload.machines.work_ms == 321
    assert workload.streams == ()


def test_other_kinds_of_endpoint_are_recognised(world, sm):
    """Multi-model, several containers, async, shadow and pools show in what is described."""
    _seed(
        world,
        {"name": "mme", "model": {"PrimaryContainer": {"Mode": "MultiModel"}}},
        {"name": "mce", "model": {"Containers": [{"Image": "a"}, {"Image": "b"}]}},
        {"name": "async", "config": {"AsyncInferenceConfig": {
            "OutputConfig": {"S3OutputPath": "s3://b"}}}},
        {"name": "shadowed", "shadow": {"instance_type": "ml.c5.xlarge"}},
    )  # fmt: skip
    assert sm.describe_model(ModelName="mme-model")["PrimaryContainer"]["Mode"] == "MultiModel"
    assert len(sm.describe_model(ModelName="mce-model")["Containers"]) == 2
    assert "AsyncInferenceConfig" in sm.describe_endpoint(EndpointName="async")
    shown = sm.describe_endpoint(EndpointName="shadowed")
    assert shown["ShadowProductionVariants"][0]["VariantName"] == "Shadow"


def test_tags_of_endpoints_are_found(world, in_process):
    """GetResources lists tagged endpoints as sagemaker:endpoint."""
    _seed(world, {"name": "e", "tags": {"team": "x"}}, {"name": "untagged"})
    found = in_process("resourcegroupstaggingapi").get_resources(
        ResourceTypeFilters=["sagemaker:endpoint"],
        TagFilters=[{"Key": "team", "Values": ["x"]}],
    )["ResourceTagMappingList"]
    assert [one["ResourceARN"] for one in found] == [
        f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:endpoint/e"
    ]
