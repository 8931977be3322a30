"""Changes and their events, each write one transaction that the fence lets pass.

A change stands in two places: under its endpoint, by when it was planned, and, while it is
in flight, in the partition `open`. A short entry lists it among all, and another finds it by
id. Its revision is the optimistic lock, as in SQLite.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from controller.model.change import Change, ChangeEvent
from controller.model.endpoint import EndpointKey
from controller.model.errors import Conflict, NoLease
from controller.store import codec
from controller.store.dynamodb.items import Item, document, key, number, ordered, ordinal, unpacked
from controller.store.dynamodb.table import Rows, UnmetError, decoding, encoding
from controller.store.fences import outdated

OPEN, PLANNED, BY_ID, FENCE = "open", "planned", "change", "fence"
_COUNTER = ("counter", "change")
_FREE = "attribute_not_exists(pk)"
_TRIES = 20
"""Of planning a change: another one may be planned at the same moment."""


class Changes:
    """The journal proper."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def plan(self, change: Change, event: ChangeEvent, after: int | None) -> Change:
        """See `Store.plan_change`. Raises Conflict and NoLease."""
        for _ in range(_TRIES):
            newest = self.newest_id()
            if after is not None and newest != after:
                raise self._not_alone(change)
            planned = replace(change, id=newest + 1)
            with encoding():
                steps = [
                    self._fence(event),
                    _count(newest),
                    _put(_row(planned), _FREE),
                    *self._flight(planned),
                    _put(_listed(planned), _FREE),
                    _put(_pointer(planned), _FREE),
                    _put(_event(planned.id, 0, event)),
                ]
            try:
                self._rows.transact(steps)
            except UnmetError as unmet:
                self._refuse_fenced(unmet, event)
                if 1 not in unmet.which:
                    raise Conflict(
                        f"a change of {change.key} is already in flight", operation="plan_change"
                    ) from None
            else:
                return planned
        raise self._not_alone(change)

    def advance(self, change: Change, event: ChangeEvent) -> Change:
        """See `Store.advance_change`. Raises Conflict and NoLease."""
        moved = replace(change, revision=change.revision + 1)
        with encoding():
            seen = {":seen": number(change.revision)}
            steps = [
                self._fence(event),
                _put(_row(moved), "revision = :seen", seen),
                *self._flight(moved),
                _put(_listed(moved)),
                _put(_event(moved.id, moved.revision, event)),
            ]
        try:
            self._rows.transact(steps)
        except UnmetError as unmet:
            self._refuse_fenced(unmet, event)
            if 1 in unmet.which:
                what = f"change {change.id} of {change.key} has moved on since it was read"
            else:
                what = f"a change of {change.key} is already in flight"
            raise Conflict(what, operation="advance_change") from None
        return moved

    def open_of(self, endpoint: EndpointKey) -> Change | None:
        """The change in flight of one endpoint."""
        found = self._rows.get(OPEN, str(endpoint))
        return None if found is None else self._change(found)

    def all_open(self) -> Sequence[Change]:
        """All changes in flight, by key."""
        found = [self._change(item) for item in self._rows.query(OPEN)]
        return sorted(found, key=lambda change: change.key)

    def by_id(self, change_id: int) -> Change | None:
        """One change."""
        pointer = self._rows.get(BY_ID, ordinal(change_id))
        if pointer is None:
            return None
        found = self._rows.get(pointer["at"]["S"], pointer["place"]["S"])
        return None if found is None else self._change(found)

    def select(
        self, endpoint: EndpointKey | None, since_s: float | None, limit: int | None
    ) -> Sequence[Change]:
        """Changes, newest first."""
        limit = None if limit is None else max(0, limit)
        since = None if since_s is None else ordered(since_s)
        if endpoint is not None:
            items = self._rows.query(_of(endpoint), since=since, newest_first=True, limit=limit)
            return [self._change(item) for item in items]
        listed = self._rows.query(PLANNED, since=since, newest_first=True, limit=limit)
        places = [(item["at"]["S"], item["sk"]["S"]) for item in listed]
        found = {(i["pk"]["S"], i["sk"]["S"]): i for i in self._rows.get_all(places)}
        return [self._change(found[place]) for place in places if place in found]

    def planned_s(self, since_s: float) -> Sequence[float]:
        """When changes were planned, of any endpoint, since an instant."""
        items = self._rows.query(PLANNED, since=ordered(since_s), consistent=False)
        return [float(item["planned_at_s"]["N"]) for item in items]

    def events(self, change_id: int) -> Sequence[ChangeEvent]:
        """A change's history, oldest first."""
        with decoding(self._rows.table):
            return [
                codec.decode(ChangeEvent, codec.loads(unpacked(item["d"])))
                for item in self._rows.query(_events_of(change_id))
            ]

    def newest_id(self) -> int:
        """The id given out last."""
        found = self._rows.get(*_COUNTER)
        return 0 if found is None else int(found["n"]["N"])

    def newest_term(self, shard: int) -> int:
        """The newest term seen of a shard's lease."""
        found = self._rows.get(FENCE, ordinal(shard))
        return 0 if found is None else int(found["term"]["N"])

    def lift(self, term: int, shard: int) -> None:
        """From now on nothing older may write. Raises NoLease."""
        item = {**key(FENCE, ordinal(shard)), "term": number(term)}
        try:
            self._rows.transact([_put(item, f"{_FREE} OR term <= :t", {":t": number(term)})])
        except UnmetError:
            raise outdated(term, self.newest_term(shard), shard) from None

    def prune(self, before_s: float) -> int:
        """Delete closed changes that ended before `before_s`, but the newest of each endpoint."""
        listed = list(self._rows.query(PLANNED))
        newest: dict[str, int] = {}
        for item in listed:
            at, number_ = item["at"]["S"], int(item["id"]["N"])
            newest[at] = max(number_, newest.get(at, 0))
        gone = [
            item
            for item in listed
            if "finished_at_s" in item
            and float(item["finished_at_s"]["N"]) < before_s
            and int(item["id"]["N"]) != newest[item["at"]["S"]]
        ]
        self._rows.write(deletes=(place for item in gone for place in self._places(item)))
        return len(gone)

    def _places(self, item: Item) -> Iterator[tuple[str, str]]:
        """Everything of one change, the entry by which it is found last."""
        change_id = int(item["id"]["N"])
        for event in self._rows.query(_events_of(change_id)):
            yield event["pk"]["S"], event["sk"]["S"]
        yield item["at"]["S"], item["sk"]["S"]
        yield BY_ID, ordinal(change_id)
        yield PLANNED, item["sk"]["S"]

    def endpoints(self) -> set[str]:
        """Every endpoint that has a change."""
        return {item["at"]["S"].partition("#")[2] for item in self._rows.query(PLANNED)}

    def _change(self, item: Item) -> Change:
        with decoding(self._rows.table):
            return codec.decode(Change, codec.loads(unpacked(item["d"])))

    def _fence(self, event: ChangeEvent) -> Item:
        """First in every transaction. A term that the fence has not seen lifts it before."""
        if event.term > 0 and self.newest_term(event.shard) < event.term:
            self.lift(event.term, event.shard)
        return {
            "ConditionCheck": {
                "Key": key(FENCE, ordinal(event.shard)),
                "ConditionExpression": f"{_FREE} OR term <= :t",
                "ExpressionAttributeValues": {":t": number(event.term)},
            }
        }

    def _flight(self, change: Change) -> list[Item]:
        """The entry in `open`: put while the change is in flight, gone when it has ended."""
        if change.phase.open:
            return [_opened(change)]
        if change.revision == 0:
            return []
        found = self._rows.get(OPEN, str(change.key))
        mine = found is not None and int(found["change_id"]["N"]) == change.id
        return [_closed(change)] if mine else []

    def _refuse_fenced(self, unmet: UnmetError, event: ChangeEvent) -> None:
        if 0 in unmet.which:
            raise self._fenced(event) from None

    def _fenced(self, event: ChangeEvent) -> NoLease:
        return outdated(event.term, self.newest_term(event.shard), event.shard)

    @staticmethod
    def _not_alone(change: Change) -> Conflict:
        return Conflict(f"{change.key} was not alone in planning a change", operation="plan_change")


def _of(endpoint: EndpointKey) -> str:
    return f"changes#{endpoint}"


def _events_of(change_id: int) -> str:
    return f"events#{ordinal(change_id)}"


def _place(change: Change) -> str:
    return f"{ordered(change.planned_at_s)}#{ordinal(change.id)}"


def _row(change: Change) -> Item:
    return {
        **key(_of(change.key), _place(change)),
        "revision": number(change.revision),
        "d": document(change),
    }


def _listed(change: Change) -> Item:
    item = {
        **key(PLANNED, _place(change)),
        "at": {"S": _of(change.key)},
        "id": number(change.id),
        "planned_at_s": number(change.planned_at_s),
    }
    if not change.phase.open and change.finished_at_s is not None:
        item["finished_at_s"] = number(change.finished_at_s)
    return item


def _pointer(change: Change) -> Item:
    return {
        **key(BY_ID, ordinal(change.id)),
        "at": {"S": _of(change.key)},
        "place": {"S": _place(change)},
    }


def _event(change_id: int, position: int, event: ChangeEvent) -> Item:
    return {**key(_events_of(change_id), ordinal(position)), "d": document(event)}


def _opened(change: Change) -> Item:
    """One in flight per endpoint: the condition is the table's, not the program's."""
    item = {**key(OPEN, str(change.key)), "change_id": number(change.id), "d": document(change)}
    return _put(item, f"{_FREE} OR change_id = :id", {":id": number(change.id)})


def _closed(change: Change) -> Item:
    return {
        "Delete": {
            "Key": key(OPEN, str(change.key)),
            "ConditionExpression": "change_id = :id",
            "ExpressionAttributeValues": {":id": number(change.id)},
        }
    }


def _put(item: Item, condition: str | None = None, values: Item | None = None) -> Item:
    put: dict[str, Any] = {"Item": item}
    if condition is not None:
        put["ConditionExpression"] = condition
    if values:
        put["ExpressionAttributeValues"] = values
    return {"Put": put}


def _count(newest: int) -> Item:
    item = {**key(*_COUNTER), "n": number(newest + 1)}
    if newest == 0:
        return _put(item, _FREE)
    return _put(item, "n = :n", {":n": number(newest)})
