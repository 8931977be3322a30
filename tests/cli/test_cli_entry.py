"""Help, usage, global options, and how every kind of end becomes an exit code."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli_shell import Shell, StillClock, Stream

from controller import __version__
from controller.cli.exits import MEANINGS, ExitCode
from controller.cli.lazy import LazyGroup
from controller.cli.main import COMMANDS, cli, execute
from controller.cli.session import Session
from controller.settings import Environment

HEAVY = ("boto3", "botocore", "numpy", "pydantic", "rich", "ruamel", "structlog", "uvicorn")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )


@pytest.mark.parametrize("line", ["--help", "version", "plan --help", "get --help", "schema -h"])
def test_help_and_version_import_nothing_heavy(line: str) -> None:
    code = (
        "import sys; from controller.cli.main import main\n"
        f"code = main({line.split()!r})\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print('LOADED', loaded, code)"
    )
    assert "LOADED [] 0" in python(code).stdout


@pytest.mark.end_to_end
def test_help_answers_in_under_a_third_of_a_second() -> None:
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        python("from controller.cli.main import main; main(['--help'])")
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.3, seconds


def test_help_lists_every_command_with_its_own_first_line(shell: Shell) -> None:
    result = shell("--help")
    assert result.code == ExitCode.OK
    for name, command, line in lazy_commands(cli, ()):
        if len(name) == 1:
            assert f"  {name[0]} " in result.out
        assert command.get_short_help_str(200).rstrip(".") == line.rstrip("."), name


def lazy_commands(
    group: LazyGroup, above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command, str]]:
    context = click.Context(group)
    for name, lazy in group._lazy.items():
        command = group.get_command(context, name)
        assert command is not None
        yield (*above, name), command, lazy.help
        if isinstance(command, LazyGroup):
            yield from lazy_commands(command, (*above, name))


def test_version(shell: Shell) -> None:
    assert shell("version").out == f"rightsizer {__version__}\n"
    assert __version__ in shell("--version").out
    document = shell("version", "-o", "json").document
    assert document["apiVersion"] == "rightsizer.dev/v1alpha1"
    assert document["version"] == __version__


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["validte"], "Did you mean 'validate'"),
        (["zzz"], "no command 'zzz'"),
        (["validate"], "Missing argument"),
        (["plan"], "Missing option '--policies'"),
        (["plan", "--polices", "x"], "Did you mean '--policies'"),
        (["version", "-o", "xml"], "'xml' is not one of"),
        (["--log-level", "loud", "version"], "'loud' is not one of"),
        (["run", "--policies", "x", "--workers", "0"], "0 is not in the range"),
        (["run", "--policies", "x", "--listen", "nowhere"], "is not HOST:PORT"),
        (["run", "--policies", "x", "--listen", "h:99999"], "is not HOST:PORT"),
        (["pause", "--reason", "x"], "either an ENDPOINT or --all"),
        (["get", "endpoints", "-l", "novalue"], "is not LABEL=VALUE"),
        (["get", "changs"], "Did you mean 'changes'"),
        (["init", "lambda", "a:live"], 'did you mean name: "a", qualifier: "live"'),
    ],
)
def test_wrong_usage_is_64_and_one_sentence(shell: Shell, arguments: list[str], says: str) -> None:
    result = shell(*arguments)
    assert result.code == ExitCode.USAGE
    assert says in result.error
    assert result.out == ""
    assert "--help" in result.err


@pytest.mark.parametrize("group", [[], ["get"], ["sandbox"], ["init"]])
def test_a_group_alone_shows_its_help_and_is_wrong_usage(shell: Shell, group: list[str]) -> None:
    result = shell(*group)
    assert result.code == ExitCode.USAGE
    assert "Commands:" in result.err
    assert result.out == ""


def test_global_options_stand_before_or_after_and_win_over_variables(
    shell: Shell, tmp_path: Path
) -> None:
    here, there = tmp_path / "here.db", tmp_path / "there.db"
    before = shell("--store", here, "export")
    after = shell("export", "--store", here)
    assert before.error == after.error
    assert str(here) in before.error
    by_variable = shell("export", env={"RIGHTSIZER_STORE": str(there)})
    assert str(there) in by_variable.error
    both = shell("export", "--store", here, env={"RIGHTSIZER_STORE": str(there)})
    assert str(here) in both.error
    nested = shell("get", "--store", here, "endpoints", env={"RIGHTSIZER_STORE": str(there)})
    assert str(here) in nested.error


def test_a_wrong_variable_is_named(shell: Shell) -> None:
    result = shell("run", "--policies", "x", env={"RIGHTSIZER_WORKERS": "many"})
    assert result.code == ExitCode.USAGE
    assert "RIGHTSIZER_WORKERS" in result.error


class _Failing(StillClock):
    """A clock that raises what it is given."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def now_s(self) -> float:
        raise self._error


def end_with(error: BaseException, *options: str, store: Path) -> tuple[int, str]:
    out, err, clock = Stream(), Stream(), _Failing(error)
    environment = Environment({"RIGHTSIZER_STORE": str(store)})
    session = Session(environment, clock, clock.wait, Stream(), out, err)
    code = execute(["pause", "--all", "--reason", "test", *options], session)
    return int(code), err.getvalue()


def test_the_unexpected_is_one_sentence_and_with_debug_a_traceback(store_path: Path) -> None:
    code, err = end_with(RuntimeError("boom"), store=store_path)
    assert code == ExitCode.ERROR
    assert err == "error: an unexpected RuntimeError; run with --debug for the traceback\n"
    code, err = end_with(RuntimeError("boom"), "--debug", store=store_path)
    assert code == ExitCode.ERROR
    assert "Traceback (most recent call last)" in err
    assert "boom" in err


def test_interruption_and_closed_pipe_have_codes_of_their_own(store_path: Path) -> None:
    assert end_with(KeyboardInterrupt(), store=store_path) == (
        ExitCode.INTERRUPTED,
        "interrupted\n",
    )
    assert end_with(BrokenPipeError(), store=store_path) == (ExitCode.PIPE_CLOSED, "")


def test_a_failing_disk_is_named(store_path: Path) -> None:
    code, err = end_with(OSError(28, "No space left on device", "plan.json"), store=store_path)
    assert (code, err) == (ExitCode.ERROR, "error: plan.json: no space left on device\n")


@pytest.mark.end_to_end
def test_a_reader_that_goes_away_leaves_no_noise() -> None:
    script = f"{sys.executable} -m controller.cli.main schema | true; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout == "141\n"
    assert result.stderr == ""


@pytest.mark.end_to_end
def test_a_terminal_without_unicode_gets_numbers_for_letters(tmp_path: Path) -> None:
    bad = tmp_path / "füße.yaml"
    bad.write_text("spec: [", "utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "controller.cli.main", "validate", str(bad)],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        timeout=60,
        check=False,
    )
    assert result.returncode == ExitCode.INVALID
    assert rb"f\xfc\xdfe.yaml" in result.stdout
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_code(shell: Shell, name: str) -> None:
    result = shell("completion", name)
    assert result.code == 0
    assert "_RIGHTSIZER_COMPLETE" in result.out


@pytest.mark.end_to_end
def test_shells_are_told_what_may_follow() -> None:
    def completed(words: str, index: int) -> str:
        environment = {
            "_RIGHTSIZER_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(index),
            "PATH": "",
        }
        result = subprocess.run(
            [sys.executable, "-m", "controller.cli.main"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return result.stdout

    assert "plain,validate" in completed("rightsizer vali", 1)
    assert "plain,conditions" in completed("rightsizer get con", 2)
    assert "plain,markdown" in completed("rightsizer plan -o m", 3)


def test_reference_is_up_to_date(repository: Path) -> None:
    from controller.cli.reference import reference

    committed = (repository / "docs/cli.md").read_text("utf-8")
    made = "python -m controller.cli.reference > docs/cli.md"
    assert committed == reference(), f"make it anew: {made}"


def test_reference_has_every_command_option_and_code(repository: Path) -> None:
    page = (repository / "docs/cli.md").read_text("utf-8")
    for code in ExitCode:
        assert f"| {code.value} | " in page
        assert code in MEANINGS
    for name in COMMANDS:
        assert f"## rightsizer {name}\n" in page
    assert not re.search(r"\bUNSET\b|Sentinel|<function", page)
