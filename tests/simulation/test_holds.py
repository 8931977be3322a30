"""Whatever stands in the way is a Hold with a Reason of its own, and nothing changes.

Each case is visible where people look: in the assessment (`explain`), in the journal's last
assessment, in the metrics, and as a sentence in the log.
"""

from collections.abc import Callable
from typing import Any

import pytest
from virtual_account import ACCOUNT, DAY_S, HOUR_S, REGION, Account, function, key_of, policy

from controller.model.condition import Pause
from controller.model.decision import Hold
from controller.model.policy import ChangeWindow, FleetLimits, Mode
from controller.model.reason import Reason
from controller.sandbox.faults import Fault, FaultKind
from controller.web.reading import FleetQuery

Trouble = Callable[[Account], None]


def _over(**changes: Any) -> dict[str, Any]:
    return function("f", 3008, age_days=3.0, **changes)


def _fault(kind: FaultKind, service: str, operation: str | None = None) -> Trouble:
    return lambda account: account.faults.add(Fault(kind, service, operation)) and None


def _metric_fault(kind: str) -> dict[str, Any]:
    return {"metric_faults": [{"kind": kind, "from_in_s": 0.0}]}


def _paused(account: Account) -> None:
    account.app.store.pause(
        Pause(str(key_of("f")), account.clock.now_s(), None, "moving house", "ann")
    )


CASES: dict[str, tuple[Reason, dict[str, Any], Trouble | None]] = {
    "metrics denied": (
        Reason.ACCESS_DENIED,
        {},
        _fault(FaultKind.DENIED, "cloudwatch"),
    ),
    "metrics throttled": (Reason.THROTTLED, {}, _fault(FaultKind.THROTTLE, "cloudwatch")),
    "metrics partial": (Reason.METRICS_UNAVAILABLE, _metric_fault("denied"), None),
    "function denied": (Reason.ACCESS_DENIED, {}, _fault(FaultKind.DENIED, "lambda", "GetAlias")),
    "unreachable": (Reason.UNREACHABLE, {}, _fault(FaultKind.UNREACHABLE, "lambda")),
    "expired": (Reason.CREDENTIALS, {}, _fault(FaultKind.EXPIRED, "lambda")),
    "REPORT lines denied": (
        Reason.MEMORY_USE_UNKNOWN,
        {},
        _fault(FaultKind.DENIED, "logs", "StartQuery"),
    ),
    "paused": (Reason.PAUSED, {}, _paused),
}


@pytest.mark.parametrize("name", CASES)
def test_trouble_is_a_hold_of_its_own(name: str) -> None:
    reason, extra, trouble = CASES[name]
    account = Account([_over()], [policy("f", 400.0)], extra=extra)
    account.app.engine.resync()
    if trouble is not None:
        trouble(account)
    account.run(2 * HOUR_S)
    _assert_held(account, reason)


def _assert_held(account: Account, reason: Reason, alias: str | None = "live") -> None:
    decision = account.last("f", alias).decision
    assert isinstance(decision, Hold), decision
    assert decision.reason is reason, decision
    assert account.mutations() == 0
    assert not account.app.store.changes()
    document = account.app.store.assessments()[key_of("f", alias)]
    assert document["reason"] == reason.value
    assert reason.value in document["message"]
    metrics = account.app.telemetry.render("")[0].decode()
    assert f'reason="{reason.value}"' in metrics


def test_an_unknown_price_holds() -> None:
    """No Price List, and the bundled table knows us-east-1 only."""
    account = Account([_over()], [policy("f", 400.0)])
    account.faults.add(Fault(FaultKind.DENIED, "pricing"))
    account.run(2 * HOUR_S)
    _assert_held(account, Reason.PRICE_UNKNOWN)


def test_two_policies_on_one_function_hold() -> None:
    account = Account([_over()], [policy("f", 400.0), policy("f", 300.0, name="other")])
    account.run(2 * HOUR_S)
    _assert_held(account, Reason.POLICY_CONFLICT)
    (entry,) = account.app.engine.entries()
    last = account.app.recorder.last(entry.key)
    assert last is not None
    assert "claimed by f (policies.yaml:1:1) and by other (policies.yaml:1:1)" in last.sentence
    for name in ("f", "other"):
        found = account.app.site.fleet(FleetQuery(policies=frozenset({name})))
        assert [one["policy"] for one in found["items"]] == ["f, other"], "under both of them"


@pytest.mark.parametrize(
    ("mode", "reason"),
    [(Mode.RECOMMEND, Reason.MODE_RECOMMEND), (Mode.OBSERVE, Reason.MODE_OBSERVE)],
)
def test_modes_that_do_not_act(mode: Mode, reason: Reason) -> None:
    account = Account([_over()], [policy("f", 400.0, mode=mode)])
    account.run(2 * HOUR_S)
    _assert_held(account, reason)


def test_mode_off_does_not_even_read() -> None:
    account = Account([_over()], [policy("f", 400.0, mode=Mode.OFF)])
    account.run(2 * HOUR_S)
    assert not account.seen
    assert not account.calls.calls("cloudwatch")


def test_a_closed_change_window_holds_and_says_when_it_opens() -> None:
    # the simulation starts on a Friday; the window is on Tuesdays
    window = ChangeWindow((1,), 9 * 60, 17 * 60, "Europe/Berlin")
    account = Account([_over()], [policy("f", 400.0, change_windows=(window,))])
    account.run(2 * HOUR_S)
    _assert_held(account, Reason.OUTSIDE_CHANGE_WINDOW)
    decision = account.last("f").decision
    assert isinstance(decision, Hold)
    assert decision.until_s is not None
    assert decision.until_s > account.clock.now_s()


def test_a_fleet_limit_of_zero_is_a_limit() -> None:
    account = Account([_over()], [policy("f", 400.0)], limits=FleetLimits(max_concurrent_changes=0))
    account.run(2 * HOUR_S)
    _assert_held(account, Reason.FLEET_LIMIT)


def test_a_function_that_is_not_there() -> None:
    account = Account([], [policy("f", 400.0)])
    account.run(HOUR_S)
    _assert_held(account, Reason.NOT_FOUND)


def test_unreleased_code_behind_the_alias_holds() -> None:
    """Publishing $LATEST would release what nobody has released."""
    account = Account([_over()], [policy("f", 400.0)])
    account.app.engine.resync()
    lambda_ = account.app.sessions.lambda_writes(policy("f", 1.0).target.scope)
    lambda_.update_function_configuration(FunctionName="f", Timeout=77)
    before = account.mutations()
    account.run(2 * HOUR_S)
    decision = account.last("f").decision
    assert isinstance(decision, Hold)
    assert decision.reason is Reason.UNRELEASED_CODE
    assert account.mutations() == before


def test_somebody_elses_canary_holds() -> None:
    account = Account([_over()], [policy("f", 400.0)])
    function_ = account.world.region(ACCOUNT, REGION).functions["f"]
    lambda_ = account.app.sessions.lambda_writes(policy("f", 1.0).target.scope)
    lambda_.update_function_configuration(FunctionName="f", MemorySize=2048)
    account.clock.advance_to(account.clock.now_s() + 60.0)
    lambda_.publish_version(FunctionName="f")
    lambda_.update_alias(
        FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}}
    )
    before = account.mutations()
    account.run(2 * HOUR_S)
    decision = account.last("f").decision
    assert isinstance(decision, Hold)
    assert decision.reason is Reason.FOREIGN_ROUTING
    assert account.mutations() == before
    assert function_.aliases["live"].weights


def test_data_that_stops_coming_is_stale_and_not_silence() -> None:
    account = Account(
        [_over(rps=1.0)],
        [policy("f", 400.0)],
        extra={"metric_faults": [{"kind": "delay", "from_in_s": 60.0, "delay_s": 2 * DAY_S}]},
    )
    account.clock.advance_to(account.clock.now_s() + 60.0)
    account.run(6 * HOUR_S)
    decision = account.last("f").decision
    assert isinstance(decision, Hold)
    assert decision.reason in {Reason.STALE_DATA, Reason.NO_DATA}
    assert account.mutations() == 0
