"""The endpoints' part of the page: what the library would write, and fast."""

import time
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families
from telemetry_values import KEY, POLICY, Hands, assessment, change, condition

from controller.core.slo_ledger import Totals
from controller.model.change import ChangePhase
from controller.model.condition import Condition, ConditionType
from controller.model.endpoint import EndpointKey
from controller.telemetry.endpoint_page import EndpointPage
from controller.telemetry.metrics import ReconcileResult, Telemetry
from controller.telemetry.snapshot import PARTS, Snapshot

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
SECONDS = 0.15


def seen(telemetry: Telemetry, key: EndpointKey, **values: Any) -> None:
    """One look at an endpoint, with all that it brings."""
    telemetry.endpoint_assessed(POLICY, replace(assessment(), key=key, **values))
    telemetry.conditions_set(key, "ocr", [condition(kind) for kind in ConditionType])
    telemetry.requests_counted(key, "ocr", Totals(100, 4, 1), 0.5)
    telemetry.reconcile_finished(key, "ocr", ReconcileResult.SUCCESS, 0.1)


@pytest.mark.parametrize("name", ["plain", 'quo"te', "back\\slash", "new\nline", "umläut {}=,"])
def test_any_name_comes_back_as_it_was(name: str) -> None:
    telemetry = Telemetry(Hands(), "1", process=False)
    seen(telemetry, replace(KEY, name=name))
    for parse, accept in ((text_string_to_metric_families, ""), (parse_openmetrics, OPENMETRICS)):
        families = {f.name: f for f in parse(telemetry.render(accept)[0].decode())}
        (sample,) = families["rightsizer_slo_requests"].samples
        assert (sample.name, sample.value) == ("rightsizer_slo_requests_total", 100.0)
        assert sample.labels["name"] == name


def test_a_look_replaces_the_lines_of_the_one_before() -> None:
    telemetry = Telemetry(Hands(), "1", process=False)
    seen(telemetry, KEY)
    first = telemetry.render()[0]
    assert telemetry.render()[0] == first
    telemetry.requests_counted(KEY, "ocr", Totals(200, 8, 2), 0.5)
    assert b"slo_requests_total{" in first
    assert b" 200.0" in telemetry.render()[0]
    telemetry.forget(KEY)
    assert b'name="ocr"' not in telemetry.render()[0]


class Watched(dict[ConditionType, Condition]):
    """Conditions that count how often they are looked through."""

    looks = 0

    def values(self) -> Any:
        self.looks += 1
        return super().values()


def test_lines_are_made_when_something_changes_and_not_by_the_scrape() -> None:
    page = EndpointPage(Hands())
    kinds = Watched({kind: condition(kind) for kind in ConditionType})
    page.update(KEY, "ocr", conditions=kinds)
    made = kinds.looks
    assert made > 0
    assert page.text(openmetrics=False) == page.text(openmetrics=False)
    page.update(KEY, "ocr", counted=Totals(100, 4, 1))
    assert "rightsizer_slo_requests_total{" in page.text(openmetrics=False)
    assert kinds.looks == made, "what did not change is not written again"
    page.update(KEY, "another", counted=Totals(100, 4, 1))
    assert kinds.looks > made
    text = page.text(openmetrics=False)
    assert 'policy="another"' in text
    assert 'policy="ocr"' not in text


def test_no_metric_is_made_by_two_parts() -> None:
    ready = {ConditionType.READY: condition(ConditionType.READY)}
    seen_once = Snapshot("ocr", POLICY, assessment(), ready, change(ChangePhase.VERIFIED))
    whole = replace(seen_once, reconciled_at_s=1.0, counted=Totals(1, 1, 1), budget_left=0.5)
    made = [{short for short, _, _ in samples(whole)} for _, samples in PARTS]
    assert all(made)
    assert sum(len(part) for part in made) == len(set().union(*made))
    fields = [name for names, _ in PARTS for name in names]
    assert sorted([*fields, "policy"]) == sorted(Snapshot.__dataclass_fields__)


def test_a_thousand_endpoints_are_written_in_a_moment() -> None:
    telemetry = Telemetry(Hands(), "1", process=False)
    took_s = []
    for _ in range(2):
        for number in range(1000):
            seen(telemetry, replace(KEY, name=f"f{number}"))
        began_s = time.process_time()
        body = telemetry.render()[0]
        took_s.append(time.process_time() - began_s)
    assert body.count(b"\n") > 30_000
    assert min(took_s) < SECONDS, "the first scrape after a look at every one of them"
