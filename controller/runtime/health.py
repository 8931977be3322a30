"""Health as progress: a component is well while it keeps saying that it got somewhere.

A process that answers HTTP may still have a stuck scheduler or workers that wait for a
socket for ever. So each component beats when it has made progress (a run enqueued, a key
finished, an idle wait ended), and is unwell when the last beat is older than its deadline.
Time is passed in; use the clock's monotonic seconds, so that a corrected wall clock makes
nobody ill.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from controller.web.checks import Check, Checks, all_ok


@dataclass(slots=True)
class _Component:
    deadline_s: float
    beaten_at_s: float


class Health:
    """Heartbeats of the components that must make progress; safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._components: dict[str, _Component] = {}

    def expect(self, name: str, deadline_s: float, now_s: float) -> None:
        """From now on `name` must beat at least every `deadline_s` seconds."""
        with self._lock:
            self._components[name] = _Component(deadline_s, now_s)

    def beat(self, name: str, now_s: float) -> None:
        """`name` made progress. A name that nobody expects is ignored: it has been released."""
        with self._lock:
            if name in self._components:
                self._components[name].beaten_at_s = now_s

    def release(self, name: str) -> None:
        """`name` has ended as it should."""
        with self._lock:
            self._components.pop(name, None)

    def status(self, now_s: float) -> Checks:
        """One check per component, by name."""
        with self._lock:
            return {
                name: _check(self._components[name], now_s) for name in sorted(self._components)
            }


def _check(component: _Component, now_s: float) -> Check:
    silent_s = max(0.0, now_s - component.beaten_at_s)
    deadline = f"deadline {component.deadline_s:g} s"
    if silent_s > component.deadline_s:
        return Check(False, f"no progress for {silent_s:.0f} s ({deadline})")
    return Check(True, f"progress {silent_s:.0f} s ago ({deadline})")


class Readiness:
    """What must have happened once (and not been undone) before the process is of use."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names`: for instance `policies`, `store`, `credentials`."""
        self._lock = threading.Lock()
        self._checks = dict.fromkeys(names, Check(False, "not yet"))

    def put(self, name: str, ok: bool, detail: str, *, warning: bool = False) -> None:
        """The present state of one of the names."""
        with self._lock:
            self._checks[name] = Check(ok, detail, warning)

    def status(self) -> Checks:
        """One check per name."""
        with self._lock:
            return dict(self._checks)

    @property
    def ready(self) -> bool:
        """Whether all of them are well."""
        return all_ok(self.status())
