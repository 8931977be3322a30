"""Where a tick asks whether to probe, and a decision to probe becomes a probe."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from controller.core.assess import Beliefs, Observed, Sizing
from controller.core.probe_cost import Tariff, tariff
from controller.core.probe_wish import memory_wish
from controller.core.probe_worth import Looking, Wish, Wisher, consider, unexpected
from controller.kinds.realtime_endpoint.mirror import refusal_to_mirror
from controller.kinds.realtime_endpoint.probing import instance_wish
from controller.model.decision import Assessment, Probe
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import Conflict
from controller.model.missing import Maybe
from controller.model.probe import ProbeKind, ProbeOutcome
from controller.model.size import RealtimeSize, Size
from controller.ports import PriceSource
from controller.runtime.actuate import Actuator
from controller.runtime.mirroring import Mirrors
from controller.runtime.probe_parts import Asked
from controller.runtime.probing import Probes
from controller.runtime.roster import Entry

WISHERS: Mapping[Kind, Wisher] = {
    Kind.LAMBDA_FUNCTION: memory_wish,
    Kind.SERVERLESS_ENDPOINT: memory_wish,
    Kind.REALTIME_ENDPOINT: instance_wish,
}
"""What each kind's search wants to look at next."""


_Basis = tuple[Beliefs, tuple[tuple[str, ProbeOutcome | None], ...]]
"""What a wish for instances rests on: beliefs, compared by identity, and the probes made."""


@dataclass(frozen=True, slots=True)
class ProbeDesk:
    """Between the loop and the probes."""

    probes: Probes | None
    """None: what would be probed is said, and nothing is (a plan)."""
    prices: PriceSource
    mirrors: Mirrors | None = None
    """None: the same, of mirrored probes."""
    _wishes: dict[EndpointKey, tuple[_Basis, Wish | None]] = field(default_factory=dict)
    """A search among instances takes a tenth of a second: it is asked again when something new
    is believed, not with every tick."""

    def consider(
        self, observed: Observed, sizing: Sizing, beliefs: Beliefs, assessment: Assessment
    ) -> Assessment:
        """The assessment, with a probe for a decision where one is worth its price, and with
        what live probes found wrong."""
        assessment = replace(assessment, unexpected=unexpected(observed.probes))

        def rate(size: Size) -> Maybe[Tariff]:
            return tariff(size, observed.state, self.prices, ProbeKind.SHADOW)

        def beside(size: Size) -> str | None:
            if not isinstance(size, RealtimeSize):
                return "AWS mirrors requests of real-time endpoints only"
            state = observed.state
            return refusal_to_mirror(state.realtime, state.phase, size.instance_type)

        probing = observed.policy.probe
        if self.probes is None and self.mirrors is not None and probing is not None:
            # no load generator is installed: what needs none is probed all the same
            policy = replace(observed.policy, probe=replace(probing, shadows=False))
            observed = replace(observed, policy=policy)
        looking = Looking(observed, assessment, beliefs, sizing)
        return consider(looking, self._wish, rate, beside)

    def _wish(self, looking: Looking) -> Wish | None:
        key = looking.observed.state.key
        wisher = WISHERS[key.kind]
        if key.kind is not Kind.REALTIME_ENDPOINT:
            return wisher(looking)
        made = tuple((record.id, record.outcome) for record in looking.observed.probes)
        kept = self._wishes.get(key)
        if kept is None or kept[0][0] is not looking.beliefs or kept[0][1] != made:
            kept = self._wishes[key] = (looking.beliefs, made), wisher(looking)
        return kept[1]

    def forget(self, key: EndpointKey) -> None:
        """Drop what was wished of an endpoint that is not looked after any more."""
        self._wishes.pop(key, None)

    def follow(self, entry: Entry, observed: Observed, actuator: Actuator) -> None:
        """What is to be done about mirrored probes of the endpoint. Raises StoreError."""
        if self.mirrors is not None:
            self.mirrors.follow(entry, observed, actuator)

    def begin(self, entry: Entry, observed: Observed, decision: Probe, actuator: Actuator) -> None:
        """Begin the probe; where too many are under way, the next tick asks again."""
        probing = entry.policy.probe
        assert probing is not None, "nothing is probed without a policy that says how"
        asked = Asked(
            key=entry.key,
            scope=entry.scope,
            probing=probing,
            slo=entry.policy.slo,
            order=decision.plan,
            state=observed.state,
            era=observed.era,
            rate=tariff(decision.plan.size, observed.state, self.prices, decision.plan.kind),
        )
        try:
            if decision.plan.mirror is not None:
                assert self.mirrors is not None, "who carries nothing out begins no probe"
                self.mirrors.begin(actuator, asked, entry.policy, observed.windows.recent)
                return
            assert self.probes is not None, "who carries nothing out begins no probe"
            self.probes.begin(asked)
        except Conflict as error:
            structlog.get_logger("rightsizer").debug(str(error), endpoint=str(entry.key))
