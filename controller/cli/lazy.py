"""A group that imports a command's module only when that command is called.

Its help comes from a table, so that listing the commands imports none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from controller.cli.options import global_options


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command is, and what it does in one line."""

    home: str
    """`package.module:attribute`."""
    help: str


class LazyGroup(click.Group):
    """Commands by name, imported on first use."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._lazy = lazy

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The global options: listed at the top, taken silently by groups below it."""
        return [*super().get_params(ctx), *global_options(inner=ctx.parent is not None)]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the table's order."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        lazy = self._lazy.get(cmd_name)
        if lazy is None:
            return None
        module, _, attribute = lazy.home.partition(":")
        found = getattr(import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and one-line helps, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in self._lazy.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the commands' names at hand for a hint."""
        name = args[0]
        if name in self._lazy or ctx.resilient_parsing or name.startswith("-"):
            return super().resolve_command(ctx, args)
        near = get_close_matches(name, self._lazy, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise click.UsageError(f"There is no command {name!r}.{hint}", ctx)
