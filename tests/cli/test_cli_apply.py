"""`apply` and `rollback` against a sandbox over HTTP: exactly the plan, or nothing at all."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_shell import ACCOUNT, NOW_S, Account, MakeAccount, Result, WorldClock, function, policy

from controller.cli.exits import ExitCode
from controller.model.change import ChangePhase
from controller.model.condition import Pause
from controller.model.endpoint import EndpointKey
from controller.store.sqlite import SqliteStore

pytestmark = pytest.mark.end_to_end

OCR = EndpointKey.parse(f"lambda_function/{ACCOUNT}/eu-west-1/ocr:live")
EMBED = EndpointKey.parse(f"lambda_function/{ACCOUNT}/eu-west-1/embed")
QUICK = "  rollout: {bake: 5m, minimumRequests: 50}\n"


@pytest.fixture
def account(make_account: MakeAccount) -> Account:
    """Two functions with too much memory: one behind an alias, one without."""
    made = make_account(function("ocr", 3008), function("embed", 3008, alias=None))
    made.write(
        policy("ocr", more=QUICK),
        policy("embed", qualifier='"$LATEST"', more=QUICK, mode="Enforce"),
    )
    return made


@pytest.fixture
def saved(account: Account, tmp_path: Path) -> Path:
    """A plan that changes both."""
    path = tmp_path / "plan.json"
    result = account.shell("plan", "--policies", account.policies, "--out", path)
    assert "2 to change" in result.out
    return path


def apply(account: Account, plan: Path, *options: str, **how: Any) -> Result:
    return account.shell("apply", plan, "--policies", account.policies, *options, **how)


def journal(account: Account) -> SqliteStore:
    return SqliteStore.open(account.shell.store)


def target_mb(plan: Path, name: str) -> int:
    items = json.loads(plan.read_text("utf-8"))["items"]
    return int(next(i["desiredSize"]["memoryMb"] for i in items if i["endpoint"]["name"] == name))


def test_a_plan_is_seen_through_to_its_verdict(account: Account, saved: Path) -> None:
    result = apply(account, saved, "--yes")
    assert result.code == 0, result.err
    for name, qualifier in (("ocr", "live"), ("embed", "$LATEST")):
        assert account.memory_mb(name, qualifier) == target_mb(saved, name)
        assert f"Verified: lambda eu-west-1/{name}" in result.out
    assert "canary with 10% of requests" in result.err
    store = journal(account)
    changes = {change.key: change for change in store.changes()}
    assert set(changes) == {OCR, EMBED}
    for change in changes.values():
        assert change.phase is ChangePhase.VERIFIED
        assert change.actor == "cli:ada"
        assert change.proposal is not None
        assert change.baseline is not None
    store.close()


def test_nothing_else_is_begun_meanwhile(account: Account, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    account.shell("plan", "ocr", "--policies", account.policies, "--out", plan)
    assert apply(account, plan, "--yes").code == 0
    assert account.memory_mb("embed") == 3008


def test_applying_again_finds_it_done(account: Account, saved: Path) -> None:
    assert apply(account, saved, "--yes").code == 0
    before = account.mutations()
    again = apply(account, saved, "--yes")
    assert again.code == 0, again.err
    assert "(change 1, Verified)" in again.out
    assert account.mutations() == before


def test_a_dry_run_checks_and_changes_nothing(account: Account, saved: Path) -> None:
    result = apply(account, saved, "--dry-run")
    assert result.code == 0
    assert result.out.count("would change: ") == 2
    assert account.mutations() == 0
    assert not account.shell.store.exists()


def test_it_asks_and_takes_no_for_an_answer(account: Account, saved: Path) -> None:
    nobody = apply(account, saved)
    assert nobody.code == ExitCode.USAGE
    assert "give --yes" in nobody.error
    no = apply(account, saved, terminal=True, stdin="no\n")
    assert no.code == ExitCode.ERROR
    assert "Apply 2 changes? [y/N]" in no.err
    assert account.mutations() == 0


def _resized(account: Account) -> None:
    _client(account).update_function_configuration(FunctionName="embed", MemorySize=2048)
    account.world.advance(60.0)


def _described(account: Account) -> None:
    _client(account).update_function_configuration(FunctionName="embed", Description="other")
    account.world.advance(60.0)


def _pointed(account: Account) -> None:
    _client(account).update_alias(FunctionName="ocr", Name="live", Description="touched")


def _client(account: Account) -> Any:
    import boto3

    return boto3.client("lambda", region_name="eu-west-1", endpoint_url=account.url)


def _paused(account: Account) -> None:
    account.shell("pause", "--all", "--reason", "freeze")


def _policy_changed(account: Account) -> None:
    account.write(
        policy("ocr", more=QUICK, threshold="399ms"),
        policy("embed", qualifier='"$LATEST"', more=QUICK, mode="Enforce"),
    )


def _policy_gone(account: Account) -> None:
    account.write(policy("embed", qualifier='"$LATEST"', more=QUICK, mode="Enforce"))


def _old(account: Account) -> None:
    account.world.advance(86_400.0 + 60.0)


def _limits(account: Account, spec: str) -> None:
    text = "apiVersion: rightsizer.dev/v1alpha1\nkind: FleetLimits\nmetadata: {name: f}\n"
    (account.policies / "limits.yaml").write_text(f"{text}spec: {{{spec}}}\n", "utf-8")


def _limited(account: Account) -> None:
    _limits(account, "maxConcurrentChanges: 0")


def _room_for_one(account: Account) -> None:
    _limits(account, "maxConcurrentChanges: 1")


def _one_an_hour(account: Account) -> None:
    _limits(account, "maxChangesPerHour: 1")


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (_resized, "embed: its size was 3008 MB and is 2048 MB now"),
        (_described, "embed: its live configuration has been changed since"),
        (_pointed, "ocr:live: its live configuration has been changed since"),
        (_paused, "Paused: the fleet is paused by cli:ada: freeze"),
        (_policy_changed, "ocr:live: policy ocr has been changed since"),
        (_policy_gone, "ocr:live: no policy claims it now"),
        (_old, "24 h old, more than a day: plan again"),
        (_limited, "FleetLimit: the fleet's limit of 0 changes at once"),
        (_room_for_one, "FleetLimit: the fleet's limit of 1 changes at once"),
        (_one_an_hour, "FleetLimit: the fleet's limit of 1 changes an hour"),
    ],
)
def test_a_plan_that_no_longer_fits_is_refused_whole(
    account: Account, saved: Path, what: Callable[[Account], None], says: str
) -> None:
    what(account)
    before = account.mutations()
    result = apply(account, saved, "--yes")
    assert result.code == ExitCode.ERROR
    assert says in result.err
    assert "plan again" in result.err
    assert account.mutations() == before
    if account.shell.store.exists():
        store = journal(account)
        assert not store.changes()
        store.close()


@pytest.mark.parametrize(("room", "code"), [(0.05, ExitCode.ERROR), (60.0, ExitCode.OK)])
def test_climbs_of_a_plan_are_within_the_fleets_budget_together(
    make_account: MakeAccount, tmp_path: Path, room: float, code: ExitCode
) -> None:
    account = make_account(function("ocr", 256, alias=None), function("embed", 256, alias=None))
    latest = {"qualifier": '"$LATEST"', "threshold": "260ms", "more": QUICK}
    account.write(policy("ocr", **latest), policy("embed", **latest))
    plan = tmp_path / "plan.json"
    assert "2 to change" in account.shell("plan", "--policies", account.policies, "--out", plan).out
    items = json.loads(plan.read_text("utf-8"))["items"]
    costs = [item["predicted"][side]["usdPerMonth"]["mid"] for item in items
             for side in ("before", "after")]  # fmt: skip
    one_climb = costs[0] + costs[2] + max(costs[1] - costs[0], costs[3] - costs[2])
    _limits(account, f'budget: {{perMonth: "{one_climb + room:.2f} USD"}}')
    result = apply(account, plan, "--dry-run")
    assert result.code == code, result.err
    assert ("over the fleet's budget" in result.err) is (code == ExitCode.ERROR)


def test_outside_its_change_windows_a_policy_is_kept(account: Account, tmp_path: Path) -> None:
    window = '  changeWindows: [{days: [Sat], start: "01:00", end: "02:00", timezone: UTC}]\n'
    account.write(policy("ocr", more=QUICK))
    plan = tmp_path / "plan.json"
    account.shell("plan", "--policies", account.policies, "--out", plan)
    account.write(policy("ocr", more=QUICK + window))
    document = json.loads(plan.read_text("utf-8"))
    generation = account.shell(
        "get", "policies", "--policies", account.policies, "-o", "json"
    ).document["items"][0]["generation"]
    document["items"][0]["policyGeneration"] = generation
    plan.write_text(json.dumps(document), "utf-8")
    result = apply(account, plan, "--yes")
    assert result.code == ExitCode.ERROR
    assert "no change window is open; the next one opens at 2026-11-28T01:00:00Z" in result.err


@pytest.mark.parametrize(
    ("memory_mb", "says"),
    [(128, "the evidence has moved on: 128 MB meets the SLO with probability"),
     (64, "64 MB is no size to choose from")],
)  # fmt: skip
def test_a_target_that_the_evidence_of_now_speaks_against(
    account: Account, saved: Path, memory_mb: int, says: str
) -> None:
    document = json.loads(saved.read_text("utf-8"))
    for item in document["items"]:
        item["desiredSize"]["memoryMb"] = memory_mb
    saved.write_text(json.dumps(document), "utf-8")
    result = apply(account, saved, "--yes")
    assert result.code == ExitCode.ERROR
    assert says in result.err
    assert account.mutations() == 0


def test_a_change_under_way_is_in_the_way(account: Account, saved: Path) -> None:
    document = json.loads(saved.read_text("utf-8"))
    for item in document["items"]:
        item["desiredSize"]["memoryMb"] = 2560
    other = saved.with_name("other.json")
    other.write_text(json.dumps(document), "utf-8")
    assert apply(account, saved, "--yes", "--no-wait").code == 0
    result = apply(account, other, "--yes")
    assert result.code == ExitCode.ERROR
    assert "(3008 MB -> " in result.err
    assert "Planned) is under way" in result.err


def test_a_change_whose_policy_is_gone_is_told_as_such(account: Account, saved: Path) -> None:
    apply(account, saved, "--yes", "--no-wait")
    _policy_gone(account)
    document = account.shell("plan", "--policies", account.policies, "-o", "json").document
    held = {item["endpoint"]["name"]: item for item in document["items"]}["ocr"]
    assert held["reason"] == "ModeOff"
    assert "no policy claims it; its open change is undone" in held["message"]


def test_without_waiting_it_is_journalled_and_the_same_command_goes_on(
    account: Account, saved: Path
) -> None:
    left = apply(account, saved, "--yes", "--no-wait")
    assert left.code == 0
    assert "journalled as 1, 2: `rightsizer run`, or the same command" in left.err
    assert account.mutations() == 0
    result = apply(account, saved, "--yes")
    assert result.code == 0, result.err
    assert account.memory_mb("ocr", "live") == target_mb(saved, "ocr")
    store = journal(account)
    assert [change.id for change in store.changes()] == [2, 1]
    store.close()


class _Impatient(WorldClock):
    """Somebody who presses Ctrl-C at the so-manieth wait."""

    def __init__(self, account: Account, waits: int) -> None:
        super().__init__(account.world)
        self._waits = waits

    def wait(self, seconds: float) -> None:
        self._waits -= 1
        if self._waits < 0:
            raise KeyboardInterrupt
        super().wait(seconds)


@pytest.mark.parametrize("waits", [0, 1, 2, 5, 9])
def test_interrupted_anywhere_it_goes_on_from_the_journal(
    account: Account, saved: Path, waits: int
) -> None:
    patient = account.shell.clock
    account.shell.clock = _Impatient(account, waits)
    stopped = apply(account, saved, "--yes")
    assert stopped.code == ExitCode.INTERRUPTED
    assert "left in the journal as 1, 2" in stopped.err
    account.shell.clock = patient
    result = apply(account, saved, "--yes")
    assert result.code == 0, result.err
    for name, qualifier in (("ocr", "live"), ("embed", "$LATEST")):
        assert account.memory_mb(name, qualifier) == target_mb(saved, name)
    updates = account.control.calls("lambda", "UpdateFunctionConfiguration")
    assert sum(1 for call in updates if call["outcome"] == "ok") == 2


def test_where_a_controller_runs_it_does_the_work(account: Account, saved: Path) -> None:
    account.shell.store.parent.mkdir()
    daemon = journal(account)
    daemon.acquire_daemon_lock()
    result = apply(account, saved, "--yes")
    assert result.code == 0
    assert "the controller that runs on this journal carries it out" in result.err
    assert account.mutations() == 0
    assert {change.key for change in daemon.open_changes()} == {OCR, EMBED}
    daemon.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json", "it is not JSON"),
        ("[]", "it is not a plan"),
        ('{"kind": "Plan"}', "its apiVersion is not"),
        ('{"kind": "Plan", "apiVersion": "rightsizer.dev/v1alpha1"}', "it is damaged"),
        ("[" * 100_000, "it is not JSON"),
        ("\udcff", "it is not UTF-8"),
    ],
)
def test_files_that_are_no_plan(account: Account, tmp_path: Path, text: str, says: str) -> None:
    plan = tmp_path / "plan.json"
    plan.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = apply(account, plan, "--yes")
    assert result.code == ExitCode.INVALID
    assert says in result.error
    assert str(plan) in result.error


def test_a_missing_plan_and_an_empty_one(account: Account, tmp_path: Path) -> None:
    missing = apply(account, tmp_path / "none.json", "--yes")
    assert missing.code == ExitCode.ERROR
    assert "no such file" in missing.error
    account.write(policy("ocr", mode="Off"))
    plan = tmp_path / "plan.json"
    account.shell("plan", "--policies", account.policies, "--out", plan)
    empty = apply(account, plan, "--yes")
    assert (empty.code, empty.out) == (0, "The plan holds no change.\n")


@pytest.mark.parametrize(
    "field", ["etag", "policyGeneration", "desiredSize", "predicted", "endpoint"]
)
def test_damaged_plans(account: Account, saved: Path, field: str) -> None:
    document = json.loads(saved.read_text("utf-8"))
    for broken in (None, [], {"memoryMb": "a lot"}):
        if broken is None:
            document["items"][0].pop(field)
        else:
            document["items"][0][field] = broken
        saved.write_text(json.dumps(document), "utf-8")
        result = apply(account, saved, "--yes")
        assert result.code in {ExitCode.INVALID, ExitCode.ERROR}
        assert account.mutations() == 0


def test_a_change_that_cannot_go_on_is_left_with_the_reason(account: Account, saved: Path) -> None:
    fault = account.control.add_fault(
        "denied", service="lambda", operation="UpdateFunctionConfiguration"
    )
    result = apply(account, saved, "--yes")
    assert result.code == ExitCode.ERROR
    assert "allow lambda:UpdateFunctionConfiguration" in result.err
    assert "cannot go on; left in the journal" in result.err
    account.control.remove_fault(fault)
    again = apply(account, saved, "--yes")
    assert again.code == 0, again.err
    assert account.memory_mb("ocr", "live") == target_mb(saved, "ocr")


# --- rollback ---


def test_the_last_verified_change_is_undone_by_a_new_one(account: Account, saved: Path) -> None:
    assert apply(account, saved, "--yes").code == 0
    undo = ("rollback", "ocr", "--policies", account.policies, "--yes", "--reason", "too slow")
    result = account.shell(*undo)
    assert result.code == 0, result.err
    assert account.memory_mb("ocr", "live") == 3008
    assert "may choose it again later" in result.err
    store = journal(account)
    newest = store.changes(OCR)[0]
    assert (newest.phase, newest.reason.value) == (ChangePhase.VERIFIED, "Requested")
    assert re.search(r" -> 3008 MB, undoing change \d: too slow$", newest.detail)
    assert newest.actor == "cli:ada"
    store.close()


def test_an_open_change_is_turned_round_and_seen_home(account: Account, saved: Path) -> None:
    account.shell.clock = _Impatient(account, 4)
    apply(account, saved, "--yes")
    account.shell.clock = WorldClock(account.world)
    result = account.shell("rollback", "ocr", "--policies", account.policies, "--yes")
    assert result.code == 0, result.err
    assert "RolledBack: lambda eu-west-1/ocr:live" in result.out
    assert account.memory_mb("ocr", "live") == 3008
    assert account.memory_mb("ocr") == 3008


def test_what_somebody_else_changed_since_is_not_ours_to_undo(
    account: Account, saved: Path
) -> None:
    assert apply(account, saved, "--yes").code == 0
    _client(account).update_function_configuration(FunctionName="embed", MemorySize=2048)
    account.world.advance(60.0)
    result = account.shell("rollback", "embed", "--policies", account.policies, "--yes")
    assert result.code == ExitCode.ERROR
    assert "but the live size is 2048 MB" in result.error


def test_paused_endpoints_are_resumed_first(account: Account, saved: Path) -> None:
    assert apply(account, saved, "--yes").code == 0
    store = journal(account)
    store.pause(Pause(str(OCR), NOW_S, None, "freeze", "ann"))
    store.close()
    result = account.shell("rollback", "ocr", "--policies", account.policies, "--yes")
    assert result.code == ExitCode.ERROR
    assert "Paused: paused by ann: freeze" in result.error
