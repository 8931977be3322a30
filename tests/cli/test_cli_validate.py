"""`validate` and bad input of every sort: one line each, with its place, and exit code 4."""

import gzip
import os
from pathlib import Path

import pytest
from cli_shell import Shell, policy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.cli.exits import ExitCode

GOOD = policy("ocr")
BOMB = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x, x]"]
    + [
        f"{c}: &{c} [{', '.join(['*' + b] * 9)}]"
        for b, c in zip("abcdefgh", "bcdefghi", strict=True)
    ]
)
BAD_YAML = {
    "unclosed": "spec: [",
    "tab": "a:\n\t- b",
    "unknown field": GOOD.replace("slo:", "sloo:"),
    "duplicate key": GOOD + "  mode: Off\n",
    "wrong type": GOOD.replace("400ms", "400"),
    "unknown kind": GOOD.replace("RightsizingPolicy", "RightsizingPolice"),
    "unknown version": GOOD.replace("v1alpha1", "v9"),
    "no mapping": "- just\n- a list\n",
    "scalar": "42",
    "anchor without target": "a: *nowhere",
    "bomb": BOMB,
    "deep": "[" * 5000,
    "duplicate name": f"{GOOD}---\n{GOOD}",
    "tagged": "!!python/object/apply:os.system ['true']",
    "nul": "a: \0",
}


@pytest.mark.parametrize("name", BAD_YAML)
def test_wrong_yaml_of_every_sort(shell: Shell, tmp_path: Path, name: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD_YAML[name], "utf-8")
    result = shell("validate", path)
    assert result.code == ExitCode.INVALID
    lines = result.out.splitlines()
    assert lines
    assert all(line.startswith(f"{path}:") and "error: " in line for line in lines)
    assert result.err.startswith("not valid: ")


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00a", b"caf\xe9: 1", gzip.compress(GOOD.encode()), os.urandom(4096), b"\x00" * 50],
    ids=["utf-16", "latin-1", "gzip", "random", "zeros"],
)
def test_what_is_not_utf_8(shell: Shell, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    result = shell("validate", path)
    assert result.code == ExitCode.INVALID
    assert str(path) in result.out


def test_ten_megabytes_are_refused_by_size(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"# filler\n" * 1_200_000)
    result = shell("validate", path)
    assert result.code == ExitCode.INVALID
    assert "larger than 1 MiB" in result.out
    assert len(result.out) < 500


@pytest.mark.parametrize("command", ["validate", "run", "plan", "get policies"])
def test_a_directory_without_policies(shell: Shell, tmp_path: Path, command: str) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    words = command.split()
    place = [empty] if command == "validate" else ["--policies", empty]
    result = shell(*words, *place)
    assert result.code == ExitCode.INVALID
    told = result.out if command == "validate" else result.err
    assert "no policy files here" in told
    assert str(empty) in told


@pytest.mark.parametrize("command", ["run", "plan", "get policies", "explain x", "apply p.json"])
def test_invalid_policies_stop_every_command_alike(
    shell: Shell, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text(GOOD.replace("mode: Recommend", "mode: Enforced"), "utf-8")
    plan = '{"kind": "Plan", "apiVersion": "rightsizer.dev/v1alpha1", "items": [], "createdAt": 0}'
    (tmp_path / "p.json").write_text(plan, "utf-8")
    options = ["--yes"] if command.startswith("apply") else []
    result = shell(*command.split(), "--policies", "bad.yaml", *options)
    assert result.code == ExitCode.INVALID
    if not command.startswith("apply"):
        assert result.error.startswith("bad.yaml:7:9: spec.mode: ")
        assert 'did you mean "Enforce"?' in result.error


def test_every_problem_of_several_files_and_stdin(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("400ms", "400"), "utf-8")
    (tmp_path / "b.yml").write_text(GOOD.replace("400ms", "fast").replace("ocr", "b"), "utf-8")
    result = shell("validate", tmp_path, "-", stdin=b"kind: [")
    assert result.code == ExitCode.INVALID
    for place in ("a.yaml:", "b.yml:", "<stdin>:"):
        assert place in result.out


def test_good_policies(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "ok.yaml"
    path.write_text(GOOD, "utf-8")
    result = shell("validate", path)
    assert (result.code, result.out, result.err) == (0, "valid: 1 policy\n", "")


def test_warnings_are_told_and_are_no_failure(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "only-defaults.yaml"
    path.write_text(
        "apiVersion: rightsizer.dev/v1alpha1\nkind: PolicyDefaults\nmetadata: {name: d}\n"
        "spec: {mode: Observe}\n",
        "utf-8",
    )
    result = shell("validate", path)
    assert result.code == 0
    assert f"{path}: warning: " in result.out
    assert "1 warning" in result.out
    document = shell("validate", "-o", "json", path).document
    assert document["valid"] is True
    assert [p["severity"] for p in document["problems"]] == ["warning"]


def test_json_report_has_every_part_of_a_problem(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(GOOD.replace("slo:", "sloo:"), "utf-8")
    result = shell("validate", "-o", "json", path)
    assert result.code == ExitCode.INVALID
    document = result.document
    assert (document["kind"], document["valid"]) == ("ValidationReport", False)
    first = document["problems"][0]
    assert first["file"] == str(path)
    assert first["line"] > 0
    assert first["column"] > 0
    assert {"path", "message", "hint", "severity"} <= set(first)
    as_yaml = shell("validate", "-o", "yaml", path)
    assert "kind: ValidationReport" in as_yaml.out


def test_missing_paths_and_odd_names(shell: Shell, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / "a\nb.yaml"):
        result = shell("validate", path)
        assert result.code == ExitCode.INVALID
        assert len(result.out.splitlines()) == 1


@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_end_in_0_or_4(shell: Shell, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    assert shell("validate", path).code in {ExitCode.OK, ExitCode.INVALID}


def test_schema_is_the_committed_one(shell: Shell, repository: Path) -> None:
    committed = (repository / "policies/rightsizer.schema.json").read_text("utf-8")
    assert shell("schema").out == committed
