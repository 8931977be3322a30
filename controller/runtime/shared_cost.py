"""What the whole fleet costs, where several processes share it: each journals its part."""

import json

from controller.core.periods import HOUR_S
from controller.core.shards import Shard
from controller.model.missing import Maybe, Missing
from controller.ports import Clock, Store

SAID_EVERY_S = 60.0


class SharedCost:
    """Adds up the shards' parts; not known while one of them has not been said for an hour."""

    def __init__(self, store: Store, shard: Shard, clock: Clock) -> None:
        self._store = store
        self._shard = shard
        self._clock = clock
        self._said_s = float("-inf")

    def whole(self, ours: Maybe[float]) -> Maybe[float]:
        """Dollars a month of all shards. Raises StoreError."""
        if self._shard.count == 1:
            return ours
        now_s = self._clock.now_s()
        if now_s - self._said_s >= SAID_EVERY_S and not isinstance(ours, Missing):
            said = json.dumps({"usd_per_month": ours, "at_s": now_s})
            self._store.put_checkpoint(_name(self._shard), said)
            self._said_s = now_s
        total = ours
        for ordinal in range(self._shard.count):
            if ordinal != self._shard.ordinal and not isinstance(total, Missing):
                part = self._part(Shard(ordinal, self._shard.count), now_s)
                total = part if isinstance(part, Missing) else total + part
        return total

    def _part(self, shard: Shard, now_s: float) -> Maybe[float]:
        text = self._store.checkpoint(_name(shard))
        document = None if text is None else json.loads(text)
        # a part that a clock far ahead of ours has dated would be believed long after its end
        if document is None or abs(now_s - document["at_s"]) > HOUR_S:
            return Missing(f"shard {shard} has not said what its endpoints cost")
        return float(document["usd_per_month"])


def _name(shard: Shard) -> str:
    return f"cost:{shard}"
