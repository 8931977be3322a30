"""Guards: each says no for its own reason, the first names it, all are shown."""

from dataclasses import replace

import pytest
from given import HOUR_S, KEY, NOW_S, a_change, a_fleet, a_pause, a_policy, a_proposal, a_state
from hypothesis import given
from hypothesis import strategies as st

from controller.core.guard import PROPOSAL, STANDING, Situation, check, silence
from controller.core.history import Ownership
from controller.model.decision import Decision, GuardVerdict, Hold, Propose
from controller.model.demand import Interval
from controller.model.endpoint import Kind, Phase
from controller.model.missing import Missing
from controller.model.policy import ChangeWindow, Covers, FleetLimits, Mode, Slo
from controller.model.reason import Reason

NOBODY = Ownership(False, False, None, "")
WANTED = Propose(a_proposal())
DEARER = a_proposal(512, 1024, saves_usd_per_month=Interval(-6.0, -5.0, -4.0))
TONIGHT = ChangeWindow((2,), 22 * 60, 23 * 60, "UTC")


def a_situation(**values: object) -> Situation:
    """Nothing stands in the way of the proposal."""
    plain = Situation(
        now_s=NOW_S,
        policy=a_policy(),
        state=a_state(),
        proposal=WANTED.proposal,
        pauses=(),
        changes=(),
        ownership=NOBODY,
        fleet=a_fleet(),
        stale=None,
        obstacles={},
    )
    return replace(plain, **values)  # type: ignore[arg-type]


def limited(**limits: object) -> FleetLimits:
    return replace(FleetLimits(None, None, None, None), **limits)  # type: ignore[arg-type]


REFUSALS = {
    "off": ({"policy": a_policy(mode=Mode.OFF)}, "mode", Reason.MODE_OFF),
    "observe": ({"policy": a_policy(mode=Mode.OBSERVE)}, "mode", Reason.MODE_OBSERVE),
    "conflict": ({"conflict": "other"}, "policy", Reason.POLICY_CONFLICT),
    "fleet pause": ({"pauses": [a_pause()]}, "pause", Reason.PAUSED),
    "own pause": ({"pauses": [a_pause(str(KEY))]}, "pause", Reason.PAUSED),
    "updating": ({"state": a_state(phase=Phase.UPDATING)}, "endpoint", Reason.UPDATING),
    "rolling back": ({"state": a_state(phase=Phase.ROLLING_BACK)}, "endpoint", Reason.UPDATING),
    "failed": ({"state": a_state(phase=Phase.FAILED)}, "endpoint", Reason.ENDPOINT_FAILED),
    "obstacle": (
        {"obstacles": {Reason.UNRELEASED_CODE: "$LATEST differs"}},
        "live-state",
        Reason.UNRELEASED_CODE,
    ),
    "drift": (
        {"ownership": Ownership(True, False, NOW_S + 1.0, "1 to 2")},
        "owner",
        Reason.DRIFTED,
    ),
    "owner": (
        {"ownership": Ownership(True, True, None, "1 to 2")},
        "owner",
        Reason.OWNER_CONFLICT,
    ),
    "stale": ({"stale": "no datapoint for 90 minutes"}, "fresh-data", Reason.STALE_DATA),
    "recommend": ({"policy": a_policy(mode=Mode.RECOMMEND)}, "enforce", Reason.MODE_RECOMMEND),
    "lease": ({"lease_held": False}, "lease", Reason.NO_LEASE),
    "window": (
        {"policy": a_policy(change_windows=(TONIGHT,))},
        "change-window",
        Reason.OUTSIDE_CHANGE_WINDOW,
    ),
    "cooldown": (
        {"changes": [a_change(finished_at_s=NOW_S - 60.0)]},
        "cooldown",
        Reason.COOLDOWN,
    ),
    "at once": (
        {"fleet": a_fleet(limits=limited(max_concurrent_changes=2), open_changes=2)},
        "fleet",
        Reason.FLEET_LIMIT,
    ),
    "none at once": (
        {"fleet": a_fleet(limits=limited(max_concurrent_changes=0))},
        "fleet",
        Reason.FLEET_LIMIT,
    ),
    "an hour": (
        {"fleet": a_fleet(limits=limited(max_changes_per_hour=3), planned_last_hour=3)},
        "fleet",
        Reason.FLEET_LIMIT,
    ),
    "a day": (
        {"fleet": a_fleet(limits=limited(max_changes_per_day=9), planned_last_day=10)},
        "fleet",
        Reason.FLEET_LIMIT,
    ),
    "fleet budget": (
        {"fleet": a_fleet(limits=limited(budget_usd_per_month=104.0)), "proposal": DEARER},
        "fleet",
        Reason.FLEET_LIMIT,
    ),
    "fleet cost unknown": (
        {
            "fleet": a_fleet(
                limits=limited(budget_usd_per_month=1000.0), usd_per_month=Missing("no price")
            ),
            "proposal": DEARER,
        },
        "fleet",
        Reason.FLEET_LIMIT,
    ),
}
ALLOWED = {
    "plain": {},
    "pause of another": {"pauses": [a_pause(str(replace(KEY, name="other")))]},
    "pause that ended": {"pauses": [a_pause(until_s=NOW_S)]},
    "drift that settled": {"ownership": Ownership(True, False, NOW_S, "1 to 2")},
    "open window": {
        "policy": a_policy(change_windows=(ChangeWindow((2,), 0, 23 * 60, "UTC"), TONIGHT))
    },
    "cooled down": {"changes": [a_change(finished_at_s=NOW_S - 6 * HOUR_S)]},
    "one below every limit": {
        "fleet": a_fleet(
            limits=FleetLimits(2, 3, 10, 105.0),
            open_changes=1,
            planned_last_hour=2,
            planned_last_day=9,
        ),
        "proposal": DEARER,
    },
    "a saving over the fleet's budget": {
        "fleet": a_fleet(limits=limited(budget_usd_per_month=1.0))
    },
    "a saving of unknown fleet cost": {
        "fleet": a_fleet(
            limits=limited(budget_usd_per_month=1.0), usd_per_month=Missing("no price")
        )
    },
}


def ask(situation: Situation) -> tuple[Decision, tuple[GuardVerdict, ...]]:
    assert situation.proposal is not None
    return check(situation, Propose(situation.proposal))


@pytest.mark.parametrize("case", REFUSALS)
def test_each_guard_says_no_for_exactly_its_reason(case: str) -> None:
    values, guard, reason = REFUSALS[case]
    decision, verdicts = ask(a_situation(**values))
    assert isinstance(decision, Hold)
    assert decision.reason is reason
    assert [(v.guard, v.reason) for v in verdicts if not v.allowed] == [(guard, reason)]
    assert all(v.detail for v in verdicts if not v.allowed)
    assert len(verdicts) == len(STANDING) + len(PROPOSAL)


@pytest.mark.parametrize("case", ALLOWED)
def test_what_no_guard_minds_goes_through(case: str) -> None:
    decision, verdicts = ask(a_situation(**ALLOWED[case]))
    assert isinstance(decision, Propose)
    assert all(v.allowed and v.reason is None for v in verdicts)


@given(st.sets(st.sampled_from(sorted(REFUSALS)), min_size=1, max_size=6))
def test_the_first_no_wins_and_all_are_listed(cases: set[str]) -> None:
    values: dict[str, object] = {}
    for case in sorted(cases):
        values |= REFUSALS[case][0]
    decision, verdicts = ask(a_situation(**values))
    no = [v for v in verdicts if not v.allowed]
    assert isinstance(decision, Hold)
    assert (decision.reason, decision.detail, decision.until_s) == (
        no[0].reason,
        no[0].detail,
        no[0].until_s,
    )
    order = [*STANDING, *PROPOSAL]
    assert [v.guard for v in verdicts] == order
    alone = {
        guard
        for case in cases
        for kept, guard, _ in [REFUSALS[case]]
        if kept.items() <= values.items()
    }
    assert alone <= {v.guard for v in no}


@pytest.mark.parametrize("case", REFUSALS)
def test_standing_guards_speak_whatever_is_wanted_and_others_only_of_a_proposal(case: str) -> None:
    values, guard, reason = REFUSALS[case]
    quiet = Hold(Reason.RIGHT_SIZE, "fine")
    decision, verdicts = check(a_situation(**{**values, "proposal": None}), quiet)
    assert [v.guard for v in verdicts] == list(STANDING)
    assert isinstance(decision, Hold)
    assert decision.reason is (reason if guard in STANDING else Reason.RIGHT_SIZE)


@given(st.permutations([a_pause(str(KEY), until_s=NOW_S + 60.0), a_pause(), a_pause(actor="bob")]))
def test_of_several_pauses_the_one_that_lasts_speaks(pauses: list[object]) -> None:
    decision, _ = ask(a_situation(pauses=pauses))
    assert isinstance(decision, Hold)
    assert decision.until_s is None
    assert decision.detail.startswith("the fleet is paused by")


def test_a_pause_that_ends_says_when() -> None:
    pauses = [a_pause(until_s=NOW_S + 60.0), a_pause(str(KEY), until_s=NOW_S + 3600.0)]
    for order in (pauses, pauses[::-1]):
        decision, _ = ask(a_situation(pauses=order))
        assert isinstance(decision, Hold)
        assert decision.until_s == NOW_S + 3600.0


def test_time_bound_reasons_say_when_they_end() -> None:
    shut, _ = ask(a_situation(policy=a_policy(change_windows=(TONIGHT,))))
    assert isinstance(shut, Hold)
    assert shut.until_s == NOW_S + 10 * HOUR_S
    warm, _ = ask(a_situation(changes=[a_change(finished_at_s=NOW_S - 60.0)]))
    assert isinstance(warm, Hold)
    assert warm.until_s == NOW_S - 60.0 + 6 * HOUR_S


# --- silence ---


@pytest.mark.parametrize(
    ("quiet_s", "trough", "stale"),
    [
        (900.0, 1e9, False),  # a quarter of an hour is the publication delay and then some
        (HOUR_S, 20.0, False),
        (HOUR_S, 27.0, True),
        (10 * HOUR_S, 0.0, False),
        (10 * HOUR_S, 3.0, True),
    ],
)
def test_silence_is_stale_data_where_traffic_never_stops(
    quiet_s: float, trough: float, stale: bool
) -> None:
    assert (silence(NOW_S - quiet_s, trough, NOW_S) is not None) == stale


def test_no_datapoint_at_all_is_no_staleness() -> None:
    assert silence(Missing("no datapoints"), 1e9, NOW_S) is None


def test_what_a_client_sees_is_held_for_a_probe() -> None:
    policy = a_policy(slo=Slo(200.0, covers=Covers.CLIENT))
    key = replace(KEY, kind=Kind.SERVERLESS_ENDPOINT)
    decision, _ = ask(a_situation(policy=policy, state=a_state(key=key)))
    assert isinstance(decision, Hold)
    assert decision.reason is Reason.NEEDS_PROBE
    assert isinstance(ask(a_situation(policy=policy))[0], Propose), "of a function it is Duration"
    told = a_situation(policy=policy, state=a_state(key=key), client_seen=True)
    assert isinstance(ask(told)[0], Propose), "live probes have told"
