"""Sentences for people: numbers that read as what they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.sentence import apart


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        (0.93, 0.95, "0.93"),
        (0.9497, 0.95, "0.9497"),
        (0.949, 0.95, "0.949"),
        (20.001, 20.0, "20.001"),
        (20.5, 20.0, "20.50"),
        (0.95, 0.95, "0.950000"),
    ],
)
def test_a_number_reads_as_another_than_its_limit(value: float, limit: float, text: str) -> None:
    assert apart(value, limit) == text


@given(st.floats(0.0, 1000.0), st.floats(0.0, 1000.0))
def test_what_differs_visibly_never_reads_the_same(value: float, limit: float) -> None:
    if abs(value - limit) > 2e-5:
        digits = len(apart(value, limit).partition(".")[2])
        assert apart(value, limit) != f"{limit:.{digits}f}"
