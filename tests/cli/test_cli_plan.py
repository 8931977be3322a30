"""`plan` and `explain` against a sandbox over HTTP: what they say, and that they change nothing."""

import json
import re
from pathlib import Path

import pytest
from cli_shell import ACCOUNT, NOW_S, Account, MakeAccount, Shell, function, policy
from ruamel.yaml import YAML

from controller.cli.exits import ExitCode
from controller.model.condition import Pause
from controller.model.endpoint import EndpointKey
from controller.store.sqlite import SqliteStore

pytestmark = pytest.mark.end_to_end

OCR = f"lambda_function/{ACCOUNT}/eu-west-1/ocr:live"
THUMBS = f"lambda_function/{ACCOUNT}/eu-west-1/thumbs:live"


@pytest.fixture
def policies(account: Account) -> Path:
    """OCR far from its threshold, thumbs just right, quiet unknown; all only recommended."""
    return account.write(
        policy("ocr"), policy("thumbs", threshold="260ms"), policy("quiet", threshold="2s")
    )


def test_a_table_marks_what_becomes_of_each(account: Account, policies: Path) -> None:
    result = account.shell("plan", "--policies", policies)
    assert result.code == 0, result.err
    rows = {line[3:].split(":live")[0]: line for line in result.out.splitlines() if ":live" in line}
    assert rows["lambda eu-west-1/ocr"].startswith("~")
    assert "3008 -> " in rows["lambda eu-west-1/ocr"]
    assert "mode Recommend: not by itself" in rows["lambda eu-west-1/ocr"]
    assert rows["lambda eu-west-1/thumbs"].startswith("=")
    assert rows["lambda eu-west-1/quiet"].startswith("!")
    assert "Plan: 1 to change, 1 to keep, 1 to wait. Saves " in result.out
    assert "1 change is only recommended" in result.out
    assert result.err == ""


def test_nothing_is_changed_and_nothing_written(account: Account, policies: Path) -> None:
    account.write(policy("ocr", mode="Enforce"))
    result = account.shell("plan", "--policies", policies)
    assert "1 to change" in result.out
    assert account.mutations() == 0
    assert account.memory_mb("ocr", "live") == 3008
    assert not account.shell.store.exists()


def test_json_has_what_a_machine_needs(account: Account, policies: Path) -> None:
    document = account.shell("plan", "--policies", policies, "-o", "json").document
    assert document["apiVersion"] == "rightsizer.dev/v1alpha1"
    assert document["kind"] == "Plan"
    assert document["createdAt"].startswith("2026-11-25T09:4")
    summary = document["summary"]
    assert (summary["change"], summary["keep"], summary["wait"]) == (1, 1, 1)
    items = {item["endpoint"]["name"]: item for item in document["items"]}
    assert list(items) == ["ocr", "quiet", "thumbs"]
    ocr = items["ocr"]
    assert ocr["endpoint"]["key"] == OCR
    assert (ocr["policy"], ocr["mode"], ocr["action"]) == ("ocr", "Recommend", "Change")
    assert (ocr["decision"], ocr["reason"]) == ("Change", "CheaperSize")
    assert ocr["currentSize"] == {"memoryMb": 3008}
    assert ocr["desiredSize"]["memoryMb"] < 3008
    assert ocr["heldBy"][0]["reason"] == "ModeRecommend"
    before, after = ocr["predicted"]["before"], ocr["predicted"]["after"]
    assert before["usdPerMonth"]["mid"] > after["usdPerMonth"]["mid"]
    assert before["p95Ms"]["low"] <= before["p95Ms"]["mid"] <= before["p95Ms"]["high"]
    assert 0.95 <= after["pSlo"] <= 1.0
    assert ocr["etag"]
    assert items["quiet"]["action"] == "Wait"
    assert "missing" in items["quiet"]["predicted"]


def test_other_forms(account: Account, policies: Path) -> None:
    def plan(form: str) -> str:
        return account.shell("plan", "ocr", "--policies", policies, "-o", form).out

    assert plan("name") == f"{OCR}\n"
    as_yaml = YAML(typ="safe").load(plan("yaml"))
    assert as_yaml["items"][0]["endpoint"]["key"] == OCR
    markdown = plan("markdown")
    assert markdown.startswith("**Plan: 1 to change, 0 to keep, 0 to wait.")
    assert "| \\~ | lambda eu-west-1/ocr:live | 3008 -> " in markdown
    wide = plan("wide")
    assert OCR in wide
    assert "(" in wide.splitlines()[1]


def test_exit_codes_on_demand(account: Account, policies: Path) -> None:
    def code(*options: str) -> int:
        return account.shell("plan", "--policies", policies, *options).code

    assert code("--detailed-exitcode") == ExitCode.CHANGES
    assert code("thumbs", "--detailed-exitcode") == ExitCode.OK
    assert code("--fail-on", "slo") == ExitCode.OK
    account.write(policy("thumbs", threshold="100ms"))
    breached = account.shell("plan", "--policies", policies, "--fail-on", "slo")
    assert breached.code == ExitCode.BREACHED
    assert "slo: lambda eu-west-1/thumbs:live: " in breached.err
    assert code("--fail-on", "slo", "--detailed-exitcode") == ExitCode.BREACHED
    account.write(policy("ocr", more='  budget: {perMonth: "1 USD"}\n'))
    over = account.shell("plan", "--policies", policies, "--fail-on", "budget")
    assert over.code == ExitCode.BREACHED
    assert "of 1.00 USD/month" in over.err


def test_modes_off_and_observe(account: Account, policies: Path) -> None:
    account.write(policy("ocr", mode="Off"), policy("thumbs", mode="Observe"))
    calls = len(account.control.calls("lambda"))
    document = account.shell("plan", "--policies", policies, "-o", "json").document
    found = {item["endpoint"]["name"]: item["reason"] for item in document["items"]}
    assert found == {"ocr": "ModeOff", "thumbs": "ModeObserve"}
    looked_at = {c["operation"] for c in account.control.calls("lambda")[calls:]}
    assert "UpdateFunctionConfiguration" not in looked_at


def test_the_journal_is_looked_at_and_left_alone(
    account: Account, policies: Path, store: SqliteStore
) -> None:
    store.pause(Pause(OCR, NOW_S, None, "release", "ann"))
    document = account.shell("plan", "ocr", "--policies", policies, "-o", "json").document
    (item,) = document["items"]
    assert (item["action"], item["reason"]) == ("Wait", "Paused")
    assert "release" in item["message"]
    key = EndpointKey.parse(OCR)
    assert not store.observations(key, 0.0)
    assert store.newest_term() == 0


def test_memory_use_is_waited_for_and_no_longer_than_it_helps(
    account: Account, policies: Path
) -> None:
    began_s = account.world.now_s()
    document = account.shell("plan", "ocr", "--policies", policies, "-o", "json").document
    assert document["items"][0]["reason"] == "CheaperSize"
    assert 0.0 < account.world.now_s() - began_s <= 20.0


def test_a_policy_that_means_nothing(account: Account, policies: Path) -> None:
    selector = policy("none").replace("name: none, region", "selector: {namePattern: zz-*}, region")
    account.write(selector)
    result = account.shell("plan", "--policies", policies)
    assert result.code == 0
    assert result.out == "Plan: 0 to change, 0 to keep, 0 to wait.\n"
    assert "mean no endpoint" in result.err


def test_endpoints_that_are_not_there(account: Account, policies: Path) -> None:
    account.write(policy("ocr"), policy("gone"), policy("thumbs", qualifier="beta"))
    result = account.shell("plan", "--policies", policies)
    assert result.code == ExitCode.ERROR
    assert "1 to change" in result.out
    errors = [line for line in result.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2
    assert "there is no function gone in eu-west-1" in errors[0]
    assert "thumbs in eu-west-1 is there, but has no 'beta'" in errors[1]
    unknown = account.shell("plan", "orc", "--policies", policies)
    assert unknown.code == ExitCode.ERROR
    assert f"did you mean {OCR}?" in unknown.error


def test_saved_plans_cannot_be_saved_everywhere(account: Account, policies: Path) -> None:
    result = account.shell("plan", "ocr", "--policies", policies, "--out", policies / "no" / "p")
    assert result.code == ExitCode.ERROR
    assert "no such file or directory" in result.error


# --- explain ---


def test_explain_shows_sizes_guards_and_conditions(account: Account, policies: Path) -> None:
    result = account.shell("explain", "ocr:live", "--policies", policies)
    assert result.code == 0, result.err
    assert "mode Recommend" in result.out
    assert "Met: p95" in result.out
    lines = result.out.splitlines()
    assert sum(line.startswith("*") and "3008 MB" in line for line in lines) == 1
    assert sum(line.startswith(">") for line in lines) == 1
    for rung in ("128 MB", "1024 MB", "10240 MB"):
        assert any(line.strip().startswith(rung) for line in lines)
    assert "SloUnlikely" in result.out
    assert "ModeRecommend" in result.out
    assert "WithinBudget" in result.out
    wide = account.shell("explain", "ocr", "--policies", policies, "-o", "wide").out.splitlines()
    assert len(wide) > len(lines) + 30
    assert any("predicted from 3008 MB" in line for line in wide)


def test_explain_as_json_has_every_candidate(account: Account, policies: Path) -> None:
    document = account.shell("explain", OCR, "--policies", policies, "-o", "json").document
    assert document["kind"] == "Explanation"
    assert len(document["candidates"]) > 60
    for candidate in document["candidates"]:
        assert {"size", "p95Ms", "pSlo", "usdPerMonth", "verdict", "because"} <= set(candidate)
    assert {guard["guard"] for guard in document["guards"]} >= {"mode", "pause", "cooldown"}
    assert {c["type"] for c in document["conditions"]} >= {"Ready", "SloMet"}
    assert json.dumps(document["slo"])


def test_explain_what_cannot_be_judged_or_seen(account: Account, policies: Path) -> None:
    quiet = account.shell("explain", "quiet", "--policies", policies)
    assert quiet.code == 0
    assert "hold: lambda eu-west-1/quiet:live" in quiet.out
    account.write(policy("gone"))
    gone = account.shell("explain", "gone", "--policies", policies)
    assert gone.code == ExitCode.ERROR
    assert gone.error.strip().endswith(
        "there is no function gone in eu-west-1 in the account of the credentials in use: "
        "check name, region and account"
    )
    assert "arn:" not in gone.error
    unknown = account.shell("explain", "thing", "--policies", policies)
    assert unknown.code == ExitCode.ERROR
    assert "there is no endpoint 'thing'" in unknown.error


def test_many_endpoints_wait_for_the_call_budget_and_are_all_seen(
    make_account: MakeAccount, tmp_path: Path
) -> None:
    names = [f"fn-{number:02d}" for number in range(20)]
    account = make_account(*(function(name, 512, age_days=1) for name in names))
    pattern = policy("all").replace("name: all, region", "selector: {namePattern: fn-*}, region")
    result = account.shell("plan", "--policies", account.write(pattern), "-o", "json")
    assert result.code == 0, result.err
    assert len(result.document["items"]) == 20
    assert {item["reason"] for item in result.document["items"]}.isdisjoint({"Throttled"})


def test_policies_from_standard_input(account: Account, shell: Shell) -> None:
    text = policy("thumbs").encode()
    result = account.shell("plan", "--policies", "-", "-o", "json", stdin=text)
    assert result.document["items"][0]["endpoint"]["key"] == THUMBS


def test_the_probe_that_would_come_first_is_said(account: Account) -> None:
    """A plan says what the daemon would measure before it changes anything; nothing is sent."""
    probe = "  probe: {payloads: [{inline: '{}'}], shadow: {allowed: true}}"
    account.write(policy("ocr", mode="Enforce", more=probe), policy("thumbs"))
    out = account.shell("plan", "--policies", account.policies, "-o", "markdown").out
    said = r"would probe 3008 MB on a shadow first: about 0.00\d+ USD, 103 calls"
    assert re.search(said, out)
    assert "The controller would measure 1 copy first, for about 0.00" in out
    items = account.shell("plan", "--policies", account.policies, "-o", "json").document["items"]
    probes = {item["endpoint"]["name"]: item["probe"] for item in items}
    assert probes["thumbs"] == {"refused": "the policy has no `probe`"}
    assert probes["ocr"]["size"] == {"memoryMb": 3008}
    assert 0.0 < probes["ocr"]["usd"] < probes["ocr"]["worthUsd"]
    assert probes["ocr"]["refused"] is None
    explained = account.shell("explain", "ocr", "--policies", account.policies).out
    assert re.search(f"Probe: +{said}; .*; worth about", explained)
    assert account.mutations() == 0


def test_a_plan_fits_eighty_columns_and_keeps_sizes_and_money(account: Account) -> None:
    account.write(policy("ocr"), policy("thumbs"))
    result = account.shell(
        "plan", "--policies", account.policies, terminal=True, env={"NO_COLOR": "1"}
    )
    table = re.sub(r"\x1b\[[0-9;]*m", "", result.out).partition("\n\n")[0].splitlines()
    assert max(map(len, table)) <= 80, table
    (line,) = [line for line in table if "eu-west-1/ocr:live" in line]
    assert re.search(r"3008 -> \d+ ", line)
    assert re.search(r"\d\.\d\d -> \d+\.\d\d", line)
    assert "left out for want of room: " in result.err
