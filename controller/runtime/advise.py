"""Advice, made where a tick is recorded: it sees the whole tick and changes nothing of it.

Advice follows from two weeks of hours, so it is made anew four times a day and after every
change, not with every tick. What was suggested before is remembered in the journal: a suggestion
that comes and goes with every hour is worse than none.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from controller.core.advice import Small, batch_like, idle, orphaned
from controller.core.assess import Observed
from controller.core.conditions import current_candidate
from controller.core.crossover import Present, hosting_costs, move
from controller.core.demand import HOURS_PER_MONTH
from controller.core.periods import HOUR_S
from controller.core.proposals import cheapest
from controller.core.week import weekly
from controller.model.advice import Advice, HostingCost
from controller.model.decision import Assessment, Propose
from controller.model.demand import Demand, Interval
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import AdapterError
from controller.model.estimate import Estimate, Rejection
from controller.model.missing import Maybe, Missing
from controller.model.policy import Scope
from controller.model.sagemaker import Endpoint
from controller.model.size import RealtimeSize
from controller.ports import PriceSource, Store
from controller.runtime.companions import Companions
from controller.runtime.market import forbidden, market, work


class OwnConfigs(Protocol):
    """Endpoint configurations that this controller made."""

    def of_endpoint(self, scope: Scope, name: str) -> Mapping[str, str]:
        """Names of those made for an endpoint, and the configuration each was copied from."""


ANEW_S = 6 * HOUR_S
"""Advice is slow: it is thought over four times a day, and after every change."""


@dataclass(frozen=True, slots=True)
class _Made:
    size: object
    config: str | None
    until_s: float
    advice: tuple[Advice, ...]
    hosting: tuple[HostingCost, ...]


class Advisor:
    """Adds advice to assessments. Never raises for what AWS says: then there is none."""

    def __init__(self, prices: PriceSource, store: Store, configs: OwnConfigs | None) -> None:
        self._prices = prices
        self._store = store
        self._configs = configs
        self._made: dict[EndpointKey, _Made] = {}
        self._companions = Companions()

    def advise(self, observed: Observed, assessment: Assessment) -> Assessment:
        """The assessment with advice; the same one where there is nothing to go by."""
        if assessment.state is None:
            return assessment
        key, made = observed.state.key, self._made.get(observed.state.key)
        if made is None or not _same(made, observed):
            made = self._make(observed, assessment)
            self._made[key] = made
        shared = self._companions.advice(key)
        advice = made.advice if shared is None else (*made.advice, shared)
        return replace(assessment, advice=advice, hosting=made.hosting)

    def forget(self, key: EndpointKey) -> None:
        """An endpoint that no policy claims any more."""
        self._made.pop(key, None)
        self._companions.put(key, None)

    def _make(self, observed: Observed, assessment: Assessment) -> _Made:
        here = current_candidate(assessment)
        estimate = None if here is None else here.estimate
        found = [self._resting(observed, estimate), self._leftovers(observed, assessment)]
        hosting: tuple[HostingCost, ...] = ()
        demand, small = assessment.demand, None
        if estimate is not None and not isinstance(demand, Missing):
            sized = _as_sized(assessment, estimate, observed.policy.confidence)
            hosting = self._hosting(observed, demand, sized)
            found.append(self._move(observed.state.key, hosting, demand))
            small = _small(observed, demand, sized)
        self._companions.put(observed.state.key, small)
        return _Made(
            observed.state.size,
            _config(observed),
            observed.now_s + (HOUR_S if isinstance(demand, Missing) else ANEW_S),
            tuple(advice for advice in found if advice is not None),
            hosting,
        )

    def _hosting(
        self, observed: Observed, demand: Demand, here: Estimate
    ) -> tuple[HostingCost, ...]:
        state, policy = observed.state, observed.policy
        asked = work(observed, demand)
        if asked is None:
            return ()
        if not demand.weekly:
            demand = replace(demand, weekly=weekly(observed.windows.hourly))
        present = Present(
            state.key.kind,
            str(here.size),
            here.usd_per_month,
            here.p95_ms.mid,
            forbidden(state),
        )
        return hosting_costs(present, asked, demand, market(self._prices, state, policy))

    def _move(
        self, key: EndpointKey, hosting: Sequence[HostingCost], demand: Demand
    ) -> Advice | None:
        """The crossover's suggestion, and what was suggested until now."""
        name = f"move:{key}"
        kept = self._store.checkpoint(name)
        before = None if kept is None else json.loads(kept)
        found = move(hosting, demand, None if before is None else Kind(before))
        after = None if found is None else found[1].value
        if after != before:
            self._store.put_checkpoint(name, json.dumps(after))
        return None if found is None else found[0]

    def _resting(self, observed: Observed, here: Estimate | None) -> Advice | None:
        """Idle, or busy for a few hours only: what costs next to nothing at rest is neither."""
        if observed.state.key.kind is not Kind.REALTIME_ENDPOINT:
            return None
        usd = self._live_usd(observed) if here is None else here.usd_per_month
        mid = usd.mid if isinstance(usd, Interval) else usd
        hourly = observed.windows.hourly
        return idle(hourly, observed.now_s, mid) or batch_like(hourly, observed.now_s, mid)

    def _live_usd(self, observed: Observed) -> Maybe[float]:
        """What the instances that run now cost a month."""
        live = observed.state.realtime
        prices = self._prices.hosting_prices(observed.state.key.region)
        if isinstance(prices, Missing):
            return prices
        hourly = prices.usd_per_hour.get(live.instance_type)
        if hourly is None:
            return Missing(f"the price of {live.instance_type} is not known")
        return hourly * live.instances * HOURS_PER_MONTH

    def _leftovers(self, observed: Observed, assessment: Assessment) -> Advice | None:
        """None while a change is open, or begun in this very tick: its config is for use."""
        endpoint, begun = _endpoint(observed), isinstance(assessment.decision, Propose)
        if endpoint is None or self._configs is None or observed.open_change is not None or begun:
            return None
        try:
            made = self._configs.of_endpoint(observed.policy.target.scope, observed.state.key.name)
        except AdapterError:
            return None
        live = endpoint.config.name
        kept = {live, made.get(live, live), endpoint.pending_config}
        return orphaned(sorted(name for name in made if name not in kept))


def _as_sized(assessment: Assessment, here: Estimate, confidence: float) -> Estimate:
    """The size it would have if nothing held it back: nobody moves elsewhere for what
    right-sizing cures."""
    possible = [
        candidate.estimate
        for candidate in assessment.candidates
        if candidate.rejection in _POSSIBLE and candidate.estimate.p_slo >= confidence
    ]
    return cheapest([here, *possible]) if here.p_slo >= confidence else cheapest(possible or [here])


_POSSIBLE = frozenset(
    {Rejection.CHOSEN, Rejection.CURRENT, Rejection.DEARER, Rejection.SAVING_TOO_SMALL}
)


def _same(made: _Made, observed: Observed) -> bool:
    return (
        made.size == observed.state.size
        and made.config == _config(observed)
        and observed.now_s < made.until_s
    )


def _endpoint(observed: Observed) -> Endpoint | None:
    kind = observed.state.key.kind
    if kind is Kind.SERVERLESS_ENDPOINT:
        return observed.state.serverless.endpoint
    return observed.state.realtime.endpoint if kind is Kind.REALTIME_ENDPOINT else None


def _config(observed: Observed) -> str | None:
    endpoint = _endpoint(observed)
    return None if endpoint is None else endpoint.config.name


def _small(observed: Observed, demand: Demand, here: Estimate) -> Small | None:
    """What consolidation asks of one endpoint at its right size; None where it is not one of
    those, or unknown."""
    size = here.size
    if not isinstance(size, RealtimeSize) or forbidden(observed.state):
        return None
    capacity, hourly_usd = here.capacity_rps, here.usd_per_hour
    peak = demand.rps_peak
    if isinstance(peak, Missing):
        peak = demand.requests_per_hour_peak / 3600.0
    if isinstance(capacity, Missing) or isinstance(hourly_usd, Missing) or capacity.mid <= 0.0:
        return None
    instances = size.min_instances if isinstance(here.instances, Missing) else here.instances.mid
    least = observed.policy.bounds.min_instances
    return Small(
        observed.state.key,
        size.instance_type,
        instances,
        peak / capacity.mid,
        hourly_usd,
        1 if least is None else least,
    )
