"""SageMaker's prices: hosting is told from what else is sold under the same type's name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stub_aws import Answer, StillClock, StubAws, refusal

from controller.aws.bundled_prices import AS_OF, BUNDLED_HOSTING, BUNDLED_SERVERLESS
from controller.aws.price_list_sagemaker import hosting_prices, serverless_prices
from controller.aws.price_memory import from_text, to_text
from controller.aws.prices import DAY_S, PriceListSource
from controller.model.instance_types import KNOWN_TYPES
from controller.model.missing import Missing
from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices


def product(
    usage_type: str, usd: str, unit: str = "Hrs", *, region: str = "eu-west-1", term: str = ""
) -> str:
    dimension = {"unit": unit, "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": usd}}
    terms = {term or "OnDemand": {"t": {"priceDimensions": {"d": dimension}}}}
    attributes = {"usagetype": usage_type, "regionCode": region, "component": "whatever"}
    document: dict[str, Any] = {"product": {"attributes": attributes}, "terms": terms}
    return json.dumps(document)


HOSTS = [product("EU-Host:ml.c5.xlarge", "0.23"), product("EUC1-Hosting:ml.m5.large", "0.134")]
SERVERLESS = [
    product(f"EU-ServerlessInf:Mem-{gb}GB", f"{0.00002 * gb:.10f}", "seconds") for gb in range(1, 7)
]
NOISE = [
    product("EU-Train:ml.c5.xlarge", "0.27"),
    product("EU-Notebk:ml.c5.xlarge", "0.21"),
    product("EU-Processing:ml.c5.xlarge", "0.28"),
    product("EU-BatchTransform:ml.c5.xlarge", "0.29"),
    product("EU-AsyncHost:ml.c5.xlarge", "0.31"),
    product("EU-Host:ml.c5.xlarge", "0.0"),
    product("EU-Host:ml.c5.xlarge", "0.13", term="Reserved"),
    product("EU-Host:ml.c5.xlarge", "9.9", "GB"),
    product("EU-Host:ml.c5.xlarge", "0.27", region="af-south-1"),
    product("EU-Host:ml.c5.xlarge", "0.23"),
    product("EU-Host:VolumeUsage.gp2", "0.15", "GB-Mo"),
    product("EU-ServerlessInf:Data-Bytes-In", "0.016", "GB"),
    "[]",
    "{}",
]


@given(st.permutations(HOSTS + SERVERLESS + NOISE))
def test_only_hosting_rows_count(products: list[str]) -> None:
    assert hosting_prices(products, "eu-west-1", 5.0) == HostingPrices(
        "eu-west-1", {"ml.c5.xlarge": 0.23, "ml.m5.large": 0.134}, 5.0, "price-list"
    )
    found = serverless_prices(products, "eu-west-1", 5.0)
    assert isinstance(found, ServerlessPrices)
    assert found.usd_per_gb_s == pytest.approx(0.00002)
    assert isinstance(found.usd_per_gb_s_provisioned, Missing)


def test_a_type_with_two_prices_has_none() -> None:
    double = [*HOSTS, product("EU-Host:ml.c5.xlarge", "0.24")]
    found = hosting_prices(double, "eu-west-1", 5.0)
    assert isinstance(found, HostingPrices)
    assert set(found.usd_per_hour) == {"ml.m5.large"}


def test_doubt_is_unknown() -> None:
    assert isinstance(hosting_prices(NOISE[:4], "eu-west-1", 5.0), Missing)
    assert isinstance(serverless_prices(HOSTS, "eu-west-1", 5.0), Missing)
    odd = [*SERVERLESS, product("EU-ServerlessInf:Mem-2GB", "0.00005", "seconds")]
    found = serverless_prices(odd, "eu-west-1", 5.0)
    assert isinstance(found, Missing)
    assert "several" in found.reason


@pytest.mark.parametrize(
    ("kept", "used"),
    [
        (
            "EU-ServerlessInf:ProvisionedConcurrency-Mem-{}GB",
            "EU-ServerlessInf:Prov-Duration-Mem-{}GB",
        ),
        ("ServerlessInf:Prov-Mem-{}GB", "ServerlessInf:Prov-Mem-{}GB-Requests"),
    ],
)
def test_provisioned_concurrency_costs_what_the_list_says_beyond_doubt(
    kept: str, used: str
) -> None:
    rows = [
        product(text.format(gb), f"{usd * gb:.10f}", "seconds")
        for text, usd in ((kept, 0.000008), (used, 0.000012))
        for gb in (1, 2, 6)
    ]
    found = serverless_prices([*SERVERLESS, *rows], "eu-west-1", 5.0)
    assert isinstance(found, ServerlessPrices)
    assert found.usd_per_gb_s_provisioned == pytest.approx(0.000008)
    assert found.usd_per_gb_s_provisioned_use == pytest.approx(0.000012)
    odd = product(kept.format(3), "0.5", "seconds")
    doubtful = serverless_prices([*SERVERLESS, *rows, odd], "eu-west-1", 5.0)
    assert isinstance(doubtful, ServerlessPrices)
    assert isinstance(doubtful.usd_per_gb_s_provisioned, Missing)
    assert doubtful.usd_per_gb_s == found.usd_per_gb_s


def test_prices_survive_as_text() -> None:
    prices = [*BUNDLED_HOSTING.values(), *BUNDLED_SERVERLESS.values()]
    assert from_text(to_text(prices)) == prices
    known = ServerlessPrices("x", 1.0, 0.5, 0.75, 3.0, "price-list")
    assert from_text(to_text([known])) == [known]
    damaged = to_text(prices).replace('"usd_per_hour": {', '"usd_per_hour": {"ml.x": "much", ')
    assert from_text(damaged) == []


def test_a_text_of_before_there_were_such_prices_is_still_read() -> None:
    lambdas = LambdaPrices("eu-west-1", "arm64", (), 2e-7, 1.0, "price-list")
    old = {name: rows for name, rows in json.loads(to_text([lambdas])).items() if rows}
    assert set(old) == {"version", "lambda"}
    assert from_text(json.dumps(old)) == [lambdas]


def answer(*products: str) -> Answer:
    return Answer({"FormatVersion": "aws_v1", "PriceList": list(products)})


def test_a_day_long_nothing_is_asked_again(stub: StubAws, clock: StillClock) -> None:
    kept: dict[str, str] = {}
    stub.on("GetProducts", answer(*HOSTS), answer(*SERVERLESS))

    def source() -> PriceListSource:
        return PriceListSource(
            stub.sessions(clock),
            clock,
            load=lambda: kept.get("prices"),
            save=lambda text: kept.update(prices=text),
        )

    first = source()
    assert isinstance(first.hosting_prices("eu-west-1"), HostingPrices)
    assert isinstance(first.serverless_prices("eu-west-1"), ServerlessPrices)
    assert [q.body["ServiceCode"] for q in stub.asked] == ["AmazonSageMaker"] * 2
    asked_for = [q.body["Filters"][1]["Value"] for q in stub.asked]
    assert asked_for == ["Host", "ServerlessInf"]
    clock.forward(DAY_S / 2)
    assert source().hosting_prices("eu-west-1") == first.hosting_prices("eu-west-1")
    assert len(stub.asked) == 2
    stub.on("GetProducts", refusal("AccessDeniedException", status=403))
    clock.forward(DAY_S)
    late = source()
    assert late.hosting_prices("eu-west-1") == first.hosting_prices("eu-west-1")
    assert late.age_s(clock.now_s()) == 1.5 * DAY_S
    assert "pricing:GetProducts" in late.failures()["eu-west-1"]


def test_where_no_filter_finds_anything_the_whole_region_is_read(
    stub: StubAws, clock: StillClock
) -> None:
    stub.on("GetProducts", answer(), answer(), answer(*HOSTS))
    source = PriceListSource(stub.sessions(clock), clock)
    assert isinstance(source.hosting_prices("eu-west-1"), HostingPrices)
    assert len(stub.asked[2].body["Filters"]) == 1
    missing = source.serverless_prices("eu-west-1")
    assert isinstance(missing, Missing)
    assert "serverless in eu-west-1" in missing.reason
    assert len(stub.asked) == 3


def test_a_refusal_of_one_service_says_nothing_of_the_other(
    stub: StubAws, clock: StillClock
) -> None:
    stub.on("GetProducts", refusal("AccessDeniedException", status=403))
    source = PriceListSource(stub.sessions(clock), clock)
    assert isinstance(source.lambda_prices("eu-west-1", "arm64"), Missing)
    stub.on("GetProducts", answer(*HOSTS), answer(*SERVERLESS))
    assert isinstance(source.hosting_prices("eu-west-1"), HostingPrices)


def test_the_bundled_tables_serve_their_region_only(stub: StubAws, clock: StillClock) -> None:
    stub.on("GetProducts", refusal("InternalErrorException", status=500))
    source = PriceListSource(stub.sessions(clock), clock)
    prices = source.hosting_prices("us-east-1")
    assert isinstance(prices, HostingPrices)
    assert (prices.source, prices.as_of_s) == ("bundled", AS_OF.timestamp())
    usd = prices.usd_per_hour
    assert (usd["ml.c5.xlarge"], usd["ml.c5.2xlarge"], usd["ml.g4dn.xlarge"]) == (
        0.204,
        0.408,
        0.736,
    )
    assert usd["ml.g5.16xlarge"] < usd["ml.g5.12xlarge"]
    assert isinstance(source.serverless_prices("us-east-1"), ServerlessPrices)
    assert isinstance(source.hosting_prices("eu-west-1"), Missing)


def test_the_bundled_table_prices_types_that_exist() -> None:
    for prices in BUNDLED_HOSTING.values():
        assert set(prices.usd_per_hour) <= KNOWN_TYPES
        assert all(0.0 < usd < 40.0 for usd in prices.usd_per_hour.values())
