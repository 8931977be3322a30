"""Tapes: requests of an hour, played in any pieces, never changed by what comes later."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.sandbox.cell import Cell
from controller.sandbox.serving import History, Serving, Variant
from controller.sandbox.tape import Tape
from controller.sandbox.workload import Workload, workload_from

HOUR = 1_800_000_000 // 3600 * 3600


def _workload(rps: float = 4.0, **more: object) -> Workload:
    document = {
        "curve": {"a_ms": 20.0, "b": 60_000.0, "saturation_mb": 1769},
        "cv": 0.2,
        "slow_share": 0.02,
        "memory_mb": 200,
        "error_rate": 0.01,
        "qualifier": "live",
        "traffic": {"rps": rps},
        **more,
    }
    return workload_from(document, HOUR)


def _variant(version: str, memory_mb: int = 512, **more: object) -> Variant:
    return Variant(f"{version}/x", version, memory_mb, 30, "x86_64", **more)


OLD, NEW = _variant("1"), _variant("2", 1024)


def _state(start_s: float, workload: Workload, *route: tuple[Variant, float]) -> Serving:
    return Serving(start_s, workload, {"live": tuple(route)} if route else {})


def _tape(*states: Serving, pool: float = 1000.0) -> Tape:
    history = History()
    for state in states:
        history.append(state)
    return Tape((7, "account", "region", "f"), "f", history, HOUR, lambda: pool)


def _image(tape: Tape, until: int = 60) -> dict[object, list[object]]:
    """Everything a tape holds of minutes before `until`."""
    names = ("calls", "throttled", "errors", "cold", "spilled", "peak", "busy", "duration_sum",
             "durations", "counts", "out_of_memory")  # fmt: skip
    return {
        key: [getattr(cell, name)[:until].tolist() for name in names]
        for key, cell in sorted(tape.cells.items())
        if (cell.calls + cell.throttled)[:until].any()
    }


RATES = st.sampled_from([0.0005, 0.01, 0.3, 4.0, 60.0])
POOLS = st.sampled_from([1.0, 4.0, 8.0, 12.0, 1000.0])


def _rich_history(rps: float) -> list[Serving]:
    """Three configurations, changes within minutes, a gap, disturbances."""
    calm = _workload(rps, first_call_factor=3.0)
    upset = _workload(
        rps,
        disturbances=[
            {"effect": "latency", "factor": 3.0, "from_s": HOUR + 1500.0},
            {"effect": "errors", "factor": 0.3, "from_s": HOUR + 1600.0, "to_s": HOUR + 1900.0},
            {"effect": "traffic", "factor": 2.0, "from_s": HOUR + 1300.0, "ramp_s": 300.0},
            {"effect": "memory", "factor": 1.1, "from_s": HOUR + 1300.0},
        ],
        memory_mb=480,
    )
    return [
        _state(HOUR - 86_400.0, calm, (OLD, 1.0)),
        _state(HOUR + 610.0, calm, (OLD, 0.7), (NEW, 0.3)),
        _state(HOUR + 625.0, calm, (OLD, 0.9), (NEW, 0.1)),
        _state(HOUR + 1205.0, upset, (OLD, 0.9), (NEW, 0.1)),
        _state(HOUR + 2400.0, upset),
        _state(HOUR + 2700.0, calm, (NEW, 1.0)),
    ]


@settings(max_examples=40)
@given(cuts=st.lists(st.integers(1, 59), max_size=8), rps=RATES, pool=POOLS)
def test_played_in_pieces_it_is_the_same(cuts, rps, pool):
    whole = _tape(*_rich_history(rps), pool=pool)
    whole.play(60)
    pieces = _tape(*_rich_history(rps), pool=pool)
    for minute in [*sorted(cuts), 60]:
        pieces.play(minute)
    assert _image(pieces) == _image(whole)


@pytest.mark.parametrize("cut", [5, 29, 31, 45])
def test_a_rush_is_the_same_in_pieces(cut):
    """Throttling begins half way through the hour; the calm before must not notice."""
    rush = [{"effect": "traffic", "factor": 8.0, "from_s": HOUR + 1800.0}]
    state = _state(0.0, _workload(disturbances=rush), (OLD, 1.0))
    whole, pieces = _tape(state, pool=9.0), _tape(state, pool=9.0)
    whole.play(60)
    pieces.play(cut)
    pieces.play(60)
    assert whole.cells[0, OLD.uid].throttled[30:].sum() > 0
    assert _image(pieces) == _image(whole)


@settings(max_examples=15)
@given(minute=st.integers(1, 58), second=st.integers(0, 59), rps=RATES, pool=POOLS)
def test_what_happens_later_changes_nothing_before(minute, second, rps, pool):
    history = _rich_history(rps)
    before = _tape(*history, pool=pool)
    before.play(60)
    changed_s = HOUR + 60.0 * minute + second
    kept = [state for state in history if state.start_s < changed_s]
    late = _state(changed_s, _workload(rps=50.0), (_variant("9"), 1.0))
    after = _tape(*kept, late, pool=pool)
    after.play(60)
    assert _image(after, minute) == _image(before, minute)


def _only(tape: Tape) -> Cell:
    (cell,) = tape.cells.values()
    return cell


def test_requests_come_at_the_asked_rate():
    tape = _tape(_state(0.0, _workload(rps=20.0), (OLD, 1.0)))
    tape.play(60)
    calls = _only(tape).calls
    assert calls.mean() == pytest.approx(1200, rel=0.02)
    # Poisson: as much variance as mean.
    assert calls.var() == pytest.approx(1200, rel=0.6)


@pytest.mark.parametrize("rps", [0.05, 0.5, 3.0, 40.0])
def test_counts_and_durations_agree(rps):
    """Few calls are drawn one by one, many in strata; both must count every call once."""
    tape = _tape(_state(0.0, _workload(rps=rps), (OLD, 1.0)))
    tape.play(60)
    cell = _only(tape)
    assert (cell.counts.sum(axis=1) == cell.calls).all()
    assert np.allclose((cell.durations * cell.counts).sum(axis=1), cell.duration_sum)


@pytest.mark.parametrize("rps", [0.9, 30.0])
def test_scatter_of_slow_shares_is_that_of_the_number_of_calls(rps):
    """A share of N calls scatters by sqrt(p(1-p)/N) from hour to hour, whatever the strata."""
    workload = _workload(rps=rps)
    threshold_ms = 137.1 * 1.35
    shares = []
    for hour in range(120):
        history = History([_state(0.0, workload, (OLD, 1.0))])
        tape = Tape((7, "a", "r", "f"), "f", history, HOUR + 3600 * hour, lambda: 1000.0)
        tape.play(20)
        cell = _only(tape)
        slow = cell.counts[cell.durations > threshold_ms].sum()
        shares.append(slow / cell.calls.sum())
    mean = float(np.mean(shares))
    expected = np.sqrt(mean * (1 - mean) / (rps * 1200))
    assert np.std(shares) == pytest.approx(expected, rel=0.25)


def test_an_alias_splits_by_its_weights():
    tape = _tape(_state(0.0, _workload(rps=20.0), (OLD, 0.8), (NEW, 0.2)))
    tape.play(60)
    counts = {cell.variant.version: int(cell.calls.sum()) for cell in tape.cells.values()}
    assert counts["2"] / (counts["1"] + counts["2"]) == pytest.approx(0.2, abs=0.01)


def test_a_change_inside_a_minute_splits_that_minute():
    workload = _workload(rps=50.0)
    tape = _tape(_state(0.0, workload, (OLD, 1.0)), _state(HOUR + 90.0, workload, (NEW, 1.0)))
    tape.play(60)
    old, new = (next(c for c in tape.cells.values() if c.variant is v) for v in (OLD, NEW))
    assert old.calls[0] > 0
    assert new.calls[0] == 0
    assert old.calls[1] / (old.calls[1] + new.calls[1]) == pytest.approx(0.5, abs=0.05)
    assert old.calls[2:].sum() == 0


def test_nothing_is_served_where_nothing_is():
    workload = _workload()
    tape = _tape(_state(HOUR + 1800.0, workload, (OLD, 1.0)), _state(HOUR + 2400.0, workload))
    tape.play(60)
    calls = _only(tape).calls
    assert calls[:30].sum() == 0
    assert (calls[30:40] > 0).all()
    assert calls[40:].sum() == 0


def test_new_environments_start_cold_in_a_burst():
    """A settings change discards every warm environment."""
    workload = _workload(rps=50.0)
    tape = _tape(_state(0.0, workload, (OLD, 1.0)), _state(HOUR + 1800.0, workload, (NEW, 1.0)))
    tape.play(60)
    old, new = (next(c for c in tape.cells.values() if c.variant is v) for v in (OLD, NEW))
    assert new.cold[30] >= new.peak[30]
    assert new.cold[45:].sum() < new.cold[30]
    assert old.cold[1:30].sum() < new.cold[30]


def test_thin_traffic_is_always_cold():
    """An environment idle for longer than it is kept is gone."""
    tape = _tape(_state(0.0, _workload(rps=1 / 7200.0), (OLD, 1.0)))
    cells = []
    for hour in range(200):
        history = History([_state(0.0, _workload(rps=1 / 7200.0), (OLD, 1.0))])
        tape = Tape((7, "a", "r", "f"), "f", history, HOUR + 3600 * hour, lambda: 1000.0)
        tape.play(60)
        cells += list(tape.cells.values())
    calls, cold = (sum(int(getattr(c, n).sum()) for c in cells) for n in ("calls", "cold"))
    assert calls > 50
    assert cold / calls > 0.8


def test_first_calls_are_slow_where_the_workload_says_so():
    workload = _workload(rps=50.0, first_call_factor=10.0)
    tape = _tape(_state(HOUR + 600.0, workload, (OLD, 1.0)))
    tape.play(60)
    cell = _only(tape)
    assert cell.counts[10, -1] == cell.cold[10] > 0
    assert cell.durations[10, -1] > 5 * np.median(cell.durations[10, :-1])
    assert (cell.counts.sum(axis=1) == cell.calls).all()


def test_calls_beyond_the_timeout_are_cut_and_fail():
    workload = _workload(rps=5.0, error_rate=0.0, slow_share=0.1, slow_factor=[4.0, 4.0])
    strict = Variant("1/x", "1", 1769, 1, "x86_64", latency_factor=6.5)
    tape = _tape(_state(0.0, workload, (strict, 1.0)))
    tape.play(60)
    cell = _only(tape)
    assert cell.durations.max() == 1000.0
    at_limit = int(cell.counts[cell.durations >= 1000.0].sum())
    assert int(cell.errors.sum()) == at_limit > 0


def test_memory_below_the_footprint_kills_calls():
    tape = _tape(_state(0.0, _workload(memory_mb=600), (OLD, 1.0)))
    tape.play(60)
    cell = _only(tape)
    assert (cell.out_of_memory == cell.calls).all()
    assert (cell.errors == cell.calls).all()


def test_no_free_slot_means_throttled():
    """Lambda refuses what finds no free concurrency; refused calls are not invocations."""
    state = _state(0.0, _workload(rps=100.0), (OLD, 1.0))
    crowded = _tape(state, pool=8.0)
    crowded.play(60)
    cell = _only(crowded)
    free = _tape(state)
    free.play(60)
    assert _only(free).throttled.sum() == 0
    assert cell.throttled.sum() > 0.2 * cell.calls.sum()
    assert cell.busy.max() < 8.5
    assert (cell.calls + cell.throttled).sum() == pytest.approx(_only(free).calls.sum(), rel=0.01)


def test_reserved_zero_stops_a_function():
    workload = _workload()
    stopped = Serving(0.0, workload, {"live": ((OLD, 1.0),)}, reserved=0)
    tape = _tape(stopped)
    tape.play(60)
    cell = _only(tape)
    assert cell.calls.sum() == 0
    assert cell.throttled.sum() > 0


def test_provisioned_environments_save_cold_starts():
    workload = _workload(rps=50.0)
    ready = Serving(HOUR + 0.0, workload, {"live": ((OLD, 1.0),)}, provisioned={"live": 60})
    tape = _tape(ready)
    tape.play(60)
    cell = _only(tape)
    assert cell.cold.sum() == 0
    assert cell.spilled.sum() == 0
    assert cell.provisioned.max() > 0
