"""The end of a daemon: what costs money for as long as somebody looks after it is turned back.

Nobody may come after us, and a shadow variant stands until somebody deploys the configuration of
before. So open mirrored probes are turned round, in the journal first: whoever does come after
us, the next start or another replica, goes on with the way back from there. Then the way back
is gone as far as AWS lets us: it ends with UpdateEndpoint, after which AWS removes the variant
without us. What AWS does not take now (it deploys one configuration at a time, for minutes) is
told, with what it costs and the command that ends it.
"""

from dataclasses import dataclass

import structlog

from controller.core.probe_cost import money
from controller.kinds.realtime_endpoint.mirror import is_mirrored
from controller.model.change import Change, ChangePhase
from controller.model.errors import AdapterError
from controller.ports import Clock, Store
from controller.runtime.actuate import Actuator
from controller.runtime.engine import Engine
from controller.runtime.requested import abandon

MOST_TICKS = 4
"""Of one endpoint: each ends with a call to AWS, and one of them is the deployment."""
_DEPLOYED = "done DeployConfig"


@dataclass(frozen=True, slots=True)
class Parting:
    """Turns mirrored probes round when a daemon ends; it must lead still."""

    engine: Engine
    store: Store
    actuator: Actuator
    clock: Clock

    def leave(self, until_s: float, *, alone: bool) -> None:
        """Turn round what is open, and begin nothing after `until_s` (the clock's monotonic
        seconds). `alone`: no worker is at work any more; else AWS is left to the next start."""
        try:
            open_ones = [change for change in self.store.open_changes() if self._ours(change)]
            turned = [self._turned(change) for change in open_ones]
        except AdapterError as error:
            self._log().warning(f"mirrored probes are left to the next start: {error}")
            return
        for change in turned:
            if change is not None and change.phase.open:
                self._see_off(change, until_s if alone else self.clock.monotonic_s())

    def _ours(self, change: Change) -> bool:
        return is_mirrored(change) and self.engine.entry(change.key) is not None

    def _turned(self, change: Change) -> Change | None:
        """As it is in the journal now; None where it ended in the meantime."""
        if change.progress.get("sweep"):
            return change  # it knows no other way
        try:
            return abandon(self.store, self.actuator, change, "controller", "it was told to end")
        except AdapterError as error:
            self._log().warning(str(error), endpoint=str(change.key), change=change.id)
            return self.store.change(change.id)

    def _see_off(self, change: Change, until_s: float) -> None:
        try:
            gone = self._deployed(change, until_s)
        except AdapterError as error:
            self._log().warning(str(error), endpoint=str(change.key), change=change.id)
            gone = False
        say = self._log().info if gone else self._log().warning
        say(_words(change, gone=gone), endpoint=str(change.key), change=change.id)

    def _deployed(self, change: Change, until_s: float) -> bool:
        """Whether AWS took the configuration of before, or had nothing to take back."""
        entry = self.engine.entry(change.key)
        for _ in range(MOST_TICKS):
            if self._through(change.id):
                return True
            if entry is None or self.clock.monotonic_s() >= until_s:
                return False
            self.engine.sample(entry.scope, [entry])
            self.engine.work(change.key)
        return self._through(change.id)

    def _through(self, change_id: int) -> bool:
        now = self.store.change(change_id)
        if now is None or not now.phase.open:
            return True
        back = (e for e in self.store.events(change_id) if e.phase is ChangePhase.ROLLING_BACK)
        return any(event.what == _DEPLOYED for event in back)

    def _log(self) -> "structlog.stdlib.BoundLogger":
        return structlog.get_logger("rightsizer")  # type: ignore[no-any-return]


def _words(change: Change, *, gone: bool) -> str:
    told = change.progress
    what = f"change {change.id}, a {change.detail} beside {change.key.short},"
    if gone:
        return f"{what} is turned back: AWS removes its shadow variant, and the next start the rest"
    usd = told.get("usd_per_hour")
    hourly = "" if not usd else f" at {money(int(told['count']) * float(usd))} USD an hour"
    return (
        f"{what} could not be turned back yet, so its shadow variant stays{hourly} until the next"
        f" start of the controller, or: rightsizer rollback {change.key} --policies POLICIES"
    )
