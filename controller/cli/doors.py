"""Who may look at the listener: the options of `run`, and what they make of it."""

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from controller.cli.exits import CommandError
from controller.cli.options import EnvOption
from controller.settings import ENV_PREFIX, Settings

if TYPE_CHECKING:
    from controller.web.doors import Doors
    from controller.web.listener import Tls

F = TypeVar("F", bound=Callable[..., Any])


def doors_options(command: F) -> F:
    """`--token-file`, `--token-for-metrics`, `--tls-cert` and `--tls-key`."""
    for option in reversed(
        (
            _file("token-file", "Ask for the token in this file at the page, the API and reload."),
            click.option(
                "--token-for-metrics",
                cls=EnvOption,
                envvar=f"{ENV_PREFIX}TOKEN_FOR_METRICS",
                show_envvar=True,
                is_flag=True,
                help="Ask for the token at /metrics too.",
            ),
            _file("tls-cert", "Serve HTTPS with this certificate chain (PEM)."),
            _file("tls-key", "The certificate's key (PEM)."),
        )
    ):
        command = option(command)
    return command


def _file(name: str, words: str) -> Callable[[F], F]:
    return click.option(
        f"--{name}",
        cls=EnvOption,
        envvar=ENV_PREFIX + name.upper().replace("-", "_"),
        show_envvar=True,
        metavar="PATH",
        type=click.Path(path_type=Path),
        help=words,
    )


def doors(settings: Settings, host: str) -> "Doors":
    """Raises CommandError where the token cannot be had."""
    from controller.web.doors import Doors

    if settings.token_file is None:
        if settings.token_for_metrics:
            raise click.UsageError("--token-for-metrics needs --token-file.")
        return Doors(loopback=_is_loopback(host))
    try:
        token = settings.token_file.read_text("utf-8").strip()
        return Doors(token, settings.token_for_metrics, _is_loopback(host))
    except UnicodeDecodeError as error:
        raise CommandError(f"{settings.token_file} holds no text") from error
    except ValueError as error:
        raise CommandError(f"{settings.token_file}: {error}") from error


def tls(settings: Settings) -> "Tls | None":
    """Raises UsageError where one of the two files is not named."""
    from controller.web.listener import Tls

    if settings.tls_cert is None and settings.tls_key is None:
        return None
    if settings.tls_cert is None or settings.tls_key is None:
        raise click.UsageError("--tls-cert and --tls-key go together.")
    return Tls(settings.tls_cert, settings.tls_key)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
