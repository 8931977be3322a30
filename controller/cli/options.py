"""Options: the global ones, which every command takes, and those that several share.

Each global option has a variable `RIGHTSIZER_…`. They are read from the session's
environment, not by click from the process, so that there is one reader of the environment.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

import click

from controller.cli.session import Session
from controller.settings import ENV_PREFIX

F = TypeVar("F", bound=Callable[..., Any])

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("auto", "json", "console")


class EnvOption(click.Option):
    """An option whose variable is looked up in the session's environment."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """The variable's value; None where it is unset or empty."""
        session = ctx.find_object(Session)
        if session is None or not isinstance(self.envvar, str):
            return None
        return session.environment.get(self.envvar.removeprefix(ENV_PREFIX))


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Remember a global option; what was not given here leaves alone what was given before."""
    session = context.find_object(Session)
    assert parameter.name is not None
    source = context.get_parameter_source(parameter.name)
    if session is not None and source in {
        click.core.ParameterSource.COMMANDLINE,
        click.core.ParameterSource.ENVIRONMENT,
    }:
        session.flags[parameter.name] = value


def _global(name: str, *, inner: bool, **attributes: Any) -> click.Option:
    return EnvOption(
        [f"--{name}"],
        envvar=None if inner else ENV_PREFIX + name.upper().replace("-", "_"),
        show_envvar=True,
        expose_value=False,
        callback=_keep,
        hidden=inner,
        **attributes,
    )


def global_options(*, inner: bool) -> list[click.Parameter]:
    """The options that go before the command and (`inner`, not listed in help) after it."""
    return [
        _global(
            "store",
            inner=inner,
            metavar="PATH|URL",
            help="The journal: a file, by default journal.db in the user's state directory, or a"
            " table, dynamodb://TABLE?region=REGION.",
        ),
        _global(
            "log-level",
            inner=inner,
            type=click.Choice(LOG_LEVELS),
            help="Least level told; by default info.",
        ),
        _global(
            "log-format",
            inner=inner,
            type=click.Choice(LOG_FORMATS),
            help="auto, the default, is console on a terminal and json elsewhere.",
        ),
        _global(
            "endpoint-url",
            inner=inner,
            metavar="URL",
            help="One address for all AWS services, such as a sandbox's; by default AWS's own.",
        ),
        _global("no-color", inner=inner, is_flag=True, help="No colours; NO_COLOR works too."),
        _global("debug", inner=inner, is_flag=True, help="Tracebacks, and logs at level debug."),
    ]


class Verb(click.Command):
    """A command that takes the global options as well."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, then the global ones."""
        return [*super().get_params(ctx), *global_options(inner=True)]


def policies_option(*, required: bool = True) -> Callable[[F], F]:
    """`--policies`: files or directories; may be repeated."""
    return click.option(
        "--policies",
        cls=EnvOption,
        envvar=f"{ENV_PREFIX}POLICIES",
        show_envvar=True,
        required=required,
        multiple=True,
        metavar="PATH",
        type=click.Path(),
        help="Policy files or directories; may be given several times.",
    )


def output_option(*forms: str) -> Callable[[F], F]:
    """`-o`: the first form is the default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help="How results look.",
    )


def selector_option(*names: str) -> Callable[[F], F]:
    """`-l label=value`; several must all hold. `names`: the only labels that there are."""

    def known(
        context: click.Context, parameter: click.Parameter, values: Iterable[str]
    ) -> dict[str, str]:
        pairs = _pairs(context, parameter, values)
        for label in pairs if names else ():
            if label not in names:
                near = get_close_matches(label, names, n=1)
                meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}."
                raise click.BadParameter(
                    f"there is no label {label!r}; {meant}", context, parameter
                )
        return pairs

    return click.option(
        "-l",
        "--selector",
        "selectors",
        multiple=True,
        metavar="LABEL=VALUE",
        callback=known,
        help="Only what has this label; may be given several times.",
    )


def _pairs(
    context: click.Context, parameter: click.Parameter, values: Iterable[str]
) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in (part for value in values for part in value.split(",")):
        label, equals, value = text.partition("=")
        if not label or not equals:
            raise click.BadParameter(f"{text!r} is not LABEL=VALUE", context, parameter)
        pairs[label.strip()] = value.strip()
    return pairs
