"""Commands of the journal: `get`, `pause`, `resume`, `export`, and what `rollback` does there."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_shell import NOW_S, Result, Shell, policy
from given import KEY, PLAIN_KEY, a_change, a_policy, a_proposal, a_verdict
from ruamel.yaml import YAML

from controller.cli.exits import ExitCode
from controller.core.assess import unassessed
from controller.core.conditions import conditions
from controller.model.advice import Advice
from controller.model.change import ChangeEvent, ChangePhase
from controller.model.condition import Pause
from controller.model.decision import Hold
from controller.model.demand import Interval
from controller.model.endpoint import EndpointKey, Kind
from controller.model.reason import Reason
from controller.runtime.documents import assessment_document
from controller.store.sqlite import SqliteStore

OTHER = EndpointKey("210987654321", "us-east-1", Kind.LAMBDA_FUNCTION, "ocr", "live")
THUMBS = EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, "thumbs", "live")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def judged(store: SqliteStore, *keys: EndpointKey) -> None:
    """Put a hold of each into the journal."""
    for key in keys:
        hold = Hold(Reason.NO_DATA, "nothing yet")
        assessment = unassessed(key, key.name, NOW_S, hold)
        store.put_assessment(key, NOW_S, assessment_document(assessment))
        store.put_conditions(key, conditions(assessment, a_policy()))


def planned(store: SqliteStore, **values: Any) -> int:
    """Journal a change with two events; returns its number."""
    change = a_change(**values)
    first = ChangeEvent(NOW_S, ChangePhase.PLANNED, "planned", "change: lambda eu-west-1/ocr:live")
    stored = store.plan_change(change, first)
    event = ChangeEvent(NOW_S + 5, change.phase, "done UpdateMemory", "set $LATEST to 512 MB")
    store.advance_change(stored, event)
    return stored.id


@pytest.fixture
def filled(store: SqliteStore) -> SqliteStore:
    """Three endpoints; one with a verified change, one with one under way."""
    judged(store, KEY, OTHER, THUMBS)
    planned(store, proposal=a_proposal(), verdict=a_verdict(detail="as good as before"))
    planned(store, key=THUMBS, phase=ChangePhase.VERIFYING, actor="cli:bob")
    return store


# --- get ---


@pytest.mark.parametrize("what", ["endpoints", "changes", "conditions", "export"])
def test_without_a_journal_the_sentence_says_so(shell: Shell, what: str) -> None:
    result = shell(what) if what == "export" else shell("get", what)
    assert result.code == ExitCode.ERROR
    assert "there is no journal at" in result.error
    assert not shell.store.parent.exists()


def test_journals_that_cannot_be_used(shell: Shell, store_path: Path) -> None:
    store_path.parent.mkdir()
    store_path.write_text("this is no database, but text of some length" * 100)
    assert "is not a journal" in shell("get", "changes").error
    store_path.unlink()
    store_path.mkdir()
    assert "is a directory" in shell("get", "changes").error
    assert "is a directory" in shell("pause", "--all", "--reason", "x").error
    blocked = store_path.parent / "file"
    blocked.write_text("")
    refused = shell("pause", "--all", "--reason", "x", "--store", blocked / "sub" / "j.db")
    assert refused.code == ExitCode.ERROR
    assert "cannot be made" in refused.error


def test_endpoints(shell: Shell, filled: SqliteStore) -> None:
    result = shell("get", "endpoints")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split()[:3] == ["ENDPOINT", "POLICY", "SIZE"]
    assert [line.split()[0] for line in lines[1:]] == sorted(map(str, (KEY, OTHER, THUMBS)))
    assert "NoData" in lines[1]
    wide = shell("get", "endpoints", "-o", "wide").out
    assert "nothing yet" in wide
    assert RFC_3339.search(wide)


def test_json_and_yaml_say_the_same_in_the_same_order(shell: Shell, filled: SqliteStore) -> None:
    for what, kind in (
        ("endpoints", "EndpointList"),
        ("changes", "ChangeList"),
        ("conditions", "ConditionList"),
    ):
        document = shell("get", what, "-o", "json").document
        assert document["apiVersion"] == "rightsizer.dev/v1alpha1"
        assert document["kind"] == kind
        assert list(document) == ["apiVersion", "kind", "items"]
        assert document == YAML(typ="safe").load(shell("get", what, "-o", "yaml").out)
        assert shell("get", what, "-o", "json").out == shell("get", what, "-o", "json").out
        for name in _names(document):
            assert re.fullmatch(r"[a-z][A-Za-z0-9]*", name), name


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {n for item in value.values() for n in _names(item)}
    return {n for item in value for n in _names(item)} if isinstance(value, list) else set()


def test_one_endpoint_by_any_of_its_names(shell: Shell, filled: SqliteStore) -> None:
    for name in (str(THUMBS), "thumbs", "thumbs:live", "eu-west-1/thumbs:live", THUMBS.short):
        assert shell("get", "endpoints", name, "-o", "name").out == f"{THUMBS}\n"
    unclear = shell("get", "endpoints", "ocr")
    assert unclear.code == ExitCode.ERROR
    assert str(KEY) in unclear.error
    assert str(OTHER) in unclear.error
    unknown = shell("get", "conditions", "thumb")
    assert f"did you mean {THUMBS}?" in unknown.error
    strange = shell("get", "changes", "zzzzzz")
    assert "there are " in strange.error


def test_selectors(shell: Shell, filled: SqliteStore) -> None:
    def names(*arguments: str) -> list[str]:
        return shell("get", *arguments, "-o", "name").out.split()

    assert names("endpoints", "-l", "region=us-east-1") == [str(OTHER)]
    assert names("endpoints", "-l", "name=ocr,region=eu-west-1") == [str(KEY)]
    assert names("endpoints", "-l", "policy=thumbs", "-l", "reason=NoData") == [str(THUMBS)]
    assert names("endpoints", "-l", "policy=none") == []
    assert names("changes", "-l", "actor=cli:bob") == ["2"]
    assert names("conditions", "-l", "type=SloMet", "-l", "name=thumbs") == [str(THUMBS)]
    nothing = shell("get", "endpoints", "-l", "policy=none")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "nothing found\n")


def test_changes_newest_first_and_one_with_its_history(shell: Shell, filled: SqliteStore) -> None:
    assert shell("get", "changes", "-o", "name").out == "2\n1\n"
    assert shell("get", "changes", "--limit", "1", "-o", "name").out == "2\n"
    assert shell("get", "changes", "thumbs", "-o", "name").out == "2\n"
    one = shell("get", "changes", "1")
    assert "set $LATEST to 512 MB" in one.out
    assert "as good as before" in one.out
    (item,) = shell("get", "changes", "1", "-o", "json").document["items"]
    assert [event["what"] for event in item["events"]] == ["planned", "done UpdateMemory"]
    assert item["savesUsdPerMonth"] == {"low": 4.0, "mid": 5.0, "high": 6.0}
    assert RFC_3339.fullmatch(item["plannedAt"])
    for number in ("99", "9" * 40):
        missing = shell("get", "changes", number)
        assert missing.code == ExitCode.ERROR
        assert f"there is no change {number}" in missing.error


def test_conditions(shell: Shell, filled: SqliteStore) -> None:
    items = shell("get", "conditions", "thumbs", "-o", "json").document["items"]
    assert {item["type"] for item in items} >= {"Ready", "SloMet", "Paused", "Drifted"}
    table = shell("get", "conditions", "thumbs").out
    assert "DataFresh" in table


def test_advice_as_last_given(shell: Shell, store: SqliteStore) -> None:
    judged(store, OTHER)
    assert "nothing found" in shell("get", "advice").err
    advice = (
        Advice(Reason.CONSOLIDATE, "share an instance", Interval(0.0, 20.0, 30.0)),
        Advice(Reason.IDLE, "not one request", Interval(0.0, 148.92, 148.92)),
    )
    hold = Hold(Reason.NO_DATA, "nothing yet")
    assessment = replace(unassessed(THUMBS, "thumbs", NOW_S, hold), advice=advice)
    store.put_assessment(THUMBS, NOW_S, assessment_document(assessment))
    items = shell("get", "advice", "-o", "json").document["items"]
    assert [item["reason"] for item in items] == ["Idle", "Consolidate"]
    table = shell("get", "advice", "-l", "reason=Idle").out
    assert "148.92" in table
    assert "share an instance" not in table
    assert shell("get", "advice", "-o", "name").out == f"{THUMBS}\n"


def test_policies_with_defaults_merged_in(shell: Shell, tmp_path: Path) -> None:
    for name, team in (("ocr", "docs"), ("thumbs", "media")):
        (tmp_path / f"{name}.yaml").write_text(policy(name, team=team), "utf-8")
    result = shell("get", "policies", "--policies", tmp_path, "-o", "json")
    items = result.document["items"]
    assert [item["metadata"]["name"] for item in items] == ["ocr", "thumbs"]
    assert items[0]["spec"]["cadence"]["interval"] == "5m"
    chosen = shell("get", "policies", "-l", "team=media", "-o", "name", "--policies", tmp_path)
    assert chosen.out == "thumbs\n"
    by_variable = shell("get", "policies", env={"RIGHTSIZER_POLICIES": str(tmp_path)})
    assert "p95 <= 400ms" in by_variable.out
    piped = shell("get", "policies", "--policies", "-", "-o", "name", stdin=policy("x").encode())
    assert piped.out == "x\n"


# --- tables ---


def test_what_is_piped_is_plain_and_never_cut_off(shell: Shell, store: SqliteStore) -> None:
    long = EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, "f" * 64, "a" * 128)
    judged(store, long)
    result = shell("get", "endpoints", "-o", "wide")
    assert len(result.out.splitlines()) == 2
    assert str(long) in result.out
    assert "\x1b" not in result.out
    assert all(line == line.rstrip() for line in result.out.splitlines())


def test_colours_only_on_a_terminal_and_never_against_the_will(
    shell: Shell, filled: SqliteStore
) -> None:
    assert "\x1b[3" in shell("get", "changes", terminal=True).out
    assert "\x1b[3" not in shell("get", "changes", terminal=True, env={"NO_COLOR": "1"}).out
    assert "\x1b[3" not in shell("get", "changes", "--no-color", terminal=True).out
    assert "\x1b" not in shell("get", "changes").out


def test_text_from_outside_moves_no_cursor_and_is_no_markup(
    shell: Shell, store: SqliteStore
) -> None:
    judged(store, KEY)
    planned(store, detail="x", actor="cli:\x1b[2J[red]eve", verdict=a_verdict(detail="[bold]a\nb"))
    table = shell("get", "changes", "-o", "wide", terminal=True).out
    assert "\x1b[2J" not in table
    assert "[red]eve" in table


def test_a_narrow_terminal_folds_the_last_column_and_loses_nothing(
    shell: Shell, filled: SqliteStore
) -> None:
    words = "as good as before, and that for a good many words more"
    planned(filled, key=OTHER, verdict=a_verdict(detail=words))
    table = shell("get", "changes", "-o", "wide", terminal=True, env={"NO_COLOR": "1"}).out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", table)
    assert str(OTHER) in plain
    assert "2026-" in plain
    assert all(word in plain for word in words.split())
    assert words not in plain


def _shown(result: Result) -> list[str]:
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in result.out.splitlines()]


@pytest.mark.parametrize("what", ["endpoints", "changes", "conditions", "pauses"])
def test_tables_fit_eighty_columns_and_lose_no_size(
    shell: Shell, filled: SqliteStore, what: str
) -> None:
    shell("pause", "thumbs", "--reason", "release", "--for", "2h")
    result = shell("get", what, terminal=True, env={"NO_COLOR": "1"})
    lines = _shown(result)
    assert max(map(len, lines)) <= 80, lines
    assert any("eu-west-1/thumbs:live" in line for line in lines)
    if what == "changes":
        assert any("1024 -> 512 MB" in line for line in lines)
        assert "left out for want of room: " in result.err
        assert "-o wide" in result.err
    whole = shell("get", what)
    assert str(THUMBS) in whole.out
    assert "left out" not in whole.err


def test_a_table_that_fits_is_left_as_it_is(shell: Shell, store: SqliteStore) -> None:
    judged(store, EndpointKey("1" * 12, "r", Kind.LAMBDA_FUNCTION, "f"))
    result = shell("get", "conditions", terminal=True, env={"NO_COLOR": "1"})
    assert "lambda_function/111111111111/r/f" in result.out or "left out" in result.err


# --- pauses, labels ---


def test_pauses_are_listed(shell: Shell, filled: SqliteStore) -> None:
    nothing = shell("get", "pauses")
    assert nothing.code == 0
    assert "nothing is paused" in nothing.err
    shell("pause", "--all", "--reason", "freeze")
    shell("pause", "thumbs", "--reason", "release", "--for", "2h")
    filled.pause(Pause(str(KEY), NOW_S - 7200.0, NOW_S - 3600.0, "lunch", "ann"))
    items = shell("get", "pauses", "-o", "json").document["items"]
    assert [(i["scope"], i["reason"], i["over"]) for i in items] == [
        ("*", "freeze", False),
        (str(KEY), "lunch", True),
        (str(THUMBS), "release", False),
    ]
    table = shell("get", "pauses").out
    assert re.search(r"\* +resumed +cli:ada ", table)
    assert re.search(rf"{KEY} +over +ann ", table)
    assert shell("get", "pauses", "-o", "name").out.split() == ["*", str(KEY), str(THUMBS)]


@pytest.mark.parametrize(
    ("what", "label", "says"),
    [
        ("endpoints", "polcy=x", "there is no label 'polcy'; did you mean 'policy'?"),
        ("changes", "zzz=x", "there is no label 'zzz'; there are kind, account, region"),
        ("conditions", "statu=x", "there is no label 'statu'; did you mean 'status'?"),
    ],
)
def test_a_label_that_nothing_can_have_is_refused(
    shell: Shell, filled: SqliteStore, what: str, label: str, says: str
) -> None:
    result = shell("get", what, "-l", label)
    assert result.code == ExitCode.USAGE
    assert says in result.err


def test_policies_without_the_label_asked_for(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(policy("ocr"), "utf-8")
    asked = ("get", "policies", "--policies", tmp_path, "-l")
    mistyped = shell(*asked, "tem=docs")
    assert mistyped.out == ""
    assert "no policy has a label 'tem'; their labels are team" in mistyped.err
    assert shell(*asked, "team=other").err.strip().endswith("nothing found")
    assert "ocr" in shell(*asked, "team=docs").out


def test_piped_text_from_outside_stays_on_its_line(shell: Shell, store: SqliteStore) -> None:
    planned(store, verdict=a_verdict(detail="[bold]a\nb"))
    piped = shell("get", "changes", "-o", "wide").out
    assert "[bold]a b" in piped


# --- pause, resume ---


def test_pausing_the_fleet_makes_the_journal(shell: Shell) -> None:
    result = shell("pause", "--all", "--reason", "release")
    assert result.code == 0
    assert result.out == "paused: the fleet until it is resumed: release\n"
    with_journal = SqliteStore.open(shell.store)
    assert list(with_journal.pauses()) == [Pause("*", NOW_S, None, "release", "cli:ada")]
    with_journal.close()


@pytest.mark.parametrize(
    ("option", "value", "until_s"),
    [
        ("--for", "2h", NOW_S + 7200.0),
        ("--for", "1h30m", NOW_S + 5400.0),
        ("--until", "2026-11-25T10:00:00Z", 1_795_600_800.0),
        ("--until", "2026-11-25T12:00:00+02:00", 1_795_600_800.0),
    ],
)
def test_a_pause_ends_by_itself(
    shell: Shell, filled: SqliteStore, option: str, value: str, until_s: float
) -> None:
    result = shell("pause", "thumbs", "--reason", "x", option, value)
    assert result.code == 0, result.err
    assert [(p.scope, p.until_s) for p in filled.pauses()] == [(str(THUMBS), until_s)]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--for", "2"], ExitCode.USAGE, "did you mean 2m"),
        (["--for", "0s"], ExitCode.USAGE, "longer than nothing"),
        (["--until", "tomorrow"], ExitCode.USAGE, "is not a time"),
        (["--until", "2026-11-30T08:00:00"], ExitCode.USAGE, "no time zone"),
        (["--until", "2020-01-01T00:00:00Z"], ExitCode.ERROR, "is not in the future"),
        (["--for", "1h", "--until", "2026-11-30T08:00:00Z"], ExitCode.USAGE, "not both"),
        (["--all"], ExitCode.USAGE, "either an ENDPOINT or --all"),
    ],
)
def test_pauses_that_cannot_be_meant(
    shell: Shell, filled: SqliteStore, options: list[str], code: ExitCode, says: str
) -> None:
    result = shell("pause", "thumbs", "--reason", "x", *options)
    assert result.code == code
    assert says in result.error
    assert not filled.pauses()


def test_unknown_endpoints_are_refused_with_what_was_meant(
    shell: Shell, filled: SqliteStore
) -> None:
    for line in (["pause", "thums", "--reason", "x"], ["resume", "thums"]):
        result = shell(*line)
        assert result.code == ExitCode.ERROR
        assert f"did you mean {THUMBS}?" in result.error
    assert shell("rollback", "thums", "--yes").code == ExitCode.ERROR


def test_a_paused_endpoint_shows(shell: Shell, filled: SqliteStore) -> None:
    shell("pause", "thumbs", "--reason", "x")
    assert "(paused)" in shell("get", "endpoints", "thumbs").out
    items = shell("get", "endpoints", "-o", "json").document["items"]
    assert [item["paused"] for item in items] == [False, True, False]


def test_resuming_lifts_the_pause_and_accepts_the_size(shell: Shell, filled: SqliteStore) -> None:
    shell("pause", "thumbs", "--reason", "x")
    result = shell("resume", "thumbs")
    assert result.out == f"resumed: {THUMBS}; its present size is accepted\n"
    assert not filled.pauses()
    assert filled.checkpoint(f"accepted:{THUMBS}") == repr(NOW_S)
    again = shell("resume", "thumbs")
    assert again.code == 0
    assert "was not paused" in again.out
    assert filled.checkpoint(f"accepted:{KEY}") is None


def test_resuming_one_while_the_fleet_is_paused_says_so(shell: Shell, filled: SqliteStore) -> None:
    shell("pause", "--all", "--reason", "x")
    assert "the whole fleet is paused still" in shell("resume", "thumbs").err


def test_resuming_all(shell: Shell, filled: SqliteStore) -> None:
    shell("pause", "--all", "--reason", "x")
    shell("pause", "thumbs", "--reason", "y")
    result = shell("resume", "--all")
    assert result.out == "resumed: 2 pauses lifted\n"
    assert not filled.pauses()
    for key in (KEY, OTHER, THUMBS):
        assert filled.checkpoint(f"accepted:{key}") is None, "nobody said so of every size"


def test_all_present_sizes_are_accepted_where_that_is_said(
    shell: Shell, filled: SqliteStore
) -> None:
    result = shell("resume", "--all", "--accept")
    assert "the present size of 3 endpoints is accepted" in result.out
    for key in (KEY, OTHER, THUMBS):
        assert filled.checkpoint(f"accepted:{key}") == repr(NOW_S)


def test_an_endpoint_known_only_by_its_pause_can_be_resumed(
    shell: Shell, store: SqliteStore
) -> None:
    store.pause(Pause(str(PLAIN_KEY), NOW_S, None, "x", "ann"))
    assert shell("resume", "ocr").code == 0


# --- rollback, as far as it gets without AWS ---


def test_nothing_to_roll_back(shell: Shell, filled: SqliteStore) -> None:
    result = shell("rollback", str(OTHER), "--yes")
    assert result.code == ExitCode.ERROR
    assert "has no change of" in result.error


def test_what_was_rolled_back_is_not_rolled_back_again(shell: Shell, store: SqliteStore) -> None:
    judged(store, KEY)
    planned(store, phase=ChangePhase.ROLLED_BACK)
    result = shell("rollback", "ocr", "--yes")
    assert result.code == ExitCode.ERROR
    assert "was rolled back already, to 1024 MB" in result.error


def test_without_an_answer_or_policies_it_is_wrong_usage(shell: Shell, filled: SqliteStore) -> None:
    assert "give --yes" in shell("rollback", "thumbs").error
    assert "give --policies" in shell("rollback", "thumbs", "--yes").error
    assert "needs --policies" in shell("rollback", str(KEY), "--yes").error


def test_an_open_change_is_turned_round_in_the_journal(shell: Shell, filled: SqliteStore) -> None:
    result = shell("rollback", "thumbs", "--yes", "--no-wait", "--reason", "too slow")
    assert result.code == 0, result.err
    change = filled.open_change(THUMBS)
    assert change is not None
    assert change.phase is ChangePhase.ROLLING_BACK
    assert change.verdict is not None
    assert change.verdict.detail == "rolled back by cli:ada: too slow"
    again = shell("rollback", "thumbs", "--yes", "--no-wait")
    assert again.code == 0
    assert filled.open_change(THUMBS) == change


def test_a_change_that_has_not_begun_is_given_up(shell: Shell, store: SqliteStore) -> None:
    judged(store, KEY)
    planned(store, phase=ChangePhase.PLANNED)
    assert shell("rollback", "ocr", "--yes", "--no-wait").code == 0
    change = store.change(1)
    assert change is not None
    assert change.phase is ChangePhase.FAILED


def test_no_is_an_answer(shell: Shell, filled: SqliteStore) -> None:
    result = shell("rollback", "thumbs", "--no-wait", terminal=True, stdin="n\n")
    assert result.code == ExitCode.ERROR
    assert result.err.endswith("nothing was changed\n")
    yes = shell("rollback", "thumbs", "--no-wait", terminal=True, stdin="y\n")
    assert yes.code == 0


# --- export ---


def test_export_is_json_lines(shell: Shell, filled: SqliteStore) -> None:
    result = shell("export")
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert lines[0]["type"] == "journal"
    assert {"change", "change_event", "condition", "assessment"} <= {x["type"] for x in lines}


def test_reading_needs_no_right_to_write(shell: Shell, filled: SqliteStore) -> None:
    filled.close()
    if os.geteuid() == 0:
        pytest.skip("root may write anything")
    shell.store.chmod(0o444)
    assert shell("get", "changes").code == 0
