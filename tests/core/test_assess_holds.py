"""One tick as a whole: every reason to hold, breaches of every sort, and open changes."""

from dataclasses import replace

import pytest
from given import (
    DAY_S,
    HOUR_S,
    KEY,
    NOW_S,
    UNREAD,
    X86_PRICES,
    Truth,
    a_change,
    a_config,
    a_fleet,
    a_live,
    a_pause,
    a_policy,
    a_state,
    a_verdict,
    an_observed,
    rows_of,
    windows_of,
)

from controller.core.assess import Observed, assess, believe, owner_of, unassessed
from controller.kinds.lambda_function.kind import LambdaSizing
from controller.model.change import ChangePhase, VerdictKind
from controller.model.decision import Assessment, Hold, Proposal
from controller.model.demand import Attainment
from controller.model.endpoint import Phase
from controller.model.missing import Missing
from controller.model.policy import Bounds, ChangeWindow, FleetLimits, Mode
from controller.model.reason import Reason
from controller.model.size import LambdaSize
from controller.model.window import Window

SIZING = LambdaSizing(X86_PRICES)
LOOSE = a_policy(800.0)
"""Far above what the plain truth needs at 2,048 MB: a decrease is wanted."""


def judge(observed: Observed, sizing: LambdaSizing = SIZING) -> Assessment:
    return assess(observed, sizing, believe(observed, sizing))


def roomy(**values: object) -> Observed:
    """An endpoint that would be made smaller if nothing stood in the way."""
    return an_observed(memory_mb=2048, **{"policy": LOOSE, **values})  # type: ignore[arg-type]


def held(observed: Observed, sizing: LambdaSizing = SIZING) -> Hold:
    assessment = judge(observed, sizing)
    assert isinstance(assessment.decision, Hold), assessment.sentence
    assert assessment.sentence.startswith(f"hold: {observed.state.key.short} ")
    return assessment.decision


def proposed(observed: Observed) -> Proposal:
    assessment = judge(observed)
    assert not isinstance(assessment.decision, Hold), assessment.sentence
    return assessment.decision.proposal


def without(observed: Observed, **metrics: object) -> Observed:
    """The same hours and minutes with some metrics of other values."""
    windows = observed.windows
    hourly = tuple(replace(w, **metrics) for w in windows.hourly)  # type: ignore[arg-type]
    recent = tuple(replace(w, **metrics) for w in windows.recent)  # type: ignore[arg-type]
    return replace(
        observed,
        windows=replace(windows, hourly=hourly, recent=recent),
        rows=rows_of(hourly, observed.state.size.memory_mb),
    )


def test_the_roomy_endpoint_would_be_made_smaller() -> None:
    proposal = proposed(roomy())
    assert proposal.target < LambdaSize(2048)
    assert proposal.reason is Reason.CHEAPER_SIZE


# --- every reason to hold ---


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"policy": replace(LOOSE, mode=Mode.OFF)}, Reason.MODE_OFF),
        ({"policy": replace(LOOSE, mode=Mode.OBSERVE)}, Reason.MODE_OBSERVE),
        ({"policy": replace(LOOSE, mode=Mode.RECOMMEND)}, Reason.MODE_RECOMMEND),
        ({"pauses": [a_pause()]}, Reason.PAUSED),
        ({"conflict": "another"}, Reason.POLICY_CONFLICT),
        ({"lease_held": False}, Reason.NO_LEASE),
        ({"fleet": a_fleet(limits=FleetLimits(max_concurrent_changes=0))}, Reason.FLEET_LIMIT),
        (
            {"policy": replace(LOOSE, change_windows=(ChangeWindow((0,), 0, 60, "UTC"),))},
            Reason.OUTSIDE_CHANGE_WINDOW,
        ),
        ({"state": a_state(2048, phase=Phase.UPDATING)}, Reason.UPDATING),
        ({"state": a_state(2048, phase=Phase.FAILED)}, Reason.ENDPOINT_FAILED),
        (
            {"state": a_state(live=a_live(2048, latest=a_config(2048, fingerprint="new")))},
            Reason.UNRELEASED_CODE,
        ),
        (
            {"state": a_state(live=a_live(2048, provisioned_concurrency=1))},
            Reason.PROVISIONED_CONCURRENCY,
        ),
        ({"state": a_state(live=a_live(2048, weights={"2": 0.1}))}, Reason.FOREIGN_ROUTING),
        ({"used_mb": None}, Reason.MEMORY_USE_UNKNOWN),
        ({"hours": 23}, Reason.STABILIZING),
        ({"hours": 30, "requests": 6}, Reason.TOO_FEW_SAMPLES),
        ({"era": "released-now"}, Reason.TOO_FEW_SAMPLES),
        ({"now_s": NOW_S + 3 * HOUR_S}, Reason.STALE_DATA),
        ({"changes": [a_change(3008, 2048, finished_at_s=NOW_S - HOUR_S)]}, Reason.COOLDOWN),
        ({"changes": [a_change(3008, 1024)]}, Reason.DRIFTED),
    ],
)
def test_each_obstacle_holds_with_its_own_reason(values: dict[str, object], reason: Reason) -> None:
    if reason is Reason.DRIFTED:
        values = {**values, "size_since_s": NOW_S - HOUR_S}
    assert held(roomy(**values)).reason is reason


def test_without_a_price_nothing_moves() -> None:
    hold = held(roomy(), LambdaSizing(Missing("no price for Lambda in mars-1")))
    assert (hold.reason, hold.detail) == (Reason.PRICE_UNKNOWN, "no price for Lambda in mars-1")


def test_why_the_memory_in_use_is_unknown_is_said() -> None:
    seen = roomy(used_mb=None, memory_refusal="logs:StartQuery was denied")
    assert held(seen).detail == "logs:StartQuery was denied"


def test_no_requests_at_all_is_no_data() -> None:
    silent = roomy()
    silent = replace(silent, windows=replace(silent.windows, recent=(), hourly=()), rows=())
    assert held(silent).reason is Reason.NO_DATA


def test_an_hour_without_latency_holds_a_decrease_and_not_a_climb() -> None:
    def lossy(observed: Observed) -> Observed:
        lost = observed.windows.hourly[-5]
        blind = replace(lost, mean_ms=UNREAD, p50_ms=UNREAD, p95_ms=UNREAD, met_ratio=UNREAD)
        hourly = tuple(blind if w is lost else w for w in observed.windows.hourly)
        windows = replace(observed.windows, hourly=hourly)
        return replace(observed, windows=windows, rows=rows_of(hourly, 2048))

    assert held(lossy(roomy())).reason is Reason.STALE_DATA
    tight = lossy(roomy(truth=Truth(at_vcpu_ms=900.0, saturation_mb=10_240.0)))
    assert proposed(tight).reason is Reason.SLO_BREACHED


def without_hours(observed: Observed, *ago: int) -> Observed:
    """CloudWatch knows nothing of some hours."""
    gone = {NOW_S - n * HOUR_S for n in ago}
    hourly = tuple(w for w in observed.windows.hourly if w.start_s not in gone)
    windows = replace(observed.windows, hourly=hourly)
    return replace(observed, windows=windows, rows=rows_of(hourly, 2048))


def test_hours_that_are_gone_altogether_hold_a_decrease_where_traffic_never_slept() -> None:
    assert held(without_hours(roomy(), 5, 6)).reason is Reason.STALE_DATA


def test_hours_without_traffic_hold_nothing_where_traffic_has_slept_before() -> None:
    assert proposed(without_hours(roomy(), 5, 6, 29, 30)).reason is Reason.CHEAPER_SIZE


def test_with_two_reasons_the_first_names_it_and_both_are_shown() -> None:
    both = judge(roomy(pauses=[a_pause()], lease_held=False))
    assert isinstance(both.decision, Hold)
    assert both.decision.reason is Reason.PAUSED
    assert not isinstance(both.wanted, Hold)
    assert {v.guard for v in both.guards if not v.allowed} == {"pause", "lease"}


def test_a_quarantined_size_is_named_in_words_with_its_time() -> None:
    undone = a_change(
        2048,
        1536,
        ChangePhase.ROLLED_BACK,
        finished_at_s=NOW_S - 7 * HOUR_S,
        verdict=a_verdict(VerdictKind.FAIL, Reason.MADE_WORSE),
    )
    beside = proposed(roomy(changes=[undone], size_since_s=NOW_S - 72 * HOUR_S))
    assert LambdaSize(1769) < beside.target, "half of the way is barred as well"
    thin = replace(
        undone,
        verdict=a_verdict(VerdictKind.INCONCLUSIVE, Reason.TOO_FEW_SAMPLES, "3 of 200 requests"),
    )
    hold = held(roomy(changes=[thin], size_since_s=NOW_S - 72 * HOUR_S))
    assert hold.reason is Reason.QUARANTINED
    assert hold.detail == "the last try: 3 of 200 requests; for 17 h more"


# --- breaches ---


def shifted(truth: Truth, slower: Truth, requests: int, threshold_ms: float) -> Observed:
    """An hour's latencies have just gone up; the hour they did so in is not over yet."""
    now_s = NOW_S + 1800.0
    before = an_observed(truth, policy=a_policy(threshold_ms), requests=requests, now_s=now_s)
    recent = windows_of(
        slower,
        1024,
        count=12,
        end_s=now_s,
        period_s=300.0,
        requests=max(1, requests // 12),
        threshold_ms=threshold_ms,
    )
    newest = rows_of([w for w in recent if w.start_s >= NOW_S], 1024)
    return replace(before, windows=replace(before.windows, recent=recent), recent_rows=newest)


@pytest.mark.parametrize("requests", [60, 200, 2000, 50_000])
def test_a_breach_is_not_argued_away_by_the_hours_before_it(requests: int) -> None:
    truth = Truth(saturation_mb=10_240.0)
    proposal = proposed(shifted(truth, replace(truth, at_vcpu_ms=300.0), requests, 400.0))
    assert proposal.reason is Reason.SLO_BREACHED
    # three times slower: a rung or two up would be an answer to latencies that are no more
    assert proposal.target >= LambdaSize(2048)


def test_a_breach_of_code_that_was_never_measured_is_answered_if_it_can_be() -> None:
    seen = shifted(Truth(), Truth(at_vcpu_ms=300.0), 200, 400.0)
    assert proposed(replace(seen, era="released-now")).reason is Reason.SLO_BREACHED


def test_a_breach_is_answered_without_history_memory_or_freshness_of_hours() -> None:
    tight = an_observed(memory_mb=512, hours=1, used_mb=None)
    assert judge(tight).slo.attainment is Attainment.BREACHED  # type: ignore[union-attr]
    assert proposed(tight).reason is Reason.SLO_BREACHED


def test_a_breach_that_no_size_mends_is_said_with_what_would_be_likeliest() -> None:
    flat = Truth(at_vcpu_ms=500.0, fixed_share=1.0)
    learnt = an_observed(flat, 10_240)
    hold = held(learnt)
    assert hold.reason is Reason.INFEASIBLE
    assert "no size meets the SLO with confidence 0.95" in hold.detail


def test_running_out_of_memory_is_left_for_what_holds_what_is_in_use() -> None:
    starving = without(an_observed(memory_mb=512, policy=a_policy(2000.0), used_mb=512), errors=9)
    proposal = proposed(starving)
    assert proposal.reason is Reason.MEMORY_FLOOR
    assert proposal.target >= LambdaSize(589)  # 512 MB in use and 15 % more


def test_errors_of_another_cause_do_not_chase_a_runtime_that_grows_into_its_memory() -> None:
    def later(memory_mb: int) -> Observed:
        return an_observed(memory_mb=memory_mb, policy=a_policy(2000.0), used_mb=memory_mb)

    calm = later(640)
    old = tuple(replace(w, errors=60) for w in calm.windows.hourly)
    assert isinstance(judge(replace(calm, windows=replace(calm.windows, hourly=old))).wanted, Hold)


# --- bounds ---


@pytest.mark.parametrize("sizes", [(1024, 3008), (3008, 1024)])
def test_a_size_below_every_listed_one_is_left_upwards_without_knowing_the_memory_in_use(
    sizes: tuple[int, ...],
) -> None:
    policy = a_policy(800.0, bounds=Bounds(memory_mb=sizes))
    proposal = proposed(an_observed(memory_mb=512, policy=policy, used_mb=None))
    assert (proposal.reason, proposal.target) == (Reason.OUTSIDE_BOUNDS, LambdaSize(1024))


def test_a_size_above_the_bounds_goes_down_only_to_what_will_do() -> None:
    policy = a_policy(800.0, bounds=Bounds(max_memory_mb=1024))
    proposal = proposed(an_observed(memory_mb=2048, policy=policy, hours=2))
    assert proposal.reason is Reason.OUTSIDE_BOUNDS
    assert proposal.target <= LambdaSize(1024)
    tight = a_policy(160.0, bounds=Bounds(max_memory_mb=256))
    assert held(an_observed(memory_mb=2048, policy=tight)).reason is Reason.INFEASIBLE


# --- the journal ---


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        (ChangePhase.PLANNED, "about to go to 512 MB (Planned)"),
        (ChangePhase.APPLYING, "moving to 512 MB (Applying)"),
        (ChangePhase.VERIFYING, "moving to 512 MB (Verifying)"),
        (ChangePhase.ROLLING_BACK, "going back to 2048 MB (RollingBack)"),
    ],
)
def test_an_open_change_is_seen_through(phase: ChangePhase, words: str) -> None:
    change = a_change(2048, 512, phase)
    hold = held(roomy(open_change=change, changes=[change], pauses=[a_pause()]))
    assert (hold.reason, hold.detail) == (Reason.CHANGE_IN_PROGRESS, words)


def test_an_alias_that_somebody_points_back_is_drift_however_old_its_version() -> None:
    ours = a_change(2048, 1024, finished_at_s=NOW_S - DAY_S)
    back = roomy(changes=[ours], size_since_s=NOW_S - HOUR_S)
    assert back.state.live.serving.last_modified_s < NOW_S - 20 * DAY_S
    assert owner_of(back).foreign
    assert held(back).reason is Reason.DRIFTED
    accepted = replace(back, accepted_at_s=NOW_S - 60.0)
    assert not owner_of(accepted).foreign


# --- what could not be looked at ---


def test_an_endpoint_that_could_not_be_looked_at_holds_with_the_cause() -> None:
    hold = Hold(Reason.ACCESS_DENIED, "GetFunctionConfiguration was denied")
    blind = unassessed(KEY, "ocr", NOW_S, hold)
    assert blind.decision == blind.wanted == hold
    assert blind.sentence == (
        "hold: lambda eu-west-1/ocr:live AccessDenied: GetFunctionConfiguration was denied"
    )
    assert isinstance(blind.slo, Missing)
    assert blind.candidates == ()


def test_the_slo_shown_is_that_of_its_whole_window_also_after_a_change() -> None:
    """A breach that a change mended ten minutes ago is still in the hour's account, and is
    not answered a second time."""
    breached, mended = Truth(at_vcpu_ms=900.0), Truth(at_vcpu_ms=100.0)
    policy = a_policy(400.0)

    def minutes(truth: Truth, count: int, end_s: float) -> tuple[Window, ...]:
        return windows_of(
            truth, 1024, count=count, end_s=end_s, period_s=300.0, requests=170, threshold_ms=400.0
        )

    recent = (*minutes(breached, 10, NOW_S - 600.0), *minutes(mended, 2, NOW_S))
    seen = an_observed(mended, policy=policy)
    seen = replace(seen, windows=replace(seen.windows, recent=recent))
    assert proposed(seen).reason is Reason.SLO_BREACHED, "at one size all along, it is answered"
    after = judge(replace(seen, size_since_s=NOW_S - 600.0))
    assert not isinstance(after.slo, Missing)
    assert after.slo.requests == 12 * 170
    assert after.slo.p_met < 0.01, "the account of the hour is overdrawn, and shown so"
    assert isinstance(after.decision, Hold)
    assert after.decision.reason is not Reason.SLO_BREACHED
