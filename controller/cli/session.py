"""What a command gets from outside: environment, flags, time, and the three streams.

`main` makes one Session per call and hands it to click as the context's object. Tests make
their own, with another clock and streams in memory.
"""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import click

from controller.clock import SystemClock
from controller.ports import Clock
from controller.settings import Environment, Settings

_SETTINGS = (
    "log_level",
    "log_format",
    "endpoint_url",
    "listen",
    "token_file",
    "token_for_metrics",
    "public_page",
    "tls_cert",
    "tls_key",
    "workers",
    "journal_days",
    "keep_versions",
    "lease",
    "lease_name",
    "lease_table",
    "lease_namespace",
    "shard",
)
"""Flags that are settings under the same name."""


def really_wait(seconds: float) -> None:
    """Let real time pass; Ctrl-C ends it."""
    threading.Event().wait(seconds)


@dataclass(slots=True)
class Session:
    """One call of the command line."""

    environment: Environment
    clock: Clock
    wait: Callable[[float], None]
    stdin: TextIO
    out: TextIO
    err: TextIO
    flags: dict[str, Any] = field(default_factory=dict)
    """Global options that were given, on whichever side of the command."""

    @classmethod
    def of_process(cls) -> "Session":
        """The real one."""
        return cls(
            environment=Environment.of_process(),
            clock=SystemClock(),
            wait=really_wait,
            stdin=sys.stdin,
            out=sys.stdout,
            err=sys.stderr,
        )

    @property
    def settings(self) -> Settings:
        """Flags over variables over defaults."""
        store = self.flags.get("store")
        given = {name: self.flags[name] for name in _SETTINGS if self.flags.get(name) is not None}
        table = store if store and store.startswith("dynamodb:") else None
        return Settings(
            store=Path(store) if store and not table else self.environment.default_store,
            table=table,
            color=self.environment.color and not self.flags.get("no_color"),
            **given,
        )

    @property
    def debug(self) -> bool:
        """Whether tracebacks are wanted."""
        return bool(self.flags.get("debug"))

    @property
    def terminal(self) -> bool:
        """Whether results go to a person's screen."""
        return self.out.isatty()

    def write(self, text: str) -> None:
        """A result, to stdout."""
        self.out.write(text)

    def say(self, text: str) -> None:
        """A line about what is going on, to stderr."""
        self.err.write(f"{text}\n")
        self.err.flush()

    def progress(self, text: str) -> None:
        """A line that only somebody who watches wants to see."""
        if self.err.isatty():
            self.say(text)


def session_of(context: click.Context) -> Session:
    """The session of a click context."""
    session = context.find_object(Session)
    assert session is not None, "commands are started by controller.cli.main"
    return session


pass_session = click.make_pass_decorator(Session)
