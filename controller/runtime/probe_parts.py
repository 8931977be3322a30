"""What probes are made of: what is asked, what they are carried out with, what they end as."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.core.contract import KindRules
from controller.core.probe_cost import Tariff, money
from controller.model.endpoint import EndpointKey, EndpointState, Kind
from controller.model.estimate import Observation
from controller.model.missing import Maybe, Missing
from controller.model.policy import Scope, Slo
from controller.model.probe import (
    NOT_TOLD,
    Body,
    ProbeKind,
    ProbeOrder,
    ProbeOutcome,
    ProbePlan,
    ProbeRecord,
    ProbeRun,
    ProbeTarget,
    Shadow,
)
from controller.model.probing import Probing
from controller.ports import Clock, KindAdapters, ProbeRunner, Store
from controller.probes.shadows import Shadows
from controller.runtime.probe_results import Found

MOST_AT_ONCE = 3
"""Probes of the whole fleet that one process has under way."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A probe, and everything that it needs to be carried out."""

    key: EndpointKey
    scope: Scope
    probing: Probing
    slo: Slo
    order: ProbeOrder
    state: EndpointState
    era: str
    rate: Maybe[Tariff]
    actor: str = "controller"


@dataclass(frozen=True, slots=True)
class Ended:
    """A probe that is through."""

    asked: Asked
    record: ProbeRecord
    run: ProbeRun
    found: Found
    rows: tuple[Observation, ...] = ()
    """What it leaves as evidence."""


@dataclass(frozen=True, slots=True)
class ProbeParts:
    """What probes are carried out with."""

    store: Store
    clock: Clock
    runner: ProbeRunner
    shadows: Shadows
    adapters: KindAdapters
    rules: Mapping[Kind, KindRules]
    bodies: Callable[[Probing, Scope], Sequence[Body]]
    """Reads a policy's payloads. Raises AdapterError."""
    learn: Callable[[EndpointKey, Sequence[Observation], float], None]
    """Keeps rows of evidence (and the time that it is)."""
    counted: Callable[[ProbeOutcome, int, Maybe[float]], None] = lambda *_: None
    """Told of each probe that ended: outcome, requests, USD."""
    ended: Callable[[Ended], None] = lambda _: None
    """Told of each as well, once its evidence is on record …"""
    freed: Callable[[EndpointKey], None] = lambda _: None
    """… and of its endpoint, once nothing of it is left and another probe may begin."""
    most: int = MOST_AT_ONCE
    """At once, in all …"""
    most_each: int = 1
    """… and of one endpoint."""


@dataclass(slots=True)
class OpenProbe:
    """A probe under way, with all that is known of it."""

    asked: Asked
    record: ProbeRecord
    begun_at_s: float
    shadow: Shadow | None = None
    """What is left of its copy."""
    plan: ProbePlan | None = None
    """Once it sends."""
    run: ProbeRun | None = None
    """What it brought back."""
    recorded: bool = False
    attempts: int = 0
    """To remove the copy, in vain."""
    stopped: bool = False

    @property
    def through(self) -> bool:
        """Whether nothing is left to be done."""
        return self.recorded and self.shadow is None


def begun(asked: Asked, shadow: Shadow | None, now_s: float) -> ProbeRecord:
    """Named as its shadow is; a live probe by its endpoint and time."""
    name = f"live:{asked.key}:{now_s:.3f}" if shadow is None else shadow.id
    return ProbeRecord(
        id=name,
        key=asked.key,
        kind=asked.order.kind,
        size=asked.order.size,
        actor=asked.actor,
        started_at_s=now_s,
        ended_at_s=None,
        outcome=None,
        detail=asked.order.why,
        usd_estimated=asked.order.usd,
        usd=NOT_TOLD,
    )


def broken_off(record: ProbeRecord, now_s: float, why: str) -> ProbeRecord:
    """A record of a probe that nobody knows the end of: what it cost is taken to be what was
    expected."""
    failed = ProbeOutcome.FAILED
    return replace(record, ended_at_s=now_s, outcome=failed, detail=why, usd=record.usd_estimated)


def live_target(asked: Asked) -> ProbeTarget:
    """The endpoint itself, as its clients call it."""
    key = asked.key
    if key.kind is Kind.LAMBDA_FUNCTION:
        return ProbeTarget(key, asked.scope, key.name, qualifier=key.qualifier)
    return ProbeTarget(key, asked.scope, key.name, variant=key.qualifier)


def ended_sentence(ended: Ended) -> str:
    """How a probe went, for the log."""
    record = ended.record
    cost = "an unknown cost" if isinstance(record.usd, Missing) else f"{money(record.usd)} USD"
    p95 = record.p95_ms
    told = "no latency" if isinstance(p95, Missing) else f"p95 {p95:.0f} ms"
    counts = f"{record.requests:,} requests, {record.errors:,} failed"
    what = f"probe: {record.key.short} {words(ended.asked)} {record.outcome}"
    return f"{what}: {counts}, {told}, for {cost}: {record.detail}"


def words(asked: Asked) -> str:
    """What is measured, for people."""
    live = asked.order.kind is ProbeKind.LIVE
    return "as it is live" if live else f"at {asked.order.size}"
