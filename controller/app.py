"""The composition root: the only place that wires adapters to ports.

Adding a kind of endpoint means adding a folder under `kinds` and one line to `_kinds`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from botocore.loaders import Loader

from controller import __version__
from controller.app_probes import Generated, Shared, mirrors_of, probes_of
from controller.aws.budgets import CallBudgets
from controller.aws.calls import CallWatch
from controller.aws.cloudwatch import CloudWatchReader
from controller.aws.identity import StsIdentity
from controller.aws.models import lean_models
from controller.aws.own_configs import OwnConfigs
from controller.aws.prices import PriceListSource
from controller.aws.reports import InsightsReportReader
from controller.aws.sessions import Connection, SessionHook, Sessions
from controller.aws.topics import Topics
from controller.core.contract import KindRules
from controller.core.shards import WHOLE, Shard
from controller.kinds.lambda_function.kind import LambdaRules
from controller.kinds.lambda_function.live import LambdaAdapter
from controller.kinds.realtime_endpoint.kind import RealtimeRules
from controller.kinds.realtime_endpoint.live import RealtimeAdapter
from controller.kinds.serverless_endpoint.kind import ServerlessRules
from controller.kinds.serverless_endpoint.live import ServerlessAdapter
from controller.model.endpoint import Kind
from controller.model.errors import AdapterError, Retryable, Throttled
from controller.model.policy import PolicySet
from controller.ports import (
    Clock,
    KindAdapter,
    ProbeRunner,
)
from controller.probes.function_code import FetchCode, fetch_code
from controller.runtime.actuate import Actuator, Fence, SoleProcess
from controller.runtime.advise import Advisor
from controller.runtime.book import EvidenceBook
from controller.runtime.counting import SloCounting
from controller.runtime.engine import Engine, Parts
from controller.runtime.leadership import Elected, gate_of, leads_by
from controller.runtime.memory import MemoryReports
from controller.runtime.neighbours import Neighbours
from controller.runtime.observe import Observer, Sources
from controller.runtime.own_traffic import OwnTraffic
from controller.runtime.prices import WatchedPrices
from controller.runtime.probe_desk import ProbeDesk
from controller.runtime.probe_rounds import ProbeRounds
from controller.runtime.probing import Probes
from controller.runtime.reconcile import Hands, Reconciler
from controller.runtime.record import Recorder
from controller.runtime.roster import Roster
from controller.runtime.samples import SampleBook
from controller.runtime.shared_cost import SharedCost
from controller.runtime.site import Site, SiteParts
from controller.store.opened import Journal
from controller.telemetry.metrics import Telemetry
from controller.telemetry.notify.bodies import sns
from controller.telemetry.notify.channel import Channel, ChannelType
from controller.telemetry.notify.events import Event
from controller.telemetry.notify.notifier import Channels
from controller.telemetry.notify.post import Never, NotNow, post

PRICES = "prices"


@dataclass(frozen=True, slots=True)
class Wiring:
    """What differs between the daemon, a plan, the demo and a simulation."""

    clock: Clock
    store: Journal
    policies: PolicySet
    connection: Connection | None = None
    hook: SessionHook | None = None
    """Sees each botocore session: where the in-process sandbox attaches itself."""
    acting: bool = True
    """False: look and say, change nothing (a plan)."""
    models: Loader | None = None
    """Service models shared with other controllers of the process (tests, simulations)."""
    budgets: bool = True
    """Hold calls back to a share of AWS's limits; off under virtual time."""
    wait: Callable[[float], None] | None = None
    """How a caller waits for its share; None: it is refused at once, and comes back later."""
    process_metrics: bool = False
    channels: tuple[Channel, ...] = ()
    """Who is to be told what happens."""
    runner: ProbeRunner | None = None
    """The load generator; None: there are no probes."""
    elected: Elected | None = None
    """The lease that replicas share; None: this process alone has the store: a new term."""
    places_at_once: int = 1
    """Accounts and regions that are searched for endpoints at the same time."""
    beside: bool = False
    """A command that journals what a person wants, while the controller may be running."""
    shard: Shard = WHOLE
    """Which part of the fleet is this process'."""
    probes_of_one: int = 1
    """Probes of one endpoint at once: more where a person waits for a search."""
    fetch: FetchCode = fetch_code
    """How the code of a function that is copied is downloaded."""
    actor: str = "controller"
    """Whose probes and shadows these are, in the journal."""


@dataclass(frozen=True, slots=True)
class App:
    """A wired controller."""

    engine: Engine
    telemetry: Telemetry
    store: Journal
    sessions: Sessions
    roster: Roster
    recorder: Recorder
    reports: MemoryReports
    prices: PriceListSource
    identity: StsIdentity
    adapters: Mapping[Kind, KindAdapter]
    rules: Mapping[Kind, KindRules]
    actuator: Actuator | None
    hands: Hands
    clock: Clock
    site: Site
    notifier: Channels | None
    probes: Probes | None
    rounds: ProbeRounds | None
    """What a daemon does for its probes."""
    elected: Elected | None = None

    def close(self) -> None:
        """Release connections and the store; a probe that still sends is ended."""
        if self.probes is not None:
            self.probes.close()
        self.sessions.close()
        self.store.close()


def _kinds(sessions: Sessions, clock: Clock) -> Mapping[Kind, tuple[KindAdapter, KindRules]]:
    return {
        Kind.LAMBDA_FUNCTION: (LambdaAdapter(sessions, clock), LambdaRules()),
        Kind.SERVERLESS_ENDPOINT: (ServerlessAdapter(sessions, clock), ServerlessRules()),
        Kind.REALTIME_ENDPOINT: (RealtimeAdapter(sessions, clock), RealtimeRules()),
    }


def _apart(
    kinds: Mapping[Kind, tuple[KindAdapter, KindRules]],
) -> tuple[Mapping[Kind, KindAdapter], Mapping[Kind, KindRules]]:
    adapters = {kind: adapter for kind, (adapter, _) in kinds.items()}
    return adapters, {kind: rule for kind, (_, rule) in kinds.items()}


def _telemetry(wiring: Wiring) -> Telemetry:
    now_s, process = wiring.clock.now_s, wiring.process_metrics
    return Telemetry(now_s, __version__, process=process, shard=str(wiring.shard))


def build(wiring: Wiring) -> App:
    """Wire everything. Makes no call to AWS and starts no thread."""
    clock, store = wiring.clock, wiring.store
    telemetry = _telemetry(wiring)
    sessions = _sessions(wiring, telemetry)
    adapters, rules = _apart(_kinds(sessions, clock))
    prices = _prices(wiring, sessions)
    book = EvidenceBook(store)
    own = OwnTraffic(store, clock, book.forget)
    samples = SampleBook(CloudWatchReader(sessions, clock, telemetry), rules, own.of)
    reports = MemoryReports(InsightsReportReader(sessions, telemetry))
    observer = Observer(Sources(store, adapters, rules, samples, book, reports))
    actuator = _actuator(wiring, adapters) if wiring.acting else None
    notifier = _notifier(wiring, telemetry, sessions)
    recorder = Recorder(store, telemetry, notifier, leads=partial(leads_by, wiring.elected))
    watched = WatchedPrices(prices, telemetry)
    advisor = Advisor(watched, store, OwnConfigs(sessions, clock))
    identity = StsIdentity(sessions)
    roster = Roster(identity, adapters, wiring.shard.has, at_once=wiring.places_at_once)
    shared = Shared(sessions, adapters, rules, watched, roster, telemetry, book, own)
    probes = _probes(wiring, shared)
    near = Neighbours(store, {kind: rule.beforehand() for kind, rule in rules.items()})
    desk = ProbeDesk(probes, watched, mirrors_of(store, clock, shared) if wiring.acting else None)
    hands = Hands(clock, observer, samples, rules, watched, actuator, recorder, advisor, desk, near)
    counting = SloCounting(store, telemetry, samples)
    parts = Parts(clock, store, roster, samples, Reconciler(hands), recorder, telemetry, counting)
    engine = Engine(parts, wiring.policies, SharedCost(store, wiring.shard, clock))
    return App(
        engine=engine,
        telemetry=telemetry,
        store=store,
        sessions=sessions,
        roster=roster,
        recorder=recorder,
        reports=reports,
        prices=prices,
        identity=identity,
        adapters=adapters,
        rules=rules,
        actuator=actuator,
        hands=hands,
        clock=clock,
        site=Site(SiteParts(engine, store, recorder, counting.budget_left, clock, __version__)),
        notifier=notifier,
        elected=wiring.elected,
        probes=probes,
        rounds=ProbeRounds(probes, roster.entries, recorder.last, watched) if probes else None,
    )


def _prices(wiring: Wiring, sessions: Sessions) -> PriceListSource:
    """Remembered in the journal, for they are many and change seldom."""
    store = wiring.store
    return PriceListSource(
        sessions,
        wiring.clock,
        load=lambda: store.checkpoint(PRICES),
        save=lambda text: store.put_checkpoint(PRICES, text),
    )


def _probes(wiring: Wiring, shared: Shared) -> Probes | None:
    """None without a load generator."""
    if wiring.runner is None:
        return None
    generated = Generated(
        wiring.store,
        wiring.clock,
        wiring.runner,
        wiring.actor,
        wiring.probes_of_one,
        wiring.fetch,
        wiring.shard.has,
    )
    return probes_of(generated, shared)


def _sessions(wiring: Wiring, telemetry: Telemetry) -> Sessions:
    """Every call to AWS is counted, and held back to its share."""
    clock = wiring.clock
    budgets = CallBudgets(clock, sleep=wiring.wait) if wiring.budgets else None
    return Sessions(
        clock,
        wiring.connection or Connection(user_agent=f"rightsizer/{__version__}"),
        watch=CallWatch(clock, telemetry, budgets),
        hook=wiring.hook,
        models=lean_models() if wiring.models is None else wiring.models,
        gate=None if wiring.elected is None else gate_of(wiring.elected),
    )


def _notifier(wiring: Wiring, telemetry: Telemetry, sessions: Sessions) -> Channels | None:
    """None where nobody is to be told."""
    if not wiring.channels:
        return None
    telemetry.channels(channel.name for channel in wiring.channels)
    topics = Topics(sessions)

    def publish(channel: Channel, events: Sequence[Event]) -> None:
        try:
            topics.publish(channel.address, *sns(events))
        except (Retryable, Throttled) as error:
            raise NotNow(str(error)) from None
        except AdapterError as error:
            raise Never(str(error)) from None

    deliver = {ChannelType.SLACK: post, ChannelType.WEBHOOK: post, ChannelType.SNS: publish}
    return Channels(
        wiring.channels,
        deliver,
        now_s=wiring.clock.monotonic_s,
        counted=telemetry.notified,
    )


def _actuator(wiring: Wiring, adapters: Mapping[Kind, KindAdapter]) -> Actuator:
    """Under the lease that replicas share; else, alone, under a new term, higher than any
    before it in this journal; or beside whoever has the journal, under the term that it has."""
    store, ordinal = wiring.store, wiring.shard.ordinal
    if wiring.elected is not None:
        elected = wiring.elected
        fence: Fence = lambda _: (ordinal, elected.term())  # noqa: E731 - two words of it
        return Actuator(store, adapters, elected, wiring.clock, fence=fence)
    if wiring.beside:
        from controller.runtime.layout import fence_of  # a daemon without shards needs none of it

        return Actuator(store, adapters, SoleProcess(0), wiring.clock, fence=fence_of(store))
    term = store.newest_term() + 1
    store.raise_term(term)
    return Actuator(store, adapters, SoleProcess(term), wiring.clock)
