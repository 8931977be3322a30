"""What the endpoints of an account show one another of how they respond to size.

Lessons are taken as beliefs are formed, and put together once a day, so that one endpoint's
news does not stir all others' decisions within the hour. The journal remembers the last sum's
parts: a daemon that starts, and a plan beside it, foretell the same.

Where shards share the fleet out, each writes down its own endpoints' lessons and reads what the
others wrote, once a day: an account's endpoints learn from one another whoever keeps them.
"""

import threading
from dataclasses import dataclass, field

from controller.core.neighbours import AccountPrior, account_prior, read, written
from controller.core.periods import DAY_S
from controller.core.shards import Shard, owner
from controller.core.stats import Floats
from controller.model.endpoint import EndpointKey, Kind
from controller.ports import Store
from controller.runtime.layout import laid_out
from controller.store import codec
from controller.store.codec import CodecError

MOST = 64
"""More of an account's endpoints than this say nothing new, and would fill the journal."""


@dataclass(slots=True)
class _Place:
    """One kind in one account."""

    lessons: dict[str, Floats]
    """By endpoint, as of the last look …"""
    recalled: set[str]
    """Those of them that an earlier process learnt, and that nobody has looked at since."""
    day: int | None = None
    used: dict[str, Floats] = field(default_factory=dict)
    """… and those that today's priors rest on."""
    priors: dict[str, AccountPrior | None] = field(default_factory=dict)


class Neighbours:
    """Lessons by account and kind; safe from several threads."""

    def __init__(self, store: Store, beforehand: dict[Kind, Floats | None]) -> None:
        """beforehand: by kind, the weights that lessons are measured against; None: not shared."""
        self._store = store
        self._beforehand = beforehand
        self._places: dict[tuple[str, Kind], _Place] = {}
        self._count: int | None = None
        """Of shards, once asked for: with another number comes another process."""
        self._lock = threading.Lock()

    def learn(self, key: EndpointKey, lesson: Floats | None) -> None:
        """Take up what an endpoint's evidence says; None: it has nothing to say any more."""
        if self._beforehand.get(key.kind) is None:
            return
        name = str(key)
        with self._lock:
            place = self._place(key)
            place.recalled.discard(name)
            if lesson is None:
                place.lessons.pop(name, None)
            elif name in place.lessons or _room(place):
                place.lessons[name] = lesson

    def forget(self, key: EndpointKey, *, journalled: bool = True) -> None:
        """Drop an endpoint's lesson; of today's sums it stays a part, for they stand all day.

        Not `journalled`: another process goes on with it, and all is recalled when it is ours
        again.
        """
        with self._lock:
            if not journalled:
                self._places.pop((key.account, key.kind), None)
                self._count = None
            elif (key.account, key.kind) in self._places:
                place = self._place(key)
                place.lessons.pop(str(key), None)
                place.recalled.discard(str(key))

    def of(self, key: EndpointKey, now_s: float) -> AccountPrior | None:
        """What today's lessons of the others say; the same object all day."""
        learnt = self._beforehand.get(key.kind)
        if learnt is None:
            return None
        with self._lock:
            place = self._place(key)
            today = int(now_s // DAY_S)
            if place.day != today:
                before = place.used or place.recalled
                self._hear(key, place)
                place.day, place.used, place.priors = today, dict(place.lessons), {}
                if before or place.used:
                    self._remember(key, place)
            name = str(key)
            if name not in place.priors:
                others = [lesson for other, lesson in place.used.items() if other != name]
                place.priors[name] = account_prior(learnt, others)
            return place.priors[name]

    def _place(self, key: EndpointKey) -> _Place:
        at = key.account, key.kind
        if at not in self._places:
            recalled = self._recall(key)
            self._places[at] = _Place(recalled, set(recalled))
        return self._places[at]

    def _hear(self, key: EndpointKey, place: _Place) -> None:
        """What other shards have learnt since, in place of what they had before."""
        if self._shards() == 1:
            return
        own = owner(key, self._shards())
        for name in [name for name in place.recalled if self._owner(name) != own]:
            place.recalled.discard(name)
            del place.lessons[name]
        for name, lesson in self._recall(key).items():
            if len(place.lessons) < MOST and self._owner(name) != own:
                place.lessons[name] = lesson
                place.recalled.add(name)

    def _remember(self, key: EndpointKey, place: _Place) -> None:
        """Write down the lessons of the shard that the endpoint belongs to."""
        own = owner(key, self._shards())
        ours = {name: one for name, one in place.used.items() if self._owner(name) == own}
        document = {name: written(lesson) for name, lesson in sorted(ours.items())}
        self._store.put_checkpoint(self._named(key, own), codec.dumps(document))

    def _recall(self, key: EndpointKey) -> dict[str, Floats]:
        """What was remembered, by the endpoint's own shard first."""
        own, found = owner(key, self._shards()), dict[str, Floats]()
        for ordinal in sorted(range(self._shards()), key=lambda one: one != own):
            for name, lesson in self._read(key, ordinal).items():
                if len(found) < MOST:
                    found.setdefault(name, lesson)
        return found

    def _read(self, key: EndpointKey, ordinal: int) -> dict[str, Floats]:
        """What one shard wrote; nothing where it was of other shapes than are known now."""
        text, learnt = self._store.checkpoint(self._named(key, ordinal)), self._beforehand[key.kind]
        if text is None or learnt is None:
            return {}
        try:
            said = codec.loads(text).items()
            return {str(EndpointKey.parse(name)): read(pairs, learnt) for name, pairs in said}
        except (CodecError, ValueError, IndexError, TypeError, AttributeError):
            return {}

    def _shards(self) -> int:
        if self._count is None:
            self._count = laid_out(self._store).count
        return self._count

    def _owner(self, name: str) -> int:
        return owner(EndpointKey.parse(name), self._shards())

    def _named(self, key: EndpointKey, ordinal: int) -> str:
        place, count = f"neighbours {key.kind} {key.account}", self._shards()
        return place if count == 1 else f"{place} {Shard(ordinal, count)}"


def _room(place: _Place) -> bool:
    """Whether there is room for one more; what was only recalled gives way."""
    if len(place.lessons) < MOST:
        return True
    if not place.recalled:
        return False
    name = min(place.recalled)
    place.recalled.discard(name)
    del place.lessons[name]
    return True
