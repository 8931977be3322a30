"""Which instance types and bounds a policy, a config and an account allow."""

from collections.abc import Mapping, Sequence

from controller.kinds.realtime_endpoint.catalogue import TYPES
from controller.kinds.realtime_endpoint.memory import memory_floor_mb
from controller.kinds.realtime_endpoint.snapshot import unread
from controller.model.demand import Demand
from controller.model.estimate import Rejection
from controller.model.instance_types import family_of, is_burstable, needs_a_build
from controller.model.missing import Missing
from controller.model.policy import Bounds
from controller.model.sagemaker import EndpointConfig, RealtimeLive
from controller.model.size import RealtimeSize, Size

Standing = tuple[Rejection, str]


def types_of(bounds: Bounds, current: str, priced: Mapping[str, float]) -> tuple[str, ...]:
    """Types to look at: the policy's list, else the priced types of its families (the live
    type's own where it names none), and the live type. By name, which means nothing."""
    if bounds.instance_types is not None:
        return tuple(sorted({*bounds.instance_types, current}))
    families = bounds.instance_families or (family_of(current),)
    same_build = needs_a_build(current)
    found = {
        name
        for name in priced
        if family_of(name) in families
        and (not needs_a_build(name) or (same_build and family_of(name) == family_of(current)))
    }
    return tuple(sorted({*found, current}))


def scales(name: str) -> bool:
    """Whether Application Auto Scaling supports the type: burstable ones it does not."""
    return not is_burstable(name)


def least_instances(bounds: Bounds) -> int:
    """The availability floor."""
    return 1 if bounds.min_instances is None else max(1, bounds.min_instances)


def barred(
    sizes: Sequence[Size], current: RealtimeSize, bounds: Bounds, demand: Demand, live: RealtimeLive
) -> dict[Size, Standing]:
    """Sizes that are out of the question whatever they cost."""
    found: dict[Size, Standing] = {}
    for size in sizes:
        if not isinstance(size, RealtimeSize):
            continue
        standing = _of_type(size.instance_type, current.instance_type, bounds, live)
        standing = standing or _of_memory(size, current, demand) or _of_bounds(size, bounds)
        if standing is None and size != current:
            standing = _of_account(size, current, live)
        if standing is not None:
            found[size] = standing
    return found


def _of_type(name: str, current: str, bounds: Bounds, live: RealtimeLive) -> Standing | None:
    if bounds.instance_types is not None and name not in bounds.instance_types:
        return Rejection.NOT_ALLOWED, f"{name} is not among the policy's instance types"
    families = bounds.instance_families
    if bounds.instance_types is None and families is not None and family_of(name) not in families:
        return Rejection.NOT_ALLOWED, f"{name} is not of the policy's instance families"
    return None if name == current else _of_config(name, live.endpoint.config)


def _of_config(name: str, config: EndpointConfig) -> Standing | None:
    kind = TYPES.get(name)
    if kind is None:
        return None
    if config.has_volume_key and kind.local_nvme:
        return (
            Rejection.NOT_ALLOWED,
            f"the config sets a KmsKeyId, which AWS refuses on {name} (local NVMe)",
        )
    if config.architecture is not None and config.architecture != kind.architecture:
        return (
            Rejection.NOT_ALLOWED,
            f"the image is for {config.architecture}, {name} is {kind.architecture}",
        )
    return None


def _of_memory(size: RealtimeSize, current: RealtimeSize, demand: Demand) -> Standing | None:
    """Other types only: what is in use fits where it runs."""
    kind, now = TYPES.get(size.instance_type), TYPES.get(current.instance_type)
    if kind is None or size.instance_type == current.instance_type:
        return None
    floor_mb = memory_floor_mb(demand)
    if isinstance(floor_mb, Missing):
        if now is not None and kind.memory_mb >= now.memory_mb:
            return None
        return (
            Rejection.BELOW_MEMORY_FLOOR,
            f"memory in use is not known: {floor_mb.reason}",
        )
    if kind.memory_mb < floor_mb:
        detail = f"{kind.memory_mb} MB of memory, {floor_mb} MB needed"
        return Rejection.BELOW_MEMORY_FLOOR, detail
    return None


def _of_bounds(size: RealtimeSize, bounds: Bounds) -> Standing | None:
    floor = least_instances(bounds)
    if size.min_instances < floor:
        detail = f"{size.min_instances} instances, the policy's least is {floor}"
        return Rejection.BELOW_BOUNDS, detail
    if bounds.max_instances is not None and size.max_instances > bounds.max_instances:
        detail = f"{size.max_instances} instances, the policy's most is {bounds.max_instances}"
        return Rejection.ABOVE_BOUNDS, detail
    return None


def _of_account(size: RealtimeSize, current: RealtimeSize, live: RealtimeLive) -> Standing | None:
    """Another type needs a whole new fleet next to the old one, and keeps what is registered."""
    if live.autoscaling.target is not None and not scales(size.instance_type):
        detail = f"{size.instance_type} cannot be autoscaled, and the variant is registered"
        return Rejection.NOT_ALLOWED, detail
    if size.instance_type == current.instance_type:
        return None
    lost = unread(live.autoscaling)
    if lost is not None:
        return Rejection.NOT_ALLOWED, lost
    left = live.quota_left.get(size.instance_type)
    if left is None:
        return None
    needed = max(size.min_instances, 1)
    if left >= needed:
        return None
    detail = f"the account may start {left} more of {size.instance_type}, {needed} needed"
    return Rejection.NOT_ALLOWED, detail
