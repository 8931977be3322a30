"""How many shards the fleet is shared out to, and how that number is changed safely.

The journal says it. A replica leads only under the number that stands there, so two numbers
never hold at once. Another number is laid out by its shard 0 alone, in three steps:

1. It writes down what is wanted. From then on nobody comes to lead under the old number;
   whoever does lead goes on.
2. It waits until every lease of the old number was given back or has run out, and raises the
   term of each, so that one which was only stopped is shut out when it goes on.
3. It writes down the new number.

Shards come and go with their processes; an endpoint moves only when the number changes, and
then after its old shard has ended. A change in flight is in the journal, and is taken up.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from controller.core import lease as rule
from controller.core.lease import Candidate
from controller.core.shards import Shard, owner
from controller.model.endpoint import EndpointKey
from controller.model.errors import NoLease
from controller.model.lease import NOBODY, LeaseRecord, LeaseTimes
from controller.ports import Store
from controller.runtime.lease_records import LeaseRecords

LAYOUT = "layout"


@dataclass(frozen=True, slots=True)
class Laid:
    """What the journal says."""

    count: int = 1
    wanted: int | None = None
    """The number that is being changed to."""


def laid_out(store: Store) -> Laid:
    """What the journal says; one shard where it says nothing."""
    text = store.checkpoint(LAYOUT)
    if text is None:
        return Laid()
    document = json.loads(text)
    return Laid(int(document["count"]), document.get("wanted"))


def fence_of(store: Store) -> Callable[[EndpointKey], tuple[int, int]]:
    """For whoever writes beside the controller: each endpoint's shard, and that one's term."""

    def fence(key: EndpointKey) -> tuple[int, int]:
        shard = owner(key, laid_out(store).count)
        return shard, store.newest_term(shard)

    return fence


class Layout:
    """Asked by one replica, in the thread that keeps its lease.

    Args:
        records: the lease of an ordinal; asked only for other shards' than our own.
    """

    def __init__(
        self,
        store: Store,
        shard: Shard,
        *,
        records: Callable[[int], LeaseRecords],
        times: LeaseTimes,
        steady_s: Callable[[], float],
    ) -> None:
        self._store = store
        self._shard = shard
        self._records = records
        self._times = times
        self._steady_s = steady_s
        self._watched: dict[int, tuple[LeaseRecords, Candidate]] = {}

    def before_taking(self) -> None:
        """Raises NoLease where taking our lease would be of no use yet."""
        laid = laid_out(self._store)
        if not self._fits(laid) and self._shard.ordinal != 0:
            raise NoLease(self._waits(laid, f"shard 0/{self._shard.count} lays out the new number"))

    def before_leading(self) -> None:
        """With our lease in hand. Raises NoLease while the number in force is another one."""
        laid = laid_out(self._store)
        if self._fits(laid):
            return
        if self._shard.ordinal != 0:
            raise NoLease(self._waits(laid, f"shard 0/{self._shard.count} lays out the new number"))
        if laid.count != self._shard.count:
            self._write(Laid(laid.count, self._shard.count))
            for ordinal in range(1, laid.count):
                self._shut_out(laid, ordinal)
        self._write(Laid(self._shard.count))
        self._watched.clear()

    def _fits(self, laid: Laid) -> bool:
        return laid.count == self._shard.count and laid.wanted is None

    def _write(self, laid: Laid) -> None:
        if laid != laid_out(self._store):
            text = json.dumps({"count": laid.count, "wanted": laid.wanted})
            self._store.put_checkpoint(LAYOUT, text)

    def _shut_out(self, laid: Laid, ordinal: int) -> None:
        """Raises NoLease while the shard's lease is somebody's."""
        if ordinal not in self._watched:
            self._watched[ordinal] = self._records(ordinal), Candidate("layout", self._times)
        records, candidate = self._watched[ordinal]
        record = records.read()
        now_s = self._steady_s()
        candidate = rule.look(candidate, record, now_s)
        self._watched[ordinal] = records, candidate
        if record is None:
            return
        if rule.free_in_s(candidate, now_s) > 0.0:
            raise NoLease(self._waits(laid, f"{record.holder} still leads {ordinal}/{laid.count}"))
        term = max(record.term, self._store.newest_term(ordinal)) + 1
        records.swap(record, LeaseRecord(NOBODY, term, record.duration_s))
        self._store.raise_term(term, ordinal)

    @staticmethod
    def _waits(laid: Laid, what: str) -> str:
        return f"the fleet is shared out to {laid.count}: {what}"
