"""`config view`: every setting, its value, and where it came from."""

import json
from typing import Any

import click
import pytest
from cli_shell import Shell

from controller.cli.config import options
from controller.cli.main import cli
from controller.settings import ENV_PREFIX

SETTINGS = [pytest.param(option, id=option.opts[0]) for option in options()]


def viewed(shell: Shell, *arguments: str) -> dict[str, dict[str, Any]]:
    answer = shell(*arguments)
    assert answer.code == 0, answer.err
    return {item["name"]: item for item in json.loads(answer.out)["items"]}


@pytest.mark.parametrize("option", SETTINGS)
def test_every_flag_has_a_variable_and_a_documented_default(option: click.Option) -> None:
    wanted = ENV_PREFIX + option.opts[0].removeprefix("--").upper().replace("-", "_")
    assert option.envvar == wanted
    said = option.help or ""
    documented = (option.default is not None and option.show_default) or option.is_flag
    assert documented or option.required or "default" in said or "Unset" in said


def test_each_setting_says_where_it_came_from(shell: Shell) -> None:
    shell.variables = {"RIGHTSIZER_WORKERS": "7", "RIGHTSIZER_LOG_FORMAT": "json"}
    found = viewed(
        shell, "--log-level", "debug", "config", "view", "--listen", ":9", "--workers", "8",
        "--policies", "a", "--policies", "b", "-o", "json",
    )  # fmt: skip
    told = {name: (found[name]["value"], found[name]["source"]) for name in found}
    assert told["log-level"] == ("debug", "flag")
    assert told["log-format"] == ("json", "environment")
    assert told["workers"] == (8, "flag")
    assert told["listen"] == (":9", "flag")
    assert told["policies"] == (["a", "b"], "flag")
    assert told["store"] == (str(shell.store), "environment")
    assert told["journal-days"] == (400, "default")
    assert told["keep-versions"] == (None, "default")
    assert told["debug"] == (False, "default")
    assert {option.opts[0].removeprefix("--") for option in options()} <= set(told)


@pytest.mark.parametrize("form", ["table", "json", "yaml"])
def test_secrets_are_not_shown(shell: Shell, form: str) -> None:
    shell.variables = {
        "AWS_ACCESS_KEY_ID": "AKIAABCDEFGHIJKLMNOP",
        "AWS_SECRET_ACCESS_KEY": "hush-hush",
        "AWS_SESSION_TOKEN": "hush-token",
        "AWS_REGION": "eu-west-1",
        "RIGHTSIZER_ENDPOINT_URL": "http://user:hush@localhost:4566",
    }
    answer = shell("config", "view", "-o", form)
    assert answer.code == 0
    assert "hush" not in answer.out
    assert "AKIA" not in answer.out
    assert "localhost:4566" in answer.out
    assert "eu-west-1" in answer.out
    assert "AWS_SECRET_ACCESS_KEY" in answer.out


def _commands(group: click.Group, context: click.Context) -> list[click.Context]:
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        found += [inner, *(_commands(command, inner) if isinstance(command, click.Group) else ())]
    return found


def test_every_option_of_every_command_has_a_variable_but_consent() -> None:
    root = click.Context(cli, info_name="rightsizer", auto_envvar_prefix=ENV_PREFIX.rstrip("_"))
    without = {
        f"{context.info_name} {option.opts[0]}"
        for context in _commands(cli, root)
        for option in context.command.params
        if isinstance(option, click.Option) and not option.is_eager
        if option.envvar is None and not option.allow_from_autoenv
    }
    assert without == {"apply --yes", "rollback --yes", "probe --yes", "tune --yes"}


def test_a_variable_stands_for_an_option(monkeypatch: pytest.MonkeyPatch, shell: Shell) -> None:
    monkeypatch.setenv("RIGHTSIZER_VERSION_OUTPUT", "json")
    assert json.loads(shell("version").out)
    assert not shell("version", "-o", "table").out.startswith("{")
