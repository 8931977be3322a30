"""REPORT lines as columns: what Logs Insights finds in a Lambda function's log group.

One row stands for `count` calls. Units are AWS's: durations in milliseconds, memory in bytes
of decimal megabytes (128 MB is 1.28E8), instants in milliseconds since the epoch. A column
holds NaN where a line lacks the field; a plain string stands for a column of equal strings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from controller.sandbox import draws
from controller.sandbox.cell import Cell
from controller.sandbox.invocations import Invocation
from controller.sandbox.region import Region
from controller.sandbox.tape import HOUR_S, MINUTE_S

if TYPE_CHECKING:
    from controller.sandbox.world import World

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.integer]
Column = Floats | str

BYTES_PER_MB = 1_000_000.0
NUMBERS = ("@timestamp", "@duration", "@billedDuration", "@memorySize", "@maxMemoryUsed",
           "@initDuration")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one kind of line: columns of equal length, and how many lines each row is."""

    columns: Mapping[str, Column]
    counts: Floats

    def keep(self, rows: npt.NDArray[np.bool_]) -> Block:
        """Only some rows."""
        kept = {n: c if isinstance(c, str) else c[rows] for n, c in self.columns.items()}
        return Block(kept, self.counts[rows])


def lines(
    world: World, region: Region, log_group: str, start_s: float, end_s: float
) -> list[Block]:
    """All START, END and REPORT lines of a log group in [start_s, end_s]."""
    parts: list[tuple[Floats, Floats]] = []
    for name in sorted(region.histories):
        if _log_group_of(region, name) == log_group:
            parts += _played(world, region, name, start_s, end_s)
            parts += _single(region.invocations.get(name, ()), start_s, end_s)
    rows = np.concatenate([np.empty((len(NUMBERS), 0)), *(rows for rows, _ in parts)], axis=1)
    counts = np.concatenate([np.empty(0), *(counts for _, counts in parts)])
    inside = (rows[0] >= start_s * 1000.0) & (rows[0] < (end_s + 1.0) * 1000.0)
    rows, counts = rows[:, inside], counts[inside]
    order = np.argsort(rows[0], kind="stable")
    numbers = dict(zip(NUMBERS, rows[:, order], strict=True))
    common: dict[str, Column] = {"@log": f"{region.account}:{log_group}"}
    absent = np.full(len(order), np.nan)
    blank = dict.fromkeys(NUMBERS[1:], absent) | {"@timestamp": numbers["@timestamp"]}
    return [
        Block({**common, **blank, "@type": "START"}, counts[order]),
        Block({**common, **blank, "@type": "END"}, counts[order]),
        Block({**common, **numbers, "@type": "REPORT"}, counts[order]),
    ]


def _log_group_of(region: Region, name: str) -> str:
    function = region.functions.get(name)
    return f"/aws/lambda/{name}" if function is None else function.log_group


def _played(
    world: World, region: Region, name: str, start_s: float, end_s: float
) -> Iterator[tuple[Floats, Floats]]:
    """Rows of ordinary traffic."""
    begin_s = max(start_s, region.histories[name].states[0].start_s)
    for hour_s in range(int(begin_s // HOUR_S) * HOUR_S, int(end_s) + 1, HOUR_S):
        first = max(0, int(start_s - hour_s) // MINUTE_S)
        last = min(60, int(end_s - hour_s) // MINUTE_S + 1)
        visible = min(last, int(world.now_s() - hour_s) // MINUTE_S)
        if first >= visible:
            continue
        tape = world.metrics.tape(region, name, hour_s)
        tape.play(visible)
        for cell in tape.cells.values():
            yield _rows(cell, hour_s, first, visible)


def _rows(cell: Cell, hour_s: int, first: int, last: int) -> tuple[Floats, Floats]:
    """(numbers by column, counts) of a cell's minutes; cold calls in rows of their own."""
    taken = np.roll(cell.counts[first:last], 1, axis=1)
    cold = np.clip(cell.cold[first:last, None] - (np.cumsum(taken, axis=1) - taken), 0, taken)
    dice = draws.generator(*cell.key, "memory")
    luck = dice.random((60, taken.shape[1]))[first:last]
    parts = []
    if (warm := taken - cold).any():
        parts.append(_columns(cell, hour_s, first, warm, taken, luck, None))
    if cold.any():
        nature = cell.nature
        scatter = dice.standard_normal((60, taken.shape[1]))[first:last]
        init = nature.init_ms * np.maximum(0.1, 1.0 + nature.init_cv * scatter)
        parts.append(_columns(cell, hour_s, first, cold, taken, luck, init))
    if not parts:
        return np.empty((len(NUMBERS), 0)), np.empty(0)
    return np.concatenate([p[0] for p in parts], axis=1), np.concatenate([p[1] for p in parts])


def _columns(  # noqa: PLR0917
    cell: Cell,
    hour_s: int,
    first: int,
    counts: Counts,
    taken: Counts,
    luck: Floats,
    init: Floats | None,
) -> tuple[Floats, Floats]:
    """Rows of the calls counted by minute and stratum; the last of which is shown first."""
    minute, place = np.nonzero(counts)
    here = minute + first
    least_spread = 1.0 - (1.0 - luck[minute, place]) ** (1.0 / taken[minute, place])
    used = cell.memory_most[here] * (1.0 - cell.nature.memory_spread * least_spread)
    used = np.minimum(np.ceil(used), cell.variant.memory_mb) * BYTES_PER_MB
    start = np.full(len(minute), np.nan) if init is None else init[minute, place]
    length = cell.durations[here, place - 1].astype(np.float64)
    billed = np.ceil(length if init is None else length + start)
    memory = np.full(len(minute), cell.variant.memory_mb * BYTES_PER_MB)
    within = np.linspace(0.0, 59.0, taken.shape[1])[place]
    instants = ((hour_s + MINUTE_S * here.astype(np.float64)) + within) * 1000.0
    rows = np.stack([instants, length, billed, memory, used, start])
    return rows, counts[minute, place].astype(np.float64)


def _single(
    calls: Sequence[Invocation], start_s: float, end_s: float
) -> Iterator[tuple[Floats, Floats]]:
    """Rows of calls made through the API."""
    for call in calls:
        if start_s <= call.at_s <= end_s + 1.0 and not call.throttled:
            init_ms = np.nan if call.init_ms is None else call.init_ms
            row = [call.at_s * 1000.0, call.duration_ms, float(call.billed_ms),
                   call.memory_mb * BYTES_PER_MB, call.memory_used_mb * BYTES_PER_MB,
                   init_ms]  # fmt: skip
            yield np.array(row)[:, None], np.ones(1)
