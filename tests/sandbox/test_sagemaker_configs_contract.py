"""SageMaker's models, endpoint configurations and tags through real boto3."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ParamValidationError

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/sagemaker"


@pytest.fixture
def sm(connect):
    client = connect("sagemaker")
    client.create_model(ModelName="m", PrimaryContainer={"Image": "image:1"}, ExecutionRoleArn=ROLE)
    return client


@pytest.fixture
def refused(in_process, refusal):
    """What CreateEndpointConfig of some variants is refused with, client checks off."""
    client = in_process("sagemaker", parameter_validation=False)
    client.create_model(ModelName="m", PrimaryContainer={"Image": "image:1"}, ExecutionRoleArn=ROLE)

    def attempt(*variants, **more):
        return refusal(
            lambda: client.create_endpoint_config(
                EndpointConfigName="c", ProductionVariants=list(variants), **more
            )
        )

    return attempt


def _variant(name="A", **more):
    given = {"VariantName": name, "ModelName": "m", "InstanceType": "ml.c5.large",
             "InitialInstanceCount": 1, **more}  # fmt: skip
    return {key: value for key, value in given.items() if value is not None}


def _serverless(name="A", memory_mb=2048, concurrency=10, **more):
    size = {"MemorySizeInMB": memory_mb, "MaxConcurrency": concurrency, **more}
    return _variant(name, InstanceType=None, InitialInstanceCount=None, ServerlessConfig=size)


def test_a_configuration_is_shown_as_it_was_given(sm):
    """Endpoint configurations are immutable; copying one forward must find every member."""
    capture = {
        "InitialSamplingPercentage": 5,
        "DestinationS3Uri": "s3://b/p",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    routing = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    made = sm.create_endpoint_config(
        EndpointConfigName="c",
        ProductionVariants=[_variant(RoutingConfig=routing, VolumeSizeInGB=30)],
        DataCaptureConfig=capture,
    )
    assert made["EndpointConfigArn"] == (f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:endpoint-config/c")
    shown = sm.describe_endpoint_config(EndpointConfigName="c")
    assert shown["DataCaptureConfig"] == capture
    (variant,) = shown["ProductionVariants"]
    assert (variant["RoutingConfig"], variant["VolumeSizeInGB"]) == (routing, 30)


def test_a_name_is_taken_once(sm, refusal):
    """A configuration's name is unique in an account and region."""
    sm.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[_variant()])
    code, message, status = refusal(
        lambda: sm.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[_variant()])
    )
    assert (code, status) == ("ValidationException", 400)
    assert "already existing endpoint configuration" in message


@pytest.mark.parametrize("name", ["-a", "a_b", "a" * 64, "a-"])
def test_names_have_a_pattern(in_process, refusal, name):
    """Names of configurations are at most 63 letters, digits and inner hyphens."""
    client = in_process("sagemaker", parameter_validation=False)
    code, _, _ = refusal(
        lambda: client.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[_variant()]
        )
    )
    assert code == "ValidationException"


def test_what_is_not_there_is_a_validation_exception(sm, refusal):
    """SageMaker has no not-found error for these: ValidationException, "Could not find"."""
    for call in (
        lambda: sm.describe_endpoint_config(EndpointConfigName="x"),
        lambda: sm.describe_endpoint(EndpointName="x"),
        lambda: sm.describe_model(ModelName="x"),
        lambda: sm.delete_endpoint(EndpointName="x"),
    ):
        code, message, status = refusal(call)
        assert (code, status) == ("ValidationException", 400)
        assert "Could not find" in message


@pytest.mark.parametrize("memory_mb", [1024, 2048, 3072, 4096, 5120, 6144])
def test_serverless_memory_has_six_sizes(sm, memory_mb):
    """1 to 6 GB in steps of one."""
    made = sm.create_endpoint_config(
        EndpointConfigName="c", ProductionVariants=[_serverless(memory_mb=memory_mb)]
    )
    assert made["EndpointConfigArn"]


@pytest.mark.parametrize("memory_mb", [1023, 1536, 2000, 6145, 8192])
def test_other_serverless_memory_is_refused(refused, memory_mb):
    """The API's model knows only the range; the six steps are the server's."""
    assert refused(_serverless(memory_mb=memory_mb))[0] == "ValidationException"


@pytest.mark.parametrize("concurrency", [0, 201])
def test_serverless_concurrency_is_at_most_200(refused, concurrency):
    """MaxConcurrency is 1 to 200."""
    assert refused(_serverless(concurrency=concurrency))[0] == "ValidationException"


def test_provisioned_concurrency_is_at_most_max_concurrency(refused):
    """ProvisionedConcurrency must not exceed MaxConcurrency."""
    code, message, _ = refused(_serverless(concurrency=5, ProvisionedConcurrency=6))
    assert code == "ValidationException"
    assert "ProvisionedConcurrency" in message


@pytest.mark.parametrize(
    ("variants", "more"),
    [
        ([_serverless("A"), _serverless("B")], {}),
        ([_serverless()], {"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["s-1"]}}),
        ([_serverless()], {"DataCaptureConfig": {"InitialSamplingPercentage": 1,
                                                 "DestinationS3Uri": "s3://b",
                                                 "CaptureOptions": [{"CaptureMode": "Input"}]}}),
    ],
)  # fmt: skip
def test_serverless_excludes_much(refused, variants, more):
    """Not for serverless: several variants, VPC, data capture."""
    assert refused(*variants, **more)[0] == "ValidationException"


def test_an_instance_type_is_one_of_the_enum(refused):
    """There is no ml.t3 for endpoints; burstable ones are ml.t2."""
    code, message, _ = refused(_variant(InstanceType="ml.t3.medium"))
    assert code == "ValidationException"
    assert "enum" in message


def test_a_key_is_refused_for_local_nvme(refused):
    """KmsKeyId is rejected for types with local NVMe, so a type's change can make it invalid."""
    code, message, _ = refused(_variant(InstanceType="ml.g4dn.xlarge"), KmsKeyId="key-1")
    assert code == "ValidationException"
    assert "ml.g4dn.xlarge" in message


def test_elastic_inference_is_gone(refused):
    """AcceleratorType is no longer supported."""
    assert "no longer supported" in refused(_variant(AcceleratorType="ml.eia1.medium"))[1]


def test_managed_scaling_is_for_inference_components(refused):
    """ManagedInstanceScaling with a model: AWS's own words."""
    message = refused(_variant(ManagedInstanceScaling={"Status": "ENABLED"}))[1]
    assert "only supported for inference component endpoints" in message


def test_a_shadow_takes_one_production_variant(refused, in_process):
    """With a shadow variant there is exactly one production variant and one shadow."""
    code, _, _ = refused(_variant("A"), _variant("B"), ShadowProductionVariants=[_variant("S")])
    assert code == "ValidationException"
    inferentia = _variant("S", InstanceType="ml.inf1.xlarge")
    assert "ml.inf1.xlarge" in refused(_variant("A"), ShadowProductionVariants=[inferentia])[1]
    made = in_process("sagemaker").create_endpoint_config(
        EndpointConfigName="ok",
        ProductionVariants=[_variant("A")],
        ShadowProductionVariants=[_variant("S")],
    )
    assert made["EndpointConfigArn"]


def test_a_variant_names_a_model_that_exists(refused):
    """CreateEndpointConfig of a model that is not there."""
    assert "Could not find model" in refused(_variant(ModelName="nobody"))[1]


def test_a_configuration_in_use_is_not_deleted(world, sm, refusal):
    """Deleting the configuration of a live endpoint loses sight of what is paid for."""
    sm.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[_variant()])
    sm.create_endpoint(EndpointName="e", EndpointConfigName="c")
    assert refusal(lambda: sm.delete_endpoint_config(EndpointConfigName="c"))[0] == (
        "ValidationException"
    )
    world.advance(900)
    sm.delete_endpoint(EndpointName="e")
    world.advance(60)
    sm.delete_endpoint_config(EndpointConfigName="c")
    assert sm.list_endpoint_configs()["EndpointConfigs"] == []


def test_lists_are_paged_newest_first_and_filtered(world, in_process):
    """ListEndpointConfigs: ten a page, NameContains, CreationTimeAfter, SortOrder."""
    sm = in_process("sagemaker")
    sm.create_model(ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=ROLE)
    for number in range(23):
        world.advance(1)
        sm.create_endpoint_config(
            EndpointConfigName=f"c{number:02}", ProductionVariants=[_variant()]
        )
    pages = list(sm.get_paginator("list_endpoint_configs").paginate())
    names = [row["EndpointConfigName"] for page in pages for row in page["EndpointConfigs"]]
    assert names == [f"c{number:02}" for number in reversed(range(23))]
    assert len(pages) == 3
    found = sm.list_endpoint_configs(NameContains="C1", SortOrder="Ascending")["EndpointConfigs"]
    assert [row["EndpointConfigName"] for row in found] == [f"c{n}" for n in range(10, 20)]
    late = datetime.fromtimestamp(world.now_s() - 1.5, UTC)
    found = sm.list_endpoint_configs(CreationTimeAfter=late)["EndpointConfigs"]
    assert [row["EndpointConfigName"] for row in found] == ["c22", "c21"]


def test_tags_come_and_go(sm, refusal):
    """AddTags answers all tags there are; DeleteTags takes keys; others' ARNs are not found."""
    arn = sm.create_endpoint_config(
        EndpointConfigName="c", ProductionVariants=[_variant()], Tags=[{"Key": "a", "Value": "1"}]
    )["EndpointConfigArn"]
    added = sm.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])["Tags"]
    assert added == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    sm.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    code, _, _ = refusal(lambda: sm.list_tags(ResourceArn=arn + "x"))
    assert code == "ValidationException"


def test_models_are_described_listed_and_deleted(sm):
    """A model holds one container or several; multi-model is a container's mode."""
    sm.create_model(
        ModelName="many",
        PrimaryContainer={"Image": "i", "Mode": "MultiModel", "ModelDataUrl": "s3://b/"},
        ExecutionRoleArn=ROLE,
    )
    assert sm.describe_model(ModelName="many")["PrimaryContainer"]["Mode"] == "MultiModel"
    assert {row["ModelName"] for row in sm.list_models()["Models"]} == {"m", "many"}
    sm.delete_model(ModelName="many")
    assert [row["ModelName"] for row in sm.list_models()["Models"]] == ["m"]


def test_an_operation_that_is_not_here_says_so(sm, refusal):
    """Inference Recommender is not in the sandbox; no SDK retries such an error."""
    code, message, status = refusal(sm.list_inference_recommendations_jobs)
    assert (code, status) == ("NotImplementedInSandbox", 400)
    assert "ListInferenceRecommendationsJobs" in message


def test_boto3_itself_knows_too_little(sm):
    """botocore checks minimums and types, not maximums nor enums, before it sends."""
    with pytest.raises(ParamValidationError):
        sm.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[])
