"""Everything exposed is catalogued, documented and well-formed; everything catalogued exists."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families
from telemetry_values import (
    KEY,
    POLICIES,
    POLICY,
    PRICES,
    Hands,
    assessment,
    change,
    condition,
    hold,
    of_endpoint,
    point,
    value,
)

from controller.core.slo_ledger import Totals
from controller.model.advice import Advice
from controller.model.change import ChangePhase
from controller.model.condition import ConditionType
from controller.model.errors import StoreError, Throttled
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, ServerlessSize
from controller.telemetry.catalogue import CATALOGUE
from controller.telemetry.metric import MetricType
from controller.telemetry.metrics import ReconcileResult, Telemetry
from controller.telemetry.reference import reference

LIBRARY = ("process_", "python_gc_")


@pytest.fixture
def full() -> Telemetry:
    """Every method called once."""
    telemetry = Telemetry(Hands(), "1.2.3")
    telemetry.reconcile_finished(KEY, "ocr", ReconcileResult.SUCCESS, 0.2)
    telemetry.reconcile_failed(Throttled("slow down"))
    telemetry.workers(1, 4)
    telemetry.queue(3)
    telemetry.queue_waited(0.5)
    telemetry.queue_retried()
    telemetry.scheduler_missed()
    telemetry.scheduler_overran()
    telemetry.scheduler_started(0.1)
    telemetry.reload_succeeded(POLICIES, 900.0)
    telemetry.endpoint_assessed(POLICY, assessment())
    telemetry.endpoint_assessed(POLICY, assessment(decision=hold(Reason.COOLDOWN)))
    telemetry.endpoint_assessed(POLICY, of_endpoint(ServerlessSize(2048, 20)))
    idle = (Advice(Reason.IDLE, "…", point(73.0)),)
    realtime = RealtimeSize("ml.c5.xlarge", 1, 2, 900.0)
    telemetry.endpoint_assessed(POLICY, of_endpoint(realtime, advice=idle))
    telemetry.requests_counted(KEY, "ocr", Totals(100, 4, 1), 0.2)
    conditions = [condition(ConditionType.PAUSED), condition(ConditionType.DRIFTED)]
    telemetry.conditions_set(KEY, "ocr", conditions)
    telemetry.change_moved(change(ChangePhase.ROLLED_BACK))
    telemetry.prices_used(PRICES)
    telemetry.on_call("lambda", "UpdateFunctionConfiguration", "OK", 0.1, 2)
    telemetry.on_throttled("lambda", "UpdateFunctionConfiguration")
    telemetry.on_refused("lambda", "UpdateFunctionConfiguration")
    telemetry.on_metrics_requested(500)
    telemetry.log_message("info")
    telemetry.notified("on-call", "sent", 1)
    telemetry.store_failed(StoreError("full", code="full"))
    return telemetry


def test_nothing_is_exposed_that_is_not_catalogued(full: Telemetry) -> None:
    catalogued = {metric.name: metric for metric in CATALOGUE}
    for family in text_string_to_metric_families(full.render()[0].decode()):
        if family.name.startswith(LIBRARY):
            continue
        suffix = "_total" if family.type == "counter" else ""
        metric = catalogued[family.name + suffix]
        assert (family.type, family.documentation) == (metric.type, metric.help)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.label_names), sample


def test_everything_catalogued_is_exposed_with_a_sample(full: Telemetry) -> None:
    families = text_string_to_metric_families(full.render()[0].decode())
    seen = {sample.name for family in families for sample in family.samples}
    counts = {
        metric.name + ("_count" if metric.type is MetricType.HISTOGRAM else "")
        for metric in CATALOGUE
    }
    assert counts - seen == set()


def test_names_are_unique_and_follow_the_conventions() -> None:
    names = [metric.name for metric in CATALOGUE]
    assert len(names) == len(set(names))
    for metric in CATALOGUE:
        assert metric.name.endswith("_total") == (metric.type is MetricType.COUNTER)
        assert metric.help.endswith("."), metric.name
        if metric.type is MetricType.HISTOGRAM:
            assert metric.unit == "seconds"


def test_promtool_finds_nothing_to_complain_of(
    full: Telemetry, program: Callable[[str], str]
) -> None:
    for telemetry in (full, Telemetry(Hands(), "1.2.3")):
        body, _ = telemetry.render()
        done = subprocess.run(
            [program("promtool"), "check", "metrics"], input=body, capture_output=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_openmetrics_is_given_to_who_asks(full: Telemetry) -> None:
    body, content_type = full.render(
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    )
    assert content_type.startswith("application/openmetrics-text")
    assert body.decode().endswith("# EOF\n")
    names = {family.name for family in parse_openmetrics(body.decode())}
    assert "rightsizer_reconcile" in names
    for accept in ("", "*/*", "text/html"):
        assert full.render(accept)[1] == "text/plain; version=0.0.4; charset=utf-8"


def test_no_series_tells_when_a_counter_was_born(full: Telemetry) -> None:
    for accept in ("", "application/openmetrics-text; version=1.0.0"):
        assert b"_created" not in full.render(accept)[0]


def test_counters_that_alerts_need_start_at_zero() -> None:
    telemetry = Telemetry(Hands(), "1.2.3")
    for result in ("success", "requeue", "error"):
        assert value(telemetry, "reconcile_total", result=result) == 0.0
    assert value(telemetry, "changes_total", action="decrease", result="rolled_back") == 0.0
    assert value(telemetry, "config_last_reload_successful") == 0.0


def test_two_controllers_in_one_process_count_apart() -> None:
    one, other = Telemetry(Hands(), "1"), Telemetry(Hands(), "1")
    one.queue_retried()
    assert (value(one, "queue_retries_total"), value(other, "queue_retries_total")) == (1.0, 0.0)


def test_the_reference_page_is_the_generated_one(repository: Path) -> None:
    committed = (repository / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert committed == reference(), (
        "run python -m controller.telemetry.reference > docs/metrics.md"
    )


def test_the_reference_names_every_metric() -> None:
    page = reference()
    for metric in CATALOGUE:
        assert page.count(f"| `{metric.name}` | {metric.type} |") == 1
