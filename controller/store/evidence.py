"""Evidence: latencies at a size, and memory used, each over one interval.

A row is keyed by what it measured and when it began, so reading the same interval from
CloudWatch again (later, and more complete) replaces it.
"""

# ruff: noqa: S608 - only names of our own columns are put into SQL text

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache

from controller.model.endpoint import EndpointKey
from controller.model.estimate import Observation
from controller.model.missing import Maybe, Missing
from controller.model.size import Size
from controller.model.window import NOT_PUBLISHED, MemoryUse
from controller.store import codec
from controller.store.codec import CodecError

_OBSERVATION_COLUMNS = (
    "size, era, start_s, end_s, requests, mean_ms, p50_ms, p95_ms,"
    " met_ratio, met_ratio_missing, threshold_ms, source, load_rps, load_rps_missing"
)
_MEMORY_COLUMNS = (
    "start_s, end_s, memory_mb, max_used_mb, invocations, cold_starts,"
    " init_p95_ms, init_p95_missing, init_mean_ms, init_mean_missing"
)


def put_observations(
    connection: sqlite3.Connection, key: EndpointKey, rows: Iterable[Observation]
) -> None:
    """Add evidence; a row for the same size, era and start replaces the older one."""
    connection.executemany(
        f"INSERT OR REPLACE INTO observations (endpoint, {_OBSERVATION_COLUMNS})"
        f" VALUES ({', '.join('?' * 15)})",
        ((str(key), *_observation_values(row)) for row in rows),
    )


def observations(
    connection: sqlite3.Connection, key: EndpointKey, since_s: float
) -> Sequence[Observation]:
    """Evidence that ends after `since_s`, oldest first."""
    found = connection.execute(
        f"SELECT {_OBSERVATION_COLUMNS} FROM observations WHERE endpoint = ? AND end_s > ?"
        " ORDER BY start_s, size, era",
        (str(key), since_s),
    )
    size_of = cache(_size)  # few sizes, many rows
    return [
        Observation(
            size=size_of(row[0]),
            era=row[1],
            start_s=row[2],
            end_s=row[3],
            requests=row[4],
            mean_ms=row[5],
            p50_ms=row[6],
            p95_ms=row[7],
            met_ratio=_maybe(row[8], row[9]),
            threshold_ms=row[10],
            source=row[11],
            load_rps=_load(row[12], row[13]),
        )
        for row in found
    ]


def put_memory_use(
    connection: sqlite3.Connection, key: EndpointKey, rows: Iterable[MemoryUse]
) -> None:
    """Add what REPORT lines said; same memory size and start replaces."""
    connection.executemany(
        f"INSERT OR REPLACE INTO memory_use (endpoint, {_MEMORY_COLUMNS})"
        f" VALUES ({', '.join('?' * 11)})",
        ((str(key), *_memory_values(row)) for row in rows),
    )


def memory_use(
    connection: sqlite3.Connection, key: EndpointKey, since_s: float
) -> Sequence[MemoryUse]:
    """REPORT evidence that ends after `since_s`, oldest first."""
    found = connection.execute(
        f"SELECT {_MEMORY_COLUMNS} FROM memory_use WHERE endpoint = ? AND end_s > ?"
        " ORDER BY start_s, memory_mb",
        (str(key), since_s),
    )
    return [
        MemoryUse(
            start_s=row[0],
            end_s=row[1],
            memory_mb=row[2],
            max_used_mb=row[3],
            invocations=row[4],
            cold_starts=row[5],
            init_p95_ms=_maybe(row[6], row[7]),
            init_mean_ms=_maybe(row[8], row[9]),
        )
        for row in found
    ]


def prune(connection: sqlite3.Connection, before_s: float) -> int:
    """Delete evidence that ended before `before_s`; returns the number of rows."""
    gone = connection.execute("DELETE FROM observations WHERE end_s < ?", (before_s,)).rowcount
    return gone + connection.execute("DELETE FROM memory_use WHERE end_s < ?", (before_s,)).rowcount


def _observation_values(row: Observation) -> tuple[object, ...]:
    return (
        codec.dumps(codec.encode(row.size)),
        row.era,
        row.start_s,
        row.end_s,
        row.requests,
        row.mean_ms,
        row.p50_ms,
        row.p95_ms,
        *_columns(row.met_ratio),
        row.threshold_ms,
        row.source,
        *_columns(row.load_rps),
    )


def _memory_values(row: MemoryUse) -> tuple[object, ...]:
    return (
        row.start_s,
        row.end_s,
        row.memory_mb,
        row.max_used_mb,
        row.invocations,
        row.cold_starts,
        *_columns(row.init_p95_ms),
        *_columns(row.init_mean_ms),
    )


def _columns(value: Maybe[float]) -> tuple[float | None, str | None]:
    """A value that may be missing as two columns, of which exactly one is filled."""
    return (None, value.reason) if isinstance(value, Missing) else (value, None)


def _load(value: float | None, missing: str | None) -> Maybe[float]:
    """Rows older than the column have neither."""
    return NOT_PUBLISHED if value is None and missing is None else _maybe(value, missing)


def _maybe(value: float | None, missing: str | None) -> Maybe[float]:
    if value is not None:
        return value
    if missing is None:
        raise CodecError("a measurement is neither there nor missing")
    return Missing(missing)


def _size(text: str) -> Size:
    return codec.decode_size(codec.loads(text))
