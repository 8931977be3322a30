"""Resource Groups Tagging API, as AWS has it."""

from __future__ import annotations

from typing import Any

import pytest

from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

ACCOUNT = "111122223333"


@pytest.fixture
def tagged(world: World) -> World:
    """Functions with and without tags, in two regions and two accounts."""
    rows = [
        ("a", ACCOUNT, "eu-west-1", {"team": "search", "tier": "gold"}),
        ("b", ACCOUNT, "eu-west-1", {"team": "search"}),
        ("c", ACCOUNT, "eu-west-1", {"team": "ads"}),
        ("d", ACCOUNT, "eu-west-1", {}),
        ("e", ACCOUNT, "us-east-1", {"team": "search"}),
        ("f", "444455556666", "eu-west-1", {"team": "search"}),
    ]
    functions = [
        {"name": name, "account": account, "region": region, "tags": tags}
        for name, account, region, tags in rows
    ]
    seed_world(world, {"functions": functions})
    return world


def _names(client: Any, **params: Any) -> list[str]:
    pages = client.get_paginator("get_resources").paginate(**params)
    found = [one for page in pages for one in page["ResourceTagMappingList"]]
    return [one["ResourceARN"].rpartition(":")[2] for one in found]


def test_all_filters_must_hold_and_any_value_of_one(connect, tagged):
    """AWS: filters are joined by AND, the values of one filter by OR, and a filter without
    values wants the key alone."""
    client = connect("resourcegroupstaggingapi")
    team = {"Key": "team", "Values": ["search"]}
    assert _names(client, TagFilters=[team]) == ["a", "b"]
    assert _names(client, TagFilters=[team, {"Key": "tier"}]) == ["a"]
    assert _names(client, TagFilters=[{"Key": "team", "Values": ["ads", "search"]}]) == [
        "a",
        "b",
        "c",
    ]
    assert _names(client, TagFilters=[{"Key": "Team"}]) == []


def test_a_region_and_an_account_see_only_their_own(in_process, tagged):
    """AWS: GetResources lists the caller's account in the region of the call."""
    wanted = {"TagFilters": [{"Key": "team"}]}
    name = "resourcegroupstaggingapi"
    assert _names(in_process(name, region="us-east-1"), **wanted) == ["e"]
    assert _names(in_process(name, key="AKIA-444455556666"), **wanted) == ["f"]


def test_arns_and_tags_are_whole(in_process, tagged):
    """AWS: each resource comes with its ARN and all its tags, whatever the filter."""
    client = in_process("resourcegroupstaggingapi")
    answer = client.get_resources(TagFilters=[{"Key": "tier"}])
    assert answer["ResourceTagMappingList"] == [
        {
            "ResourceARN": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:a",
            "Tags": [{"Key": "team", "Value": "search"}, {"Key": "tier", "Value": "gold"}],
        }
    ]
    assert answer["PaginationToken"] == ""


def test_types(in_process, tagged):
    """AWS: ResourceTypeFilters take `service` or `service:type`."""
    client = in_process("resourcegroupstaggingapi")
    assert _names(client, ResourceTypeFilters=["lambda:function"]) == ["a", "b", "c"]
    assert _names(client, ResourceTypeFilters=["lambda", "ec2"]) == ["a", "b", "c"]
    assert _names(client, ResourceTypeFilters=["s3:bucket"]) == []


def test_named_resources(in_process, tagged, refusal):
    """AWS: ResourceARNList asks for some by name, leaves out missing ones, and excludes
    filters and paging."""
    client = in_process("resourcegroupstaggingapi")
    arns = [f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:{name}" for name in "bz"]
    assert _names(client, ResourceARNList=arns) == ["b"]
    call = refusal(lambda: client.get_resources(ResourceARNList=arns, ResourcesPerPage=5))
    assert call[0] == "InvalidParameterException"


def test_pages(in_process, tagged, refusal):
    """AWS: ResourcesPerPage from 1 to 100; the last page's token is empty."""
    client = in_process("resourcegroupstaggingapi")
    first = client.get_resources(ResourcesPerPage=2)
    assert len(first["ResourceTagMappingList"]) == 2
    second = client.get_resources(ResourcesPerPage=2, PaginationToken=first["PaginationToken"])
    assert len(second["ResourceTagMappingList"]) == 1
    assert second["PaginationToken"] == ""
    for wrong in ({"ResourcesPerPage": 0}, {"ResourcesPerPage": 101}, {"TagsPerPage": 99}):
        call = refusal(lambda given=wrong: client.get_resources(**given))
        assert call[0] == "InvalidParameterException"
    call = refusal(lambda: client.get_resources(PaginationToken="made-up"))
    assert call[0] == "InvalidParameterException"


def test_a_page_by_tags_never_splits_a_resource(in_process, world):
    """AWS: TagsPerPage limits a page by tags; a resource with its tags stays whole."""
    tags = {f"key-{number}": "x" for number in range(40)}
    seed_world(
        world,
        {"account": ACCOUNT, "functions": [{"name": f"f{i}", "tags": tags} for i in range(5)]},
    )
    client = in_process("resourcegroupstaggingapi")
    counted, token = [], ""
    while True:
        page = client.get_resources(TagsPerPage=100, PaginationToken=token)
        counted.append(len(page["ResourceTagMappingList"]))
        token = page["PaginationToken"]
        if not token:
            break
    assert counted == [2, 2, 1]
