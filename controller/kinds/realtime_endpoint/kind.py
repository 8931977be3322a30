"""The pure half of the kind, as the core asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from controller.core.contract import Prices, Readings, Span, Stage
from controller.core.evidence import Evidence
from controller.core.neighbours import AccountPrior
from controller.kinds.realtime_endpoint import (
    allowed,
    memory,
    mirror,
    obstacles,
    rollout,
    windows,
)
from controller.kinds.realtime_endpoint.estimates import estimate
from controller.kinds.realtime_endpoint.question import Best, Question
from controller.kinds.realtime_endpoint.shape import shape
from controller.kinds.realtime_endpoint.sizing import affordable, candidates
from controller.kinds.realtime_endpoint.types import Beliefs
from controller.model.change import Change, Step
from controller.model.demand import Demand, SloStatus
from controller.model.endpoint import EndpointKey, EndpointState
from controller.model.estimate import Estimate, Rejection
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy, Slo
from controller.model.price import HostingPrices
from controller.model.reason import Reason
from controller.model.sagemaker import RealtimeLive
from controller.model.size import RealtimeSize, Size
from controller.model.window import MemoryUse, Window


@dataclass(frozen=True, slots=True)
class RealtimeSizing:
    """Sizing of one variant at given prices; satisfies `controller.core.assess.Sizing`."""

    prices: Maybe[HostingPrices]
    live: RealtimeLive
    current: RealtimeSize
    region: str
    memo: "list[_Asked]" = field(default_factory=list, compare=False, repr=False)
    """The last question with its answer: fitting curves to two weeks is the work."""

    def sizes(
        self, policy: Policy, current: Size, evidence: Evidence, demand: Demand
    ) -> Sequence[Size]:
        """The current size, and the best one of every instance type to look at."""
        return [best.size for best in self._asked(policy, evidence, demand).candidates]

    def estimates(
        self, sizes: Sequence[Size], evidence: Evidence, demand: Demand, policy: Policy
    ) -> Maybe[tuple[Estimate, ...]]:
        """Latency, instances and money of every size."""
        asked = self._asked(policy, evidence, demand)
        words = {best.size: best for best in asked.candidates}
        found = []
        for size in map(_realtime, sizes):
            best = words.get(size, Best(size))
            made = estimate(asked.question, best, more=asked.more(best.size))
            if isinstance(made, Missing):
                return made
            found.append(made)
        return tuple(found)

    def barred(
        self,
        sizes: Sequence[Size],
        current: Size,
        policy: Policy,
        demand: Demand,
        slo: SloStatus,
    ) -> Mapping[Size, tuple[Rejection, str]]:
        """Types and bounds that policy, config or account do not allow."""
        return allowed.barred(sizes, _realtime(current), policy.bounds, demand, self.live)

    def floor(self, demand: Demand) -> Maybe[int]:
        """Memory in use, with headroom. Unknown, it bars other types, and no bounds."""
        floor_mb = memory.memory_floor_mb(demand)
        return 0 if isinstance(floor_mb, Missing) else floor_mb

    def obstacles(self, state: EndpointState, change_open: bool) -> Mapping[Reason, str]:
        """What is special about the endpoint, and foreign autoscaling."""
        return obstacles.obstacles(state.realtime, change_open)

    def question(self, policy: Policy, evidence: Evidence, demand: Demand) -> Question:
        """What sizes are made for, as the search for capacity asks."""
        return self._asked(policy, evidence, demand).question

    def _asked(self, policy: Policy, evidence: Evidence, demand: Demand) -> "_Asked":
        """The question and its candidates: the same for sizes and for estimates."""
        for asked in self.memo:
            if asked.is_for(policy, evidence, demand):
                return asked
        prices = self.prices
        if isinstance(prices, Missing):
            prices = HostingPrices(self.region, {}, 0.0, prices.reason)
        beliefs = Beliefs.of(evidence, policy.slo, policy.confidence)
        # For a share of windows that breaks no fewer, and costs more (docs/designs/0014).
        week = shape(demand, grown=policy.autoscaling.windows is None)
        question = Question(policy, self.current, self.live, week, beliefs, prices)
        asked = _Asked(question, tuple(candidates(question)), evidence, demand)
        self.memo[:] = [asked]
        return asked


@dataclass(frozen=True, eq=False)
class _Asked:
    question: Question
    candidates: tuple[Best, ...]
    evidence: Evidence
    demand: Demand

    def is_for(self, policy: Policy, evidence: Evidence, demand: Demand) -> bool:
        same = self.evidence is evidence and self.demand is demand
        return same and self.question.policy is policy

    def more(self, size: RealtimeSize) -> bool:
        """Whether a candidate has more instances of the same type, and may be paid."""
        return any(
            best.size.instance_type == size.instance_type
            and best.size.max_instances > size.max_instances
            and affordable(self.question, best.size)
            for best in self.candidates
        )


class RealtimeRules:
    """The pure half of the kind; satisfies `controller.core.contract.KindRules`."""

    def readings(self, key: EndpointKey, span: Span, slo: Slo) -> Readings:
        """Everything about the variant's traffic."""
        return windows.traffic(key, span, slo)

    def trial(
        self, key: EndpointKey, change: Change, span: Span, slo: Slo
    ) -> tuple[Readings, Readings | None]:
        """The new fleet and the old one while both serve; else all traffic."""
        told = change.progress
        if mirror.is_mirrored(change) or "full_since_s" in told or "config_target" not in told:
            return windows.trial(key, span, slo, None), None
        new = windows.trial(key, span, slo, told["config_target"])
        return new, windows.trial(key, span, slo, told["config"])

    def watching_since_s(self, change: Change) -> float | None:
        """The start of the stage that is being judged, settling time included."""
        return rollout.watching_since_s(change)

    def sizing(
        self, prices: Prices, state: EndpointState, neighbours: AccountPrior | None = None
    ) -> RealtimeSizing:
        """Sizing at the prices of the variant's region."""
        region = state.key.region
        size = _realtime(state.size)
        return RealtimeSizing(prices.hosting_prices(region), state.realtime, size, region)

    def beforehand(self) -> None:
        """Nothing: what is known of a type is its catalogue's, and capacity is each model's own."""

    def lesson(self, proof: Evidence) -> None:
        """Nothing."""

    def era(self, state: EndpointState) -> str:
        """Everything but the size that a release may change, as a hash."""
        return state.realtime.endpoint.config.fingerprint

    def identity(self, state: EndpointState) -> str:
        """Size and code that serve; not the config's name, nor how many instances run now."""
        return f"{state.size}:{state.realtime.endpoint.config.fingerprint}"

    def modified_at_s(self, state: EndpointState) -> float:
        """When the live config was made: it cannot have served before. The endpoint's own time
        of change moves with every instance that autoscaling adds."""
        return state.realtime.endpoint.config.created_at_s

    def log_group(self, state: EndpointState) -> str | None:
        """Containers write no REPORT lines."""
        return None

    def memory_seen(self, state: EndpointState, hours: Sequence[Window]) -> Sequence[MemoryUse]:
        """MemoryUtilization of the instances."""
        return memory.memory_seen(state.realtime.instance_type, hours)

    def begin(self, state: EndpointState) -> Mapping[str, str]:
        """What the rollout must remember of the state that was decided on."""
        return rollout.begin(state)

    def next_step(self, stage: Stage) -> Step:
        """The rollout's next step."""
        return rollout.next_step(stage)


def _realtime(size: Size) -> RealtimeSize:
    if not isinstance(size, RealtimeSize):
        raise TypeError(f"{size} is no size of a real-time endpoint")
    return size
