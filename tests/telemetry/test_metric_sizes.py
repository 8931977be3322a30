"""Sizes of every kind on the metrics page, and advice."""

from dataclasses import replace

import pytest
from telemetry_values import POLICY, Hands, of_endpoint, point, samples

from controller.model.advice import Advice
from controller.model.missing import Missing
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, ServerlessSize
from controller.telemetry.metrics import Telemetry


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry(Hands(1000.0), "1.2.3", process=False)


def shown(telemetry: Telemetry, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Values of one metric by those labels that are not the endpoint's."""
    own = {"policy", "kind", "account", "region", "name", "qualifier"}
    return {
        tuple(sorted((k, v) for k, v in labels if k not in own)): value
        for (sample, labels), value in samples(telemetry).items()
        if sample == f"rightsizer_{name}"
    }


CURRENT = (("state", "current"),)


def test_a_serverless_endpoint(telemetry: Telemetry) -> None:
    size = ServerlessSize(2048, 20, 3)
    telemetry.endpoint_assessed(POLICY, of_endpoint(size))
    assert shown(telemetry, "target_memory_bytes")[CURRENT] == 2048 * 2**20
    assert shown(telemetry, "target_max_concurrency")[CURRENT] == 20
    assert shown(telemetry, "target_provisioned_concurrency")[CURRENT] == 3
    assert shown(telemetry, "target_min_instances") == {}


def test_a_realtime_endpoint(telemetry: Telemetry) -> None:
    size = RealtimeSize("ml.c5.xlarge", 2, 6, 4200.0)
    telemetry.endpoint_assessed(POLICY, of_endpoint(size))
    assert shown(telemetry, "target_min_instances")[CURRENT] == 2
    assert shown(telemetry, "target_max_instances")[CURRENT] == 6
    assert shown(telemetry, "target_requests_per_second_per_instance")[CURRENT] == 70.0
    labels = (("instance_type", "ml.c5.xlarge"), ("state", "current"))
    assert shown(telemetry, "target_instance_info")[labels] == 1
    assert shown(telemetry, "running_instances") == {(): 3}
    assert shown(telemetry, "target_memory_bytes") == {}


def test_without_a_target_there_is_no_target(telemetry: Telemetry) -> None:
    fixed = RealtimeSize("ml.c5.xlarge", 2, 2)
    telemetry.endpoint_assessed(POLICY, of_endpoint(fixed))
    assert shown(telemetry, "target_requests_per_second_per_instance") == {}


def test_advice_comes_and_goes(telemetry: Telemetry) -> None:
    advice = (
        Advice(Reason.IDLE, "…", point(73.0)),
        Advice(Reason.CONSOLIDATE, "…", Missing("not known")),
    )
    size = RealtimeSize("ml.c5.xlarge", 1, 1)
    found = of_endpoint(size, advice=advice)
    telemetry.endpoint_assessed(POLICY, found)
    assert set(shown(telemetry, "advice")) == {(("reason", "Idle"),), (("reason", "Consolidate"),)}
    savings = shown(telemetry, "advice_savings_hourly_dollars")
    assert savings == {(("reason", "Idle"),): pytest.approx(0.1)}
    telemetry.endpoint_assessed(POLICY, replace(found, advice=()))
    assert shown(telemetry, "advice") == {}
