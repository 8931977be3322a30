"""The Price List API, as AWS has it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError


def _products(client: Any, **fields: str) -> list[dict[str, Any]]:
    filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in fields.items()]
    pages = client.get_paginator("get_products").paginate(ServiceCode="AWSLambda", Filters=filters)
    return [json.loads(text) for page in pages for text in page["PriceList"]]


def _prices(product: dict[str, Any]) -> list[tuple[str, str, str]]:
    (term,) = product["terms"]["OnDemand"].values()
    found = [
        (one["beginRange"], one["endRange"], one["pricePerUnit"]["USD"])
        for one in term["priceDimensions"].values()
    ]
    return sorted(found, key=lambda row: float(row[0]))


def test_duration_has_three_tiers(connect):
    """AWS: us-east-1 x86 duration costs $0.0000166667 a GB-second for the first 6 billion a
    month, then $0.000015 for the next 9 billion, then $0.0000133334."""
    pricing = connect("pricing", region="us-east-1")
    (product,) = _products(pricing, regionCode="us-east-1", group="AWS-Lambda-Duration")
    assert [(a, b, float(usd)) for a, b, usd in _prices(product)] == [
        ("0", "6000000000", 0.0000166667),
        ("6000000000", "15000000000", 0.000015),
        ("15000000000", "Inf", 0.0000133334),
    ]
    attributes = product["product"]["attributes"]
    assert product["product"]["productFamily"] == "Serverless"
    assert attributes["servicecode"] == product["serviceCode"] == "AWSLambda"
    assert attributes["usagetype"] == "Lambda-GB-Second"


def test_arm_has_its_own_groups_prices_and_tiers(connect):
    """AWS: arm64 duration costs $0.0000133334 for the first 7.5 billion GB-seconds; its
    groups end in -ARM."""
    pricing = connect("pricing", region="us-east-1")
    (product,) = _products(pricing, regionCode="eu-west-1", group="AWS-Lambda-Duration-ARM")
    first, second, third = _prices(product)
    assert (first[1], float(first[2])) == ("7500000000", 0.0000133334)
    assert (second[1], float(second[2])) == ("18750000000", 0.0000120001)
    assert float(third[2]) == 0.0000106667
    assert product["product"]["attributes"]["usagetype"] == "EU-Lambda-GB-Second-ARM"


@pytest.mark.parametrize("suffix", ["", "-ARM"])
def test_requests_cost_twenty_cents_a_million(in_process, suffix):
    """AWS: $0.20 per million requests, without tiers, on both architectures."""
    pricing = in_process("pricing", region="us-east-1")
    (product,) = _products(pricing, regionCode="us-west-2", group=f"AWS-Lambda-Requests{suffix}")
    ((_, end, usd),) = _prices(product)
    assert (end, float(usd)) == ("Inf", 0.0000002)


def test_all_groups_of_a_region(in_process):
    """AWS: duration, requests, storage and provisioned concurrency, each per architecture."""
    pricing = in_process("pricing", region="us-east-1")
    groups = {
        one["product"]["attributes"]["group"] for one in _products(pricing, regionCode="eu-west-1")
    }
    stems = ("Duration", "Requests", "Storage-Duration", "Provisioned-Concurrency")
    wanted = {f"AWS-Lambda-{stem}{s}" for stem in stems for s in ("", "-ARM")}
    assert groups == wanted | {f"AWS-Lambda-Duration-Provisioned{s}" for s in ("", "-ARM")}


def test_regions_may_differ_in_price(in_process):
    """AWS: a few regions are dearer than the rest."""
    pricing = in_process("pricing", region="us-east-1")
    (milan,) = _products(pricing, regionCode="eu-south-1", group="AWS-Lambda-Duration")
    assert float(_prices(milan)[0][2]) > 0.0000166667


def test_a_region_without_products(in_process):
    """AWS: a filter that nothing matches gives an empty list, not an error."""
    pricing = in_process("pricing", region="us-east-1")
    assert _products(pricing, regionCode="mars-north-1") == []


def test_free_rows_and_edge_rows_are_in_the_list_too(in_process):
    """AWS: without a region filter the list also has rows of price 0 for "Any" location, and
    Lambda@Edge has a group of its own."""
    pricing = in_process("pricing", region="us-east-1")
    free = _products(pricing, location="Any")
    assert free
    assert all(float(usd) == 0 for one in free for _, _, usd in _prices(one))
    assert len(_products(pricing, group="AWS-Lambda-Edge-Duration")) == 1


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-south-1"])
def test_three_regions_serve_the_whole_list(in_process, region):
    """AWS: the API lives in us-east-1, eu-central-1 and ap-south-1; each knows every region."""
    pricing = in_process("pricing", region=region)
    assert len(_products(pricing, regionCode="ap-northeast-1")) == 10


def test_other_regions_have_no_endpoint(in_process):
    """AWS: in other regions the API's host name does not resolve."""
    pricing = in_process("pricing", region="eu-west-1")
    with pytest.raises(EndpointConnectionError):
        pricing.get_products(ServiceCode="AWSLambda")


@pytest.mark.parametrize(
    ("kind", "value", "groups"),
    [
        ("EQUALS", "AWS-Lambda-Requests", {"AWS-Lambda-Requests"}),
        ("CONTAINS", "Requests", {"AWS-Lambda-Requests", "AWS-Lambda-Requests-ARM"}),
        (
            "ANY_OF",
            "AWS-Lambda-Requests,AWS-Lambda-Duration",
            {"AWS-Lambda-Requests", "AWS-Lambda-Duration"},
        ),
    ],
)
def test_kinds_of_filter(in_process, kind, value, groups):
    """AWS: filters match exactly, by substring, or against a list; all must hold."""
    pricing = in_process("pricing", region="us-east-1")
    filters = [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-west-1"},
        {"Type": kind, "Field": "group", "Value": value},
    ]
    found = pricing.get_products(ServiceCode="AWSLambda", Filters=filters)["PriceList"]
    assert {json.loads(one)["product"]["attributes"]["group"] for one in found} == groups


def test_none_of_is_the_complement_of_any_of(in_process):
    """AWS: NONE_OF leaves out the values it lists."""
    pricing = in_process("pricing", region="us-east-1")

    def skus(kind: str) -> set[str]:
        wanted = [{"Type": kind, "Field": "regionCode", "Value": "eu-west-1,us-east-1"}]
        pages = pricing.get_paginator("get_products").paginate(
            ServiceCode="AWSLambda", Filters=wanted
        )
        found = [json.loads(one) for page in pages for one in page["PriceList"]]
        return {one["product"]["sku"] for one in found}

    whole = {one["product"]["sku"] for one in _products(pricing)}
    assert skus("ANY_OF").isdisjoint(skus("NONE_OF"))
    assert skus("ANY_OF") | skus("NONE_OF") == whole


def test_a_filter_of_another_kind_is_refused(in_process, refusal):
    """AWS: the filter types are an enum."""
    pricing = in_process("pricing", region="us-east-1")
    bad = [{"Type": "LIKE", "Field": "group", "Value": "x"}]
    call = refusal(lambda: pricing.get_products(ServiceCode="AWSLambda", Filters=bad))
    assert call[0] == "InvalidParameterException"


def test_pages(in_process, refusal):
    """AWS: at most 100 products a page, fewer with MaxResults; NextToken leads on and is
    refused when it is not one."""
    pricing = in_process("pricing", region="us-east-1")
    everything = pricing.get_products(ServiceCode="AWSLambda", MaxResults=100)
    assert len(everything["PriceList"]) <= 100
    pages = pricing.get_paginator("get_products").paginate(
        ServiceCode="AWSLambda", PaginationConfig={"PageSize": 7}
    )
    counted = [len(page["PriceList"]) for page in pages]
    assert max(counted) == 7
    assert sum(counted) == len(_products(pricing))
    for wrong in ("nonsense", everything.get("NextToken", "") + "x"):
        call = refusal(
            lambda token=wrong: pricing.get_products(ServiceCode="AWSLambda", NextToken=token)
        )
        assert call[0] == "InvalidNextTokenException"
    other = pricing.get_attribute_values(
        ServiceCode="AWSLambda", AttributeName="group", MaxResults=1
    )["NextToken"]
    call = refusal(lambda: pricing.get_products(ServiceCode="AWSLambda", NextToken=other))
    assert call[0] == "InvalidNextTokenException"
    call = refusal(lambda: pricing.get_products(ServiceCode="AWSLambda", MaxResults=101))
    assert call[0] == "InvalidParameterException"


def test_values_and_services_can_be_discovered(in_process, refusal):
    """AWS: GetAttributeValues lists an attribute's values, DescribeServices a service's
    attributes; what is not there is NotFoundException."""
    pricing = in_process("pricing", region="us-east-1")
    (service,) = pricing.describe_services(ServiceCode="AWSLambda")["Services"]
    assert {"group", "regionCode", "usagetype", "productFamily"} <= set(service["AttributeNames"])
    answer = pricing.get_attribute_values(ServiceCode="AWSLambda", AttributeName="regionCode")
    values = [one["Value"] for one in answer["AttributeValues"]]
    assert values == sorted(values)
    assert {"us-east-1", "eu-west-1"} <= set(values)
    for call in (
        lambda: pricing.get_products(ServiceCode="AmazonNothing"),
        lambda: pricing.describe_services(ServiceCode="AmazonNothing"),
        lambda: pricing.get_attribute_values(ServiceCode="AWSLambda", AttributeName="colour"),
    ):
        assert refusal(call)[0] == "NotFoundException"
