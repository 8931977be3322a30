"""What is said of endpoints now: conditions, the last assessment, pauses, checkpoints.

What all endpoints say is found through the partition `known`, which names them; what one
says lies in a partition of its own, for a whole fleet writes in the same minute.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.model.condition import Condition, ConditionType, Pause
from controller.model.endpoint import EndpointKey
from controller.store import codec
from controller.store.dynamodb.items import (
    Item,
    document,
    key,
    number,
    ordinal,
    packed,
    parts,
    unpacked,
)
from controller.store.dynamodb.table import Rows, decoding, encoding

KNOWN, PAUSE, CHECKPOINT = "known", "pause", "checkpoint"
CONDITIONS, ASSESSMENT = "conditions", "assessment"


class Status:
    """The present."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def merged(self, endpoint: EndpointKey, given: Iterable[Condition]) -> list[Item]:
        """The items to put. The transition time stays while the status does."""
        kept = {one.type: one for one in self._conditions_of(endpoint)}
        for one in given:
            before = kept.get(one.type)
            same = before is not None and before.status is one.status
            since_s = before.last_transition_s if before and same else one.last_transition_s
            kept[one.type] = replace(one, last_transition_s=since_s)
        if not kept:
            return []
        with encoding():
            said = document([kept[type_] for type_ in ConditionType if type_ in kept])
        return [{**key(_of(endpoint), CONDITIONS), "d": said}]

    def conditions(self, endpoint: EndpointKey | None) -> Mapping[EndpointKey, Sequence[Condition]]:
        """Conditions of one endpoint or of all, keys sorted, types in the order of the enum."""
        if endpoint is not None:
            found = self._conditions_of(endpoint)
            return {endpoint: found} if found else {}
        items = self._rows.get_all((_of(one), CONDITIONS) for one in self.known())
        said = {_endpoint(item): self._decoded(item) for item in items}
        return {one: said[one] for one in sorted(said)}

    def assessed(self, endpoint: EndpointKey, at_s: float, said: Mapping[str, Any]) -> list[Item]:
        """The items to put: compressed, and in several where one would be too large."""
        with encoding():
            pieces = parts(zlib.compress(codec.dumps(said).encode(), 6))
        count = number(len(pieces))
        return [
            {
                **key(_of(endpoint), _piece(at)),
                "at_s": number(at_s),
                "pieces": count,
                "b": {"B": piece},
            }
            for at, piece in enumerate(pieces)
        ]

    def assessment(self, endpoint: EndpointKey) -> Mapping[str, Any] | None:
        """The last assessment of one endpoint, or None."""
        first = self._rows.get(_of(endpoint), _piece(0))
        return None if first is None else self._whole(first)

    def assessments(self) -> Mapping[EndpointKey, Mapping[str, Any]]:
        """The last assessment of every endpoint, keys sorted."""
        items = self._rows.get_all((_of(one), _piece(0)) for one in self.known())
        found = {_endpoint(item): self._whole(item) for item in items}
        return {one: said for one in sorted(found) if (said := found[one]) is not None}

    def said_of(self, endpoint: EndpointKey) -> Iterator[tuple[str, str]]:
        """Keys of everything that is said of an endpoint."""
        for item in self._rows.query(_of(endpoint)):
            yield item["pk"]["S"], item["sk"]["S"]

    def says(self, endpoint: EndpointKey) -> bool:
        """Whether anything is said of an endpoint."""
        return next(self._rows.query(_of(endpoint), limit=1), None) is not None

    def known(self) -> list[EndpointKey]:
        """Endpoints of which something is said, or was measured."""
        with decoding(self._rows.table):
            return [codec.decode(EndpointKey, i["sk"]["S"]) for i in self._rows.query(KNOWN)]

    def put_checkpoint(self, name: str, value: str) -> Item:
        """The item to put."""
        with encoding():
            return {**key(CHECKPOINT, _named(name)), "d": packed(value)}

    def checkpoint(self, name: str) -> str | None:
        """What was remembered, or None."""
        found = self._rows.get(CHECKPOINT, _named(name))
        return None if found is None else unpacked(found["d"])

    def checkpoints(self) -> Iterator[tuple[str, str]]:
        """All names and values, by name."""
        for item in self._rows.query(CHECKPOINT):
            yield item["sk"]["S"].removeprefix("="), unpacked(item["d"])

    def idle_checkpoints(self, endpoints: set[str]) -> Iterator[tuple[str, str]]:
        """Keys of checkpoints of endpoints of which nothing else is known any more."""
        for name, _ in self.checkpoints():
            _, colon, endpoint = name.partition(":")
            if colon and endpoint.count("/") >= 3 and endpoint not in endpoints:
                yield CHECKPOINT, _named(name)

    def put_pause(self, pause: Pause) -> Item:
        """The item to put."""
        with encoding():
            return {**key(PAUSE, pause.scope), "d": document(pause)}

    def pauses(self) -> Sequence[Pause]:
        """All pauses, by scope."""
        with decoding(self._rows.table):
            return [
                codec.decode(Pause, codec.loads(unpacked(item["d"])))
                for item in self._rows.query(PAUSE)
            ]

    def _conditions_of(self, endpoint: EndpointKey) -> list[Condition]:
        found = self._rows.get(_of(endpoint), CONDITIONS)
        return [] if found is None else self._decoded(found)

    def _decoded(self, item: Item) -> list[Condition]:
        with decoding(self._rows.table):
            return [codec.decode(Condition, one) for one in codec.loads(unpacked(item["d"]))]

    def _whole(self, first: Item) -> Mapping[str, Any] | None:
        """The document of a first piece. None where its others are not there, or another's: they
        are put one by one, and somebody is at it."""
        whose, at_s = first["pk"]["S"], first["at_s"]
        pieces = [first]
        for at in range(1, int(first["pieces"]["N"])):
            piece = self._rows.get(whose, _piece(at))
            if piece is None or piece["at_s"] != at_s:
                return None
            pieces.append(piece)
        content = b"".join(piece["b"]["B"] for piece in pieces)
        with decoding(self._rows.table):
            return dict(codec.loads(zlib.decompress(content).decode()))


def known_item(endpoint: EndpointKey) -> Item:
    """What names an endpoint among all."""
    return key(KNOWN, str(endpoint))


def _of(endpoint: EndpointKey) -> str:
    return f"said#{endpoint}"


def _endpoint(item: Item) -> EndpointKey:
    return EndpointKey.parse(item["pk"]["S"].partition("#")[2])


def _piece(at: int) -> str:
    return f"{ASSESSMENT}#{ordinal(at)}"


def _named(name: str) -> str:
    """A sort key may not be empty."""
    return f"={name}"
