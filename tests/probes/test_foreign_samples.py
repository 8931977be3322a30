"""Requests as a user's locustfile reports them."""

import math
from types import SimpleNamespace

import pytest

from controller.cli.probe_views import percentiles
from controller.model.endpoint import EndpointKey, Kind
from controller.model.missing import Missing
from controller.model.policy import Covers, Scope, Slo
from controller.model.probe import (
    Body,
    Failure,
    ProbeKind,
    ProbeOutcome,
    ProbePlan,
    ProbeRun,
    ProbeTarget,
)
from controller.model.probing import Phase, StopRules
from controller.model.size import LambdaSize
from controller.probes.generator.foreign import heard
from controller.runtime.probe_results import found_in, rows_of

KEY = EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, "ocr")
PLAN = ProbePlan(
    ProbeTarget(KEY, Scope("eu-west-1"), "ocr"), ProbeKind.LIVE, LambdaSize(512),
    (Body(b"{}", "application/json", 1.0),), (Phase(1.0, 1.0, 10.0),), 0, 5, StopRules(), 60.0, 1,
)  # fmt: skip
ANSWERED = SimpleNamespace(status_code=200)


@pytest.mark.parametrize("response_time_ms", [None, math.nan, math.inf, -1.0])
def test_a_request_that_nobody_timed_is_a_failure_and_lowers_nothing(
    response_time_ms: float | None,
) -> None:
    timed = [heard(100.0 + i, None, ANSWERED)[0] for i in range(90)]
    sample, trouble = heard(response_time_ms, None, ANSWERED)
    assert sample.error is Failure.CLIENT
    assert "no response time" in trouble
    run = ProbeRun(ProbeOutcome.SUCCEEDED, "", 0.0, 10.0, (*timed, *[sample] * 10))
    found = found_in(run, KEY.kind, Covers.CLIENT)
    assert found.errors == 10
    assert found.quantile(0.5) == 149.0
    assert isinstance(found.quantile(0.95), Missing)
    assert percentiles(found) == ["144", "149", "189", "-", "-", "189"]
    (row,) = rows_of(PLAN, run, found, Slo(200.0, covers=Covers.CLIENT))
    assert (row.requests, row.p95_ms, row.met_ratio) == (100, 189.0, 0.9)


def test_what_the_file_calls_a_failure_is_one_and_the_rest_is_not() -> None:
    good, trouble = heard(12.5, None, ANSWERED)
    assert (good.error, good.latency_ms, good.status, trouble) == (None, 12.5, 200, "")
    bad, trouble = heard(12.5, ValueError("of the user's"), None)
    assert (bad.error, bad.status) == (Failure.CLIENT, 0)
    assert trouble == "the locustfile says ValueError"
