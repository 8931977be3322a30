"""The ports: what the runtime needs of the world, and nothing of how it is done.

Every method may raise the errors of `controller.model.errors` and no others.
Tests fake here and nowhere else.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from controller.model.change import Change, ChangeEvent, Mutation
from controller.model.condition import Condition, Pause
from controller.model.endpoint import EndpointKey, EndpointState, Kind
from controller.model.estimate import Observation
from controller.model.missing import Maybe
from controller.model.policy import Scope, Selector
from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices
from controller.model.probe import ProbePlan, ProbeRecord, ProbeRun, Shadow
from controller.model.size import Size
from controller.model.window import MemoryUse, Series, SeriesQuery


class Clock(Protocol):
    """The only source of time."""

    def now_s(self) -> float:
        """Seconds since the Unix epoch, UTC."""

    def monotonic_s(self) -> float:
        """Seconds that never go back; only differences mean anything."""


class SteppedClock(Clock, Protocol):
    """A clock that moves only when told to: virtual time, or the sandbox's."""

    def advance_to(self, instant_s: float) -> None:
        """Let the world live until `instant_s`; returns when it is that time there."""


class MetricsReader(Protocol):
    """CloudWatch, read in batches."""

    def read(
        self, scope: Scope, queries: Sequence[SeriesQuery]
    ) -> Mapping[SeriesQuery, Maybe[Series]]:
        """Answer every query; one that CloudWatch refused or cut short is `Missing`.

        A series without points is a `Series` of length 0: complete, and empty.
        Raises when the call as a whole failed.
        """


class ReportReader(Protocol):
    """Memory actually used, from Lambda's REPORT lines through Logs Insights. Never waits."""

    def start(self, scope: Scope, log_group: str, start_s: float, end_s: float) -> str:
        """Start a query; returns its id."""

    def poll(self, scope: Scope, query_id: str) -> tuple[MemoryUse, ...] | None:
        """Its rows, one per memory size; None while it runs."""


class PriceSource(Protocol):
    """Prices, or the reason why they are not known."""

    def lambda_prices(self, region: str, architecture: str) -> Maybe[LambdaPrices]:
        """On-demand prices of Lambda in a region for `x86_64` or `arm64`."""

    def hosting_prices(self, region: str) -> Maybe[HostingPrices]:
        """On-demand prices of SageMaker real-time instances in a region."""

    def serverless_prices(self, region: str) -> Maybe[ServerlessPrices]:
        """Prices of SageMaker serverless inference in a region."""


class Identity(Protocol):
    """Who we are."""

    def account(self, scope: Scope) -> str:
        """The twelve-digit account that calls in this scope act on."""


class KindAdapter(Protocol):
    """One kind of endpoint in one place: see, and touch."""

    def discover(self, scope: Scope, selector: Selector) -> Mapping[str, Mapping[str, str]]:
        """Names of matching endpoints and their tags."""

    def observe(self, scope: Scope, key: EndpointKey, *, thorough: bool = True) -> EndpointState:
        """The live state. Raises NotFound where there is no such endpoint.

        Where a part is gone that traffic needs (a function's alias), the phase says Missing.
        Not thorough: of an endpoint at rest, what only matters before a change may be
        remembered from the last thorough look.
        """

    def execute(self, scope: Scope, key: EndpointKey, step: Mutation) -> Mapping[str, str]:
        """Carry out one mutation; returns what to remember (e.g. the published version)."""


KindAdapters = Mapping[Kind, KindAdapter]


class ProbeRunner(Protocol):
    """The load generator: a process of its own, never a thread of ours."""

    def start(self, probe_id: str, plan: ProbePlan) -> None:
        """Start the generator; returns at once. Raises Terminal where there is none (the extra
        `[probe]` is not installed) and Conflict where `probe_id` runs already."""

    def poll(self, probe_id: str) -> ProbeRun | None:
        """What it brought back; None while it runs. Afterwards the id is free again.

        A generator that died, or overran the plan's time limit, is a Failed run. An id that
        this process did not start is a Failed run as well.
        """

    def stop(self, probe_id: str) -> None:
        """End it now, its children included; `poll` then tells what it had measured."""

    def close(self) -> None:
        """End all of them."""


class ShadowMaker(Protocol):
    """Isolated copies of the endpoints of one kind. Every call is one step and never waits."""

    def make(self, shadow: Shadow, state: EndpointState) -> Shadow:
        """Make (or go on making) the copy; `resources` of the answer names what exists now.

        Idempotent: what is there already is taken up. READY once it answers requests.
        """

    def target_name(self, shadow: Shadow) -> str:
        """Function or endpoint to call."""

    def remove(self, shadow: Shadow) -> bool:
        """Remove what is left; True once nothing is. Takes `Creating` shadows as well."""

    def strays(self, scope: Scope, now_s: float) -> Sequence[Shadow]:
        """Expired copies that carry our tags, whether any journal knows of them or not."""

    def usd_per_hour(self, region: str, size: Size) -> Maybe[float]:
        """What a copy costs while it stands idle: 0 where nothing, Missing where not known."""


class Lease(Protocol):
    """The right to change anything, and the term it was given under."""

    def term(self) -> int:
        """The fencing term that every journal row carries."""

    def held(self) -> bool:
        """Whether enough of the lease remains for one call; asked just before each mutation."""

    def doubt(self) -> None:
        """The journal refused our term: find out whether there is a newer one."""


class Store(Protocol):
    """The journal: the only state that outlives the process.

    Whoever writes changes says under which term (`ChangeEvent.term`) of which shard's lease. A
    write under an older term than the newest seen of that shard raises NoLease: its writer was
    replaced, and has not noticed yet.
    """

    def open_change(self, key: EndpointKey) -> Change | None:
        """The change in flight, if there is one."""

    def open_changes(self) -> Sequence[Change]:
        """All changes in flight, by key."""

    def plan_change(self, change: Change, event: ChangeEvent, after: int | None = None) -> Change:
        """Record a new change (its id is assigned). Raises Conflict if one is open for the key.

        With `after` also where the newest change of all is no longer that one: whoever
        counted the fleet's changes before planning then counts again.
        """

    def planned_s(self, since_s: float) -> Sequence[float]:
        """When changes were planned, of any endpoint, at or after an instant; in no order."""

    def newest_change_id(self) -> int:
        """The id of the change planned last, of any endpoint; 0 where there was none."""

    def newest_term(self, shard: int = 0) -> int:
        """The newest term that was seen of a shard's lease; 0 where there was none."""

    def raise_term(self, term: int, shard: int = 0) -> None:
        """From now on nothing older may write for the shard. Raises NoLease if this is older."""

    def advance_change(self, change: Change, event: ChangeEvent) -> Change:
        """Replace the row if its revision is still `change.revision`; else raises Conflict.

        Id, key and the instant at which it was planned stay.
        """

    def change(self, change_id: int) -> Change | None:
        """One change by id."""

    def changes(
        self, key: EndpointKey | None = None, since_s: float | None = None, limit: int | None = None
    ) -> Sequence[Change]:
        """Changes, newest first; `since_s` compares with when they were planned."""

    def events(self, change_id: int) -> Sequence[ChangeEvent]:
        """A change's history, oldest first."""

    def put_observations(self, key: EndpointKey, rows: Iterable[Observation]) -> None:
        """Add evidence; a row for the same size, era and start replaces the older one."""

    def observations(self, key: EndpointKey, since_s: float) -> Sequence[Observation]:
        """Evidence that ends after `since_s`, oldest first."""

    def put_memory_use(self, key: EndpointKey, rows: Iterable[MemoryUse]) -> None:
        """Add what REPORT lines said; same memory size and start replaces."""

    def memory_use(self, key: EndpointKey, since_s: float) -> Sequence[MemoryUse]:
        """REPORT evidence that ends after `since_s`, oldest first."""

    def put_conditions(self, key: EndpointKey, conditions: Iterable[Condition]) -> None:
        """Replace the conditions given; others of the key stay."""

    def conditions(
        self, key: EndpointKey | None = None
    ) -> Mapping[EndpointKey, Sequence[Condition]]:
        """Current conditions."""

    def put_assessment(self, key: EndpointKey, at_s: float, document: Mapping[str, Any]) -> None:
        """Keep the last assessment as JSON, for `get`, `explain` and the page."""

    def assessment(self, key: EndpointKey) -> Mapping[str, Any] | None:
        """The last assessment of one endpoint, or None."""

    def assessments(self) -> Mapping[EndpointKey, Mapping[str, Any]]:
        """The last assessment of every endpoint."""

    def forget_endpoint(self, key: EndpointKey) -> None:
        """Drop conditions and assessment of an endpoint no policy claims; its journal stays."""

    def put_checkpoint(self, name: str, value: str) -> None:
        """Remember how far something got."""

    def checkpoint(self, name: str) -> str | None:
        """What was remembered, or None."""

    def pause(self, pause: Pause) -> None:
        """Stop an endpoint or, with scope `*`, the fleet."""

    def resume(self, scope: str) -> bool:
        """Lift a pause; False if there was none."""

    def pauses(self) -> Sequence[Pause]:
        """All pauses, expired ones included."""

    def put_shadow(self, shadow: Shadow) -> None:
        """Record a shadow, on disk on return: before anything of it is made or removed."""

    def shadows(self) -> Sequence[Shadow]:
        """All shadows of which something may be left, oldest first."""

    def forget_shadow(self, shadow_id: str) -> None:
        """Nothing of it is left. An unknown id is no error."""

    def put_probe(self, record: ProbeRecord) -> None:
        """Add a probe's record, or replace it by id; on disk on return."""

    def probes(
        self, key: EndpointKey | None = None, since_s: float | None = None, limit: int | None = None
    ) -> Sequence[ProbeRecord]:
        """Probes, newest first; `since_s` compares with their start."""

    def batch(self) -> AbstractContextManager[None]:
        """Join the writes of a block into one transaction: all of them are kept, or none.

        Keep the block short: other threads wait. A change may not be journalled in it
        (Terminal), because it must be on disk before anything acts on it.
        """

    def prune(self, before_s: float) -> int:
        """Delete evidence older than `before_s`; returns the number of rows."""

    def prune_journal(self, before_s: float) -> int:
        """Delete changes that were closed before `before_s`, with their events.

        Open ones stay, and so does the newest of every endpoint. With them go checkpoints of
        endpoints of which nothing else is known. Returns the number of changes.
        """

    def close(self) -> None:
        """Flush and release; the store cannot be used afterwards."""
