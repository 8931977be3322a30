"""The hosting crossover: which kind of hosting suits the demand, and from which rate on. Pure.

Pay-per-use costs nothing at rest and the most per request; an instance costs the same whether
it serves or not. Where they cross depends on the requests per second and on how long one takes.
A move is suggested only if even the dear end of the other side is well below the present cost,
and it stays suggested until little of the saving is left: at the crossing itself nobody is told
one thing today and another tomorrow. It is never carried out: the way a client calls differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.core.demand import HOURS_PER_MONTH
from controller.core.hosting_costs import (
    MB_PER_VCPU,
    Host,
    Work,
    cheapest_fleet,
    fleet_usd,
    gb_s_per_request,
    lambda_memory_mb,
    lambda_usd,
    serverless_memory_mb,
    serverless_usd,
)
from controller.model.advice import Advice, HostingCost
from controller.model.demand import Demand, Interval
from controller.model.endpoint import Kind
from controller.model.missing import Maybe, Missing
from controller.model.price import LambdaPrices, ServerlessPrices
from controller.model.reason import Reason

ENTER_RATIO = 0.25
"""A move must surely save this share of the present cost to be suggested …"""
LEAVE_RATIO = 0.10
"""… and no longer this share to be taken back."""
LEAST_USD = 5.0
"""… and this much a month: less pays for nobody's afternoon."""
WEEK_HOURS = 168
SAGEMAKER_LONGEST_MS = 60_000.0

NOUNS: Mapping[Kind, str] = {
    Kind.LAMBDA_FUNCTION: "a Lambda function",
    Kind.SERVERLESS_ENDPOINT: "a serverless endpoint",
    Kind.REALTIME_ENDPOINT: "a real-time endpoint",
}


@dataclass(frozen=True, slots=True)
class Market:
    """Prices of one region; a Missing one leaves its kind of hosting out."""

    functions: Maybe[LambdaPrices]
    serverless: Maybe[ServerlessPrices]
    hosts: Maybe[Sequence[Host]]
    """Types that run any container made for the architecture in use."""
    utilization: float = 0.7
    least_instances: int = 1


@dataclass(frozen=True, slots=True)
class Present:
    """The hosting in use."""

    kind: Kind
    what: str
    usd_per_month: Maybe[Interval]
    longest_ms: float
    """A request that takes longer than this is not usual (a high percentile)."""
    forbids: Mapping[Kind, str]
    """Kinds that cannot take it over, and why."""


def work_of_memory(mean_ms: float, memory_mb: int, used_mb: int | None) -> Work:
    """A request of a function or serverless endpoint, where memory is what is bought."""
    service_s, vcpus = mean_ms / 1000.0, memory_mb / MB_PER_VCPU
    low, high = service_s * min(1.0, vcpus), service_s * max(1.0, vcpus)
    return Work(
        service_s, Interval(low, (low * high) ** 0.5, high), used_mb or memory_mb, memory_mb
    )


def work_of_instance(mean_ms: float, vcpus: int, used_mb: int) -> Work:
    """A request of an instance: one thread of its processors, or all of them."""
    service_s = mean_ms / 1000.0
    low, high = service_s, service_s * max(1, vcpus)
    return Work(service_s, Interval(low, (low * high) ** 0.5, high), used_mb, None)


def hosting_costs(
    present: Present, work: Work, demand: Demand, market: Market
) -> tuple[HostingCost, ...]:
    """One line per kind of hosting, the present one as it is estimated."""
    found = [
        _on_lambda(present, work, demand, market.functions),
        _on_serverless(present, work, demand, market.serverless),
        _on_instances(present, work, demand, market),
    ]
    here = HostingCost(
        present.kind, present.what, present.usd_per_month, Missing("in use"), "as estimated", True
    )
    lines = [here if line.kind is present.kind else line for line in found]
    return tuple(_with_break_even(line, here, demand) for line in lines)


def _left_out(kind: Kind, why: str) -> HostingCost:
    return HostingCost(kind, "", Missing(why), Missing(why), why)


def _on_lambda(
    present: Present, work: Work, demand: Demand, prices: Maybe[LambdaPrices]
) -> HostingCost:
    kind = Kind.LAMBDA_FUNCTION
    memory_mb = lambda_memory_mb(work)
    if kind in present.forbids:
        return _left_out(kind, present.forbids[kind])
    if memory_mb is None:
        return _left_out(kind, f"needs {work.memory_mb} MB, more than a function may have")
    if isinstance(prices, Missing):
        return _left_out(kind, prices.reason)
    usd = lambda_usd(gb_s_per_request(work, memory_mb), demand.requests_per_month.mid, prices)
    return HostingCost(kind, f"{memory_mb} MB", usd, Missing(""), _assumed(work))


def _on_serverless(
    present: Present, work: Work, demand: Demand, prices: Maybe[ServerlessPrices]
) -> HostingCost:
    kind = Kind.SERVERLESS_ENDPOINT
    memory_mb = serverless_memory_mb(work)
    if kind in present.forbids:
        return _left_out(kind, present.forbids[kind])
    if memory_mb is None:
        return _left_out(kind, "needs more than 6144 MB, the most a serverless endpoint has")
    if present.longest_ms > SAGEMAKER_LONGEST_MS:
        return _left_out(kind, "requests take more than 60 s, SageMaker's limit")
    if isinstance(prices, Missing):
        return _left_out(kind, prices.reason)
    usd = serverless_usd(gb_s_per_request(work, memory_mb), demand.requests_per_month.mid, prices)
    return HostingCost(kind, f"{memory_mb} MB", usd, Missing(""), _assumed(work))


def _on_instances(present: Present, work: Work, demand: Demand, market: Market) -> HostingCost:
    kind = Kind.REALTIME_ENDPOINT
    if kind in present.forbids:
        return _left_out(kind, present.forbids[kind])
    if present.longest_ms > SAGEMAKER_LONGEST_MS:
        return _left_out(kind, "requests take more than 60 s, SageMaker's limit")
    if isinstance(market.hosts, Missing):
        return _left_out(kind, market.hosts.reason)
    fleet = cheapest_fleet(work, demand, market.hosts, market.utilization, market.least_instances)
    if fleet is None:
        return _left_out(kind, f"no known type holds {work.memory_mb} MB")
    low, high = f"{fleet.low:.2g}", f"{fleet.high:.2g}"
    count = low if low == high else f"{low}-{high}"
    assumes = "one request keeps one vCPU busy, or as many as it has now"
    what = f"{count} x {fleet.host.instance_type}"
    return HostingCost(kind, what, fleet_usd(fleet), Missing(""), assumes)


def _assumed(work: Work) -> str:
    if work.memory_given_mb is not None:
        return "a request takes as long with the same memory, or up to a quarter longer"
    return "a request needs one vCPU, or all that its instance has"


def _with_break_even(line: HostingCost, here: HostingCost, demand: Demand) -> HostingCost:
    if line.present:
        return line
    rate = break_even_rps(here, line, demand)
    return HostingCost(line.kind, line.what, line.usd_per_month, rate, line.assumes)


def break_even_rps(one: HostingCost, other: HostingCost, demand: Demand) -> Maybe[float]:
    """Steady requests per second at which an instance and pay-per-use cost the same.

    Reckoned with the instances that the present demand needs: for far more, they would grow.
    """
    instance, per_use = one, other
    if other.kind is Kind.REALTIME_ENDPOINT:
        instance, per_use = other, one
    if instance.kind is not Kind.REALTIME_ENDPOINT or per_use.kind is Kind.REALTIME_ENDPOINT:
        return Missing("both are paid by use: they never cross")
    if isinstance(instance.usd_per_month, Missing):
        return instance.usd_per_month
    if isinstance(per_use.usd_per_month, Missing):
        return per_use.usd_per_month
    requests = demand.requests_per_month.mid
    if requests <= 0.0 or per_use.usd_per_month.mid <= 0.0:
        return Missing("no requests to reckon with")
    usd_per_request = per_use.usd_per_month.mid / requests
    return instance.usd_per_month.mid / HOURS_PER_MONTH / 3600.0 / usd_per_request


def move(
    lines: Sequence[HostingCost], demand: Demand, suggested: Kind | None
) -> tuple[Advice, Kind] | None:
    """The move worth making, if there is one; `suggested` is the one suggested until now."""
    here = next((line for line in lines if line.present), None)
    if here is None or isinstance(here.usd_per_month, Missing):
        return None
    if demand.hours_observed < WEEK_HOURS:
        return None
    present_usd = here.usd_per_month.mid
    sure = {
        line.kind: present_usd - line.usd_per_month.high
        for line in lines
        if not line.present and not isinstance(line.usd_per_month, Missing)
    }
    if suggested in sure and sure[suggested] >= present_usd * LEAVE_RATIO:
        kind = suggested
    else:
        least = max(LEAST_USD, present_usd * ENTER_RATIO)
        worth = [kind for kind, saves in sure.items() if saves >= least]
        if not worth:
            return None
        kind = max(worth, key=lambda k: (sure[k], k.value))
    line = next(line for line in lines if line.kind is kind)
    return _advice(here, line), kind


def _advice(here: HostingCost, line: HostingCost) -> Advice:
    assert not isinstance(here.usd_per_month, Missing)
    assert not isinstance(line.usd_per_month, Missing)
    now, then = here.usd_per_month.mid, line.usd_per_month
    text = (
        f"as {NOUNS[line.kind]} ({line.what}) the same requests would cost "
        f"{_span(then)} USD/month instead of {now:.2f}"
    )
    if not isinstance(line.break_even_rps, Missing):
        text += f"; both cost the same at {line.break_even_rps:.3g} requests/s"
    if here.kind is Kind.REALTIME_ENDPOINT:
        text += "; cold starts would come with it"
    text += f", if {line.assumes}; clients would have to call it another way"
    return Advice(
        Reason.MOVE_SUGGESTED, text, Interval(now - then.high, now - then.mid, now - then.low)
    )


def _span(usd: Interval) -> str:
    low, high = f"{usd.low:.2f}", f"{usd.high:.2f}"
    return low if low == high else f"{low}-{high}"
