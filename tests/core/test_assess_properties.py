"""What must hold of a decision for any input: the properties of the control loop.

Everything goes through `believe` and `assess`, with Lambda's sizes at real prices. Each
property is tried on a few dozen endpoints here and on many more in the slow tests, which
run the same functions.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from given import (
    NOW_S,
    X86_PRICES,
    a_change,
    a_pause,
    a_state,
    observed_worlds,
    rows_of,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from controller.core.assess import Observed, assess, believe
from controller.kinds.lambda_function.kind import LambdaSizing
from controller.kinds.lambda_function.sizing import MEMORY_HEADROOM, in_bounds, ladder
from controller.model.decision import Assessment, Decision, Hold
from controller.model.demand import Attainment
from controller.model.missing import Missing
from controller.model.window import Window

SIZING = LambdaSizing(X86_PRICES)
FEW, MANY = settings(max_examples=25), settings(max_examples=120)
GONE = Missing("no Duration datapoint")
BLIND = {"met_ratio": GONE, "mean_ms": GONE, "p50_ms": GONE, "p95_ms": GONE}


def judge(observed: Observed) -> Assessment:
    """One tick's conclusion."""
    return assess(observed, SIZING, believe(observed, SIZING))


def reach_mb(decision: Decision, observed: Observed) -> int:
    """The size a decision ends at."""
    if isinstance(decision, Hold):
        return observed.state.size.memory_mb
    return decision.proposal.target.memory_mb


def depth_mb(observed: Observed) -> int:
    """How far down a decision goes: the live size where it does not."""
    return min(reach_mb(judge(observed).wanted, observed), observed.state.size.memory_mb)


def with_windows(
    observed: Observed, change: Callable[[Window], Window], recent: bool = False
) -> Observed:
    """The same endpoint with other hours, and the evidence that follows from them."""
    hourly = tuple(map(change, observed.windows.hourly))
    windows = replace(observed.windows, hourly=hourly)
    if recent:
        windows = replace(windows, recent=tuple(map(change, windows.recent)))
    return replace(observed, windows=windows, rows=rows_of(hourly, observed.state.size.memory_mb))


def times(factor: int) -> Callable[[Window], Window]:
    """A window with so many times the requests, and all else the same."""

    def busier(window: Window) -> Window:
        assert isinstance(window.requests, int)
        assert isinstance(window.errors, int)
        return replace(window, requests=window.requests * factor, errors=window.errors * factor)

    return busier


def of_whole_requests(window: Window) -> Window:
    """A window whose share within the threshold is one that so many requests can have: of three
    none is slow where 2 % are, and two hundred times as many would be other latencies."""
    if isinstance(window.requests, Missing) or isinstance(window.slow, Missing):
        return window
    return replace(window, met_ratio=1.0 - window.slow / max(window.requests, 1))


# --- the properties ---


def no_data_no_change(observed: Observed, _: st.DataObject) -> None:
    windows = replace(observed.windows, recent=(), hourly=())
    nothing = replace(observed, windows=windows, rows=(), memory_use=())
    assert isinstance(judge(nothing).wanted, Hold)


def traffic_without_a_latency_changes_nothing(observed: Observed, _: st.DataObject) -> None:
    blind = with_windows(observed, lambda w: replace(w, **BLIND), recent=True)
    assert isinstance(judge(blind).wanted, Hold)


def fewer_requests_with_the_same_latencies_never_reach_lower(
    observed: Observed, data: st.DataObject
) -> None:
    """Removing samples never causes a decrease.

    Scatter stays below what could be taken for a jump: whether there was one is harder to
    tell from fewer samples, and an unseen jump is part of the level. There is no budget: it
    speaks of the traffic itself, not of what is known of it.
    """
    observed = replace(observed, policy=replace(observed.policy, budget_usd_per_month=None))
    observed = with_windows(observed, of_whole_requests, recent=True)
    factor = data.draw(st.sampled_from([2, 5, 20, 200]))
    full = with_windows(observed, times(factor), recent=True)
    assert depth_mb(observed) >= depth_mb(full)


def losing_the_latency_of_hours_never_causes_a_decrease(
    observed: Observed, data: st.DataObject
) -> None:
    since_s = NOW_S - observed.policy.cadence.stabilization_s
    newest = [w.start_s for w in observed.windows.hourly if w.start_s >= since_s]
    lost = data.draw(st.sets(st.sampled_from(newest), min_size=1))
    poorer = with_windows(observed, lambda w: replace(w, **BLIND) if w.start_s in lost else w)
    assert depth_mb(poorer) >= depth_mb(observed)


def losing_hours_altogether_never_causes_a_decrease(
    observed: Observed, data: st.DataObject
) -> None:
    """Where traffic has never slept: else an hour may be missing for want of requests."""
    since_s = NOW_S - observed.policy.cadence.stabilization_s
    hourly = observed.windows.hourly
    newest = [w.start_s for w in hourly[:-1] if w.start_s >= since_s and w is not hourly[0]]
    assume(newest)
    lost = data.draw(st.sets(st.sampled_from(newest), min_size=1))
    kept = tuple(w for w in hourly if w.start_s not in lost)
    windows = replace(observed.windows, hourly=kept)
    poorer = replace(observed, windows=windows, rows=rows_of(kept, observed.state.size.memory_mb))
    assert depth_mb(poorer) >= depth_mb(observed)


def deciding_twice_is_deciding_once(observed: Observed, data: st.DataObject) -> None:
    journal = [a_change(1024, 512, finished_at_s=NOW_S - n * 40_000.0) for n in range(3)]
    pauses = [a_pause(until_s=NOW_S + 60.0), a_pause("other"), a_pause(actor="bob")]
    full = replace(observed, changes=tuple(journal), pauses=tuple(pauses))
    once = judge(full)
    assert judge(full) == once
    rows = data.draw(st.permutations(full.rows[-12:]))
    shuffled = replace(
        full,
        rows=(*rows, *full.rows[:-12]),
        pauses=tuple(data.draw(st.permutations(pauses))),
    )
    assert judge(shuffled) == once


def after_applying_the_decision_is_hold(observed: Observed, _: st.DataObject) -> None:
    wanted = judge(observed).wanted
    assume(not isinstance(wanted, Hold))
    state = a_state(reach_mb(wanted, observed))
    again = judge(replace(observed, state=state, size_since_s=NOW_S)).wanted
    assert isinstance(again, Hold), again.proposal.detail


def more_demand_never_gives_a_smaller_size(observed: Observed, data: st.DataObject) -> None:
    """More requests a month, with the same evidence of latencies and the SLO.

    Not so with a budget that the SLO gives way to: more traffic costs more, and the budget
    then affords less memory. That is what such a policy asks for.
    """
    observed = replace(observed, policy=replace(observed.policy, budget_usd_per_month=None))
    busier = with_windows(observed, times(data.draw(st.integers(1, 50))))
    busier = replace(busier, rows=observed.rows)
    now, then = (reach_mb(judge(o).wanted, o) for o in (observed, busier))
    assert then >= now


def the_target_is_on_the_ladder_inside_the_bounds_and_holds_what_is_in_use(
    observed: Observed, _: st.DataObject
) -> None:
    wanted = judge(observed).wanted
    assume(not isinstance(wanted, Hold))
    current, target = observed.state.size.memory_mb, reach_mb(wanted, observed)
    assert target != current
    assert target in ladder(observed.policy.bounds, current)
    assert in_bounds(observed.policy.bounds, target)
    if target < current:
        assert observed.memory_use, "memory was taken away without knowing what is in use"
        assert target >= observed.memory_use[0].max_used_mb * MEMORY_HEADROOM


def a_confirmed_breach_never_yields_a_decrease(observed: Observed, data: st.DataObject) -> None:
    share = data.draw(st.floats(0.0, 0.9))
    recent = tuple(replace(w, met_ratio=share, requests=200) for w in observed.windows.recent)
    breaching = replace(observed, windows=replace(observed.windows, recent=recent))
    assessment = judge(breaching)
    assume(not isinstance(assessment.slo, Missing))
    assume(assessment.slo.attainment is Attainment.BREACHED)
    assert reach_mb(assessment.wanted, observed) >= observed.state.size.memory_mb


def other_endpoints_make_no_difference(observed: Observed, data: st.DataObject) -> None:
    other = data.draw(observed_worlds())
    one, two = judge(observed), judge(other)
    assert (judge(other), judge(observed)) == (two, one)


PROPERTIES: list[Callable[[Observed, st.DataObject], None]] = [
    no_data_no_change,
    traffic_without_a_latency_changes_nothing,
    fewer_requests_with_the_same_latencies_never_reach_lower,
    losing_the_latency_of_hours_never_causes_a_decrease,
    losing_hours_altogether_never_causes_a_decrease,
    deciding_twice_is_deciding_once,
    after_applying_the_decision_is_hold,
    more_demand_never_gives_a_smaller_size,
    the_target_is_on_the_ladder_inside_the_bounds_and_holds_what_is_in_use,
    a_confirmed_breach_never_yields_a_decrease,
    other_endpoints_make_no_difference,
]


def hold(observed: st.SearchStrategy[Observed], law: Callable[..., None], how: settings) -> None:
    @how
    @given(observed, st.data())
    def tried(observed: Observed, data: Any) -> None:
        law(observed, data)

    tried()


@pytest.mark.parametrize("law", PROPERTIES, ids=lambda law: law.__name__)
def test_for_any_endpoint(law: Callable[..., None]) -> None:
    hold(observed_worlds(), law, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("law", PROPERTIES, ids=lambda law: law.__name__)
def test_for_very_many_endpoints(law: Callable[..., None]) -> None:
    hold(observed_worlds(), law, MANY)
