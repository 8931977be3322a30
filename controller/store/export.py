"""The whole journal as JSON lines, for people, for other programs and for keeping.

Each line is `{"type": …, "value": …}`, with `"endpoint"` or `"change_id"` where the value
does not name its owner itself. The first line has type `journal` and the schema version.
"""

# ruff: noqa: S608 - only names of our own tables are put into SQL text

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from controller.model.change import Change, ChangeEvent
from controller.model.condition import Condition, Pause
from controller.model.endpoint import EndpointKey
from controller.model.estimate import Observation
from controller.model.probe import ProbeRecord, Shadow
from controller.model.window import MemoryUse
from controller.store import codec, evidence, journal, probes, status
from controller.store.codec import CodecError
from controller.store.schema import MIGRATIONS

_VALUES: Mapping[str, type | None] = {
    "journal": None,
    "change": Change,
    "change_event": ChangeEvent,
    "observation": Observation,
    "memory_use": MemoryUse,
    "condition": Condition,
    "assessment": None,
    "checkpoint": None,
    "pause": Pause,
    "shadow": Shadow,
    "probe": ProbeRecord,
}
"""The type of each line's value; None: plain JSON data."""


@dataclass(frozen=True, slots=True)
class Record:
    """One exported line, read back."""

    type: str
    value: Any
    endpoint: EndpointKey | None = None
    change_id: int | None = None


def write_json_lines(connection: sqlite3.Connection, out: TextIO) -> int:
    """Write every row; returns the number of lines. The caller holds a read transaction."""
    return write_records(_records(connection), out)


def write_records(records: Iterable[Record], out: TextIO) -> int:
    """Write these rows; returns the number of lines."""
    count = 0
    for record in records:
        line: dict[str, object] = {"type": record.type, "value": codec.encode(record.value)}
        if record.endpoint is not None:
            line["endpoint"] = str(record.endpoint)
        if record.change_id is not None:
            line["change_id"] = record.change_id
        out.write(codec.dumps(line) + "\n")
        count += 1
    return count


def read_json_lines(lines: Iterable[str]) -> Iterator[Record]:
    """The records of an export, in its order. Raises CodecError with the line's number."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _record(codec.loads(line))
            except (CodecError, KeyError, TypeError) as error:
                raise CodecError(f"line {number}: {error}") from error


def _record(document: Mapping[str, Any]) -> Record:
    kind = document["type"]
    if kind not in _VALUES:
        raise CodecError(f"no rows of type {kind} are known")
    expected, value = _VALUES[kind], document["value"]
    endpoint = document.get("endpoint")
    return Record(
        type=kind,
        value=value if expected is None else codec.decode(expected, value),
        endpoint=None if endpoint is None else codec.decode(EndpointKey, endpoint),
        change_id=document.get("change_id"),
    )


def _records(connection: sqlite3.Connection) -> Iterator[Record]:
    yield Record("journal", {"schema_version": len(MIGRATIONS)})
    for change in reversed(journal.select(connection, None, None, None)):
        yield Record("change", change)
        for event in journal.events(connection, change.id):
            yield Record("change_event", event, change_id=change.id)
    for key in _owners(connection, "observations"):
        for observation in evidence.observations(connection, key, float("-inf")):
            yield Record("observation", observation, endpoint=key)
    for key in _owners(connection, "memory_use"):
        for use in evidence.memory_use(connection, key, float("-inf")):
            yield Record("memory_use", use, endpoint=key)
    yield from _present(connection)


def _present(connection: sqlite3.Connection) -> Iterator[Record]:
    for key, conditions in status.conditions(connection, None).items():
        for condition in conditions:
            yield Record("condition", condition, endpoint=key)
    for key, document in status.assessments(connection).items():
        yield Record("assessment", document, endpoint=key)
    for name, value in connection.execute("SELECT name, value FROM checkpoints ORDER BY name"):
        yield Record("checkpoint", {"name": name, "value": value})
    for pause in status.pauses(connection):
        yield Record("pause", pause)
    for shadow in probes.shadows(connection):
        yield Record("shadow", shadow)
    for probe in reversed(probes.probes(connection, None, None, None)):
        yield Record("probe", probe)


def _owners(connection: sqlite3.Connection, table: str) -> list[EndpointKey]:
    rows = connection.execute(f"SELECT DISTINCT endpoint FROM {table} ORDER BY endpoint")
    return [codec.decode(EndpointKey, endpoint) for (endpoint,) in rows.fetchall()]
