"""The life of shadows: journal first, one step at a time, and gone at the end whatever happens.

A run begins a shadow, makes it step by step until it is READY, probes it, and ends it step by
step. A run that dies with its process leaves a row, which `sweep` of the next life removes; a
copy whose row was lost is found by its tags once it has expired (`sweep_strays`).
"""

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.core.shadows import ShadowStep, next_step, shadow_id
from controller.model.endpoint import EndpointKey, EndpointState, Kind
from controller.model.errors import AdapterError, Terminal
from controller.model.missing import Maybe
from controller.model.policy import Scope
from controller.model.probe import ProbeTarget, Shadow, ShadowPhase
from controller.model.size import Size
from controller.ports import Clock, ShadowMaker, Store
from controller.probes.actors import process_actor, process_is_gone

CONTROLLER = "controller"
"""The daemon, in all its lives and replicas."""
_LOOK_EVERY_S = {
    Kind.LAMBDA_FUNCTION: 1.0,
    Kind.SERVERLESS_ENDPOINT: 5.0,
    Kind.REALTIME_ENDPOINT: 5.0,
}
"""AWS is asked no oftener, however often we are: its calls are everybody's in the account."""


@dataclass(slots=True)
class Swept:
    """What a sweep came to."""

    removed: list[Shadow] = field(default_factory=list)
    """Nothing of these is left."""
    going: list[Shadow] = field(default_factory=list)
    """Being removed; the next sweep goes on."""
    troubles: list[tuple[str, AdapterError]] = field(default_factory=list)
    """Shadows (or regions) with which AWS would not help; the next sweep tries again."""


class Shadows:
    """All shadows of one process; shared by threads."""

    def __init__(
        self,
        store: Store,
        makers: Mapping[Kind, ShadowMaker],
        clock: Clock,
        *,
        actor: str = CONTROLLER,
        mine: Callable[[EndpointKey], bool] = lambda key: True,
        gone: Callable[[str], bool] = process_is_gone,
    ) -> None:
        """`actor`: the daemon, or who runs a command; of the latter each process is another.
        `mine`: whether this process looks after an endpoint now (it holds the lease); of
        others' shadows nothing is swept. `gone`: whether another actor is known to be dead.
        """
        self._store = store
        self._makers = makers
        self._clock = clock
        self._actor = actor if actor == CONTROLLER else process_actor(actor)
        self.mine = mine
        self._gone = gone
        self._in_use: set[str] = set()
        self._looked_s: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def begin(self, key: EndpointKey, scope: Scope, size: Size, lifetime_s: float) -> Shadow:
        """A new shadow, on record and in use; nothing of it exists yet. Raises StoreError."""
        now_s = self._clock.now_s()
        shadow = Shadow(
            id=shadow_id(key, size, now_s),
            key=key,
            scope=scope,
            size=size,
            phase=ShadowPhase.CREATING,
            created_at_s=now_s,
            expires_at_s=now_s + lifetime_s,
            actor=self._actor,
        )
        with self._lock:
            self._in_use.add(shadow.id)
        try:
            self._store.put_shadow(shadow)
        except BaseException:
            self.release(shadow)
            raise
        return shadow

    def make(self, shadow: Shadow, state: EndpointState) -> Shadow:
        """One step towards READY; call again until it is, as often as you like. Never waits.

        Raises AdapterErrors: Terminal where it cannot be made, or has expired; `end` it then.
        """
        step = next_step(shadow, self._clock.now_s(), in_use=self._uses(shadow), orphaned=True)
        if step is ShadowStep.KEEP:
            return shadow
        if step is not ShadowStep.MAKE:
            raise Terminal(f"Shadow {shadow.id} has expired or is no longer in use.")
        if not self._due(shadow, "make"):
            return shadow
        made = self._maker(shadow.key).make(shadow, state)
        if made != shadow:
            self._store.put_shadow(made)
        return made

    def target(self, shadow: Shadow) -> ProbeTarget:
        """Whom a probe of a READY shadow calls."""
        name = self._maker(shadow.key).target_name(shadow)
        return ProbeTarget(shadow.key, shadow.scope, name)

    def usd_per_hour(self, key: EndpointKey, size: Size) -> Maybe[float]:
        """What a copy of that size costs while it stands idle, from InService to its removal."""
        return self._maker(key).usd_per_hour(key.region, size)

    def end(self, shadow: Shadow) -> bool:
        """One step of removing; True once nothing is left, else call again later.

        Raises AdapterErrors, after which it may be called again, or be left to the sweeper
        by `release`.
        """
        if shadow.phase is not ShadowPhase.REMOVING:
            shadow = replace(shadow, phase=ShadowPhase.REMOVING)
            self._store.put_shadow(shadow)
        if not self._due(shadow, "remove") or not self._maker(shadow.key).remove(shadow):
            return False
        self._store.forget_shadow(shadow.id)
        self.release(shadow)
        return True

    def release(self, shadow: Shadow) -> None:
        """No run uses it any more: the next sweep removes what is left of it."""
        with self._lock:
            self._in_use.discard(shadow.id)
            for act in ("make", "remove"):
                self._looked_s.pop((shadow.id, act), None)

    def sweep(self) -> Swept:
        """One step for every shadow on record that nobody uses, of endpoints that are ours."""
        swept = Swept()
        for shadow in self._store.shadows():
            self._sweep_one(shadow, swept)
        return swept

    def sweep_strays(self, scopes: Iterable[Scope], kinds: Iterable[Kind] = Kind) -> Swept:
        """Expired copies that no journal knows of, found by their names and tags.

        Lists whole regions: once an hour is enough, of the kinds that policies let be copied
        (of others we may not even be allowed to list them).
        """
        swept = Swept()
        known = {shadow.id for shadow in self._store.shadows()}
        makers = [self._makers[kind] for kind in kinds if kind in self._makers]
        for scope in scopes:
            for maker in makers:
                try:
                    found = maker.strays(scope, self._clock.now_s())
                except AdapterError as error:
                    swept.troubles.append((scope.region, error))
                    continue
                for shadow in found:
                    if shadow.id not in known:
                        self._sweep_one(shadow, swept)
        return swept

    def _sweep_one(self, shadow: Shadow, swept: Swept) -> None:
        now_s, in_use = self._clock.now_s(), self._uses(shadow)
        if not self.mine(shadow.key) or (in_use and now_s < shadow.expires_at_s):
            return
        orphaned = shadow.actor == self._actor or self._gone(shadow.actor)
        if next_step(shadow, now_s, in_use=in_use, orphaned=orphaned) is ShadowStep.KEEP:
            return
        try:
            (swept.removed if self.end(shadow) else swept.going).append(shadow)
        except AdapterError as error:
            swept.troubles.append((shadow.id, error))

    def _due(self, shadow: Shadow, act: str) -> bool:
        """Whether it is time for another step; if so, it is taken."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            last_s = self._looked_s.get((shadow.id, act), -math.inf)
            if now_s - last_s < _LOOK_EVERY_S[shadow.key.kind]:
                return False
            self._looked_s[shadow.id, act] = now_s
            return True

    def _uses(self, shadow: Shadow) -> bool:
        with self._lock:
            return shadow.id in self._in_use

    def _maker(self, key: EndpointKey) -> ShadowMaker:
        maker = self._makers.get(key.kind)
        if maker is None:
            raise Terminal(f"Nothing here can copy {key.short}.")
        return maker
