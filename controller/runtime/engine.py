"""The loop's parts, without a loop: which endpoints are due, read them, work on one.

The daemon drives these from threads, the stepper from one under virtual time; both do the
same to an endpoint.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from controller.core.guard import Fleet
from controller.model.change import Change
from controller.model.decision import Assessment
from controller.model.endpoint import EndpointKey
from controller.model.errors import AdapterError, StoreError
from controller.model.missing import Missing
from controller.model.policy import PolicySet, Scope
from controller.ports import Clock, Store
from controller.runtime.bidding import Bidding
from controller.runtime.counting import SloCounting
from controller.runtime.observe import fleet_situation
from controller.runtime.pulse import Pulse
from controller.runtime.reconcile import Reconciler
from controller.runtime.record import Recorder
from controller.runtime.roster import Entry, Resync, Roster, next_turn_s
from controller.runtime.samples import SampleBook, Wanted
from controller.runtime.shared_cost import SharedCost
from controller.runtime.sight import Sight
from controller.telemetry.metrics import ReconcileResult, Telemetry

RETRY_FIRST_S = 15.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the engine is put together from."""

    clock: Clock
    store: Store
    roster: Roster
    samples: SampleBook
    reconciler: Reconciler
    recorder: Recorder
    telemetry: Telemetry
    counting: SloCounting


class Engine:
    """Samples places and works on endpoints. Safe from several threads."""

    def __init__(self, parts: Parts, policies: PolicySet, cost: SharedCost | None = None) -> None:
        """`cost`: of the whole fleet, where other processes keep parts of it; None: all is ours."""
        self._at = parts
        self._cost = cost
        self._policies = policies
        self._failures: dict[EndpointKey, int] = {}
        self._resyncing = threading.Lock()
        self._standing_by = False
        self._shown = False
        self.sight, self.pulse = Sight(), Pulse()
        self._bidding = Bidding()
        self._log = structlog.get_logger("rightsizer")

    @property
    def policies(self) -> PolicySet:
        """The set in force."""
        return self._policies

    def use(self, policies: PolicySet) -> None:
        """Put another set in force; `resync` finds out what it means."""
        self._policies = policies

    def resync(self) -> Resync:
        """Ask AWS which endpoints there are; endpoints no longer claimed are forgotten."""
        with self._resyncing:
            changes = self._at.store.open_changes()
            self._show(changes)
            open_keys = [change.key for change in changes]
            now_s = self._at.clock.now_s()
            result = self._at.roster.resync(self._policies, now_s, open_keys)
        for key in result.gone:
            self._forget(key)
        for scope, error in result.failures.items():
            self._log.warning(str(error), region=scope.region, role=scope.role_arn)
        if not self.entries():
            # else looks at endpoints tell, for what this asks AWS it may remember
            self.sight.looked(next(iter(result.failures.values()), None))
        return result

    def _show(self, changes: Sequence[Change]) -> None:
        """Once after every beginning: changes that an earlier leader left open."""
        if self._shown or self._standing_by:
            return
        self._shown = True
        for change in changes:
            self._at.telemetry.change_seen(change)

    def stand_by(self) -> None:
        """Another replica works: drop what is remembered, and write nothing."""
        self._standing_by = True
        self._shown = False
        for entry in self.entries():
            self._forget(entry.key)

    def take_up(self) -> None:
        """Work from now on, on everything, from what the journal and AWS say."""
        now_s = self._at.clock.now_s()
        for entry in self.entries():
            self._forget(entry.key)
            self._at.roster.schedule(entry.key, now_s)
        self.sight.forget()
        self._standing_by = False

    def _forget(self, key: EndpointKey) -> None:
        self._failures.pop(key, None)
        self._at.reconciler.forget(key, journalled=not self._standing_by)
        self._at.counting.forget(key)

    def due(self) -> dict[Scope, list[Entry]]:
        """Endpoints whose time has come, by place."""
        return self._at.roster.due(self._at.clock.now_s())

    def hear(self) -> None:
        """Endpoints that people have asked something of are due now. Raises StoreError."""
        now_s = self._at.clock.now_s()
        for key in self._bidding.heard(self._at.store.open_changes()):
            self._at.roster.schedule(key, now_s)

    def entries(self) -> list[Entry]:
        """All endpoints under care, by key."""
        return self._at.roster.entries()

    def entry(self, key: EndpointKey) -> Entry | None:
        """One endpoint; None where no policy claims it."""
        return self._at.roster.get(key)

    def places(self) -> set[Scope]:
        """Every place that has endpoints."""
        return {entry.scope for entry in self._at.roster.entries()}

    def next_due_s(self) -> float | None:
        """When the next endpoint is due."""
        return self._at.roster.next_due_s()

    def due_at_s(self, key: EndpointKey) -> float | None:
        """When one endpoint is due; None where no policy claims it."""
        return self._at.roster.due_at_s(key)

    def postpone(self, key: EndpointKey, at_s: float) -> None:
        """Take an endpoint out of `due` until an instant, e.g. while it waits in a queue."""
        self._at.roster.schedule(key, at_s)

    def sample(self, scope: Scope, entries: Sequence[Entry]) -> None:
        """One batched read for all due endpoints of a place. Raises StoreError only."""
        now_s = self._at.clock.now_s()
        wanted = [self._wanted(entry, now_s) for entry in entries]
        chosen = [one for one in wanted if one is not None]
        if chosen:
            self._at.samples.read(scope, chosen, now_s)
            self._at.counting.take(chosen)

    def _wanted(self, entry: Entry, now_s: float) -> Wanted | None:
        """None where nothing new can be there: a change between two steps, just read."""
        change = self._at.store.open_change(entry.key)
        kept = self._at.samples.get(entry.key)
        if kept is not None and kept.error is None and now_s - kept.read_at_s < 60.0:
            return None
        return Wanted(entry.key, entry.policy, change)

    def work(self, key: EndpointKey) -> Assessment | None:
        """One tick of one endpoint; errors end here, as a Hold that says why."""
        entry = self._at.roster.get(key)
        if entry is None:
            return None
        began_s = self._at.clock.monotonic_s()
        assessment, result = self._guarded(entry)
        seconds = self._at.clock.monotonic_s() - began_s
        self._at.telemetry.reconcile_finished(key, entry.policy.name, result, seconds)
        self.pulse.looked(failed=result is ReconcileResult.ERROR)
        if self._at.roster.get(key) is None:
            # Forgotten while this tick ran: what the tick has left since is forgotten too.
            self._forget(key)
        return assessment

    def _guarded(self, entry: Entry) -> tuple[Assessment | None, ReconcileResult]:
        key = entry.key
        try:
            outcome = self._at.reconciler.reconcile(entry, self._fleet)
        except StoreError as error:
            self._at.telemetry.store_failed(error)
            self._failed(entry, error)
            self._log.error(str(error), endpoint=str(key))
            return None, ReconcileResult.ERROR
        except AdapterError as error:
            self._failed(entry, error)
            return self._held(entry, error), ReconcileResult.ERROR
        except Exception as error:
            # The worker's boundary: a defect of ours in one endpoint must not stop the others.
            self._log.exception("reconcile failed", endpoint=str(key))
            self._failed(entry, error)
            return self._held(entry, AdapterError(_words(error))), ReconcileResult.ERROR
        self._failures.pop(key, None)
        self.sight.looked(None)
        self._at.roster.schedule(key, outcome.due_s)
        turn_s = next_turn_s(entry.policy, self._at.clock.now_s())
        early = outcome.due_s < turn_s
        return outcome.assessment, ReconcileResult.REQUEUE if early else ReconcileResult.SUCCESS

    def _held(self, entry: Entry, error: AdapterError) -> Assessment | None:
        try:
            return self._at.reconciler.hold(entry, error)
        except StoreError as failure:
            self._at.telemetry.store_failed(failure)
            return None

    def _failed(self, entry: Entry, error: Exception) -> None:
        """Back off per endpoint: from seconds up to its regular interval."""
        self._at.telemetry.reconcile_failed(error)
        self.sight.looked(error)
        times = self._failures.get(entry.key, 0)
        self._failures[entry.key] = times + 1
        limit_s = max(entry.policy.cadence.interval_s, RETRY_FIRST_S)
        delay_s = min(RETRY_FIRST_S * 2.0 ** min(times, 16), limit_s)
        asked_s = error.retry_after_s if isinstance(error, AdapterError) else None
        if asked_s is not None:
            delay_s = max(delay_s, asked_s)
        self._at.roster.schedule(entry.key, self._at.clock.now_s() + delay_s)

    def _fleet(self) -> Fleet:
        limits = self._policies.limits
        usd = Missing("no fleet budget is set")
        cost = (
            usd
            if limits.budget_usd_per_month is None
            else self._at.recorder.fleet_usd_per_month(
                [entry.key for entry in self._at.roster.entries()]
            )
        )
        if self._cost is not None and limits.budget_usd_per_month is not None:
            cost = self._cost.whole(cost)
        return fleet_situation(self._at.store, limits, cost, self._at.clock.now_s())


def _words(error: Exception) -> str:
    return f"an unexpected {type(error).__name__}: see the log"
