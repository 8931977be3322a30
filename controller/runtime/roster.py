"""Which endpoints there are, whose policy holds for each, and when each is due."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace

from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import AdapterError, Retryable
from controller.model.policy import (
    Mode,
    Policy,
    PolicySet,
    Scope,
    Selector,
    Slo,
    Source,
    Target,
)
from controller.policy.ownership import Claims, Discovered, claims
from controller.ports import Identity, KindAdapters

LONGEST_MS = 900_000.0
"""No call lasts longer: a threshold for endpoints whose own is not known any more."""
SETTLE_AFTER_PERIOD_S = 150.0
"""Ticks begin this long after a full interval: the period that just ended is published then."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One endpoint and the policy it is kept by."""

    key: EndpointKey
    policy: Policy
    conflict: str | None = None
    """Other policies that claim it, and where they are written; while there are any, nothing is
    done."""
    rivals: tuple[str, ...] = ()
    """Their names."""
    orphan: bool = False
    """No policy claims it any more, but a change of ours is open: it is undone, then left."""

    @property
    def scope(self) -> Scope:
        """Where and as whom to call AWS for it."""
        return self.policy.target.scope


@dataclass(frozen=True, slots=True)
class Resync:
    """What a look at all places brought."""

    gone: tuple[EndpointKey, ...]
    """Endpoints that no policy claims any more."""
    failures: Mapping[Scope, AdapterError]
    """Places that could not be looked at; what was known of them stays."""
    unseen: tuple[Policy, ...]
    """Policies whose place has never been looked at with success."""


@dataclass(slots=True)
class _Places:
    found: dict[tuple[Kind, Scope], Discovered] = field(default_factory=dict)


class Roster:
    """The endpoints under care. Thread-safe; entries are replaced as a whole on resync."""

    def __init__(
        self,
        identity: Identity,
        adapters: KindAdapters,
        mine: Callable[[EndpointKey], bool] = lambda _: True,
        *,
        at_once: int = 1,
    ) -> None:
        """
        Args:
            mine: which endpoints are this process', where several share the fleet.
            at_once: places looked at at the same time.
        """
        self._mine = mine
        self._at_once = at_once
        self._identity = identity
        self._adapters = adapters
        self._lock = threading.Lock()
        self._places = _Places()
        self._entries: dict[EndpointKey, Entry] = {}
        self._due_s: dict[EndpointKey, float] = {}
        self._obliged: set[EndpointKey] = set()

    def resync(
        self, policies: PolicySet, now_s: float, open_keys: Collection[EndpointKey] = ()
    ) -> Resync:
        """Ask AWS which endpoints the policies mean. A place that fails keeps what was known.

        `open_keys` have a change under way: they stay until it is closed, whatever the
        policies say, for half a change must not be left behind.
        """
        failures: dict[Scope, AdapterError] = {}
        wanted = {(kind, p.target.scope) for p in policies.policies for kind in p.target.kinds}
        scopes = sorted({scope for _, scope in wanted}, key=repr)
        awaited = set(scopes)
        for scope, error in self._each(scopes, policies):
            if error is not None:
                failures[scope] = error
            awaited.discard(scope)
            if awaited and error is None:
                found = self._claims(policies, wanted)
                self._add(_entries(found, policies), {one.region for one in awaited}, now_s)
        found = self._claims(policies, wanted)
        gone = self._replace(_entries(found, policies), open_keys, now_s)
        return Resync(gone, failures, found.undiscovered)

    def _claims(self, policies: PolicySet, wanted: Collection[tuple[Kind, Scope]]) -> Claims:
        known = {at: what for at, what in self._places.found.items() if at in wanted}
        return claims(policies.policies, known)

    def _add(self, entries: Mapping[EndpointKey, Entry], awaited: set[str], now_s: float) -> None:
        """Begin with new endpoints while other places have not answered yet: but only where
        none of those is in the same region, for it could turn out to claim the same ones."""
        with self._lock:
            for key, entry in entries.items():
                if self._mine(key) and key.region not in awaited and key not in self._entries:
                    self._entries[key] = entry
                    self._due_s.setdefault(key, now_s)

    def _each(
        self, scopes: Sequence[Scope], policies: PolicySet
    ) -> Iterator[tuple[Scope, AdapterError | None]]:
        """Look at every place; as they come where several are looked at at once."""
        if self._at_once == 1 or len(scopes) < 2:
            for scope in scopes:
                yield scope, self._look_at(scope, policies)
            return
        with ThreadPoolExecutor(min(self._at_once, len(scopes)), "resync") as pool:
            looks = {pool.submit(self._look_at, scope, policies): scope for scope in scopes}
            for look in as_completed(looks):
                yield looks[look], look.result()

    def _look_at(self, scope: Scope, policies: PolicySet) -> AdapterError | None:
        """All kinds of one place; one that does not answer is not asked for the next kind."""
        failure: AdapterError | None = None
        here = [p.target for p in policies.policies if p.target.scope == scope]
        for kind in sorted({kind for target in here for kind in target.kinds}):
            selectors = [
                target.selector
                for target in here
                if kind in target.kinds and target.selector is not None
            ]
            try:
                self._places.found[kind, scope] = self._look(kind, scope, selectors)
            except AdapterError as error:
                failure = error
                if isinstance(error, Retryable):
                    break
        return failure

    def _look(self, kind: Kind, scope: Scope, selectors: Sequence[Selector]) -> Discovered:
        account = self._identity.account(scope)
        endpoints: dict[str, Mapping[str, str]] = {}
        for selector in selectors:
            endpoints |= self._adapters[kind].discover(scope, selector)
        return Discovered(account, endpoints)

    def _replace(
        self,
        entries: dict[EndpointKey, Entry],
        open_keys: Collection[EndpointKey],
        now_s: float,
    ) -> tuple[EndpointKey, ...]:
        with self._lock:
            entries = {key: entry for key, entry in entries.items() if self._mine(key)}
            self._obliged = {key for key in open_keys if self._mine(key)}
            for key in self._obliged - set(entries):
                known = self._entries.get(key)
                entries[key] = _orphan(key) if known is None else replace(known, orphan=True)
            gone = tuple(sorted(set(self._entries) - set(entries)))
            self._entries = dict(entries)
            for key in gone:
                self._due_s.pop(key, None)
            for key in entries:
                self._due_s.setdefault(key, now_s)
        return gone

    def entries(self) -> list[Entry]:
        """All endpoints, by key."""
        with self._lock:
            return [self._entries[key] for key in sorted(self._entries)]

    def get(self, key: EndpointKey) -> Entry | None:
        """One endpoint, or None where no policy claims it."""
        with self._lock:
            return self._entries.get(key)

    def due(self, now_s: float) -> dict[Scope, list[Entry]]:
        """Endpoints whose time has come, by place, so that each place is read in one batch; who
        has waited longest comes first."""
        out: dict[Scope, list[Entry]] = {}
        with self._lock:
            for key in sorted(self._entries, key=lambda key: (self._due_s[key], key)):
                entry = self._entries[key]
                if self._cared_for(entry) and self._due_s[key] <= now_s:
                    out.setdefault(entry.scope, []).append(entry)
        return out

    def _cared_for(self, entry: Entry) -> bool:
        return entry.policy.mode is not Mode.OFF or entry.key in self._obliged

    def schedule(self, key: EndpointKey, at_s: float) -> None:
        """Set when an endpoint is due next; ignored once no policy claims it."""
        with self._lock:
            if key in self._entries:
                self._due_s[key] = at_s

    def due_at_s(self, key: EndpointKey) -> float | None:
        """When one endpoint is due; None where no policy claims it."""
        with self._lock:
            return self._due_s.get(key)

    def next_due_s(self) -> float | None:
        """When the next endpoint is due; None without endpoints."""
        with self._lock:
            active = [self._due_s[k] for k, e in self._entries.items() if self._cared_for(e)]
        return min(active) if active else None


def _orphan(key: EndpointKey) -> Entry:
    """An endpoint of which only the journal knows: reached with the credentials in use."""
    policy = Policy(
        name="(none)",
        target=Target(key.kind, Scope(key.region), name=key.name, qualifier=key.qualifier),
        slo=Slo(LONGEST_MS),
        source=Source("(none)", 0, 0),
        generation="",
        mode=Mode.OFF,
    )
    return Entry(key, policy, orphan=True)


def next_turn_s(policy: Policy, now_s: float) -> float:
    """The endpoint's next regular turn: all with the same interval share their instants."""
    interval_s = policy.cadence.interval_s
    turns = (now_s - SETTLE_AFTER_PERIOD_S) // interval_s + 1
    return turns * interval_s + SETTLE_AFTER_PERIOD_S


def _entries(found: Claims, policies: PolicySet) -> dict[EndpointKey, Entry]:
    entries = {key: Entry(key, policy) for key, policy in found.owned.items()}
    by_name = {policy.name: policy for policy in policies.policies}
    for conflict in found.conflicts:
        first, *others = conflict.policies
        for key in conflict.keys:
            named = ", ".join(f"{name} ({by_name[name].source})" for name in others)
            entries[key] = Entry(key, by_name[first], named, tuple(others))
    return entries
