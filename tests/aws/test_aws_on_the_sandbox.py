"""The adapters against the simulated AWS, in process and in its own time."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.loaders import Loader

from controller.aws.calls import CallWatch
from controller.aws.cloudwatch import CloudWatchReader
from controller.aws.discovery import find_functions
from controller.aws.identity import StsIdentity
from controller.aws.price_list import lambda_prices
from controller.aws.prices import PriceListSource
from controller.aws.sessions import Connection, Keys, Sessions
from controller.core.periods import HOUR_S, closed_end
from controller.model.errors import AccessDenied, Retryable, Throttled, Unauthenticated, Unreachable
from controller.model.missing import Missing
from controller.model.policy import Scope, Selector
from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices
from controller.model.window import Series, SeriesQuery
from controller.sandbox.extensions import state_of
from controller.sandbox.faults import Fault, FaultKind
from controller.sandbox.front import Front
from controller.sandbox.inprocess_door import attach
from controller.sandbox.metric_faults import MetricFault
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

ACCOUNT = "111122223333"
SCOPE = Scope("eu-west-1")
RPS = 2.0


class WorldClock:
    """The world's time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now_s(self) -> float:
        return self._world.now_s()

    def monotonic_s(self) -> float:
        return self._world.now_s()


@pytest.fixture
def world() -> World:
    world = World(seed=11)
    functions = [
        {
            "name": name,
            "memory_mb": 1024,
            "tags": tags,
            "aliases": {"live": "1"},
            "versions": 1,
            "workload": {"qualifier": "live", "traffic": {"rps": rps}},
        }
        for name, tags, rps in [("ocr", {"team": "ml"}, RPS), ("asr", {}, RPS), ("idle", {}, 0.0)]
    ]
    seed_world(world, {"account": ACCOUNT, "region": "eu-west-1", "functions": functions})
    return world


@pytest.fixture
def sessions(world: World, models: Loader) -> Sessions:
    clock = WorldClock(world)
    connection = Connection(keys=Keys(f"AKIA-{ACCOUNT}", "secret"), max_attempts=1)
    return Sessions(
        clock,
        connection,
        watch=CallWatch(clock),
        hook=lambda session: attach(session, world),
        models=models,
    )


@pytest.fixture
def reader(world: World, sessions: Sessions) -> CloudWatchReader:
    return CloudWatchReader(sessions, WorldClock(world))


@pytest.fixture
def query(world: World) -> Callable[..., SeriesQuery]:
    def make(
        metric: str, stat: str, *, function: str = "ocr", period_s: int = 300, **more: Any
    ) -> SeriesQuery:
        end_s = closed_end(world.now_s(), HOUR_S)
        return SeriesQuery(
            "AWS/Lambda",
            metric,
            (("FunctionName", function), ("Resource", f"{function}:live")),
            stat,
            period_s,
            end_s - 6 * HOUR_S,
            end_s,
            **more,
        )

    return make


Make = Callable[..., SeriesQuery]


def values(answer: object) -> list[float]:
    assert isinstance(answer, Series)
    return [value for _, value in answer.points]


def test_whole_windows_of_a_busy_function(reader: CloudWatchReader, query: Make) -> None:
    invocations = query("Invocations", "Sum")
    slow = query("Duration", "p95")
    within = query("Duration", "PR", threshold_ms=120.0)
    hourly = query("Invocations", "Sum", period_s=HOUR_S)
    found = reader.read(SCOPE, [invocations, slow, within, hourly])
    assert [start for start, _ in found[invocations].points] == [  # type: ignore[union-attr]
        invocations.start_s + 300 * n for n in range(72)
    ]
    assert sum(values(found[invocations])) == pytest.approx(RPS * 6 * HOUR_S, rel=0.05)
    assert sum(values(found[hourly])) == sum(values(found[invocations]))
    assert all(0 <= share <= 100 for share in values(found[within]))
    assert all(ms > 0 for ms in values(found[slow]))


def test_a_function_nobody_calls_has_empty_series(reader: CloudWatchReader, query: Make) -> None:
    asked = query("Duration", "p95", function="idle")
    assert reader.read(SCOPE, [asked])[asked] == Series(())


def test_three_thousand_series_need_few_calls(
    sessions: Sessions, reader: CloudWatchReader, query: Make
) -> None:
    sent: list[object] = []
    sessions.cloudwatch(SCOPE).meta.events.register("before-call", lambda **_: sent.append(1))
    asked = [
        query("Duration", stat, function=f"f{n}", period_s=HOUR_S)
        for n in range(600)
        for stat in ("p50", "p95", "p99", "Average", "Maximum")
    ]
    found = reader.read(SCOPE, asked)
    assert set(found) == set(asked)
    assert all(answer == Series(()) for answer in found.values())
    assert len(sent) == 6


@pytest.mark.parametrize("kind", ["partial", "error", "denied"])
def test_what_cloudwatch_withholds_is_missing(
    world: World, reader: CloudWatchReader, query: Make, kind: str
) -> None:
    world.metric_faults.add(MetricFault(kind, from_s=0.0, function="ocr", metric="Duration"))
    broken, whole = query("Duration", "p95"), query("Invocations", "Sum")
    found = reader.read(SCOPE, [broken, whole])
    assert isinstance(found[broken], Missing)
    assert isinstance(found[whole], Series)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.THROTTLE, Throttled),
        (FaultKind.BROKEN, Retryable),
        (FaultKind.DROP, Retryable),
        (FaultKind.TIMEOUT, Retryable),
        (FaultKind.UNREACHABLE, Unreachable),
        (FaultKind.DENIED, AccessDenied),
        (FaultKind.EXPIRED, Unauthenticated),
    ],
)
def test_faults_of_the_service_are_errors_of_the_contract(
    world: World,
    reader: CloudWatchReader,
    query: Make,
    kind: FaultKind,
    error: type[Exception],
) -> None:
    state_of(world, Front).faults.add(Fault(kind, service="cloudwatch"))
    with pytest.raises(error, match="GetMetricData in eu-west-1") as caught:
        reader.read(SCOPE, [query("Duration", "p95")])
    assert type(caught.value) is error


def test_who_we_are_with_and_without_a_role(sessions: Sessions) -> None:
    identity = StsIdentity(sessions)
    role = Scope("eu-west-1", role_arn="arn:aws:iam::444455556666:role/tuner")
    assert identity.account(SCOPE) == ACCOUNT
    assert identity.account(role) == "444455556666"


def test_a_role_sees_its_own_account_for_days(world: World, sessions: Sessions) -> None:
    role = Scope("eu-west-1", role_arn=f"arn:aws:iam::{ACCOUNT}:role/tuner")
    for _ in range(5):
        assert list(find_functions(sessions, role, Selector())) == ["asr", "idle", "ocr"]
        world.advance(7 * HOUR_S)
    elsewhere = Scope("eu-west-1", role_arn="arn:aws:iam::444455556666:role/tuner")
    assert find_functions(sessions, elsewhere, Selector()) == {}


def test_functions_by_tag_and_by_name(sessions: Sessions) -> None:
    assert find_functions(sessions, SCOPE, Selector(tags={"team": "ml"})) == {"ocr": {"team": "ml"}}
    assert find_functions(sessions, SCOPE, Selector(name_pattern="*r")) == {
        "asr": {},
        "ocr": {"team": "ml"},
    }
    assert find_functions(sessions, Scope("us-east-1"), Selector()) == {}


def test_names_through_many_pages(world: World, sessions: Sessions) -> None:
    more = [{"name": f"infer-{n:03}", "tags": {"n": str(n % 2)}} for n in range(230)]
    seed_world(world, {"account": ACCOUNT, "functions": more})
    assert len(find_functions(sessions, SCOPE, Selector(name_pattern="infer-*"))) == 230
    assert len(find_functions(sessions, SCOPE, Selector(tags={"n": "1"}))) == 115


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_prices_of_a_region(world: World, sessions: Sessions, architecture: str) -> None:
    source = PriceListSource(sessions, WorldClock(world))
    prices = source.lambda_prices("eu-west-1", architecture)
    assert isinstance(prices, LambdaPrices)
    assert prices.source == "price-list"
    assert len(prices.tiers) == 3
    assert prices.usd_per_request == pytest.approx(2e-7)


def test_sagemaker_prices_of_a_region(world: World, sessions: Sessions) -> None:
    source = PriceListSource(sessions, WorldClock(world))
    hosting = source.hosting_prices("eu-west-1")
    assert isinstance(hosting, HostingPrices)
    assert hosting.source == "price-list"
    assert hosting.usd_per_hour["ml.c5.xlarge"] == pytest.approx(0.23)
    serverless = source.serverless_prices("eu-west-1")
    assert isinstance(serverless, ServerlessPrices)
    assert 1e-5 < serverless.usd_per_gb_s < 4e-5
    assert source.failures() == {}


def test_a_region_without_products_has_no_price(world: World, sessions: Sessions) -> None:
    source = PriceListSource(sessions, WorldClock(world))
    found = source.lambda_prices("mars-north-1", "x86_64")
    assert isinstance(found, Missing)
    assert "mars-north-1" in found.reason


def test_the_whole_price_list_of_a_region_is_understood(sessions: Sessions) -> None:
    pages = sessions.pricing().get_paginator("get_products").paginate(ServiceCode="AWSLambda")
    products = [text for page in pages for text in page["PriceList"]]
    assert isinstance(lambda_prices(products, "us-east-1", "arm64", 0.0), LambdaPrices)
