"""Sizes of real-time endpoints: which are looked at, which are chosen, and what is said."""

from dataclasses import replace

import numpy as np
import pytest
from realtime_world import (
    C5,
    PRICES,
    Machine,
    a_live,
    a_policy,
    a_sizing,
    a_state,
    an_observed,
    daily,
    parts_of,
    rows_of,
)

from controller.core.assess import Observed, assess, believe
from controller.kinds.realtime_endpoint.catalogue import TYPES
from controller.kinds.realtime_endpoint.kind import RealtimeRules
from controller.kinds.realtime_endpoint.question import rounded
from controller.kinds.realtime_endpoint.sizing import at_most
from controller.model.decision import Assessment, Hold, Propose
from controller.model.estimate import Candidate, Rejection
from controller.model.missing import Missing
from controller.model.policy import Autoscaling, Bounds, OnConflict
from controller.model.reason import Reason
from controller.model.size import RealtimeSize
from controller.sandbox.sagemaker.catalogue import instance_types
from controller.sandbox.sagemaker.stations import ServerStation

SIX = replace(C5, min_instances=6, max_instances=6)
WEEK = daily(20.0, 200.0)
FAMILIES = Bounds(instance_families=("c5", "m5"))


def judged(observed: Observed, prices: dict[str, float] | None = None) -> Assessment:
    sizing = a_sizing(observed, prices)
    return assess(observed, sizing, believe(observed, sizing))


def seen(size: RealtimeSize = SIX, rates: list[float] | None = None, **values: object) -> Observed:
    """Two weeks of daily demand at a size, on a machine that bears 73 rps within 100 ms."""
    parts = parts_of(Machine(), size, WEEK if rates is None else rates, 100.0)
    return an_observed(parts, size, **values)  # type: ignore[arg-type]


def of_type(found: Assessment, name: str) -> Candidate:
    """The candidate of a type that is not the current size."""
    assert found.state is not None
    return next(
        c
        for c in found.candidates
        if isinstance(c.estimate.size, RealtimeSize)
        and c.estimate.size.instance_type == name
        and c.estimate.size != found.state.size
    )


def target(found: Assessment) -> RealtimeSize:
    assert isinstance(found.wanted, Propose), found.wanted
    size = found.wanted.proposal.target
    assert isinstance(size, RealtimeSize)
    return size


# --- what is chosen


def test_a_fleet_for_the_peak_becomes_one_that_follows_the_day() -> None:
    found = target(judged(seen()))
    assert found.instance_type == "ml.c5.xlarge"
    assert found.min_instances == 1
    assert found.max_instances >= 5
    assert found.target_per_instance is not None
    assert found.target_per_instance / 60.0 <= 0.7 * Machine().capacity_rps(100.0)
    assert [a.cron.split()[0] for a in found.schedule] == ["cron(10", "cron(50"]


def test_after_applying_the_decision_is_hold() -> None:
    size = target(judged(seen()))
    again = judged(seen(size))
    assert isinstance(again.wanted, Hold), again.sentence
    assert again.wanted.reason is Reason.RIGHT_SIZE


def test_two_endpoints_in_different_order_give_the_same_decisions() -> None:
    one, other = seen(policy=a_policy(bounds=FAMILIES)), seen(C5, rates=daily(10.0, 60.0))
    first = [judged(one).sentence, judged(other).sentence]
    last = [judged(other).sentence, judged(one).sentence]
    assert first == last[::-1]


def test_no_data_is_no_change() -> None:
    nothing = an_observed(())
    assert isinstance(judged(nothing).wanted, Hold)
    unloaded = seen()
    rows = tuple(replace(row, load_rps=Missing("gone")) for row in unloaded.rows)
    assert isinstance(judged(replace(unloaded, rows=rows)).wanted, Hold)


def test_the_availability_floor_and_the_upper_bound_hold() -> None:
    policy = a_policy(bounds=Bounds(min_instances=2, max_instances=4))
    found = judged(seen(policy=policy))
    mine = of_type(found, "ml.c5.xlarge")
    size = mine.estimate.size
    assert isinstance(size, RealtimeSize)
    assert (size.min_instances, size.max_instances) == (2, 4)
    assert "max 4 from the policy's bounds, the peak asks for" in mine.estimate.evidence


def test_the_budget_binds_aloud() -> None:
    policy = a_policy(budget_usd_per_month=300.0, on_conflict=OnConflict.BUDGET)
    found = judged(seen(policy=policy))
    said = [c.estimate.evidence for c in found.candidates]
    assert any("from the budget, the peak asks for" in words for words in said), said


def test_without_schedules_where_the_policy_wants_none() -> None:
    policy = a_policy(autoscaling=Autoscaling(schedule=False))
    assert target(judged(seen(policy=policy))).schedule == ()


def test_headroom_is_the_policys() -> None:
    careful = target(judged(seen(policy=a_policy(autoscaling=Autoscaling(0.35, schedule=False)))))
    usual = target(judged(seen(policy=a_policy(autoscaling=Autoscaling(0.7, schedule=False)))))
    assert careful.target_per_instance == pytest.approx(
        (usual.target_per_instance or 0.0) / 2.0, rel=0.1
    )


def test_flat_demand_keeps_a_fixed_number() -> None:
    found = judged(seen(replace(C5, min_instances=3, max_instances=3), rates=[120.0] * 288 * 3))
    assert isinstance(found.wanted, Hold)


def test_a_machine_too_small_for_its_peak_gets_more_instances_at_once() -> None:
    """The upper bound is too low: the peak is served late every day."""
    size = RealtimeSize("ml.c5.xlarge", 1, 3, 2500.0)
    rates = daily(20.0, 270.0, days=3)
    found = judged(seen(size, rates=rates))
    assert found.wanted.proposal.reason in {Reason.DEMAND_CHANGED, Reason.SLO_BREACHED}
    assert target(found).max_instances > 3


def test_at_the_upper_bound_an_urgent_raise_is_among_the_candidates() -> None:
    size = RealtimeSize("ml.c5.xlarge", 1, 3, 2500.0)
    live = a_live(size, instances=3)
    found = judged(seen(size, rates=daily(20.0, 150.0), live=live))
    urgent = [c for c in found.candidates if "instances are running" in c.estimate.evidence]
    assert [c.estimate.size for c in urgent] == [replace(size, max_instances=5)]


# --- which types


def test_other_types_are_estimated_but_not_switched_to_unmeasured() -> None:
    """Not even the next size of the same family."""
    found = judged(seen(policy=a_policy(bounds=FAMILIES)))
    for name in ("ml.m5.xlarge", "ml.c5.4xlarge", "ml.c5.2xlarge", "ml.c5.large"):
        candidate = of_type(found, name)
        assert candidate.rejection is Rejection.NOT_MEASURED
        assert candidate.detail.startswith("not measured, p95 ")
        assert candidate.detail.endswith(": a probe would tell (allow shadows)")
        assert "predicted from ml.c5.xlarge" in candidate.estimate.evidence


def test_a_type_measured_before_is_known_as_measured() -> None:
    """A twice as fast type at less than its price, measured in the same fingerprint."""
    policy = a_policy(bounds=FAMILIES)
    past = RealtimeSize("ml.m5.xlarge", 2, 2)
    fast = parts_of(Machine(ServerStation(15.0, 8)), past, WEEK[:1000], 100.0)
    fast = tuple(replace(w, start_s=w.start_s - 5e6, end_s=w.end_s - 5e6) for w in fast)
    found = judged(seen(policy=policy, more_rows=rows_of(fast, past)))
    assert of_type(found, "ml.m5.xlarge").estimate.measured_requests > 0
    assert target(found).instance_type.startswith("ml.m5.")


def test_accelerators_and_graviton_are_looked_at_only_by_name() -> None:
    families = Bounds(instance_families=("c5", "c6g", "g4dn", "inf1"))
    names = {
        c.estimate.size.instance_type  # type: ignore[union-attr]
        for c in judged(seen(policy=a_policy(bounds=families))).candidates
    }
    assert all(name.startswith("ml.c5.") for name in names)
    named = Bounds(instance_types=("ml.c5.xlarge", "ml.g4dn.xlarge"))
    found = judged(seen(policy=a_policy(bounds=named)))
    assert of_type(found, "ml.g4dn.xlarge").rejection is Rejection.NOT_MEASURED


def test_an_image_for_x86_does_not_go_to_graviton() -> None:
    named = a_policy(bounds=Bounds(instance_types=("ml.c5.xlarge", "ml.c6g.xlarge")))
    live = a_live(SIX, architecture="x86_64")
    found = of_type(judged(seen(policy=named, live=live)), "ml.c6g.xlarge")
    assert found.rejection is Rejection.NOT_ALLOWED
    assert found.detail == "the image is for x86_64, ml.c6g.xlarge is arm64"


def test_a_volume_key_excludes_types_with_local_disks() -> None:
    """Fact 2.1: AWS refuses KmsKeyId there."""
    named = a_policy(bounds=Bounds(instance_types=("ml.c5.xlarge", "ml.c5d.xlarge")))
    live = a_live(SIX, has_volume_key=True)
    found = of_type(judged(seen(policy=named, live=live)), "ml.c5d.xlarge")
    assert found.rejection is Rejection.NOT_ALLOWED
    assert "KmsKeyId" in found.detail


def test_a_type_without_a_price_is_excluded_with_the_reason() -> None:
    named = a_policy(bounds=Bounds(instance_types=("ml.c5.xlarge", "ml.c5.2xlarge")))
    found = judged(seen(policy=named), {"ml.c5.xlarge": 0.204})
    candidate = of_type(found, "ml.c5.2xlarge")
    assert candidate.rejection is Rejection.PRICE_UNKNOWN
    assert candidate.detail == "no price of ml.c5.2xlarge in us-east-1"


def test_no_price_of_the_live_type_holds() -> None:
    found = judged(seen(), {})
    assert isinstance(found.wanted, Hold)
    assert found.wanted.reason is Reason.PRICE_UNKNOWN


def test_a_burstable_type_never_scales() -> None:
    """Fact 4.2: T2 is not supported for autoscaling."""
    named = a_policy(bounds=Bounds(instance_types=("ml.c5.xlarge", "ml.t2.medium")))
    size = of_type(judged(seen(policy=named)), "ml.t2.medium").estimate.size
    assert isinstance(size, RealtimeSize)
    assert size.min_instances == size.max_instances
    assert size.target_per_instance is None


def test_the_accounts_quota_binds_aloud() -> None:
    live = replace(a_live(SIX), quota_left={"ml.c5.xlarge": 0, "ml.c5.2xlarge": 0})
    policy = a_policy(bounds=FAMILIES)
    found = judged(seen(policy=policy, live=live, rates=daily(20.0, 290.0)))
    assert "max 6 from the account's quota" in of_type(found, "ml.c5.xlarge").estimate.evidence
    assert of_type(found, "ml.c5.2xlarge").rejection is Rejection.NOT_ALLOWED


def test_a_type_that_cannot_hold_the_memory_in_use_is_out() -> None:
    use = replace(seen().memory_use[0], max_used_mb=5000)
    found = judged(seen(policy=a_policy(bounds=FAMILIES), memory_use=(use,)))
    assert of_type(found, "ml.c5.large").rejection is Rejection.BELOW_MEMORY_FLOOR


def test_a_live_type_that_the_policy_does_not_list_is_left() -> None:
    found = judged(seen(policy=a_policy(bounds=Bounds(instance_types=("ml.c5.2xlarge",)))))
    assert isinstance(found.wanted, Propose)
    assert found.wanted.proposal.reason is Reason.OUTSIDE_BOUNDS
    assert target(found).instance_type == "ml.c5.2xlarge"


# --- small things


def test_targets_have_two_significant_digits() -> None:
    assert [rounded(v) for v in (0.2, 7.77, 54.9, 1234.0, 99_999.0)] == [1, 7.7, 54, 1200, 99_000]


def test_a_lowered_upper_bound_lowers_everything_with_it() -> None:
    size = target(judged(seen()))
    low = at_most(size, 1)
    assert (low.min_instances, low.max_instances, low.schedule) == (1, 1, ())
    assert all(a.max_instances == 4 for a in at_most(size, 4).schedule)


def test_memory_in_use_is_the_metrics_share_of_the_types_memory() -> None:
    rules = RealtimeRules()
    parts = parts_of(Machine(), C5, WEEK[:24], 100.0)
    use = rules.memory_seen(a_state(), parts)
    assert [(row.memory_mb, row.max_used_mb) for row in use] == [(8192, 2458)]
    assert rules.memory_seen(a_state(replace(C5, instance_type="ml.x9.large")), parts) == ()


def test_the_identity_is_the_size_and_the_code_not_the_number_that_runs() -> None:
    rules = RealtimeRules()
    size = RealtimeSize("ml.c5.xlarge", 1, 5, 900.0)
    idle, busy = (a_state(size, a_live(size, instances=n)) for n in (1, 5))
    assert rules.identity(idle) == rules.identity(busy)
    assert rules.modified_at_s(idle) < idle.realtime.endpoint.modified_at_s


def test_the_catalogue_agrees_with_what_the_sandbox_serves() -> None:
    for name, kind in instance_types().items():
        known = TYPES.get(name)
        if known is None:
            continue
        assert known.vcpus == (kind.vcpus if name != "ml.c7g.medium" else 1)
        assert known.memory_gib == pytest.approx(kind.memory_gib, rel=0.01)
        assert known.local_nvme == kind.nvme
        assert (known.architecture == "arm64") == kind.arm
        assert known.accelerators == kind.accelerators
    assert set(PRICES.usd_per_hour) <= set(TYPES)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_week_that_differs_by_noise_rewrites_nothing(seed: int) -> None:
    """Ten per cent up or down an hour, another noise each week: the same size stays."""
    size = target(judged(seen()))
    dice = np.random.default_rng(seed)
    hours = np.repeat(np.exp(dice.normal(0.0, 0.1, len(WEEK) // 12)), 12)
    found = judged(seen(size, rates=[float(r) for r in np.asarray(WEEK) * hours]))
    assert isinstance(found.wanted, Hold), found.sentence


def test_a_jump_that_comes_every_morning_is_met_by_a_scheduled_raise() -> None:
    """Target tracking answers within minutes; by then the first of them were served late."""
    size = RealtimeSize("ml.c5.xlarge", 1, 8, 2500.0)
    rates = [180.0 if 84 <= i % 288 < 228 else 15.0 for i in range(14 * 288)]
    half_a_day = rates[144:] + rates[:144]  # the run ends at noon
    found = judged(seen(size, rates=half_a_day))
    assert {a.cron for a in target(found).schedule} == {"cron(50 6 ? * * *)", "cron(10 19 ? * * *)"}
    assert isinstance(judged(seen(target(found), rates=half_a_day)).wanted, Hold)


def test_a_smooth_day_is_left_to_target_tracking() -> None:
    size = replace(target(judged(seen())), schedule=())
    assert isinstance(judged(seen(size)).wanted, Hold)


def test_a_quiet_weekend_does_not_lower_the_upper_bound() -> None:
    found = target(judged(seen(rates=daily(10.0, 60.0, days=2))))
    assert found.min_instances < 6
    assert found.max_instances == 6
