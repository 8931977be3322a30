"""Where a tick asks whether to probe, and a decision to probe becomes a probe."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from controller.core.assess import Beliefs, Observed, Sizing
from controller.core.probe_cost import Tariff, tariff
from controller.core.probe_wish import memory_wish
from controller.core.probe_worth import Looking, Wish, Wisher, consider, unexpected
from controller.kinds.realtime_endpoint.probing import instance_wish
from controller.model.decision import Assessment, Probe
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import Conflict
from controller.model.missing import Maybe
from controller.model.probe import ProbeKind, ProbeOutcome
from controller.model.size import Size
from controller.ports import PriceSource
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

        looking = Looking(observed, assessment, beliefs, sizing)
        return consider(looking, self._wish, rate)

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

    def begin(self, entry: Entry, observed: Observed, decision: Probe) -> None:
        """Begin the probe; where too many are under way, the next tick asks again."""
        probing = entry.policy.probe
        assert self.probes is not None, "who carries nothing out begins no probe"
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
            self.probes.begin(asked)
        except Conflict as error:
            structlog.get_logger("rightsizer").debug(str(error), endpoint=str(entry.key))
