"""Whether to measure a size in a shadow before anything is changed. Pure.

A probe is wanted where the saving that it may prove, over the payback, is worth more than it
costs. Which size is for the same search to say that the benchmarks judge: `core.search` for
memory, `kinds.realtime_endpoint.search` for instances; this room says when they may be asked,
and turns what they want into an order. A confirmed breach is never kept waiting for a probe; a
decrease is, for it is better made once and to the right size than in steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from controller.core import windows
from controller.core.assess import Beliefs, Observed, Sizing
from controller.core.mirroring import by_users, mirrored_usd
from controller.core.periods import DAY_S, HOUR_S
from controller.core.probe_cost import Load, Tariff, estimated_usd, money, over_budget, spent_usd
from controller.core.probe_lessons import REMEMBERED_S, same_copy
from controller.core.sentence import decision_sentence
from controller.model.decision import Assessment, Decision, Hold, Probe, Propose, Prospect
from controller.model.endpoint import Kind
from controller.model.missing import Maybe, Missing
from controller.model.policy import Mode, Policy
from controller.model.probe import Mirroring, ProbeKind, ProbeOrder, ProbeOutcome, ProbeRecord
from controller.model.probing import Phase, Probing
from controller.model.reason import Reason
from controller.model.size import Size

PAYBACK_S = 30 * DAY_S
"""A probe must have paid for itself within."""
MOST_PROBES = 20
"""Of one endpoint in that time."""
LONGEST_S = 2 * HOUR_S
"""A probe without an end is dead after this: whoever made it has died."""
BACK_OFF_S = 6 * HOUR_S
"""After two probes in a row that could not be carried out."""
IN_FLIGHT_COLD = 6
"""Environments that a probe is expected to start, beyond its warm-up."""
_OPEN = frozenset(
    {
        Reason.RIGHT_SIZE,
        Reason.SAVING_TOO_SMALL,
        Reason.NOT_MEASURED,
        Reason.QUARANTINED,
        Reason.NOT_CONFIDENT,
        Reason.INFEASIBLE,
        Reason.NEEDS_PROBE,
    }
)
"""Holds that better knowledge may end."""
_IRRELEVANT = frozenset(
    {Reason.MODE_RECOMMEND, Reason.COOLDOWN, Reason.FLEET_LIMIT, Reason.NEEDS_PROBE}
)
"""Guards that stop a change of the endpoint, but not a look at a copy."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A size that should be measured, how, and what that may bring."""

    size: Size
    phases: tuple[Phase, ...]
    worth_usd: float
    """Expected saving within the payback."""
    words: str
    """What for, for people."""


@dataclass(frozen=True, slots=True)
class Looking:
    """What a wish is made from: one tick, before anything is done about it."""

    observed: Observed
    assessment: Assessment
    beliefs: Beliefs
    sizing: Sizing

    @property
    def recent(self) -> tuple[ProbeRecord, ...]:
        """Probes of other sizes that still count, newest first."""
        since_s = self.observed.now_s - REMEMBERED_S
        shadows = (p for p in self.observed.probes if p.kind.of_another_size)
        return tuple(record for record in shadows if record.started_at_s > since_s)


Beside = Callable[[Size], str | None]
"""Why no shadow variant of a size can be put beside what serves; None where it can."""
Wisher = Callable[[Looking], Wish | None]
"""One per kind: the size that its search wants to look at next, if any."""


def consider(
    looking: Looking,
    wisher: Wisher,
    rate: Callable[[Size], Maybe[Tariff]],
    beside: Beside = lambda _: "AWS mirrors requests of real-time endpoints only",
) -> Assessment:
    """The assessment, with a probe for a decision where one is worth its price.

    `rate` gives what calls to a copy of a size cost. Deciding twice is deciding once: while a
    probe of the endpoint runs, what it is to decide about is held.
    """
    assessment = looking.assessment
    off = not_allowed(looking.observed.policy) or _not_now(looking)
    if off is not None:
        return replace(assessment, prospect=Prospect(None, off))
    since_s = looking.observed.now_s - LONGEST_S
    open_ones = (p for p in looking.recent if p.ended_at_s is None and p.started_at_s > since_s)
    running = next(open_ones, None)
    if running is not None:
        hold = Hold(Reason.PROBING, f"{running.size} is being measured")
        return _decided(replace(assessment, prospect=Prospect(None, hold.detail)), hold)
    found = _weighed(looking, wisher, rate, beside)
    assessment = replace(assessment, prospect=found)
    if found.order is None or found.refused is not None:
        return assessment
    return _decided(assessment, _probe(found.order))


def not_allowed(policy: Policy) -> str | None:
    """Why a policy lets no copy be measured, in words; None where it does."""
    probing = policy.probe
    if probing is None:
        return "the policy has no `probe`"
    if policy.mode not in {Mode.ENFORCE, Mode.RECOMMEND}:
        return f"the policy's mode is {policy.mode}"
    return None if _mirrors(policy) else _no_copies(probing)


def _no_copies(probing: Probing) -> str | None:
    if not probing.shadows:
        return "the policy does not allow copies (`probe.shadow.allowed`)"
    return None if probing.payloads else "the policy's `probe` has no payloads to send"


def _mirrors(policy: Policy) -> bool:
    """Whether users' requests may be mirrored without being asked for: that is a deployment."""
    return policy.probe is not None and policy.probe.mirrored and policy.mode is Mode.ENFORCE


def _order(wish: Wish, looking: Looking, rate: Maybe[Tariff], beside: Beside) -> ProbeOrder | str:
    """How the wish is best fulfilled: by users' own requests, where there are enough of them,
    else by a copy; or why it cannot be."""
    probing = looking.observed.policy.probe
    assert probing is not None, "nothing is wished without a policy that says how"
    why = "the policy does not let requests be mirrored"
    if _mirrors(looking.observed.policy):
        alone = _no_copies(probing) is not None
        no = beside(wish.size)
        made = no or by_users(wish.size, wish.phases[-1].to_rps, looking.observed, alone=alone)
        if isinstance(made, Mirroring):
            usd = rate if isinstance(rate, Missing) else mirrored_usd(rate, made)
            kind, words = ProbeKind.MIRRORED, f"{wish.words}, mirrored"
            return ProbeOrder(kind, wish.size, (), 0, usd, wish.worth_usd, words, made)
        why = made
    if _no_copies(probing) is not None:
        return why
    usd = price(wish, looking, rate)
    kind, warm_up = ProbeKind.SHADOW, probing.warm_up
    return ProbeOrder(kind, wish.size, wish.phases, warm_up, usd, wish.worth_usd, wish.words)


def _weighed(
    looking: Looking, wisher: Wisher, rate: Callable[[Size], Maybe[Tariff]], beside: Beside
) -> Prospect:
    """The probe that is worth most, and what speaks against it."""
    observed, probing = looking.observed, looking.observed.policy.probe
    tired = _tired(looking)
    if tired is not None:
        return Prospect(None, tired)
    wish = wisher(looking)
    if wish is None or probing is None:
        return Prospect(None, "nothing to gain: no look at a copy would change what is chosen")
    order = _order(wish, looking, rate(wish.size), beside)
    if isinstance(order, str):
        return Prospect(None, order)
    usd = order.usd
    if isinstance(usd, Missing):
        return Prospect(order, f"its price is not known: {usd.reason}")
    if wish.worth_usd <= usd:
        worth = f"what it may show is worth {money(wish.worth_usd)}"
        return Prospect(order, f"it would cost {money(usd)} USD, and {worth}")
    spent = spent_usd(observed.probes, observed.now_s)
    return Prospect(order, over_budget(usd, spent, probing.budget))


def unexpected(probes: Sequence[ProbeRecord]) -> str | None:
    """What the newest live probe was answered that it should not have been, in words."""
    newest = next((p for p in probes if p.kind is ProbeKind.LIVE and p.requests > 0), None)
    if newest is None or newest.unexpected == 0:
        return None
    counts = f"{newest.unexpected} of {newest.requests} answers to a live probe"
    return f"{counts} were not what the policy expects, behind a good status"


def price(wish: Wish, looking: Looking, rate: Maybe[Tariff]) -> Maybe[float]:
    """What a probe is expected to cost."""
    if isinstance(rate, Missing):
        return rate
    probing = looking.observed.policy.probe
    warm_up = 0 if probing is None else probing.warm_up
    slowest = [
        c.estimate.p95_ms.mid
        for c in looking.assessment.candidates
        if same_copy(c.estimate.size, wish.size)
    ]
    demand = looking.beliefs.demand
    known = None if isinstance(demand, Missing) else demand.init_mean_ms
    requests = warm_up + sum(phase.requests for phase in wish.phases)
    load = Load(
        requests=requests,
        duration_s=sum(phase.duration_s for phase in wish.phases),
        mean_ms=max(slowest, default=1000.0),
        cold_starts=warm_up + IN_FLIGHT_COLD,
    )
    if known is not None and not isinstance(known, Missing):
        load = replace(load, init_ms=known)
    return estimated_usd(rate, load)


def _not_now(looking: Looking) -> str | None:
    """Why nothing of this endpoint may be probed now, in words."""
    observed, assessment = looking.observed, looking.assessment
    if observed.open_change is not None:
        return "a change is under way"
    if not observed.lease_held:
        return "another replica leads"
    if not windows.open_at(observed.policy.change_windows, observed.now_s):
        return "it is not within a change window"
    noes = (v for v in assessment.guards if not v.allowed and v.reason not in _IRRELEVANT)
    no = next(noes, None)
    return _decides(assessment.wanted) if no is None else no.detail


def _decides(wanted: Decision) -> str | None:
    """Why what is wanted can, or need, not wait for better knowledge; None where it can."""
    if isinstance(wanted, Propose):
        slower = wanted.proposal.reason is not Reason.CHEAPER_SIZE
        return f"{wanted.proposal.reason} is not kept waiting" if slower else None
    return None if wanted.reason in _OPEN else wanted.detail


def _tired(looking: Looking) -> str | None:
    """Whether enough was tried: too many probes, or the last two could not be carried out. One
    that a restart of ours ended is no reason to wait."""
    recent = looking.recent
    if len(recent) >= MOST_PROBES:
        return f"{len(recent)} copies were measured in the last {REMEMBERED_S / DAY_S:.0f} days"
    last = recent[:2]
    failed = [p for p in last if p.outcome is not None and _taught_nothing(p)]
    patient = last and looking.observed.now_s < last[0].started_at_s + BACK_OFF_S
    if len(failed) == 2 and patient:
        return f"the last two probes could not be carried out: {last[0].detail}"
    return None


def _taught_nothing(record: ProbeRecord) -> bool:
    """A function's own durations hold even where the generator was too busy."""
    own = record.key.kind is Kind.LAMBDA_FUNCTION and not isinstance(record.p95_ms, Missing)
    discarded = record.outcome is ProbeOutcome.DISCARDED
    return record.outcome is ProbeOutcome.FAILED or (discarded and not own)


def _probe(order: ProbeOrder) -> Probe:
    usd = "?" if isinstance(order.usd, Missing) else money(order.usd)
    cost = f"for about {usd} USD, for it may save {money(order.worth_usd)} a month"
    return Probe(Reason.PROBING, f"{order.why}: to be measured {cost}", plan=order)


def _decided(assessment: Assessment, decision: Hold) -> Assessment:
    sentence = decision_sentence(assessment.key, decision)
    return replace(assessment, decision=decision, sentence=sentence)
