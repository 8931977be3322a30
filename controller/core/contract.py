"""What the runtime asks of a kind's pure rooms: the other half of `ports.KindAdapter`.

A kind says which series describe its traffic, what its sizes cost and how fast they are,
which live states forbid a change, and what the next step of a change is. All of it pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.core import history
from controller.core.assess import Sizing
from controller.core.evidence import Evidence
from controller.core.neighbours import AccountPrior
from controller.core.stats import Floats
from controller.model.change import Change, Step, Verdict
from controller.model.endpoint import EndpointKey, EndpointState
from controller.model.missing import Maybe
from controller.model.policy import Rollout, Slo
from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices
from controller.model.reason import Reason
from controller.model.window import MemoryUse, Series, SeriesQuery, Window

SETTLE_S = history.SETTLE_S
"""After a change every environment starts cold: the first two minutes are not judged."""

Answers = Mapping[SeriesQuery, Maybe[Series]]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of whole periods to read: [start_s, end_s) in steps of period_s."""

    start_s: float
    end_s: float
    period_s: int


class Readings(Protocol):
    """The series of one endpoint over one span, before and after they are answered."""

    def series(self) -> Sequence[SeriesQuery]:
        """What to read."""

    def refused(self, answers: Answers) -> str | None:
        """Why the number of requests is not known, if CloudWatch refused it."""

    def windows(self, answers: Answers) -> tuple[Window, ...]:
        """One window per period in which anything was published, oldest first."""


class Prices(Protocol):
    """Prices, or the reason why they are not known (a part of `ports.PriceSource`)."""

    def lambda_prices(self, region: str, architecture: str) -> Maybe[LambdaPrices]:
        """On-demand prices of Lambda in a region for `x86_64` or `arm64`."""

    def hosting_prices(self, region: str) -> Maybe[HostingPrices]:
        """On-demand prices of SageMaker real-time instances in a region."""

    def serverless_prices(self, region: str) -> Maybe[ServerlessPrices]:
        """Prices of SageMaker serverless inference in a region."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a step of a change is decided from."""

    change: Change
    state: EndpointState
    rollout: Rollout
    verdict: Verdict
    """On the stage the change is in now; inconclusive while nothing can be said."""
    may_go_on: Reason | None
    """None, or why no further step forward may be taken (paused, mode, policy gone)."""
    now_s: float
    slo: Slo | None = None
    """The policy's objective, where a deployment is to be guarded by alarms on it."""


class KindRules(Protocol):
    """The pure half of one kind."""

    def readings(self, key: EndpointKey, span: Span, slo: Slo) -> Readings:
        """Everything about the endpoint's traffic. Of short periods only what the SLO and
        latency need: CloudWatch bills every metric of every read."""

    def trial(
        self, key: EndpointKey, change: Change, span: Span, slo: Slo
    ) -> tuple[Readings, Readings | None]:
        """Counts of what a change put live, and of its rival while both serve."""

    def watching_since_s(self, change: Change) -> float | None:
        """Since when the change's present stage is judged; None while it is not."""

    def sizing(
        self, prices: Prices, state: EndpointState, neighbours: AccountPrior | None = None
    ) -> Sizing:
        """Ladder, estimates and obstacles of this endpoint; `neighbours`: what the others of
        its account show of responses to size, for kinds that share that."""

    def beforehand(self) -> Floats | None:
        """What is learnt of responses beforehand, as weights; None: nothing is shared."""

    def lesson(self, proof: Evidence) -> Floats | None:
        """What an endpoint's evidence says of them, in the same form; None: nothing."""

    def era(self, state: EndpointState) -> str:
        """Names the code that serves: latencies compare only within an era."""

    def identity(self, state: EndpointState) -> str:
        """Changes whenever what serves does: version, size or code."""

    def modified_at_s(self, state: EndpointState) -> float:
        """When AWS says that what serves was last changed."""

    def log_group(self, state: EndpointState) -> str | None:
        """Where REPORT lines are, for kinds that write them."""

    def memory_seen(self, state: EndpointState, hours: Sequence[Window]) -> Sequence[MemoryUse]:
        """Memory in use as metrics tell it, for kinds that publish it; `hours` are those in
        which the live size served alone."""

    def begin(self, state: EndpointState) -> Mapping[str, str]:
        """What a new change must remember of the state that was decided on."""

    def next_step(self, stage: Stage) -> Step:
        """The one thing to do now for an open change."""
