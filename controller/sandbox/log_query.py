"""Runs a log query over lines and gives rows as Logs Insights does: fields and strings."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product

import numpy as np

from controller.sandbox.log_functions import aggregate, column, numbers, unsupported
from controller.sandbox.log_language import Command, Named, Node
from controller.sandbox.log_records import Block, Column

Cell = str | float
Row = dict[str, Cell]

MOST_ROWS = 10_000


def run(commands: Sequence[Command], blocks: Sequence[Block], limit: int) -> list[dict[str, str]]:
    """The rows a query gives, each a mapping of field to text. Raises QuerySyntaxError."""
    limit = min([limit, *(c.number for c in commands if c.verb == "limit")])
    steps = [command for command in commands if command.verb != "limit"]
    verbs = [command.verb for command in steps]
    cut = verbs.index("stats") if "stats" in verbs else len(steps)
    kept, shown = _before_stats(blocks, steps[:cut])
    if cut == len(steps):
        rows = list(_lines(kept, shown, limit))
    else:
        rows = list(_stats(steps[cut], kept))
        for command in steps[cut + 1 :]:
            rows = _after_stats(rows, command)
    return [
        {name: text_of(name, cell) for name, cell in row.items() if not _absent(cell)}
        for row in rows[:limit]
    ]


def _before_stats(
    blocks: Sequence[Block], commands: Sequence[Command]
) -> tuple[list[Block], list[Named]]:
    """(lines left, fields to show) after filter, fields, display and sort."""
    kept, shown = list(blocks), [Named("@timestamp", Node("field", "@timestamp"))]
    for command in commands:
        if command.verb == "filter":
            kept = [_filtered(block, command) for block in kept]
        elif command.verb == "sort":
            if any(item.name != "@timestamp" for item in command.items):
                raise unsupported("sorting lines by anything but @timestamp")
            if not command.descending[0]:
                kept = [_reversed(block) for block in kept]
        else:
            shown = list(command.items)
            kept = [_with(block, command.items) for block in kept]
    return kept, shown


def _filtered(block: Block, command: Command) -> Block:
    assert command.node is not None
    return block.keep(numbers(command.node, block) == 1.0)


def _with(block: Block, items: Sequence[Named]) -> Block:
    """The block with computed fields added."""
    made = {item.name: column(item.node, block) for item in items if item.node.kind != "field"}
    return Block({**block.columns, **made}, block.counts) if made else block


def _reversed(block: Block) -> Block:
    flipped = {n: c if isinstance(c, str) else c[::-1] for n, c in block.columns.items()}
    return Block(flipped, block.counts[::-1])


def _stats(command: Command, blocks: Sequence[Block]) -> Iterator[Row]:
    # Blocks differ in texts (@type); where those are grouped by, each is a group of its own.
    alike: dict[tuple[str, ...], list[Block]] = {}
    for block in blocks:
        values = [column(item.node, block) for item in command.by]
        texts = tuple(value for value in values if isinstance(value, str))
        if len(block.counts):
            alike.setdefault(texts, []).append(block)
    if not alike and not command.by:
        # Without groups, counting nothing gives one row; with groups it gives none.
        alike[()] = [Block({}, np.empty(0))]
    for same in alike.values():
        for row, group in _groups(_joined(same), command.by):
            for item in command.items:
                row[item.name] = aggregate(item.node, group)
            yield row


def _joined(blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    names = set.intersection(*(set(block.columns) for block in blocks))
    columns: dict[str, Column] = {}
    for name in names:
        parts = [block.columns[name] for block in blocks]
        if isinstance(parts[0], str):
            if len(set(map(str, parts))) == 1:
                columns[name] = parts[0]
            continue
        columns[name] = np.concatenate([np.asarray(part) for part in parts])
    return Block(columns, np.concatenate([block.counts for block in blocks]))


def _groups(block: Block, by: Sequence[Named]) -> Iterator[tuple[Row, Block]]:
    """(names and values of the group, its rows), largest key last."""
    choices: list[list[tuple[Cell, np.ndarray]]] = []
    for item in by:
        value = column(item.node, block)
        if isinstance(value, str):
            choices.append([(value, np.ones(len(block.counts), bool))])
            continue
        keys = np.unique(value[~np.isnan(value)])
        found: list[tuple[Cell, np.ndarray]] = [(float(key), value == key) for key in keys]
        if np.isnan(value).any():
            found.append((float("nan"), np.isnan(value)))
        choices.append(found)
    for combination in product(*choices):
        rows = np.ones(len(block.counts), bool)
        for _, mask in combination:
            rows &= mask
        if rows.any() or not by:
            names = {item.name: key for item, (key, _) in zip(by, combination, strict=True)}
            yield names, block.keep(rows)


def _lines(blocks: Sequence[Block], shown: Sequence[Named], limit: int) -> Iterator[Row]:
    """Single lines, newest first, as many times as they occurred."""
    given = 0
    for block in blocks:
        columns = {item.name: column(item.node, block) for item in shown}
        for index in range(len(block.counts) - 1, -1, -1):
            row = {n: c if isinstance(c, str) else float(c[index]) for n, c in columns.items()}
            for _ in range(int(block.counts[index])):
                if given >= limit:
                    return
                given += 1
                yield dict(row)


def _sort(rows: list[Row], command: Command) -> None:
    for item, descending in reversed(list(zip(command.items, command.descending, strict=True))):
        rows.sort(key=lambda row: _key(row, item.name), reverse=descending)


def _key(row: Mapping[str, Cell], name: str) -> tuple[float, str]:
    cell = row.get(name, float("nan"))
    if isinstance(cell, str):
        return 0.0, cell
    return (-np.inf if np.isnan(cell) else cell), ""


def _after_stats(rows: list[Row], command: Command) -> list[Row]:
    """filter, fields, display and sort on the rows that stats gave."""
    if command.verb == "stats":
        raise unsupported("a second stats")
    if command.verb == "sort":
        _sort(rows, command)
        return rows
    kept = []
    for row in rows:
        cells = {n: c if isinstance(c, str) else np.array([c]) for n, c in row.items()}
        block = Block(cells, np.ones(1))
        if command.verb == "filter":
            if len(_filtered(block, command).counts):
                kept.append(row)
            continue
        made: Row = {}
        for item in command.items:
            value = column(item.node, block)
            made[item.name] = value if isinstance(value, str) else float(value[0])
        kept.append(made if command.verb == "display" else {**row, **made})
    return kept


def _absent(cell: Cell) -> bool:
    return not isinstance(cell, str) and bool(np.isnan(cell))


def text_of(name: str, cell: Cell) -> str:
    """A value as Logs Insights writes it: `42`, `12.5`, `1.28E8`, `2026-11-20 05:46:00.000`."""
    if isinstance(cell, str):
        return cell
    if name == "@timestamp" or name.startswith("bin("):
        moment = datetime.fromtimestamp(cell / 1000.0, UTC)
        return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
    if abs(cell) >= 1e7:
        digits, _, exponent = f"{cell:.6E}".partition("E")
        digits = digits.rstrip("0")
        return f"{digits}0E{int(exponent)}" if digits.endswith(".") else f"{digits}E{int(exponent)}"
    if cell == int(cell):
        return str(int(cell))
    return f"{cell:.4f}".rstrip("0")
