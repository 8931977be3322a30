"""What grows without end is cut back: evidence, the journal, and published versions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from controller.core.leftovers import REMOVED, removable
from controller.core.periods import DAY_S
from controller.model.change import RemoveVersion
from controller.model.endpoint import LATEST, Kind
from controller.model.errors import AccessDenied, AdapterError
from controller.model.policy import Mode, Scope
from controller.ports import Clock, KindAdapters, Store
from controller.runtime.actuate import Actuator
from controller.runtime.book import EVIDENCE_KEPT_S
from controller.runtime.roster import Entry


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept."""

    journal_days: int
    """How long a closed change stays in the journal."""
    keep_versions: int | None = None
    """Published versions of ours to keep of each function; None: none is ever removed."""


class Housekeeper:
    """Works through everything once; errors of one endpoint do not keep it from the next."""

    def __init__(
        self,
        store: Store,
        adapters: KindAdapters,
        actuator: Actuator | None,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._store = store
        self._adapters = adapters
        self._actuator = actuator
        self._clock = clock
        self._limits = limits
        self._denied: set[Scope] = set()
        self._log = structlog.get_logger("rightsizer")

    def clean(self, entries: Iterable[Entry]) -> None:
        """Raises StoreError only."""
        now_s = self._clock.now_s()
        self._store.prune(now_s - EVIDENCE_KEPT_S - DAY_S)
        gone = self._store.prune_journal(now_s - self._limits.journal_days * DAY_S)
        if gone:
            days = self._limits.journal_days
            self._log.info(f"{gone} changes left the journal: closed over {days} days ago")
        if self._limits.keep_versions is not None:
            for entry in entries:
                self._remove_versions(entry, self._limits.keep_versions)

    def _remove_versions(self, entry: Entry, keep: int) -> None:
        if not self._may_touch(entry):
            return
        changes = self._store.changes(entry.key)
        # Asked first without what serves: most endpoints have nothing to remove.
        if not removable(changes, (), keep):
            return
        try:
            live = self._adapters[entry.key.kind].observe(entry.scope, entry.key).live
            alias = getattr(live, "alias", None)
            serving: Sequence[str] = () if alias is None else (alias.version, *alias.weights)
            for change, version in removable(changes, serving, keep) if serving else ():
                assert self._actuator is not None
                step = RemoveVersion(version, change.planned_at_s)
                self._actuator.tidy(entry.scope, change, step, {REMOVED: version})
        except AccessDenied as error:
            self._denied.add(entry.scope)
            self._log.warning(f"{error} Until the next start no version is removed there.")
        except AdapterError as error:
            self._log.info(f"{entry.key.short}: {error}")

    def _may_touch(self, entry: Entry) -> bool:
        return (
            self._actuator is not None
            and self._actuator.lease_held
            and entry.key.kind is Kind.LAMBDA_FUNCTION
            and entry.key.qualifier != LATEST
            and entry.policy.mode is Mode.ENFORCE
            and entry.conflict is None
            and not entry.orphan
            and entry.scope not in self._denied
            and self._store.open_change(entry.key) is None
            and not self._paused(entry)
        )

    def _paused(self, entry: Entry) -> bool:
        now_s = self._clock.now_s()
        return any(
            pause.scope in {"*", str(entry.key)}
            and (pause.until_s is None or pause.until_s > now_s)
            for pause in self._store.pauses()
        )
