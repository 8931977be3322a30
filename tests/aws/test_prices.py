"""Prices: read with distrust, remembered, and never made up."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stub_aws import Answer, StillClock, StubAws, refusal

from controller.aws.bundled_prices import AS_OF, BUNDLED
from controller.aws.price_list import lambda_prices
from controller.aws.price_memory import from_text, to_text
from controller.aws.prices import DAY_S, RETRY_S, PriceListSource
from controller.model.missing import Missing
from controller.model.price import DurationTier, LambdaPrices

X86_TIERS = [("0", "6000000000", "0.0000166667"), ("6000000000", "15000000000", "0.000015")]
X86_TIERS += [("15000000000", "Inf", "0.0000133334")]
REQUESTS = [("0", "Inf", "0.0000002")]


def product(
    group: str, tiers: list[tuple[str, str, str]], *, region: str = "eu-west-1", unit: str = "USD"
) -> str:
    dimensions = {
        f"d{n}": {"beginRange": begin, "endRange": end, "pricePerUnit": {unit: price}}
        for n, (begin, end, price) in enumerate(tiers)
    }
    attributes = {"group": group, "regionCode": region}
    document: dict[str, Any] = {
        "product": {"productFamily": "Serverless", "attributes": attributes},
        "terms": {"OnDemand": {"t": {"priceDimensions": dimensions}}},
    }
    return json.dumps(document)


DURATION = product("AWS-Lambda-Duration", X86_TIERS)
REQUEST = product("AWS-Lambda-Requests", REQUESTS)
ARM = [
    product("AWS-Lambda-Duration-ARM", [("0", "Inf", "0.0000133334")]),
    product("AWS-Lambda-Requests-ARM", REQUESTS),
]
WHOLE = [DURATION, REQUEST, *ARM]


def test_tiers_and_requests_are_read() -> None:
    assert lambda_prices(WHOLE, "eu-west-1", "x86_64", 5.0) == LambdaPrices(
        region="eu-west-1",
        architecture="x86_64",
        tiers=(
            DurationTier(6e9, 0.0000166667),
            DurationTier(15e9, 0.000015),
            DurationTier(None, 0.0000133334),
        ),
        usd_per_request=0.0000002,
        as_of_s=5.0,
        source="price-list",
    )
    arm = lambda_prices(WHOLE, "eu-west-1", "arm64", 5.0)
    assert isinstance(arm, LambdaPrices)
    assert arm.tiers == (DurationTier(None, 0.0000133334),)


NOISE = [
    product("AWS-Lambda-Duration", [("0", "Inf", "0.0000206667")], region="af-south-1"),
    product("AWS-Lambda-Duration", [("0", "400000", "0.0000000000")]),
    product("AWS-Lambda-Duration", [("0", "Inf", "0.0001")], unit="CNY"),
    product("AWS-Lambda-Provisioned-Concurrency", [("0", "Inf", "0.0000041667")]),
    product("AWS-Lambda-Edge-Duration", [("0", "Inf", "0.00005001")]),
    DURATION,
    "not JSON",
    "[]",
    "{}",
    json.dumps({"product": {"attributes": {"group": "AWS-Lambda-Duration"}}, "terms": {}}),
]


@given(st.permutations(WHOLE + NOISE))
def test_what_is_not_meant_changes_nothing(products: list[str]) -> None:
    expected = lambda_prices(WHOLE, "eu-west-1", "x86_64", 5.0)
    assert lambda_prices(products, "eu-west-1", "x86_64", 5.0) == expected


@pytest.mark.parametrize(
    ("products", "words"),
    [
        ([REQUEST], "no price of a Lambda GB-second"),
        ([DURATION], "no price of a Lambda request"),
        (
            [DURATION, REQUEST, product("AWS-Lambda-Requests", [("0", "Inf", "0.0000006")])],
            "several prices of a Lambda request",
        ),
        ([product("AWS-Lambda-Duration", X86_TIERS[1:]), REQUEST], "gaps"),
        ([product("AWS-Lambda-Duration", X86_TIERS[:2]), REQUEST], "end at 1.5e+10"),
        ([product("AWS-Lambda-Duration", X86_TIERS[::2]), REQUEST], "gaps"),
        ([DURATION, product("AWS-Lambda-Requests", X86_TIERS)], "not understood"),
    ],
)
def test_doubt_is_unknown(products: list[str], words: str) -> None:
    found = lambda_prices(products, "eu-west-1", "x86_64", 5.0)
    assert isinstance(found, Missing)
    assert words in found.reason


def test_prices_survive_as_text() -> None:
    prices = list(BUNDLED.values())
    assert from_text(to_text(prices)) == prices


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "[]",
        "null",
        '{"version": 2, "lambda": []}',
        '{"version": 1}',
        '{"version": 1, "lambda": [{"region": "x"}]}',
        to_text(BUNDLED.values()).replace("null", '"nothing"'),
        to_text(BUNDLED.values()).replace('"tiers": [', '"tiers": [5, '),
    ],
)
def test_damaged_text_is_no_text(text: str | None) -> None:
    assert from_text(text) == []


def answer(*products: str, token: str | None = None) -> Answer:
    body = {"FormatVersion": "aws_v1", "PriceList": list(products)}
    return Answer(body if token is None else {**body, "NextToken": token})


def test_the_price_list_is_asked_once_a_day_in_its_own_region(
    stub: StubAws, clock: StillClock
) -> None:
    stub.on("GetProducts", answer(DURATION, token="next"), answer(REQUEST, *ARM))
    source = PriceListSource(stub.sessions(clock), clock)
    for architecture in ("x86_64", "arm64", "x86_64"):
        assert isinstance(source.lambda_prices("eu-west-1", architecture), LambdaPrices)
    assert len(stub.asked) == 2
    assert "/us-east-1/pricing/" in stub.asked[0].headers["Authorization"]
    assert stub.asked[0].body == {
        "ServiceCode": "AWSLambda",
        "Filters": [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-west-1"}],
        "FormatVersion": "aws_v1",
        "MaxResults": 100,
    }
    assert stub.asked[1].body["NextToken"] == "next"
    stub.on("GetProducts", answer(*WHOLE))
    clock.forward(DAY_S - 1)
    source.lambda_prices("eu-west-1", "x86_64")
    assert len(stub.asked) == 2
    clock.forward(1)
    source.lambda_prices("eu-west-1", "x86_64")
    assert len(stub.asked) == 3


def test_a_failure_keeps_the_last_good_price_and_shows_its_age(
    stub: StubAws, clock: StillClock
) -> None:
    stub.on("GetProducts", answer(*WHOLE), refusal("AccessDeniedException", status=403))
    source = PriceListSource(stub.sessions(clock), clock)
    good = source.lambda_prices("eu-west-1", "x86_64")
    assert source.failures() == {}
    clock.forward(3 * DAY_S)
    assert source.lambda_prices("eu-west-1", "x86_64") == good
    assert source.age_s(clock.now_s()) == 3 * DAY_S
    assert "pricing:GetProducts" in source.failures()["eu-west-1"]


def test_after_a_failure_it_is_not_asked_at_every_turn(stub: StubAws, clock: StillClock) -> None:
    stub.on("GetProducts", refusal("InternalErrorException", status=500))
    source = PriceListSource(stub.sessions(clock), clock)
    for _ in range(3):
        source.lambda_prices("eu-west-1", "x86_64")
    assert len(stub.asked) == 1
    clock.forward(RETRY_S)
    stub.on("GetProducts", answer(*WHOLE))
    assert isinstance(source.lambda_prices("eu-west-1", "x86_64"), LambdaPrices)


def test_doubt_about_new_prices_keeps_the_old_ones(stub: StubAws, clock: StillClock) -> None:
    double = product("AWS-Lambda-Requests", [("0", "Inf", "0.0000006")])
    stub.on("GetProducts", answer(*WHOLE), answer(*WHOLE, double))
    source = PriceListSource(stub.sessions(clock), clock)
    good = source.lambda_prices("eu-west-1", "x86_64")
    clock.forward(DAY_S)
    assert source.lambda_prices("eu-west-1", "x86_64") == good
    assert "several" in source.failures()["eu-west-1"]
    arm = source.lambda_prices("eu-west-1", "arm64")
    assert isinstance(arm, LambdaPrices)
    assert arm.as_of_s == clock.now_s()


def test_prices_outlive_the_process(stub: StubAws, clock: StillClock) -> None:
    kept: dict[str, str] = {}
    stub.on("GetProducts", answer(*WHOLE), refusal("InternalErrorException", status=500))

    def source() -> PriceListSource:
        return PriceListSource(
            stub.sessions(clock),
            clock,
            load=lambda: kept.get("prices"),
            save=lambda text: kept.update(prices=text),
        )

    good = source().lambda_prices("eu-west-1", "x86_64")
    clock.forward(DAY_S / 2)
    assert source().lambda_prices("eu-west-1", "x86_64") == good
    assert len(stub.asked) == 1
    clock.forward(DAY_S)
    assert source().lambda_prices("eu-west-1", "x86_64") == good
    assert len(stub.asked) == 2


def test_the_bundled_table_serves_its_region_until_the_api_answers(
    stub: StubAws, clock: StillClock
) -> None:
    stub.on("GetProducts", refusal("InternalErrorException", status=500))
    source = PriceListSource(stub.sessions(clock), clock)
    prices = source.lambda_prices("us-east-1", "x86_64")
    assert isinstance(prices, LambdaPrices)
    assert prices.source == "bundled"
    assert source.age_s(clock.now_s()) == clock.now_s() - AS_OF.timestamp()
    here = [product("AWS-Lambda-Duration", X86_TIERS, region="us-east-1")]
    here.append(product("AWS-Lambda-Requests", REQUESTS, region="us-east-1"))
    stub.on("GetProducts", answer(*here))
    clock.forward(RETRY_S)
    fresh = source.lambda_prices("us-east-1", "x86_64")
    assert isinstance(fresh, LambdaPrices)
    assert (fresh.source, fresh.tiers) == ("price-list", prices.tiers)


def test_unknown_is_said_with_the_reason(stub: StubAws, clock: StillClock) -> None:
    stub.on("GetProducts", refusal("AccessDeniedException", status=403))
    source = PriceListSource(stub.sessions(clock), clock)
    found = source.lambda_prices("eu-west-1", "x86_64")
    assert isinstance(found, Missing)
    assert "eu-west-1 (x86_64)" in found.reason
    assert "pricing:GetProducts" in found.reason
    assert isinstance(source.lambda_prices("eu-west-1", "riscv"), Missing)
    assert isinstance(source.age_s(clock.now_s()), Missing)


def test_the_bundled_table_is_whole() -> None:
    for (region, architecture), prices in BUNDLED.items():
        assert (prices.region, prices.architecture) == (region, architecture)
        ends = [tier.up_to_gb_s for tier in prices.tiers]
        amounts = [tier.usd_per_gb_s for tier in prices.tiers]
        assert ends[-1] is None
        assert None not in ends[:-1]
        assert amounts == sorted(amounts, reverse=True)
