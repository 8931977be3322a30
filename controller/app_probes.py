"""The part of the composition root that wires probes: generator, copies, payloads, evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controller.aws.cloudwatch import CloudWatchReader
from controller.aws.objects import S3Objects
from controller.aws.sessions import Sessions
from controller.core.contract import KindRules
from controller.model.endpoint import EndpointKey, Kind
from controller.model.missing import Maybe
from controller.model.probe import ProbeOutcome
from controller.ports import Clock, KindAdapter, PriceSource, ProbeRunner, ShadowMaker, Store
from controller.probes.function_code import FetchCode, fetch_code
from controller.probes.payloads import PayloadReader
from controller.probes.shadow_endpoints import EndpointShadows
from controller.probes.shadow_functions import FunctionShadows
from controller.probes.shadows import Shadows
from controller.runtime.book import EvidenceBook
from controller.runtime.mirroring import MirrorParts, Mirrors
from controller.runtime.own_traffic import OwnTraffic
from controller.runtime.probe_parts import MOST_AT_ONCE, Ended, ProbeParts
from controller.runtime.probing import Probes
from controller.runtime.roster import Roster
from controller.telemetry.metrics import Telemetry


@dataclass(frozen=True, slots=True)
class Shared:
    """What probes have in common with the rest."""

    sessions: Sessions
    adapters: Mapping[Kind, KindAdapter]
    rules: Mapping[Kind, KindRules]
    prices: PriceSource
    roster: Roster
    telemetry: Telemetry
    book: EvidenceBook
    own: OwnTraffic


@dataclass(frozen=True, slots=True)
class Generated:
    """Whose probes they are, and what sends their requests."""

    store: Store
    clock: Clock
    runner: ProbeRunner
    actor: str
    of_one: int = 1
    """Probes of one endpoint at once."""
    fetch: FetchCode = fetch_code
    """How the code of a function that is copied is downloaded."""
    mine: Callable[[EndpointKey], bool] = lambda _: True
    """Whether this process looks after an endpoint: of no others are copies swept."""


def probes_of(by: Generated, at: Shared) -> Probes:
    """Makes no call and starts no process."""
    store, clock = by.store, by.clock
    makers = _makers(at.sessions, at.prices, by.fetch)

    def ended(ended: Ended) -> None:
        at.own.ended(ended)
        at.roster.schedule(ended.asked.key, clock.now_s())

    return Probes(
        ProbeParts(
            store,
            clock,
            by.runner,
            Shadows(store, makers, clock, actor=by.actor, mine=by.mine),
            at.adapters,
            at.rules,
            bodies=PayloadReader(S3Objects(at.sessions).get).read,
            learn=at.book.add,
            counted=at.telemetry.probe_ended,
            ended=ended,
            freed=lambda key: at.roster.schedule(key, clock.now_s()),
            most=max(MOST_AT_ONCE, by.of_one),
            most_each=by.of_one,
        )
    )


def mirrors_of(store: Store, clock: Clock, at: Shared) -> Mirrors:
    """Probes by mirrored traffic: they need no generator."""
    reader = CloudWatchReader(at.sessions, clock, at.telemetry)

    def counted(outcome: ProbeOutcome, requests: int, usd: Maybe[float]) -> None:
        at.telemetry.probe_ended(outcome, 0, usd)
        at.telemetry.requests_mirrored(requests)

    return Mirrors(MirrorParts(store, clock, reader, at.book.add, counted))


def _makers(
    sessions: Sessions, prices: PriceSource, fetch: FetchCode
) -> Mapping[Kind, ShadowMaker]:
    endpoints = (Kind.SERVERLESS_ENDPOINT, Kind.REALTIME_ENDPOINT)
    copies = {kind: EndpointShadows(sessions, prices, kind) for kind in endpoints}
    return {Kind.LAMBDA_FUNCTION: FunctionShadows(sessions, fetch), **copies}
