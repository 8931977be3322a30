"""Who may look at the listener: the options of `run`, and what they make of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from controller.cli.exits import CommandError
from controller.cli.options import EnvOption
from controller.settings import ENV_PREFIX, Settings

if TYPE_CHECKING:
    from controller.web.doors import Doors
    from controller.web.rotating import Tls

F = TypeVar("F", bound=Callable[..., Any])


def doors_options(command: F) -> F:
    """`--token-file`, `--token-for-metrics`, `--public-page`, `--tls-cert` and `--tls-key`."""
    for option in reversed(
        (
            _file(
                "token-file",
                "Ask for the token in this file at the page, the API and reload. Unset: none.",
            ),
            _flag("token-for-metrics", "Ask for the token at /metrics too."),
            _flag(
                "public-page",
                "Without a token, show page and API to everybody who reaches the listener, not to"
                " this machine alone.",
            ),
            _file("tls-cert", "Serve HTTPS with this certificate chain (PEM). Unset: HTTP."),
            _file("tls-key", "The certificate's key (PEM). Unset: HTTP."),
        )
    ):
        command = option(command)
    return command


def _file(name: str, words: str) -> Callable[[F], F]:
    kind = click.Path(path_type=Path)
    return click.option(f"--{name}", metavar="PATH", type=kind, help=words, **_variable(name))


def _flag(name: str, words: str) -> Callable[[F], F]:
    return click.option(f"--{name}", is_flag=True, help=words, **_variable(name))


def _variable(name: str) -> dict[str, Any]:
    variable = ENV_PREFIX + name.upper().replace("-", "_")
    return {"cls": EnvOption, "envvar": variable, "show_envvar": True}


def doors(settings: Settings, host: str) -> "Doors":
    """Raises CommandError where the token cannot be had."""
    from controller.web.doors import Doors, is_loopback
    from controller.web.rotating import TokenFile

    if settings.token_file is None:
        if settings.token_for_metrics:
            raise click.UsageError("--token-for-metrics needs --token-file.")
        return Doors(loopback=is_loopback(host), public=settings.public_page)
    try:
        token = TokenFile(settings.token_file)
    except ValueError as error:
        raise CommandError(str(error)) from error
    return Doors(token, settings.token_for_metrics, is_loopback(host))


def exposure(doors: "Doors", url: str) -> str | None:
    """What whoever starts a listener that others can reach should know; None: nothing."""
    if doors.loopback or doors.token is not None:
        return None
    if doors.public:
        return f"page and API are open to everybody who can reach {url}: no token is set"
    return (
        f"page and API at {url} are shown to this machine alone, since no token is set"
        " (--token-file; or --public-page)"
    )


def tls(settings: Settings) -> "Tls | None":
    """Raises UsageError where one of the two files is not named."""
    from controller.web.rotating import Tls

    if settings.tls_cert is None and settings.tls_key is None:
        return None
    if settings.tls_cert is None or settings.tls_key is None:
        raise click.UsageError("--tls-cert and --tls-key go together.")
    return Tls(settings.tls_cert, settings.tls_key)
