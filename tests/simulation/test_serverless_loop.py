"""The whole loop on serverless endpoints: what is too big shrinks, what breaches grows."""

from dataclasses import replace
from typing import Any

import pytest
from serverless_account import ServerlessAccount, endpoint, serverless_policy
from virtual_account import DAY_S, HOUR_S

from controller.model.change import ChangePhase
from controller.model.decision import Hold
from controller.model.policy import Bounds, Cadence, Covers, Rollout, Slo
from controller.model.reason import Reason

SOON = Cadence(cooldown_up_s=6 * HOUR_S, cooldown_down_s=6 * HOUR_S, stabilization_s=6 * HOUR_S)
SET = "UpdateEndpointWeightsAndCapacities"
FAST = Rollout(bake_s=300.0, max_bake_s=3600.0, min_requests=100)


def held(account: ServerlessAccount, name: str) -> Hold:
    """The last decision, which must be a hold."""
    decision = account.assessed(name).decision
    assert isinstance(decision, Hold)
    return decision


def calls(account: ServerlessAccount, operation: str) -> int:
    """How often an operation was carried out for us."""
    ours = "arn:aws:iam::123456789012:user/sandbox"
    return sum(
        1
        for call in account.calls.calls("sagemaker")
        if call.operation == operation and call.outcome == "ok" and call.principal == ours
    )


def test_an_overprovisioned_endpoint_shrinks_and_then_rests() -> None:
    account = ServerlessAccount([endpoint("over", 6144)], [serverless_policy("over", 400.0)])
    account.run(4 * DAY_S)
    changes = account.changes_of("over")
    assert 1 <= len(changes) <= 2
    assert all(c.phase is ChangePhase.VERIFIED for c in changes)
    assert account.size("over") == (1024, 20)
    assert held(account, "over").reason is Reason.RIGHT_SIZE
    assert changes[-1].reason is Reason.CHEAPER_SIZE


def test_a_breaching_endpoint_grows_at_once() -> None:
    slow = endpoint("under", 1024, work=400_000.0, saturation_mb=6144.0)
    account = ServerlessAccount([slow], [serverless_policy("under", 250.0)])
    account.run(3 * HOUR_S)
    (change,) = account.changes_of("under")
    assert change.reason is Reason.SLO_BREACHED
    assert change.phase is ChangePhase.VERIFIED
    assert change.planned_at_s - account.world.start_s < 600.0
    assert account.size("under")[0] > 1024


def test_a_throttled_endpoint_gets_a_higher_limit_without_a_new_config() -> None:
    busy = endpoint("busy", 2048, max_concurrency=3, rps=12.0, fixed_ms=60.0, work=400_000.0)
    account = ServerlessAccount([busy], [serverless_policy("busy", 600.0)])
    account.run(6 * HOUR_S)
    changes = account.changes_of("busy")
    assert {c.reason for c in changes} == {Reason.REQUESTS_THROTTLED}
    assert all(c.phase is ChangePhase.VERIFIED for c in changes)
    memory_mb, limit = account.size("busy")
    assert memory_mb == 2048
    assert limit >= 10
    assert account.live("busy").config_name == "busy-config"
    assert calls(account, "CreateEndpointConfig") == 0
    throttled = account.assessed("busy").slo
    assert getattr(throttled, "throttle_ratio", None) == 0.0


def test_a_limit_is_raised_while_the_objective_is_broken_too() -> None:
    both = endpoint("both", 6144, max_concurrency=2, rps=12.0, fixed_ms=400.0, saturation_mb=1024.0)
    account = ServerlessAccount([both], [serverless_policy("both", 300.0)])
    account.run(3 * HOUR_S)
    assert account.size("both")[1] >= 10
    assert held(account, "both").reason is Reason.INFEASIBLE


def test_a_limit_beyond_the_policys_is_not_set() -> None:
    busy = endpoint("busy", 2048, max_concurrency=3, rps=12.0, fixed_ms=60.0, work=400_000.0)
    bounds = Bounds(max_concurrency=5)
    account = ServerlessAccount([busy], [serverless_policy("busy", 600.0, bounds=bounds)])
    account.run(6 * HOUR_S)
    assert account.size("busy") == (2048, 5)


@pytest.mark.parametrize("times", [1, 3])
def test_a_silent_rollback_is_recognised_and_the_way_quarantined(times: int) -> None:
    faults = [{"endpoint": "over", "outcome": "Failed", "times": times}]
    account = ServerlessAccount(
        [endpoint("over", 6144)],
        [serverless_policy("over", 400.0, cadence=SOON)],
        extra={"endpoint_update_faults": faults},
    )
    account.run(20 * HOUR_S)
    (change,) = account.changes_of("over")
    assert change.phase is ChangePhase.ROLLED_BACK
    assert change.verdict is not None
    assert change.verdict.reason is Reason.UPDATE_FAILED
    assert "Request to service failed" in change.verdict.detail
    assert account.size("over") == (6144, 20)
    assert held(account, "over").reason is Reason.QUARANTINED
    assert list(account.place.configs) == ["over-config"], "what we made is gone"
    if times == 1:
        account.run(2 * DAY_S)
        assert account.changes_of("over")[-1].phase is ChangePhase.VERIFIED


def test_what_made_it_worse_is_undone_and_the_limit_set_in_place_comes_back() -> None:
    slow = {"effect": "latency", "factor": 12.0, "from_in_s": 200.0}
    over = endpoint("over", 6144, disturbances=[slow])
    account = ServerlessAccount(
        [over], [serverless_policy("over", 400.0, cadence=SOON, rollout=FAST)]
    )
    (variant,) = account.live("over").variants.values()
    raise_limit(account, variant.name, 33)
    account.run(2 * HOUR_S, account.settled)
    (change,) = account.changes_of("over")
    assert change.phase is ChangePhase.ROLLED_BACK
    assert account.size("over") == (6144, 33)
    assert account.live("over").config_name == "over-config"
    assert list(account.place.configs) == ["over-config"]


def raise_limit(account: ServerlessAccount, variant: str, limit: int, name: str = "over") -> None:
    """As if somebody had set it long ago."""
    held = account.live(name).variants[variant]
    assert held.current_serverless is not None
    held.current_serverless = replace(held.current_serverless, max_concurrency=limit)
    held.desired_serverless = held.current_serverless


@pytest.mark.parametrize(
    "deed",
    [
        {"actor": "endpoint_release", "memory_mb": 5120},
        {"actor": "endpoint_console", "max_concurrency": 44},
    ],
)
def test_somebody_elses_change_in_between_stands(deed: dict[str, Any]) -> None:
    actor = {"endpoint": "over", "at_in_s": 150.0, **deed}
    account = ServerlessAccount(
        [endpoint("over", 6144)],
        [serverless_policy("over", 400.0, rollout=FAST)],
        extra={"actors": [actor]},
    )
    account.run(5 * HOUR_S)
    memory_mb, limit = account.size("over")
    if "memory_mb" in deed:
        assert memory_mb == 5120
        assert account.changes_of("over")[-1].phase is ChangePhase.FAILED
    else:
        assert limit == 44
    assert held(account, "over").reason in {Reason.DRIFTED, Reason.OWNER_CONFLICT}


def test_memory_in_use_is_the_floor() -> None:
    account = ServerlessAccount(
        [endpoint("full", 4096, memory_used_mb=2500.0)], [serverless_policy("full", 400.0)]
    )
    account.run(3 * DAY_S)
    assert account.size("full")[0] == 3072


def test_an_objective_on_the_total_counts_what_the_service_adds() -> None:
    """40 ms of overhead on top of 80 ms: 100 ms are enough for the model alone."""
    docs = [endpoint(name, 2048, overhead_ms=40.0) for name in ("model", "total")]
    policies = [
        serverless_policy("model", 120.0),
        serverless_policy("total", 120.0, slo=Slo(120.0, covers=Covers.TOTAL)),
    ]
    account = ServerlessAccount(docs, policies)
    account.run(3 * HOUR_S)
    of_model, of_total = (account.assessed(name).slo for name in ("model", "total"))
    assert getattr(of_model, "p95_ms", 0.0) < 120.0 < getattr(of_total, "p95_ms", 0.0)


def test_what_a_client_sees_needs_a_probe() -> None:
    slo = Slo(400.0, covers=Covers.CLIENT)
    account = ServerlessAccount([endpoint("far", 6144)], [serverless_policy("far", 400.0, slo=slo)])
    account.run(2 * HOUR_S)
    assert held(account, "far").reason is Reason.NEEDS_PROBE
    assert account.changes_of("far") == []


def test_a_second_change_deletes_the_config_before_the_last_good_one() -> None:
    """Memory grows under a breach, twice: of three configs of ours the oldest is deleted."""
    worse = [
        {"effect": "latency", "factor": factor, "from_in_s": days * DAY_S}
        for factor, days in ((2.2, 0.5), (2.3, 1.0))
    ]
    slow = endpoint("grow", 1024, work=150_000.0, saturation_mb=6144.0, disturbances=worse)
    account = ServerlessAccount([slow], [serverless_policy("grow", 320.0, rollout=FAST)])
    account.run(1.4 * DAY_S)
    done = [c for c in account.changes_of("grow") if c.phase is ChangePhase.VERIFIED]
    assert len(done) >= 2
    live = account.live("grow").config_name
    assert set(account.place.configs) == {"grow-config", done[-1].progress["config"], live}


def _with_neighbours(limit: int) -> ServerlessAccount:
    """A throttled endpoint, and five others that hold much of the account's pool of 1000."""
    others = [endpoint(f"other-{n}", 1024, max_concurrency=limit, rps=0.0) for n in range(5)]
    busy = endpoint("busy", 2048, max_concurrency=3, rps=12.0, fixed_ms=60.0, work=400_000.0)
    return ServerlessAccount([busy, *others], [serverless_policy("busy", 600.0)])


def test_a_limit_is_raised_as_far_as_the_accounts_pool_goes() -> None:
    account = _with_neighbours(199)
    account.run(1 * HOUR_S)
    assert account.size("busy") == (2048, 5)


def test_a_refusal_for_good_ends_the_change_with_awss_words() -> None:
    """Somebody else takes the rest of the pool between our count and our call."""
    account = _with_neighbours(190)
    taken: list[int] = []

    def take(moment: str, ctx: Any) -> None:
        if moment == "before" and ctx.operation == SET and not taken:
            taken.append(1)
            raise_limit(account, "AllTraffic", 200, name="other-0")
            for number in range(1, 5):
                raise_limit(account, "AllTraffic", 199, name=f"other-{number}")

    account.faults.hooks.append(take)
    account.run(1 * HOUR_S)
    assert taken
    (change,) = account.changes_of("busy")
    assert change.phase is ChangePhase.ROLLED_BACK
    assert change.verdict is not None
    assert change.verdict.reason is Reason.UPDATE_FAILED
    assert "ResourceLimitExceeded" in change.verdict.detail
    assert account.size("busy") == (2048, 3)


@pytest.mark.parametrize("autoscaled", [True, False])
def test_environments_kept_warm_are_left_alone(autoscaled: bool) -> None:
    """Their price is not known here; and where they are autoscaled, somebody else moves them."""
    warm = endpoint("warm", 6144, seed={"provisioned_concurrency": 2})
    dimension = "sagemaker:variant:DesiredProvisionedConcurrency"
    target = {"endpoint": "warm", "dimension": dimension, "min": 1, "max": 4}
    extra = {"scalable_targets": [target]} if autoscaled else {}
    account = ServerlessAccount([warm], [serverless_policy("warm", 400.0)], extra=extra)
    account.run(1 * HOUR_S)
    expected = Reason.FOREIGN_AUTOSCALING if autoscaled else Reason.PRICE_UNKNOWN
    assert held(account, "warm").reason is expected
    assert account.changes_of("warm") == []
