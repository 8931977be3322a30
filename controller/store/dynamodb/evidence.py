"""Evidence: one item for what was measured at one size, beginning at one instant.

Each expires by itself (the table's time to live) a day after the program has stopped reading
it. Deleting by hand what is older is only faster.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from controller.model.endpoint import EndpointKey
from controller.model.estimate import Observation
from controller.model.window import MemoryUse
from controller.store import codec
from controller.store.dynamodb.connect import EXPIRES
from controller.store.dynamodb.items import Item, document, key, number, ordered, ordinal, unpacked
from controller.store.dynamodb.table import Rows, decoding, encoding

KEPT_S = 32 * 86_400.0
"""A day longer than evidence counts and is read."""
_OBSERVATION, _MEMORY = "o#", "m#"


class Evidence:
    """Latencies, and memory used."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def put_observations(self, endpoint: EndpointKey, given: Iterable[Observation]) -> list[Item]:
        """The items to put; a row for the same size, era and start replaces the older one."""
        with encoding():
            return [_item(endpoint, _observed(row), row) for row in given]

    def put_memory_use(self, endpoint: EndpointKey, given: Iterable[MemoryUse]) -> list[Item]:
        """The items to put; same memory size and start replaces."""
        with encoding():
            return [_item(endpoint, _used(row), row) for row in given]

    def observations(self, endpoint: EndpointKey, since_s: float) -> Sequence[Observation]:
        """Evidence that ends after `since_s`, oldest first."""
        with decoding(self._rows.table):
            found = [
                codec.decode(Observation, codec.loads(text))
                for text in self._texts(endpoint, _OBSERVATION, since_s)
            ]
        return sorted(found, key=lambda row: row.start_s)

    def memory_use(self, endpoint: EndpointKey, since_s: float) -> Sequence[MemoryUse]:
        """REPORT evidence that ends after `since_s`, oldest first."""
        with decoding(self._rows.table):
            return [
                codec.decode(MemoryUse, codec.loads(text))
                for text in self._texts(endpoint, _MEMORY, since_s)
            ]

    def has(self, endpoint: EndpointKey) -> bool:
        """Whether there is any of an endpoint."""
        return next(self._rows.query(_of(str(endpoint)), limit=1), None) is not None

    def older(self, endpoint: str, before_s: float) -> Iterator[tuple[str, str]]:
        """Keys of what ended before an instant; only what began before it is read."""
        for prefix in (_OBSERVATION, _MEMORY):
            for item in self._rows.query(_of(endpoint), prefix=prefix, consistent=False):
                if item["sk"]["S"] >= prefix + ordered(before_s):
                    break
                if float(item["end_s"]["N"]) < before_s:
                    yield item["pk"]["S"], item["sk"]["S"]

    def _texts(self, endpoint: EndpointKey, prefix: str, since_s: float) -> Iterator[str]:
        for item in self._rows.query(_of(str(endpoint)), prefix=prefix):
            if float(item["end_s"]["N"]) > since_s:
                yield unpacked(item["d"])


def _of(endpoint: str) -> str:
    return f"evidence#{endpoint}"


def _observed(row: Observation) -> str:
    what = codec.dumps([codec.encode(row.size), row.era]).encode()
    return f"{_OBSERVATION}{ordered(row.start_s)}#{blake2b(what, digest_size=8).hexdigest()}"


def _used(row: MemoryUse) -> str:
    return f"{_MEMORY}{ordered(row.start_s)}#{ordinal(row.memory_mb)}"


def _item(endpoint: EndpointKey, sort: str, row: Observation | MemoryUse) -> Item:
    return {
        **key(_of(str(endpoint)), sort),
        "end_s": number(row.end_s),
        EXPIRES: {"N": str(int(row.end_s + KEPT_S))},
        "d": document(row),
    }
