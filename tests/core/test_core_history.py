"""What the journal teaches: quarantine, cooldowns, ownership."""

from dataclasses import replace

import pytest
from given import DAY_S, HOUR_S, NOW_S, a_change, a_verdict

from controller.core.history import (
    DRIFT_HOLD_S,
    OWNER_CONFLICT_S,
    QUARANTINE_LIMIT_S,
    Ownership,
    cooldown_until_s,
    final_size,
    ownership,
    quarantined,
    verified_since,
)
from controller.model.change import Change, ChangePhase, VerdictKind
from controller.model.estimate import Rejection
from controller.model.policy import Cadence
from controller.model.reason import Reason
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize

LADDER = [LambdaSize(mb) for mb in (256, 512, 1024, 2048, 4096)]
FINE = [LambdaSize(mb) for mb in range(1024, 2049, 128)]
MINUTE_S = 60.0


def undone(before_mb: int, target_mb: int, reason: Reason, ended_s: float) -> Change:
    kind = VerdictKind.FAIL
    if reason in {Reason.TOO_FEW_SAMPLES, Reason.UPDATE_FAILED}:
        kind = VerdictKind.INCONCLUSIVE
    return a_change(
        before_mb,
        target_mb,
        ChangePhase.ROLLED_BACK,
        finished_at_s=ended_s,
        verdict=a_verdict(kind, reason, "12 of 200 requests slow"),
    )


def barred_mb(*changes: Change, now_s: float = NOW_S) -> list[int]:
    newest_first = sorted(changes, key=lambda c: -c.planned_at_s)
    found = quarantined(newest_first, LADDER, now_s)
    assert all(rejection is Rejection.QUARANTINED for rejection, _ in found.values())
    return sorted(size.memory_mb for size in found)


# --- quarantine ---


def test_an_empty_journal_bars_nothing() -> None:
    assert quarantined([], LADDER, NOW_S) == {}


@pytest.mark.parametrize(
    ("before_mb", "target_mb", "reason", "expected"),
    [
        (2048, 1024, Reason.MADE_WORSE, [256, 512, 1024]),
        (1024, 2048, Reason.NO_BENEFIT, [1024, 2048, 4096]),
        (1024, 4096, Reason.MADE_WORSE, [1024, 2048, 4096]),
        (2048, 1024, Reason.TOO_FEW_SAMPLES, [256, 512, 1024, 2048]),
        (1024, 2048, Reason.TOO_FEW_SAMPLES, [1024, 2048, 4096]),
        (1024, 2048, Reason.UPDATE_FAILED, [256, 512, 1024, 2048, 4096]),
        (2048, 1024, Reason.PAUSED, []),
        (2048, 1024, Reason.FOREIGN_CHANGE, []),
    ],
)
def test_what_was_undone_is_left_alone(
    before_mb: int, target_mb: int, reason: Reason, expected: list[int]
) -> None:
    assert barred_mb(undone(before_mb, target_mb, reason, NOW_S - HOUR_S)) == expected


def test_after_a_failed_decrease_the_next_rung_is_not_tried_either() -> None:
    failed = undone(2048, 1024, Reason.MADE_WORSE, NOW_S - HOUR_S)
    assert sorted(quarantined([failed], FINE, NOW_S)) == FINE[:5]  # 1,024 to 1,536 MB
    assert sorted(quarantined([failed], LADDER, NOW_S)) == LADDER[:3]


def test_of_several_lessons_the_one_that_lasts_is_told() -> None:
    first = undone(2048, 1024, Reason.MADE_WORSE, NOW_S - 23 * HOUR_S)
    second = undone(2048, 1024, Reason.MADE_WORSE, NOW_S - HOUR_S)
    for journal in ([first, second], [second, first]):
        _, words = quarantined(journal, LADDER, NOW_S)[LambdaSize(512)]
        assert words == "1024 MB made things worse; for 47 h more"


def test_thin_traffic_on_the_way_down_never_bars_the_way_up() -> None:
    thin = undone(1024, 512, Reason.TOO_FEW_SAMPLES, NOW_S - HOUR_S)
    assert not {2048, 4096} & set(barred_mb(thin))


def test_a_climb_out_of_a_breach_bars_what_it_left() -> None:
    climbed = a_change(512, 2048, reason=Reason.SLO_BREACHED, finished_at_s=NOW_S - HOUR_S)
    assert barred_mb(climbed) == [256, 512]


@pytest.mark.parametrize("phase", [ChangePhase.FAILED, ChangePhase.VERIFYING])
def test_a_change_that_failed_or_is_open_teaches_nothing(phase: ChangePhase) -> None:
    change = a_change(2048, 1024, phase, verdict=a_verdict(VerdictKind.FAIL, Reason.MADE_WORSE))
    assert barred_mb(change) == []


def test_quarantine_lasts_a_day_and_doubles_with_each_repetition() -> None:
    first = undone(2048, 1024, Reason.MADE_WORSE, NOW_S)
    second = undone(1024, 512, Reason.MADE_WORSE, NOW_S + 2 * DAY_S)
    assert barred_mb(first, now_s=NOW_S + DAY_S - 1) == [256, 512, 1024]
    assert barred_mb(first, now_s=NOW_S + DAY_S) == []
    assert barred_mb(first, second, now_s=NOW_S + 4 * DAY_S - 1) == [256, 512]
    assert barred_mb(first, second, now_s=NOW_S + 4 * DAY_S) == []


def test_quarantine_never_lasts_longer_than_thirty_days() -> None:
    tries = [undone(2048, 1024, Reason.MADE_WORSE, NOW_S + i * DAY_S) for i in range(12)]
    last_s = NOW_S + 11 * DAY_S
    assert barred_mb(*tries, now_s=last_s + QUARANTINE_LIMIT_S - 1) == [256, 512, 1024]
    assert barred_mb(*tries, now_s=last_s + QUARANTINE_LIMIT_S) == []


def test_lessons_of_different_kinds_do_not_double_each_other() -> None:
    up = undone(1024, 2048, Reason.NO_BENEFIT, NOW_S)
    down = undone(1024, 512, Reason.MADE_WORSE, NOW_S + 2 * DAY_S)
    assert barred_mb(up, down, now_s=NOW_S + 3 * DAY_S) == []


def test_the_order_of_the_journal_does_not_matter() -> None:
    tries = [undone(2048, 1024, Reason.MADE_WORSE, NOW_S + i * DAY_S) for i in range(3)]
    late_s = NOW_S + 4 * DAY_S
    assert quarantined(tries, LADDER, late_s) == quarantined(tries[::-1], LADDER, late_s)


# --- cooldown ---


def test_nothing_to_cool_down_from() -> None:
    assert cooldown_until_s([], LADDER[0], LADDER[1], Cadence()) is None


@pytest.mark.parametrize(("target_mb", "wait_s"), [(2048, 600.0), (512, 21_600.0)])
def test_up_cools_down_sooner_than_down(target_mb: int, wait_s: float) -> None:
    ended_s = NOW_S - 60.0
    changes = [a_change(finished_at_s=ended_s), a_change(finished_at_s=ended_s - DAY_S)]
    until_s = cooldown_until_s(changes, LambdaSize(target_mb), LambdaSize(1024), Cadence())
    assert until_s == ended_s + wait_s


def test_what_was_undone_needs_cooling_down_and_what_never_took_effect_does_not() -> None:
    undo = undone(1024, 512, Reason.MADE_WORSE, NOW_S - DAY_S)
    failed = a_change(1024, 512, ChangePhase.FAILED, finished_at_s=NOW_S)
    until_s = cooldown_until_s([failed, undo], LambdaSize(512), LambdaSize(1024), Cadence())
    assert until_s == NOW_S - DAY_S + 21_600.0


# --- ownership ---


def owner(
    live_mb: int, changed_at_s: float, *changes: Change, accepted_at_s: float | None = None
) -> Ownership:
    newest_first = sorted(changes, key=lambda c: -c.planned_at_s)
    return ownership(newest_first, LambdaSize(live_mb), changed_at_s, accepted_at_s, NOW_S)


@pytest.mark.parametrize(
    ("phase", "left_mb"), [(ChangePhase.VERIFIED, 512), (ChangePhase.ROLLED_BACK, 1024)]
)
def test_the_size_we_left_is_ours(phase: ChangePhase, left_mb: int) -> None:
    change = a_change(1024, 512, phase)
    assert final_size(change) == LambdaSize(left_mb)
    assert not owner(left_mb, NOW_S - DAY_S, change).foreign


@pytest.mark.parametrize("phase", [ChangePhase.FAILED, ChangePhase.APPLYING])
def test_without_a_size_that_we_left_any_size_is_right(phase: ChangePhase) -> None:
    assert not owner(4096, NOW_S, a_change(1024, 512, phase)).foreign


def test_another_size_is_drift_for_six_hours() -> None:
    found = owner(2048, NOW_S - HOUR_S, a_change(1024, 512))
    assert found.foreign
    assert not found.conflict
    assert found.until_s == NOW_S - HOUR_S + DRIFT_HOLD_S
    assert found.detail == "somebody changed 512 MB to 2048 MB"


def test_a_size_put_back_against_us_twice_has_another_owner_for_a_week() -> None:
    ours = a_change(2048, 1024, finished_at_s=NOW_S - 3 * DAY_S)
    again = a_change(2048, 1024, finished_at_s=NOW_S - DAY_S)
    found = owner(2048, NOW_S - HOUR_S, ours, again)
    assert found.conflict
    assert found.until_s == NOW_S - HOUR_S + OWNER_CONFLICT_S
    assert "2 times in a week" in found.detail


def test_changes_of_ours_that_follow_each_other_are_no_conflict() -> None:
    ours = a_change(4096, 2048, finished_at_s=NOW_S - 3 * DAY_S)
    again = a_change(2048, 1024, finished_at_s=NOW_S - DAY_S)
    found = owner(4096, NOW_S - HOUR_S, ours, again)
    assert found.foreign
    assert not found.conflict


def test_what_somebody_did_over_a_week_ago_is_forgotten() -> None:
    ours = a_change(2048, 1024, finished_at_s=NOW_S - 20 * DAY_S)
    again = a_change(2048, 1024, finished_at_s=NOW_S - 8 * DAY_S)
    found = owner(2048, NOW_S - HOUR_S, ours, again)
    assert found.foreign
    assert not found.conflict


def test_resume_accepts_what_is_live() -> None:
    ours = a_change(2048, 1024, finished_at_s=NOW_S - 3 * DAY_S)
    again = a_change(2048, 1024, finished_at_s=NOW_S - DAY_S)
    changed_s = NOW_S - HOUR_S
    assert not owner(2048, changed_s, ours, again, accepted_at_s=NOW_S - MINUTE_S).foreign
    later = owner(4096, NOW_S, ours, again, accepted_at_s=NOW_S - MINUTE_S)
    assert later.foreign
    assert not later.conflict, "what was before the resume is held against nobody"


def crossed(ended_s: float, phase: ChangePhase = ChangePhase.ROLLED_BACK) -> Change:
    """A change to 512 MB that somebody else undid while it was under way."""
    return a_change(
        1024,
        512,
        phase,
        finished_at_s=ended_s,
        progress={"fingerprint": "era-1", "asked": "UpdateMemory"},
        verdict=a_verdict(
            VerdictKind.INCONCLUSIVE, Reason.FOREIGN_CHANGE, "somebody put the old memory back"
        ),
    )


@pytest.mark.parametrize("phase", [ChangePhase.ROLLED_BACK, ChangePhase.FAILED])
def test_somebody_who_undoes_a_change_under_way_is_given_time(phase: ChangePhase) -> None:
    found = owner(1024, NOW_S - 9 * DAY_S, crossed(NOW_S - HOUR_S, phase))
    assert found.foreign
    assert not found.conflict
    assert found.until_s == NOW_S - HOUR_S + DRIFT_HOLD_S
    assert found.detail == (
        "somebody else was at work during our change to 512 MB: somebody put the old memory back"
    )


def test_undone_twice_while_under_way_is_a_conflict() -> None:
    found = owner(1024, NOW_S, crossed(NOW_S - 2 * DAY_S), crossed(NOW_S - DAY_S))
    assert found.conflict
    assert "2 times in a week" in found.detail


def test_one_deed_counts_once() -> None:
    failed = crossed(NOW_S - HOUR_S, ChangePhase.FAILED)
    before = a_change(2048, 1024, finished_at_s=NOW_S - 2 * DAY_S)
    found = owner(3008, NOW_S - HOUR_S, before, failed)
    assert found.foreign
    assert not found.conflict
    later = a_change(3008, 1024, finished_at_s=NOW_S - 600.0, planned_at_s=NOW_S - 1200.0)
    assert not owner(1024, NOW_S - 600.0, before, failed, later).conflict


def test_resume_forgives_what_was_crossed() -> None:
    found = owner(1024, NOW_S - 9 * DAY_S, crossed(NOW_S - HOUR_S), accepted_at_s=NOW_S - 60.0)
    assert not found.foreign


def test_a_release_in_between_is_no_fight_over_the_size() -> None:
    released = replace(
        crossed(NOW_S - HOUR_S),
        verdict=a_verdict(VerdictKind.INCONCLUSIVE, Reason.UNRELEASED_CODE),
    )
    assert not owner(1024, NOW_S - 9 * DAY_S, released).foreign


# --- what was verified ---


def test_only_verified_changes_since_an_instant_count_newest_first() -> None:
    changes = [
        a_change(1024, 512, finished_at_s=NOW_S - DAY_S),
        a_change(512, 1024, finished_at_s=NOW_S - 2 * DAY_S),
        a_change(1024, 512, ChangePhase.ROLLED_BACK, finished_at_s=NOW_S - 3 * DAY_S),
        a_change(2048, 1024, finished_at_s=NOW_S - 9 * DAY_S),
    ]
    assert verified_since(changes[::-1], 0.0) == [changes[0], changes[1], changes[3]]
    assert verified_since(changes, NOW_S - 5 * DAY_S) == changes[:2]


# --- instance types ---


def test_a_type_that_aws_has_none_of_is_left_alone_and_no_other() -> None:
    here, there = RealtimeSize("ml.c5.2xlarge", 1, 1), RealtimeSize("ml.c5.xlarge", 1, 2, 700.0)
    failed = replace(
        a_change(2048, 1024, ChangePhase.ROLLED_BACK, finished_at_s=NOW_S - HOUR_S),
        before=here,
        target=there,
        verdict=a_verdict(VerdictKind.INCONCLUSIVE, Reason.UPDATE_FAILED),
    )
    other = RealtimeSize("ml.m5.xlarge", 1, 2, 700.0)
    wider, more = replace(there, max_instances=9), replace(here, max_instances=3)
    sizes = [there, wider, other, more]
    assert set(quarantined([failed], sizes, NOW_S)) == {there, wider}
    assert not quarantined([failed], sizes, NOW_S + 2 * DAY_S)
    again = [replace(failed, id=i, planned_at_s=NOW_S - i * DAY_S) for i in range(1, 4)]
    assert set(quarantined(again, sizes, NOW_S + 2 * DAY_S)) == {there, wider}


def test_memory_that_was_too_slow_is_not_believed_again_until_the_code_changes() -> None:
    """Serverless endpoints have no canary: what was undone was measured in full."""
    here, there = ServerlessSize(4096, 10), ServerlessSize(2048, 10)
    failed = replace(
        a_change(2048, 1024, ChangePhase.ROLLED_BACK, finished_at_s=NOW_S - HOUR_S),
        before=here,
        target=there,
        verdict=a_verdict(VerdictKind.FAIL, Reason.MADE_WORSE),
    )
    sizes = [ServerlessSize(1024, 10), there, ServerlessSize(3072, 10)]
    assert set(quarantined([failed], sizes, NOW_S + 9 * DAY_S)) == set(sizes[:2])
    assert not quarantined([failed], sizes, NOW_S + 14 * DAY_S)
    assert not quarantined([failed], sizes, NOW_S, code_since_s=NOW_S - HOUR_S / 2)
