"""Small real-time endpoints of one place and type, who could share an instance.

Kept while the process runs: each endpoint tells what it asks when its advice is made, and
hears anew of the others only when one of them has come, gone or changed.
"""

import threading
from dataclasses import dataclass, field

from controller.core.advice import SMALL_SHARE, Small, consolidation
from controller.model.advice import Advice
from controller.model.endpoint import EndpointKey

_Place = tuple[str, str, str]
"""(account, region, instance type)"""


@dataclass(slots=True)
class _Group:
    members: dict[EndpointKey, Small] = field(default_factory=dict)
    version: int = 0
    """Changes whenever a member does."""
    told: dict[EndpointKey, tuple[int, Advice | None]] = field(default_factory=dict)
    """What a member was told, and of which version."""


class Companions:
    """Groups of endpoints; safe to share by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[_Place, _Group] = {}
        self._places: dict[EndpointKey, _Place] = {}

    def put(self, key: EndpointKey, small: Small | None) -> None:
        """What an endpoint asks; None, or too much, takes it out of every group."""
        with self._lock:
            if small is None or small.peak_share > SMALL_SHARE:
                self._leave(key)
                return
            place = (key.account, key.region, small.instance_type)
            if self._places.get(key) != place:
                self._leave(key)
            group = self._groups.setdefault(place, _Group())
            if group.members.get(key) != small:
                group.members[key], self._places[key] = small, place
                group.version += 1

    def advice(self, key: EndpointKey) -> Advice | None:
        """Whether sharing an instance with the others would save something."""
        with self._lock:
            group = self._groups.get(self._places.get(key, ("", "", "")))
            if group is None:
                return None
            told = group.told.get(key)
            if told is None or told[0] != group.version:
                told = group.version, consolidation(group.members[key], group.members)
                group.told[key] = told
            return told[1]

    def _leave(self, key: EndpointKey) -> None:
        place = self._places.pop(key, None)
        if place is None:
            return
        group = self._groups[place]
        group.told.pop(key, None)
        del group.members[key]
        group.version += 1
        if not group.members:
            del self._groups[place]
