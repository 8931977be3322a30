"""Advice at the edge of a tick: what it asks, how often, and what it remembers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from given import KEY, NOW_S, X86_PRICES, Truth, a_policy, an_observed, windows_of

from controller.core.assess import Observed, assess, believe
from controller.kinds.lambda_function.kind import LambdaRules
from controller.model.decision import Assessment, Hold
from controller.model.endpoint import EndpointKey, EndpointState, Kind, Phase
from controller.model.errors import AccessDenied
from controller.model.missing import Maybe, Missing
from controller.model.policy import Bounds, Scope
from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices
from controller.model.reason import Reason
from controller.model.sagemaker import (
    Autoscaling,
    Endpoint,
    EndpointConfig,
    RealtimeLive,
    Speciality,
)
from controller.model.size import RealtimeSize
from controller.model.window import WindowSet
from controller.runtime.advise import Advisor
from controller.runtime.market import forbidden, hosts
from controller.store.sqlite import SqliteStore

UNKNOWN = Missing("not known")
USD = {"ml.c5.large": 0.102, "ml.c5.xlarge": 0.204, "ml.t2.medium": 0.056, "ml.g4dn.xlarge": 0.736}


@dataclass
class FixedPrices:
    """Prices that do not change, and how often they were asked for."""

    hosting: Maybe[HostingPrices] = field(
        default_factory=lambda: HostingPrices("eu-west-1", USD, NOW_S, "bundled")
    )
    asked: int = 0

    def lambda_prices(self, region: str, architecture: str) -> Maybe[LambdaPrices]:
        self.asked += 1
        return X86_PRICES

    def hosting_prices(self, region: str) -> Maybe[HostingPrices]:
        return self.hosting

    def serverless_prices(self, region: str) -> Maybe[ServerlessPrices]:
        return ServerlessPrices("eu-west-1", 2e-5, UNKNOWN, UNKNOWN, NOW_S, "bundled")


@dataclass
class Listed:
    """What `OwnConfigs` would answer."""

    made: Mapping[str, str] = field(default_factory=dict)
    error: AccessDenied | None = None

    def of_endpoint(self, scope: Scope, name: str) -> Mapping[str, str]:
        if self.error is not None:
            raise self.error
        return self.made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path / "journal.db")
    yield opened
    opened.close()


def judged(observed: Observed, prices: FixedPrices) -> Assessment:
    sizing = LambdaRules().sizing(prices, observed.state)
    return assess(observed, sizing, believe(observed, sizing))


def a_busy_function(requests: int = 400_000) -> Observed:
    policy = replace(a_policy(), bounds=Bounds(min_memory_mb=1769))
    truth = Truth(at_vcpu_ms=60.0)
    return an_observed(truth, 1769, policy=policy, hours=200, requests=requests)


def reasons(assessment: Assessment) -> list[Reason]:
    return [advice.reason for advice in assessment.advice]


def test_a_busy_function_belongs_on_instances_and_that_is_remembered(store: SqliteStore) -> None:
    prices = FixedPrices()
    observed = a_busy_function()
    found = Advisor(prices, store, None).advise(observed, judged(observed, prices))
    assert reasons(found) == [Reason.MOVE_SUGGESTED]
    assert [line.kind for line in found.hosting if line.present] == [Kind.LAMBDA_FUNCTION]
    assert store.checkpoint(f"move:{KEY}") == '"realtime_endpoint"'
    quiet = a_busy_function(requests=50)
    found = Advisor(prices, store, None).advise(quiet, judged(quiet, prices))
    assert reasons(found) == []
    assert store.checkpoint(f"move:{KEY}") == "null"


def test_between_two_hours_nothing_is_asked_again(store: SqliteStore) -> None:
    prices = FixedPrices()
    advisor, observed = Advisor(prices, store, None), a_busy_function()
    assessment = judged(observed, prices)
    first = advisor.advise(observed, assessment)
    asked = prices.asked
    later = replace(observed, now_s=NOW_S + 300.0)
    assert advisor.advise(later, assessment).advice == first.advice
    assert prices.asked == asked
    advisor.forget(KEY)
    advisor.advise(later, assessment)
    assert prices.asked > asked


def test_what_could_not_be_looked_at_gets_no_advice(store: SqliteStore) -> None:
    prices = FixedPrices()
    observed = a_busy_function()
    unseen = replace(judged(observed, prices), state=None)
    assert Advisor(prices, store, None).advise(observed, unseen) == unseen


# --- real-time ---

SHOP = EndpointKey("123456789012", "eu-west-1", Kind.REALTIME_ENDPOINT, "shop", "AllTraffic")
CONFIG = EndpointConfig("rightsizer-shop-2", "arn", "f", 0.0, ours=True)


def live(config: EndpointConfig = CONFIG, instance_type: str = "ml.c5.xlarge") -> RealtimeLive:
    endpoint = Endpoint("arn", "InService", None, config, "AllTraffic", 0.0)
    return RealtimeLive(endpoint, instance_type, 2, 2, Autoscaling())


def a_variant(
    requests: int = 0, running: RealtimeLive | None = None
) -> tuple[Observed, Assessment]:
    running = running or live()
    size = RealtimeSize(running.instance_type, 2, 2)
    state = EndpointState(SHOP, size, Phase.STABLE, "e", {}, NOW_S, running)
    hourly = windows_of(Truth(), 1024, count=336, requests=requests)
    observed = an_observed(policy=a_policy(), state=state)
    observed = replace(observed, windows=WindowSet(NOW_S, (), hourly, {}, UNKNOWN))
    hold = Hold(Reason.TOO_FEW_SAMPLES, "…")
    assessment = Assessment(SHOP, "p", NOW_S, state, UNKNOWN, UNKNOWN, (), hold, (), hold, "…")
    return observed, assessment


def test_an_idle_endpoint_is_told_from_its_instances_alone(store: SqliteStore) -> None:
    observed, assessment = a_variant()
    (found,) = Advisor(FixedPrices(), store, None).advise(observed, assessment).advice
    assert found.reason is Reason.IDLE
    assert f"{2 * 0.204 * 730:.2f} USD/month" in found.message
    unpriced = FixedPrices(hosting=UNKNOWN)
    assert reasons(Advisor(unpriced, store, None).advise(observed, assessment)) == []


def test_leftover_configurations_are_those_nobody_needs(store: SqliteStore) -> None:
    made = {
        "rightsizer-shop-1": "shop-v1",
        "rightsizer-shop-2": "rightsizer-shop-1",  # live, and made from the one before
        "rightsizer-shop-0": "shop-v0",
    }
    observed, assessment = a_variant(requests=100)
    (found,) = Advisor(FixedPrices(), store, Listed(made)).advise(observed, assessment).advice
    assert found.reason is Reason.ORPHANED_CONFIGS
    assert "1 endpoint configuration made by this controller is in no use any more" in found.message
    assert "rightsizer-shop-0" in found.message


def test_a_refusal_costs_the_advice_and_nothing_else(store: SqliteStore) -> None:
    denied = Listed(error=AccessDenied("no", code="AccessDenied"))
    observed, assessment = a_variant()
    found = Advisor(FixedPrices(), store, denied).advise(observed, assessment)
    assert reasons(found) == [Reason.IDLE]


def test_who_cannot_move_and_where_to() -> None:
    observed, _ = a_variant()
    assert forbidden(observed.state) == {}
    special = replace(CONFIG, specialities={Speciality.MULTI_MODEL: "holds many models"})
    observed, _ = a_variant(running=live(special))
    assert set(forbidden(observed.state)) == {Kind.LAMBDA_FUNCTION, Kind.SERVERLESS_ENDPOINT}
    observed, _ = a_variant(running=live(instance_type="ml.g4dn.xlarge"))
    assert "accelerator" in forbidden(observed.state)[Kind.LAMBDA_FUNCTION]
    observed, _ = a_variant(running=live(instance_type="ml.c7g.large"))
    assert set(forbidden(observed.state)) == {Kind.SERVERLESS_ENDPOINT}


def test_hosts_are_priced_plain_and_not_burstable() -> None:
    found = hosts(HostingPrices("eu-west-1", USD, NOW_S, "bundled"), "x86_64")
    assert not isinstance(found, Missing)
    assert [host.instance_type for host in found] == ["ml.c5.large", "ml.c5.xlarge"]
    assert isinstance(hosts(HostingPrices("eu-west-1", USD, NOW_S, "bundled"), "arm64"), Missing)
