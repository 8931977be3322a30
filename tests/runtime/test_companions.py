"""Endpoints that could share an instance hear of each other, whoever came first."""

from dataclasses import replace

from controller.core.advice import Small
from controller.model.endpoint import EndpointKey, Kind
from controller.model.reason import Reason
from controller.runtime.companions import Companions

A = EndpointKey("123456789012", "us-east-1", Kind.REALTIME_ENDPOINT, "a", "AllTraffic")
B = replace(A, name="b")
ASKS = Small(A, "ml.c5.xlarge", 1.0, 0.1, 0.204)


def test_the_first_hears_of_those_that_come_later() -> None:
    found = Companions()
    found.put(A, ASKS)
    assert found.advice(A) is None
    found.put(B, replace(ASKS, key=B))
    for key in (A, B):
        advice = found.advice(key)
        assert advice is not None
        assert advice.reason is Reason.CONSOLIDATE
        assert "a, b ask" in advice.message


def test_who_is_alone_again_is_told_nothing() -> None:
    found = Companions()
    for key in (A, B):
        found.put(key, replace(ASKS, key=key))
    assert found.advice(A) is not None
    found.put(B, replace(ASKS, key=B, peak_share=0.9))
    assert found.advice(A) is None
    assert found.advice(B) is None
    found.put(B, replace(ASKS, key=B))
    assert found.advice(A) is not None
    found.put(B, None)
    assert found.advice(A) is None


def test_another_type_is_another_group() -> None:
    found = Companions()
    for key in (A, B):
        found.put(key, replace(ASKS, key=key))
    found.put(B, replace(ASKS, key=B, instance_type="ml.m5.xlarge"))
    assert found.advice(A) is None
    assert found.advice(B) is None
