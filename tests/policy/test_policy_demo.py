"""The demo's policies fit the demo's account: every function has one, with its SLO."""

from pathlib import Path
from typing import Any

import pytest

from controller.model.endpoint import LATEST, EndpointKey, Kind
from controller.model.policy import Mode, Policy, Scope
from controller.policy import Discovered, claims, load
from controller.sandbox.curve import curve_from
from controller.sandbox.demo_account import demo_document
from controller.sandbox.noise import Noise

ACCOUNT, REGION = "123456789012", "eu-west-1"
FUNCTIONS = {function["name"]: function for function in demo_document()["functions"]}


@pytest.fixture(scope="module")
def owned() -> dict[str, tuple[EndpointKey, Policy]]:
    """Key and policy by name of function, as the daemon would find them."""
    loaded = load([Path(__file__).parents[2] / "controller/demo/policies"]).policies
    policies = [policy for policy in loaded if Kind.LAMBDA_FUNCTION in policy.target.kinds]
    place = Discovered(ACCOUNT, {name: f["tags"] for name, f in FUNCTIONS.items()})
    result = claims(policies, {(Kind.LAMBDA_FUNCTION, Scope(REGION)): place})
    assert not result.conflicts
    assert not result.undiscovered
    return {key.name: (key, policy) for key, policy in result.owned.items()}


def test_every_function_has_a_policy_that_may_change_it(
    owned: dict[str, tuple[EndpointKey, Policy]],
) -> None:
    assert set(owned) == set(FUNCTIONS)
    assert {policy.mode for _, policy in owned.values()} == {Mode.ENFORCE}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_looks_at_what_the_traffic_calls_with_the_slo_of_the_tag(
    name: str, owned: dict[str, tuple[EndpointKey, Policy]]
) -> None:
    key, policy = owned[name]
    assert key.qualifier == FUNCTIONS[name]["workload"].get("qualifier", LATEST)
    assert policy.slo.threshold_ms == float(FUNCTIONS[name]["tags"]["slo-p95-ms"])


def met_ratio(function: dict[str, Any], memory_mb: float, threshold_ms: float) -> float:
    """The true share of warm requests within the threshold."""
    work = function["workload"]
    noise = Noise(
        work["cv"], work.get("slow_share", 0.0), tuple(work.get("slow_factor", (1.5, 4.0)))
    )
    return noise.share_below(threshold_ms / curve_from(work["curve"]).mean_ms(memory_mb))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_only_the_starved_function_breaks_its_slo_at_first(
    name: str, owned: dict[str, tuple[EndpointKey, Policy]]
) -> None:
    function, policy = FUNCTIONS[name], owned[name][1]
    ratio = met_ratio(function, function["memory_mb"], policy.slo.threshold_ms)
    assert (ratio < policy.slo.percentile) is (name == "invoice-classifier")


@pytest.mark.parametrize(
    ("name", "factor", "meets"),
    [("checkout-ocr", 0.5, True), ("webhook-intake", 0.5, True), ("thumbnailer", 0.7, False)],
)
def test_there_is_room_where_the_lesson_wants_it_and_only_there(
    name: str, factor: float, meets: bool, owned: dict[str, tuple[EndpointKey, Policy]]
) -> None:
    function, policy = FUNCTIONS[name], owned[name][1]
    smaller_mb = function["memory_mb"] * factor
    ratio = met_ratio(function, smaller_mb, policy.slo.threshold_ms)
    assert (ratio >= policy.slo.percentile) is meets
