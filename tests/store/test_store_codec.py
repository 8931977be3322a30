"""Model values survive JSON, and JSON that is not the value is refused."""

import json
import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_values import (
    OCR,
    a_change,
    changes,
    conditions,
    events,
    json_documents,
    memory_uses,
    observations,
    pauses,
)

from controller.model.change import PointAlias, PublishVersion, UpdateMemory, Wait
from controller.model.decision import Assessment, GuardVerdict, Hold, Propose
from controller.model.demand import Attainment, Demand, Interval, SloStatus
from controller.model.endpoint import AliasConfig, EndpointState, FunctionConfig, LambdaLive, Phase
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.missing import Missing
from controller.model.reason import Reason
from controller.model.size import LambdaSize
from controller.store.codec import CodecError, decode, dumps, encode, loads

values = st.one_of(changes, events, observations, memory_uses, conditions, pauses)


@given(values)
def test_every_stored_value_survives_json(value: object) -> None:
    assert decode(type(value), json.loads(dumps(encode(value)))) == value


@given(json_documents)
def test_plain_data_is_its_own_form(document: Mapping[str, object]) -> None:
    assert loads(dumps(encode(document))) == document


def _assessment() -> Assessment:
    interval = Interval(1.0, 2.0, math.inf)
    function = FunctionConfig(
        "3", 1024, "rev", "sha", "arm64", 30, "Zip", None, "role", "Successful", "", "Active",
        5.0, "/aws/lambda/ocr", "print",
    )  # fmt: skip
    live = LambdaLive(function, AliasConfig("live", "3", "r", {"4": 0.1}), {"3": function})
    size = LambdaSize(1024)
    estimate = Estimate(size, interval, 0.99, Missing("no price for arm64"), "measured here", 500)
    return Assessment(
        key=OCR,
        policy="ocr",
        at_s=10.0,
        state=EndpointState(OCR, size, Phase.STABLE, "etag", {"team": "ml"}, 9.0, live),
        demand=Demand(
            interval, 5.0, 1.0, 2.0, Missing("no REPORT line"), 0.0, 0.0, Missing("x"), 3.0, 336
        ),
        slo=SloStatus(Attainment.MET, 10, 1, 0.9, 0.5, 200.0, Missing("none"), 9.0),
        candidates=(Candidate(estimate, Rejection.PRICE_UNKNOWN, "…"),),
        wanted=Hold(Reason.PRICE_UNKNOWN, "no price", 20.0),
        guards=(GuardVerdict("pause", False, Reason.PAUSED, "until noon", 30.0),),
        decision=Hold(Reason.PAUSED, "until noon"),
        sentence="hold",
    )


def test_an_assessment_survives_json_with_its_unions() -> None:
    assessment = _assessment()
    document = loads(dumps(encode(assessment)))
    assert decode(Assessment, document) == assessment
    assert document["decision"]["decision"] == "Hold"
    assert document["demand"]["memory_used_mb"] == {"missing": "no REPORT line"}
    assert document["key"] == str(OCR)


@pytest.mark.parametrize(
    "step",
    [
        UpdateMemory(512, "r1"),
        PublishVersion("sha", "r1"),
        PointAlias("live", "4", {"3": 0.1}, "r2"),
    ],
)
def test_mutations_are_told_apart_by_their_tag(step: object) -> None:
    document = encode(step)
    assert isinstance(document, dict)
    assert document["step"] == type(step).__name__
    assert decode(type(step), document) == step


def test_a_size_is_a_tagged_union() -> None:
    assert encode(LambdaSize(512)) == {"kind": "lambda_function", "memory_mb": 512}
    with pytest.raises(CodecError, match="kind is not lambda_function"):
        decode(LambdaSize, {"kind": "serverless_endpoint", "memory_mb": 512})
    with pytest.raises(CodecError, match="kind is not lambda_function"):
        decode(LambdaSize, {"memory_mb": 512})


def test_infinity_has_a_form_and_nan_has_none() -> None:
    interval = Interval(-math.inf, 0.0, math.inf)
    assert encode(interval) == {"low": "-Infinity", "mid": 0.0, "high": "Infinity"}
    assert decode(Interval, encode(interval)) == interval
    with pytest.raises(CodecError, match="NaN"):
        encode(Interval(0.0, math.nan, 0.0))


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"low": 1, "mid": 2}, "Interval: high is absent"),
        ({"low": 1, "mid": 2, "high": 3, "hihg": 4}, "Interval: unknown field hihg"),
        ({"low": 1, "mid": 2, "high": True}, r"Interval\.high: expected float, found bool"),
        ({"low": 1, "mid": 2, "high": "3"}, r"Interval\.high: expected float, found str"),
        ({"low": 1, "mid": 2, "high": None}, r"Interval\.high: expected float, found NoneType"),
        ([1, 2, 3], "Interval: expected dict, found list"),
    ],
)
def test_what_is_not_the_value_is_refused_with_its_path(document: object, complaint: str) -> None:
    with pytest.raises(CodecError, match=complaint):
        decode(Interval, document)


def test_an_unknown_word_is_refused_with_its_path() -> None:
    document = encode(a_change())
    assert isinstance(document, dict)
    with pytest.raises(CodecError, match=r"Change\.phase: 'Exploded' is not a valid ChangePhase"):
        decode(type(a_change()), {**document, "phase": "Exploded"})
    with pytest.raises(CodecError, match=r"Change\.key: 'ocr' is not KIND/ACCOUNT"):
        decode(type(a_change()), {**document, "key": "ocr"})


def test_fields_with_defaults_may_be_absent() -> None:
    assert decode(Hold, {"decision": "Hold", "reason": "Paused", "detail": "x"}) == Hold(
        Reason.PAUSED, "x"
    )


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(CodecError, match="bytes has no form"):
        encode({"a": b"x"})
    with pytest.raises(CodecError, match="keys must be text"):
        encode({1: "x"})
    with pytest.raises(CodecError, match="not JSON"):
        loads("{")
    with pytest.raises(CodecError, match="NaN"):
        loads("[NaN]")


def test_a_proposal_nests_in_a_decision() -> None:
    assert decode(Wait, encode(Wait(5.0, Reason.BAKING, "x"))) == Wait(5.0, Reason.BAKING, "x")
    with pytest.raises(CodecError, match="decision is not Propose"):
        decode(Propose, {"decision": "Hold", "reason": "Paused", "detail": ""})
