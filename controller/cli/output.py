"""Results on stdout: tables for people, JSON and YAML for machines, names for pipes.

A table on a terminal folds what does not fit; anywhere else it is as wide as it needs to be,
so that nothing is cut off under `grep`. Text from AWS and from files is shown literally:
neither markup nor control characters in it take effect.
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from controller.cli.session import Session
from controller.policy.envelope import API_VERSION

if TYPE_CHECKING:
    from rich.text import Text

WIDTH_ELSEWHERE = 10_000
"""Columns where there is no terminal: more than any row has."""
GAP = 2
FACT_AT = 11
"""Column at which the text of a fact begins."""
LAST_AT_LEAST = 20
"""Columns that the last one gets on a terminal, however narrow that is."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """Text with a style of rich's, such as `green` or `bold`."""

    text: str
    style: str = ""
    brief: str | None = None
    """What to show instead on a terminal that has no room for the text."""


Row = Sequence[str | Cell]


def printable(text: str) -> str:
    """The text without anything that would move the reader's cursor."""
    return "".join(c if c.isprintable() else " " for c in text)


def show_facts(session: Session, facts: Iterable[tuple[str, str]]) -> None:
    """`Title: text` by line; on a terminal the text folds beside its title, never in a word."""
    from rich.console import Console

    room = Console(file=session.out).width if session.terminal else WIDTH_ELSEWHERE
    for title, text in facts:
        lines = wrap(
            printable(text),
            max(LAST_AT_LEAST, room - FACT_AT),
            break_long_words=False,
            break_on_hyphens=False,
        )
        indented = ("\n" + " " * FACT_AT).join(lines)
        session.write(f"{title + ':':<{FACT_AT}}{indented}\n")


def show_table(session: Session, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """A table. A title that begins with `>` aligns its column to the right; with `~` (before
    it) the column is left out where a terminal is too narrow, the rightmost first."""
    from rich.console import Console
    from rich.table import Table

    columns, shown = _fitting(session, columns, list(rows))
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for title in columns:
        table.add_column(
            title.removeprefix(">"),
            justify="right" if title.startswith(">") else "left",
            no_wrap=title != columns[-1],
            overflow="fold",
        )
    texts = [[_text(cell) for cell in row] for row in shown]
    for cells in texts:
        table.add_row(*cells)
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=_width(session, columns, texts),
        force_terminal=session.terminal,
        no_color=not (session.terminal and session.settings.color),
        highlight=False,
        emoji=False,
    )
    console.print(table)
    session.write("".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines()))


def _fitting(
    session: Session, columns: Sequence[str], rows: list[Row]
) -> tuple[Sequence[str], list[Row]]:
    """Titles and rows that fit the terminal, as far as they can be made to; sizes, money and
    reasons are never cut."""
    titles = [title.removeprefix("~") for title in columns]
    optional = [at for at, title in enumerate(columns) if title.startswith("~")]
    if not optional or not session.terminal or _fits(session, titles, rows):
        return titles, rows
    rows = [[_brief(cell) for cell in row] for row in rows]
    kept = list(range(len(columns)))
    while optional and not _fits(session, [titles[at] for at in kept], _only(rows, kept)):
        kept.remove(optional.pop())
    left_out = [titles[at].removeprefix(">") for at in range(len(columns)) if at not in kept]
    if left_out:
        session.say(f"left out for want of room: {', '.join(left_out)} (see -o wide)")
    return [titles[at] for at in kept], _only(rows, kept)


def _only(rows: Sequence[Row], kept: Sequence[int]) -> list[Row]:
    return [[row[at] for at in kept] for row in rows]


def _brief(cell: str | Cell) -> str | Cell:
    if isinstance(cell, Cell) and cell.brief is not None:
        return Cell(cell.brief, cell.style)
    return cell


def _fits(session: Session, titles: Sequence[str], rows: Sequence[Row]) -> bool:
    texts = [[_text(cell) for cell in row] for row in rows]
    from rich.console import Console

    return _width(session, titles, texts) <= Console(file=session.out).width


def _width(session: Session, columns: Sequence[str], rows: "Sequence[Sequence[Text]]") -> int:
    """The terminal's, or more where the columns before the last need it: those never fold."""
    if not session.terminal:
        return WIDTH_ELSEWHERE
    from rich.console import Console

    widest = [
        max([len(title), *(row[at].cell_len for row in rows)]) + GAP
        for at, title in enumerate(columns)
    ]
    return max(Console(file=session.out).width, sum(widest[:-1]) + min(widest[-1], LAST_AT_LEAST))


def _text(cell: str | Cell) -> "Text":
    from rich.text import Text

    if isinstance(cell, Cell):
        return Text(printable(cell.text), style=cell.style)
    return Text(printable(cell))


def listing(kind: str, items: Sequence[Document], **more: Any) -> dict[str, Any]:
    """The envelope of a list."""
    return {"apiVersion": API_VERSION, "kind": kind, **more, "items": list(items)}


def document(kind: str, content: Document) -> dict[str, Any]:
    """The envelope of one thing."""
    return {"apiVersion": API_VERSION, "kind": kind, **content}


def show_document(session: Session, form: str, content: Document) -> None:
    """As JSON or YAML, in the order given."""
    if form == "yaml":
        session.write(yaml_text(content))
    else:
        session.write(json_text(content))


def json_text(content: Document) -> str:
    """Indented JSON with a newline at the end."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def yaml_text(content: Document) -> str:
    """The same content as YAML."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.width = WIDTH_ELSEWHERE
    buffer = io.StringIO()
    # by way of JSON, so that enums and the like are plain values in both
    yaml.dump(json.loads(json_text(content)), buffer)
    return buffer.getvalue()


def show_names(session: Session, names: Iterable[str]) -> None:
    """One name a line."""
    session.write("".join(f"{name}\n" for name in names))
