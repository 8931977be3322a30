"""Mirrored probes: begun as a change is, followed while it is open, and told when it has ended.

The change carries the probe (`kinds.realtime_endpoint.mirror`); its row in the journal of probes
can always be made from it, so that a process that dies between the two loses nothing. What the
shadow variant was sent and how it did is CloudWatch's, and is read once it is published: by
whoever meets an open row whose change is through.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from controller.core.assess import Observed
from controller.core.contract import SETTLE_S, Span
from controller.core.periods import PUBLICATION_DELAY_S, align_down, align_up
from controller.core.pooling import pooled
from controller.core.probe_cost import Tariff, money
from controller.core.probe_traffic import MIRRORED
from controller.core.sentence import change_sentence
from controller.kinds.realtime_endpoint import mirror, windows
from controller.model.change import Change, ChangePhase
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import AdapterError, Conflict, StoreError
from controller.model.estimate import Observation
from controller.model.missing import Maybe, Missing, known
from controller.model.policy import Policy, Scope, Slo
from controller.model.probe import NO_SUCCESS, NOT_TOLD, ProbeKind, ProbeOutcome, ProbeRecord
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, Size, measured_as
from controller.model.window import Window
from controller.ports import Clock, MetricsReader, Store
from controller.runtime.actuate import Actuator, baseline
from controller.runtime.book import observation
from controller.runtime.probe_parts import Asked
from controller.runtime.roster import Entry

PART_S, SHORT_PART_S = 300, 60
"""Periods that are read, and of a short probe."""
PATIENCE_S = 6 * 3600.0
"""So long CloudWatch is asked again what it refused to tell."""
_OUTCOME = {
    ChangePhase.VERIFIED: ProbeOutcome.SUCCEEDED,
    ChangePhase.ROLLED_BACK: ProbeOutcome.ABORTED,
}


@dataclass(frozen=True, slots=True)
class MirrorParts:
    """What mirrored probes are carried out with."""

    store: Store
    clock: Clock
    reader: MetricsReader
    learn: Callable[[EndpointKey, Sequence[Observation], float], None]
    """Keeps rows of evidence (and the time that it is)."""
    counted: Callable[[ProbeOutcome, int, Maybe[float]], None] = lambda *_: None
    """Told of each that ended: outcome, requests of users that were copied, USD."""


class Mirrors:
    """Mirrored probes of this process. Safe from several threads: it keeps nothing."""

    def __init__(self, parts: MirrorParts) -> None:
        self._at = parts
        self._log = structlog.get_logger("rightsizer")

    def begin(
        self, actuator: Actuator, asked: Asked, policy: Policy, recent: tuple[Window, ...]
    ) -> Change:
        """Journal a mirrored probe. Raises Conflict where a change is open, NoLease, StoreError."""
        size, mirroring, now_s = asked.order.size, asked.order.mirror, self._at.clock.now_s()
        if mirroring is None or not isinstance(size, RealtimeSize):
            raise ValueError("only a mirrored probe of an instance type is begun here")
        config, usd = asked.state.realtime.endpoint.config, known(asked.order.usd)
        rate = None if isinstance(asked.rate, Missing) else asked.rate.usd_per_hour
        progress = {
            "config": config.name,
            "fingerprint": config.fingerprint,
            "usd": "" if usd is None else repr(usd),
            "usd_per_hour": "" if rate is None else repr(rate),
            **mirror.begin(asked.key, size, mirroring, now_s),
        }
        detail = f"mirrored probe of {size.instance_type}"
        change = _change(asked.key, asked.state.size, asked.state.etag, detail, now_s)
        change = replace(
            change,
            policy=policy.name,
            baseline=baseline(recent, policy),
            actor=asked.actor,
            progress=progress,
        )
        said = change_sentence(change, asked.order.why)
        change = actuator.journal(change, said)
        self._at.store.put_probe(_begun(change))
        self._log.info(said, endpoint=str(asked.key), change=change.id)
        return change

    def follow(self, entry: Entry, observed: Observed, actuator: Actuator) -> None:
        """What is to be done about an endpoint's mirrored probes in one tick. Raises StoreError."""
        change = observed.open_change
        if entry.key.kind is not Kind.REALTIME_ENDPOINT:
            return
        if change is None:
            self._sweep(entry, observed, actuator)
        elif mirror.is_mirrored(change) and "type" in change.progress:
            name = change.progress["config_target"]
            if not any(record.id == name for record in observed.probes):
                self._at.store.put_probe(_begun(change))
        self.settle(entry.scope, entry.policy.slo, observed.probes)

    def _sweep(self, entry: Entry, observed: Observed, actuator: Actuator) -> None:
        """A shadow variant of ours that has expired, and that no open change tells of."""
        live = observed.state.realtime
        until_s = live.endpoint.config.mirrored_until_s
        if until_s is None or (not isinstance(until_s, Missing) and observed.now_s < until_s):
            return
        detail = f"removal of shadow variant {live.endpoint.config.name}"
        change = _change(
            entry.key, observed.state.size, observed.state.etag, detail, observed.now_s
        )
        change = replace(change, policy=entry.policy.name, progress=mirror.sweeping(live))
        try:
            actuator.journal(change, change_sentence(change, "it has expired"))
        except Conflict:
            return  # somebody was faster: the next tick looks again

    def settle(
        self, scope: Scope, slo: Slo, probes: Sequence[ProbeRecord]
    ) -> tuple[ProbeRecord, ...]:
        """Close the rows of probes whose change is through, once CloudWatch can tell of them.
        Returns those that are closed. Raises StoreError."""
        left = [p for p in probes if p.kind is ProbeKind.MIRRORED and p.ended_at_s is None]
        return tuple(done for one in left if (done := self._settled(scope, slo, one)) is not None)

    def _settled(self, scope: Scope, slo: Slo, record: ProbeRecord) -> ProbeRecord | None:
        change = self._change_of(record)
        if change is not None and change.phase.open:
            return None
        now_s = self._at.clock.now_s()
        if change is None:
            return self._closed(_failed(record, "the journal lost its change", now_s), ())
        try:
            measured = self._measured(scope, slo, change, now_s)
        except StoreError:
            raise
        except AdapterError as error:
            if now_s < (change.finished_at_s or now_s) + PATIENCE_S:
                self._log.warning(f"what {record.id} was sent is not known yet: {error}")
                return None
            measured = ()
        if measured is None:
            return None
        rows = _rows(record.size, change, measured)
        return self._closed(_ended(record, change, measured), rows)

    def _change_of(self, record: ProbeRecord) -> Change | None:
        made = self._at.store.changes(record.key, since_s=record.started_at_s - 1.0)
        return next((c for c in made if c.progress.get("config_target") == record.id), None)

    def _measured(
        self, scope: Scope, slo: Slo, change: Change, now_s: float
    ) -> tuple[Window, ...] | None:
        """What the shadow variant did; None where CloudWatch may not have published it all."""
        span = _span(change)
        if span is None:
            return ()
        if now_s < span.end_s + PUBLICATION_DELAY_S:
            return None
        readings = windows.mirrored(change.key, span, slo)
        return readings.windows(self._at.reader.read(scope, readings.series()))

    def _closed(self, record: ProbeRecord, rows: Sequence[Observation]) -> ProbeRecord:
        if rows:
            self._at.learn(record.key, rows, self._at.clock.now_s())
        self._at.store.put_probe(record)
        assert record.outcome is not None
        self._at.counted(record.outcome, record.requests, record.usd)
        cost = "an unknown cost" if isinstance(record.usd, Missing) else f"{money(record.usd)} USD"
        self._log.info(
            f"probe: {record.key.short} mirrored at {record.size} {record.outcome}: "
            f"{record.requests:,} requests, {record.errors:,} failed, for {cost}: {record.detail}",
            endpoint=str(record.key),
            probe=record.id,
        )
        return record


def _change(key: EndpointKey, size: Size, etag: str, detail: str, now_s: float) -> Change:
    """A change that leaves the size as it is."""
    return Change(
        id=0,
        key=key,
        policy="",
        phase=ChangePhase.PLANNED,
        before=size,
        target=size,
        reason=Reason.PROBING,
        detail=detail,
        proposal=None,
        etag=etag,
        baseline=None,
        actor="controller",
        term=0,
        planned_at_s=now_s,
        updated_at_s=now_s,
    )


def _begun(change: Change) -> ProbeRecord:
    """The row of a probe, made from its change."""
    told = change.progress
    count = int(told["count"])
    return ProbeRecord(
        id=told["config_target"],
        key=change.key,
        kind=ProbeKind.MIRRORED,
        size=RealtimeSize(told["type"], count, count),
        actor=change.actor,
        started_at_s=change.planned_at_s,
        ended_at_s=None,
        outcome=None,
        detail=f"{float(told['share']):.0%} of users' requests are copied to it",
        usd_estimated=float(told["usd"]) if told.get("usd") else NOT_TOLD,
        usd=NOT_TOLD,
    )


def _failed(record: ProbeRecord, why: str, now_s: float) -> ProbeRecord:
    return replace(record, ended_at_s=now_s, outcome=ProbeOutcome.FAILED, detail=why)


def _ended(record: ProbeRecord, change: Change, measured: Sequence[Window]) -> ProbeRecord:
    """The row of a probe that is through."""
    why = "" if change.verdict is None else change.verdict.detail
    counts = [n for n in (known(w.requests) for w in measured) if n is not None]
    errors = [n for n in (known(w.errors) for w in measured) if n is not None]
    of_all = pooled(measured, record.size, "")
    outcome = _OUTCOME.get(change.phase, ProbeOutcome.FAILED)
    if not sum(counts):
        why = "no request was copied to it" if outcome is ProbeOutcome.SUCCEEDED else why
        outcome = ProbeOutcome.FAILED
    return replace(
        record,
        ended_at_s=change.finished_at_s or change.updated_at_s,
        outcome=outcome,
        detail=why,
        usd=_cost_usd(change),
        requests=sum(counts),
        errors=sum(errors),
        p50_ms=NO_SUCCESS if isinstance(of_all, Missing) else of_all.p50_ms,
        p95_ms=NO_SUCCESS if isinstance(of_all, Missing) else of_all.p95_ms,
    )


def _rows(size: Size, change: Change, measured: Sequence[Window]) -> tuple[Observation, ...]:
    """Evidence of the candidate type under the code that served: users' own requests.

    A second late, for the book keeps one row a start, and the live variant's have whole ones.
    """
    made = (
        observation(window, measured_as(size), change.progress["fingerprint"], MIRRORED)
        for window in measured
    )
    return tuple(replace(row, start_s=row.start_s + 1.0) for row in made if row is not None)


def _span(change: Change) -> Span | None:
    """Whole periods in which the shadow variant was fed and had settled."""
    fed, ended = change.progress.get("fed_since_s"), change.progress.get("ended_s")
    if fed is None or ended is None:
        return None
    start_s, end_s = float(fed) + SETTLE_S, float(ended)
    for period_s in (PART_S, SHORT_PART_S):
        first_s, last_s = align_up(start_s, period_s), align_down(end_s, period_s)
        if last_s - first_s >= 2 * period_s:
            return Span(first_s, last_s, period_s)
    return None


def _cost_usd(change: Change) -> Maybe[float]:
    """The shadow variant's instances, from when they were asked for until they were gone."""
    told = change.progress
    if not told.get("paid_since_s"):
        return 0.0
    if not told.get("usd_per_hour"):
        return Missing(f"the price of {told['type']} is not known")
    stood_s = (change.finished_at_s or change.updated_at_s) - float(told["paid_since_s"])
    rate = Tariff(usd_per_hour=float(told["usd_per_hour"]))
    return int(told["count"]) * rate.standing_usd(stood_s)
