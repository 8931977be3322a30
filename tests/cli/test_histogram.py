"""Latencies as bars of characters."""

from hypothesis import given
from hypothesis import strategies as st

from controller.cli.histogram import BARS, histogram


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=200), st.floats(0.1, 1e6))
def test_every_latency_is_in_one_bar(values: list[float], threshold: float) -> None:
    lines = histogram(values, threshold)
    counts = [int(line.removesuffix(" <- SLO").split()[-1].replace(",", "")) for line in lines]
    assert sum(counts) == len(values)
    assert 1 <= len(lines) <= BARS
    marked = [line for line in lines if line.endswith("<- SLO")]
    assert len(marked) <= 1
    if min(values) < threshold < max(values):
        assert marked


def test_the_tail_can_be_seen() -> None:
    lines = histogram([100.0] * 95 + [2000.0])
    assert set(lines[-1]) & set("▏▎▍▌▋▊▉█")
    assert histogram([]) == []
