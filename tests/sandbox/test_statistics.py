"""CloudWatch's statistics against plain arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sandbox.statistic import Distribution, Moments, parse_statistic

values_and_counts = st.lists(
    st.tuples(st.floats(0.125, 8192.0, width=32), st.integers(1, 9)), min_size=1, max_size=60
)


def _of(rows):
    return Distribution(
        np.array([v for v, _ in rows], np.float32), np.array([c for _, c in rows], np.int64)
    )


def _expanded(rows):
    return np.sort(np.repeat([v for v, _ in rows], [c for _, c in rows]).astype(np.float64))


@pytest.mark.parametrize(
    "name",
    ["Sum", "Average", "p95", "p99.9", "p0", "p100", "PR(:300)", "PR(100:)", "PR(100:300)",
     "tm90", "TM(10%:90%)", "TM(:100)", "tc95", "TC(0.5:10)", "ts90", "TS(80%:)", "wm98",
     "WM(5%:95%)", "IQM"],
)  # fmt: skip
def test_known(name):
    statistic = parse_statistic(name)
    assert statistic is not None
    assert statistic.name == name


@pytest.mark.parametrize(
    "name",
    ["", "P95", "p101", "p-1", "pp", "Median", "PR(10%:20%)", "PR()", "PR(:)", "TM(10:20%)",
     "TM(90%:10%)", "sum", "TM(:120%)"],
)  # fmt: skip
def test_unknown(name):
    assert parse_statistic(name) is None


@given(rows=values_and_counts, bound=st.floats(0.125, 8192.0, width=32))
def test_percentile_rank_counts_values_up_to_the_bound(rows, bound):
    """PR(:x): percentage of values <= x; PR(x:) the rest (exclusive below)."""
    plain = _expanded(rows)
    share = 100.0 * (plain <= np.float32(bound)).mean()
    upto, above = parse_statistic(f"PR(:{bound!r})"), parse_statistic(f"PR({bound!r}:)")
    if upto is None or above is None:
        return  # written with an exponent, which CloudWatch does not read
    assert upto.of(_of(rows)) == pytest.approx(share)
    assert above.of(_of(rows)) == pytest.approx(100.0 - share)


@given(rows=values_and_counts, share=st.integers(1, 99))
def test_percentile_and_rank_agree(rows, share):
    """At least p % of values lie at or below the next value above pNN, and not much less."""
    distribution, plain = _of(rows), _expanded(rows)
    percentile = parse_statistic(f"p{share}").of(distribution)
    assert plain[0] <= percentile * (1 + 1e-6)
    assert percentile <= plain[-1] * (1 + 1e-6)
    heaviest = max(count for _, count in rows) / len(plain)
    reached = (plain <= percentile * (1 + 1e-6)).mean()
    assert share / 100 - heaviest - 0.5 / len(plain) <= reached + 1e-9


def test_percentile_of_one_to_one_hundred():
    """p95 of 1..100 is about 95."""
    distribution = _of([(float(n), 1) for n in range(1, 101)])
    assert parse_statistic("p95").of(distribution) == pytest.approx(95.5)
    assert parse_statistic("p50").of(distribution) == pytest.approx(50.5)


def test_percentile_of_a_single_value():
    """CloudWatch does return a p95 of one sample."""
    assert parse_statistic("p95").of(_of([(12.5, 1)])) == 12.5


def test_trimmed_means():
    distribution = _of([(float(n), 1) for n in range(1, 101)])
    assert parse_statistic("tm90").of(distribution) == pytest.approx(45.5)
    assert parse_statistic("TM(10%:90%)").of(distribution) == pytest.approx(50.5)
    assert parse_statistic("IQM").of(distribution) == pytest.approx(50.5)
    assert parse_statistic("TC(10:20)").of(distribution) == 10
    assert parse_statistic("TS(10:20)").of(distribution) == sum(range(11, 21))
    assert parse_statistic("tc80").of(distribution) == 80
    assert parse_statistic("TM(500:600)").of(distribution) is None


def test_simple_ones_come_from_moments():
    moments = Moments(4, 10.0, (1.0, 4.0))
    found = {n: parse_statistic(n).simple(moments)
             for n in ("Sum", "SampleCount", "Average", "Minimum", "Maximum")}  # fmt: skip
    assert found == {"Sum": 10, "SampleCount": 4, "Average": 2.5, "Minimum": 1, "Maximum": 4}
