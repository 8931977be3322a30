"""What another kind of hosting would have to do and would cost: values for the crossover."""

from collections.abc import Mapping, Sequence

from controller.core.assess import Observed
from controller.core.crossover import Market, work_of_instance, work_of_memory
from controller.core.hosting_costs import Host, Work
from controller.kinds.realtime_endpoint.catalogue import TYPES
from controller.model.demand import Demand
from controller.model.endpoint import EndpointState, Kind
from controller.model.instance_types import is_burstable, needs_a_build
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy
from controller.model.price import HostingPrices
from controller.model.sagemaker import EndpointConfig
from controller.model.size import RealtimeSize, memory_mb_of
from controller.ports import PriceSource

X86, ARM = "x86_64", "arm64"


def work(observed: Observed, demand: Demand) -> Work | None:
    """What one request asks; None while its time, or the live type, is not known."""
    mean_ms = _mean_ms(observed)
    if mean_ms is None:
        return None
    used = demand.memory_used_mb
    size = observed.state.size
    if not isinstance(size, RealtimeSize):
        return work_of_memory(
            mean_ms, memory_mb_of(size), None if isinstance(used, Missing) else used
        )
    machine = TYPES.get(size.instance_type)
    if machine is None:
        return None
    # What is in use counts every worker of the instance: one of them needs no more.
    return work_of_instance(
        mean_ms, machine.vcpus, machine.memory_mb if isinstance(used, Missing) else used
    )


def _mean_ms(observed: Observed) -> float | None:
    """Mean over the requests that the live size has served; of all hours where it has not yet."""
    known = [
        (w.start_s, w.requests, w.mean_ms)
        for w in observed.windows.hourly
        if not isinstance(w.requests, Missing) and not isinstance(w.mean_ms, Missing)
    ]
    here = [row for row in known if row[0] >= observed.size_since_s] or known
    requests = sum(count for _, count, _ in here)
    return sum(count * ms for _, count, ms in here) / requests if requests else None


def market(prices: PriceSource, state: EndpointState, policy: Policy) -> Market:
    """Prices of everything there is in the endpoint's region."""
    region = state.key.region
    least = policy.bounds.min_instances
    return Market(
        functions=prices.lambda_prices(region, architecture(state)),
        serverless=prices.serverless_prices(region),
        hosts=hosts(prices.hosting_prices(region), architecture(state)),
        utilization=policy.autoscaling.utilization,
        least_instances=1 if least is None else least,
    )


def hosts(prices: Maybe[HostingPrices], built_for: str) -> Maybe[Sequence[Host]]:
    """Priced types that run a plain container built for an architecture."""
    if isinstance(prices, Missing):
        return prices
    found = []
    for name, usd in sorted(prices.usd_per_hour.items()):
        machine = TYPES.get(name)
        if machine is None or is_burstable(name) or machine.accelerator is not None:
            continue
        if machine.architecture == built_for:
            found.append(Host(name, machine.vcpus, machine.memory_mb, usd))
    return found or Missing(f"no priced instance type of {prices.region} is known")


def architecture(state: EndpointState) -> str:
    """What the container or code is built for; x86_64 where nobody says."""
    if state.key.kind is Kind.LAMBDA_FUNCTION:
        return state.function.serving.architecture
    if isinstance(state.size, RealtimeSize):
        machine = TYPES.get(state.size.instance_type)
        return X86 if machine is None else machine.architecture
    return _config(state).architecture or X86


def forbidden(state: EndpointState) -> Mapping[Kind, str]:
    """Kinds of hosting that cannot take the endpoint over, and why."""
    if state.key.kind is Kind.LAMBDA_FUNCTION:
        return {}
    others = [kind for kind in Kind if kind is not state.key.kind]
    special = _config(state).specialities
    if special:
        why = f"the endpoint is special: {'; '.join(sorted(special.values()))}"
        return dict.fromkeys(others, why)
    size = state.size
    if isinstance(size, RealtimeSize) and needs_a_build(size.instance_type):
        machine = TYPES.get(size.instance_type)
        if machine is None or machine.accelerator is not None:
            return dict.fromkeys(others, "the model runs on an accelerator, which they lack")
        return {Kind.SERVERLESS_ENDPOINT: "the container is built for Graviton processors"}
    return {}


def _config(state: EndpointState) -> EndpointConfig:
    live = state.serverless if state.key.kind is Kind.SERVERLESS_ENDPOINT else state.realtime
    return live.endpoint.config
