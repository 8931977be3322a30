"""`rightsizer config view`: the settings in effect, and where each came from.

Settings are the options of `run` and those of every command: whatever they have, this shows,
without a list of its own that could be forgotten.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import click

from controller.cli.lazy import Lazy, LazyGroup
from controller.cli.options import Verb, global_options, output_option
from controller.cli.output import Cell, listing, show_document, show_table
from controller.cli.run import run
from controller.cli.session import Session, pass_session

FLAG, VARIABLE, DEFAULT = "flag", "environment", "default"
_SOURCES = {
    click.core.ParameterSource.COMMANDLINE: FLAG,
    click.core.ParameterSource.ENVIRONMENT: VARIABLE,
}
OF_AWS = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "HTTPS_PROXY",
    "NO_COLOR",
)
"""Variables that are not ours and matter all the same; boto3 reads many more."""
_SECRET = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the view."""

    name: str
    value: Any
    """As JSON has it; None where it is not set."""
    source: str
    variable: str


@click.group(
    cls=LazyGroup,
    lazy={
        "view": Lazy("controller.cli.config:view", "Settings in effect, and where each came from.")
    },
)
def config() -> None:
    """Show the settings in effect."""


class AsRun(Verb):
    """A command that takes the options of `run`, none of which it insists on."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own and those of `run`, each as `run` has it."""
        return [*map(_optional, run.params), *super().get_params(ctx)]


@click.command("view", cls=AsRun)
@output_option("table", "json", "yaml")
@pass_session
def view(session: Session, /, *, output: str, **values: Any) -> None:
    """Settings in effect, and where each came from.

    Takes every option of `run`, so that the flags of a deployment can be tried. A flag wins
    over its variable, the variable over the default. Secrets are not shown, only that they
    are there. Reads no file and makes no call.
    """
    context = click.get_current_context()
    found = [*_settings(context, session, values), *_foreign(session)]
    if output == "table":
        rows = [(Cell(s.name, "bold"), _words(s.value), s.source, s.variable) for s in found]
        show_table(session, ("SETTING", "VALUE", "FROM", "VARIABLE"), rows)
        return
    items = [
        {"name": s.name, "value": s.value, "source": s.source, "variable": s.variable}
        for s in found
    ]
    show_document(session, output, listing("SettingList", items))


def options() -> list[click.Option]:
    """All that is a setting: of every command, and of `run`."""
    return [
        one
        for one in (*global_options(inner=False), *run.params)
        if isinstance(one, click.Option) and not one.is_eager
    ]


def _settings(
    context: click.Context, session: Session, values: Mapping[str, Any]
) -> Iterator[Setting]:
    for option in options():
        name = option.name or ""
        value = values.get(name, session.flags.get(name))
        if value is None:
            value = getattr(session.settings, name, False if option.is_flag else None)
        yield Setting(
            option.opts[0].removeprefix("--"),
            _plain(value),
            _source(context, name),
            option.envvar if isinstance(option.envvar, str) else "",
        )


def _source(context: click.Context, name: str) -> str:
    """Whichever side of the command it was given on."""
    at: click.Context | None = context
    while at is not None:
        source = at.get_parameter_source(name)
        if source in _SOURCES:
            return _SOURCES[source]
        at = at.parent
    return DEFAULT


def _foreign(session: Session) -> Iterator[Setting]:
    for name in OF_AWS:
        value = session.environment.variables.get(name)
        if value:
            shown = "(set, not shown)" if name in _SECRET else _plain(value)
            yield Setting(name, shown, VARIABLE, name)


def _plain(value: Any) -> Any:
    """As JSON has it, without the password of an address."""
    from controller.telemetry.redaction import redact_text

    match value:
        case None | bool() | int() | float():
            return value
        case list() | tuple():
            return [_plain(one) for one in value]
        case PurePath():
            return str(value)
        case _:
            return redact_text(_without_user(str(value)))


def _without_user(text: str) -> str:
    scheme, found, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    if not found or "@" not in host:
        return text
    return f"{scheme}://[redacted]@{host.rpartition('@')[2]}{slash}{path}"


def _words(value: Any) -> str:
    match value:
        case None | []:
            return "(unset)"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def _optional(parameter: click.Parameter) -> click.Parameter:
    mine = copy(parameter)
    mine.required = False
    return mine
