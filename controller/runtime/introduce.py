"""Meeting an endpoint that no policy speaks of yet: what a first policy for it should say."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.aws.aliases import function_aliases
from controller.aws.sessions import Sessions
from controller.aws.variants import endpoint_variants
from controller.core.periods import HOUR_S
from controller.model.endpoint import ALL_TRAFFIC, LATEST, EndpointKey, Kind
from controller.model.errors import AccessDenied
from controller.model.missing import Missing
from controller.model.policy import Policy, Scope, Slo, Source, Target
from controller.model.size import Size
from controller.model.window import Window
from controller.ports import Clock, Identity, KindAdapters
from controller.runtime.observe import refuse_missing
from controller.runtime.samples import SampleBook, Samples, Wanted

HEADROOM = 1.5
"""What is suggested as threshold, per p95 seen: room for a smaller size, and no promise."""
UNSEEN_THRESHOLD_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Introduction:
    """An endpoint, and what can be said of it."""

    key: EndpointKey
    size: Size
    threshold_ms: float
    threshold_note: str
    observed: Mapping[str, str]
    """Facts for a reader, by name."""


@dataclass(frozen=True, slots=True)
class Introducer:
    """Looks at one endpoint; changes and keeps nothing."""

    sessions: Sessions
    identity: Identity
    adapters: KindAdapters
    samples: SampleBook
    clock: Clock

    def meet(self, kind: Kind, scope: Scope, name: str, qualifier: str | None) -> Introduction:
        """Raises AdapterError where the endpoint (or the qualifier asked for) cannot be seen."""
        account = self.identity.account(scope)
        if kind is Kind.LAMBDA_FUNCTION:
            chosen, note = self._alias(scope, name, qualifier)
        else:
            chosen, note = self._variant(scope, name, qualifier)
        key = EndpointKey(account, scope.region, kind, name, chosen)
        state = self.adapters[kind].observe(scope, key)
        refuse_missing(state)
        samples = self._read(scope, key)
        threshold_ms, threshold_note = suggested(samples.hourly)
        return Introduction(
            key=key,
            size=state.size,
            threshold_ms=threshold_ms,
            threshold_note=threshold_note,
            observed={**note, **_facts(samples)},
        )

    def _variant(self, scope: Scope, name: str, asked: str | None) -> tuple[str, Mapping[str, str]]:
        """The only variant, or the one that takes most of the traffic."""
        if asked is not None:
            return asked, {}
        variants = endpoint_variants(self.sessions, scope, name)
        if not variants:
            return ALL_TRAFFIC, {}
        first = max(variants, key=lambda variant: variant.weight)
        if len(variants) == 1:
            return first.name, {}
        names = ", ".join(variant.name for variant in variants)
        return first.name, {"variants": f"{names}; {first.name} takes most of the traffic"}

    def _alias(self, scope: Scope, name: str, asked: str | None) -> tuple[str, Mapping[str, str]]:
        """What traffic uses, as far as can be told, and how that was told."""
        if asked is not None:
            return asked, {}
        try:
            aliases = function_aliases(self.sessions, scope, name)
        except AccessDenied:
            note = "could not be listed (lambda:ListAliases); set the qualifier that traffic uses"
            return LATEST, {"aliases": note}
        if len(aliases) == 1:
            (alias,) = aliases
            note = f"{alias}, the only one: traffic is taken to use it"
            return alias, {"alias": note}
        if aliases:
            note = f"{', '.join(aliases)}; set the qualifier to the one that traffic uses"
            return LATEST, {"aliases": note}
        return LATEST, {}

    def _read(self, scope: Scope, key: EndpointKey) -> Samples:
        slo = Slo(UNSEEN_THRESHOLD_MS)
        target = Target(key.kind, scope, name=key.name, qualifier=key.qualifier)
        policy = Policy("", target, slo, Source("", 1, 1), generation="")
        now_s = self.clock.now_s()
        self.samples.read(scope, [Wanted(key, policy, None)], now_s)
        return self.samples.get(key) or Samples(slo, now_s)


def suggested(hours: Sequence[Window]) -> tuple[float, str]:
    """A threshold in milliseconds, and the note that says where it comes from."""
    p95_ms = typical_p95_ms(hours)
    if p95_ms is None:
        return UNSEEN_THRESHOLD_MS, "a guess: no traffic was seen"
    return rounded_up(p95_ms * HEADROOM), f"{HEADROOM:g} times the p95 observed"


def typical_p95_ms(hours: Sequence[Window]) -> float | None:
    """Median of the hours' p95, each hour counted by its requests; None without any."""
    known = sorted(
        (w.p95_ms, w.requests)
        for w in hours
        if not isinstance(w.p95_ms, Missing) and not isinstance(w.requests, Missing)
    )
    half = sum(requests for _, requests in known) / 2.0
    passed = 0
    for p95_ms, requests in known:
        passed += requests
        if passed >= half and passed > 0:
            return p95_ms
    return None


def rounded_up(value_ms: float) -> float:
    """To two significant digits, never down."""
    digits = 10.0 ** max(0, math.floor(math.log10(max(value_ms, 1.0))) - 1)
    return math.ceil(value_ms / digits) * digits


def _facts(samples: Samples) -> Mapping[str, str]:
    if samples.error is not None:
        return {"metrics": f"could not be read: {samples.error}"}
    hours = samples.hourly
    requests = sum(w.requests for w in hours if not isinstance(w.requests, Missing))
    if not requests:
        return {"requests": "none in 14 days"}
    days = max(1.0, (hours[-1].end_s - hours[0].start_s) / (24 * HOUR_S))
    facts = {"requests": f"{requests / days:,.0f} a day over {days:.0f} days"}
    p95_ms = typical_p95_ms(hours)
    if p95_ms is not None:
        facts["p95"] = f"{p95_ms:,.0f} ms in a typical hour"
    return facts
