"""S3 at both doors: what lies where, and how large it is."""

import boto3
import pytest
from botocore.exceptions import ClientError

from controller.sandbox.extensions import state_of
from controller.sandbox.faults import Fault, FaultKind
from controller.sandbox.front import Front
from controller.sandbox.http_door import serve
from controller.sandbox.inprocess_door import attach
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

KEYS = {"access": "AKIA123456789012TEST", "secret": "secret"}


@pytest.fixture(params=["in process", "http"])
def world_and_client(request):
    world = World(seed=1)
    objects = {f"m/{number:04}": number for number in range(1203)}
    seed_world(world, {"endpoints": [{"name": "e", "memory_mb": 2048, "model_mb": 300}],
                       "buckets": [{"name": "big", "objects": objects}]})  # fmt: skip
    session = boto3.Session(KEYS["access"], KEYS["secret"], region_name="eu-west-1")
    if request.param == "http":
        server = serve(world)
        yield world, session.client("s3", endpoint_url=server.url)
        server.stop()
        return
    attach(session, world)
    yield world, session.client("s3")


def test_objects_are_listed_with_their_sizes_by_pages(world_and_client):
    """Fact (S3 API reference, ListObjectsV2): a thousand keys at most a page, in their order."""
    _, client = world_and_client
    (model,) = client.list_objects_v2(Bucket="models-123456789012", Prefix="e-model/")["Contents"]
    assert (model["Key"], model["Size"]) == ("e-model/model.tar.gz", 300 * 1024**2)
    pages = list(client.get_paginator("list_objects_v2").paginate(Bucket="big", Prefix="m/"))
    assert [page["KeyCount"] for page in pages] == [1000, 203]
    assert sum(one["Size"] for page in pages for one in page["Contents"]) == sum(range(1203))
    assert client.list_objects_v2(Bucket="big", Prefix="x")["KeyCount"] == 0


def test_what_is_not_there_or_not_allowed_is_told_apart(world_and_client):
    """Fact (S3 API reference): NoSuchBucket is a 404, AccessDenied a 403."""
    world, client = world_and_client
    with pytest.raises(ClientError) as missing:
        client.list_objects_v2(Bucket="nobody-s")
    assert missing.value.response["Error"]["Code"] == "NoSuchBucket"
    state_of(world, Front).faults.add(Fault(FaultKind.DENIED, service="s3"))
    with pytest.raises(ClientError) as denied:
        client.list_objects_v2(Bucket="big")
    assert denied.value.response["Error"]["Code"] == "AccessDenied"
    assert denied.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
