"""What the endpoints of an account show one another of how they respond to size.

Lessons are taken as beliefs are formed, and put together once a day, so that one endpoint's
news does not stir all others' decisions within the hour. The journal remembers the last sum's
parts: a daemon that starts, and a plan beside it, foretell the same.
"""

import threading
from dataclasses import dataclass, field

from controller.core.neighbours import AccountPrior, account_prior, read, written
from controller.core.periods import DAY_S
from controller.core.stats import Floats
from controller.model.endpoint import EndpointKey, Kind
from controller.ports import Store
from controller.store import codec
from controller.store.codec import CodecError

MOST = 64
"""More of an account's endpoints than this say nothing new, and would fill the journal."""


@dataclass(slots=True)
class _Place:
    """One kind in one account."""

    lessons: dict[str, Floats]
    """By endpoint, as of the last look …"""
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
        self._lock = threading.Lock()

    def learn(self, key: EndpointKey, lesson: Floats | None) -> None:
        """Take up what an endpoint's evidence says; None: it has nothing to say any more."""
        if self._beforehand.get(key.kind) is None:
            return
        with self._lock:
            lessons = self._place(key).lessons
            if lesson is None:
                lessons.pop(str(key), None)
            elif str(key) in lessons or len(lessons) < MOST:
                lessons[str(key)] = lesson

    def of(self, key: EndpointKey, now_s: float) -> AccountPrior | None:
        """What today's lessons of the others say; the same object all day."""
        learnt = self._beforehand.get(key.kind)
        if learnt is None:
            return None
        with self._lock:
            place = self._place(key)
            today = int(now_s // DAY_S)
            if place.day != today:
                place.day, place.used, place.priors = today, dict(place.lessons), {}
                self._remember(key, place)
            name = str(key)
            if name not in place.priors:
                others = [lesson for other, lesson in place.used.items() if other != name]
                place.priors[name] = account_prior(learnt, others)
            return place.priors[name]

    def _place(self, key: EndpointKey) -> _Place:
        at = key.account, key.kind
        if at not in self._places:
            self._places[at] = _Place(self._recall(key))
        return self._places[at]

    def _remember(self, key: EndpointKey, place: _Place) -> None:
        if place.used:
            document = {name: written(lesson) for name, lesson in sorted(place.used.items())}
            self._store.put_checkpoint(_name(key), codec.dumps(document))

    def _recall(self, key: EndpointKey) -> dict[str, Floats]:
        """What was remembered; nothing where it was of other shapes than are known now."""
        text, learnt = self._store.checkpoint(_name(key)), self._beforehand[key.kind]
        if text is None or learnt is None:
            return {}
        try:
            return {name: read(pairs, learnt) for name, pairs in codec.loads(text).items()}
        except (CodecError, ValueError, IndexError, TypeError, AttributeError):
            return {}


def _name(key: EndpointKey) -> str:
    return f"neighbours {key.kind} {key.account}"
