"""What AWS bills for an endpoint: the truth that savings are measured by.

Facts: instances cost by the hour while they are there, both fleets while a deployment is in
steps or bakes; serverless costs by the millisecond of processing times memory, and data in and
out by the GB. Provisioned concurrency costs by the second while it is there, and processing in it
at a price of its own; what AWS asks is not known, so but in a world that was given prices a
bill with some has no sum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from controller.sandbox.extensions import state_of
from controller.sandbox.sagemaker.catalogue import (
    DATA_USD_PER_GB,
    serverless_usd_per_gb_s,
    usd_per_hour,
)
from controller.sandbox.sagemaker.metrics import endpoint_metrics
from controller.sandbox.sagemaker.price_list import WarmPrices
from controller.sandbox.sagemaker_state import SageMakerPlace, sagemaker_of

if TYPE_CHECKING:
    from controller.sandbox.region import Region
    from controller.sandbox.world import World


@dataclass(slots=True)
class EndpointBill:
    """What was used, and what it costs; `usd` is None where a price is not known."""

    instance_hours: dict[str, float] = field(default_factory=dict)
    """By instance type."""
    requests: int = 0
    serverless_gb_s: float = 0.0
    provisioned_gb_s: float = 0.0
    """Kept, whether used or not."""
    provisioned_used_gb_s: float = 0.0
    """Processing in what is kept."""
    data_gb: float = 0.0
    """Of serverless requests and answers."""
    usd: float | None = 0.0


def endpoint_bill(
    world: World, region: Region, endpoint: str, start_s: float, end_s: float
) -> EndpointBill:
    """The bill of [start_s, end_s), as far as time has come; requests by whole minutes."""
    place = sagemaker_of(world, region)
    bill = EndpointBill()
    timeline = place.histories.get(endpoint)
    if timeline is None:
        return bill
    end_s = min(end_s, world.now_s())
    for from_s, to_s, state in timeline.between(start_s, end_s):
        for fleet in state.fleets:
            if fleet.instance_type is not None:
                held = bill.instance_hours.get(fleet.instance_type, 0.0)
                hours = fleet.billed * (to_s - from_s) / 3600.0
                bill.instance_hours[fleet.instance_type] = held + hours
            elif fleet.serverless is not None:
                size = fleet.serverless
                gb_s = size.memory_mb / 1024.0 * (to_s - from_s)
                bill.provisioned_gb_s += gb_s * (size.provisioned_concurrency or 0)
    _count_requests(world, place, endpoint, (start_s, end_s), bill)
    bill.usd = _usd(region.name, bill, state_of(world, WarmPrices))
    return bill


def _count_requests(
    world: World,
    place: SageMakerPlace,
    endpoint: str,
    between_s: tuple[float, float],
    bill: EndpointBill,
) -> None:
    serverless, (start_s, end_s) = 0, between_s
    first_s, last_s = int(start_s // 60) * 60, int(end_s // 60) * 60
    for cell, first, last in endpoint_metrics(world).cells(place, endpoint, first_s, last_s):
        window = slice(first, last)
        if cell.fleet.shadow:
            continue
        bill.requests += int(cell.arrivals[window].sum())
        size = cell.fleet.serverless
        if size is not None:
            billed_ms = (np.ceil(cell.durations[window]) * cell.counts[window]).sum(axis=1)
            gb = size.memory_mb / 1024.0
            calls = np.maximum(cell.calls[window], 1)
            warm = np.where(cell.ready[window] > 0, 1.0 - cell.spilled[window] / calls, 0.0)
            bill.serverless_gb_s += float((billed_ms * (1.0 - warm)).sum()) / 1000.0 * gb
            bill.provisioned_used_gb_s += float((billed_ms * warm).sum()) / 1000.0 * gb
            serverless += int(cell.calls[window].sum())
    for call in place.calls.get(endpoint, ()):
        if start_s <= call.at_s < end_s:
            bill.requests += 1
            bill.serverless_gb_s += np.ceil(call.model_ms) / 1000.0 * call.memory_mb / 1024.0
            serverless += call.memory_mb > 0 and not call.throttled
    payload_kb = place.workloads[endpoint].payload_kb if endpoint in place.workloads else 0.0
    bill.data_gb = serverless * payload_kb / 1024.0**2


def _usd(region: str, bill: EndpointBill, warm: WarmPrices) -> float | None:
    total = 0.0
    for kind, hours in bill.instance_hours.items():
        usd = usd_per_hour(region, kind)
        if usd is None and hours > 0:
            return None
        total += hours * (usd or 0.0)
    rate = serverless_usd_per_gb_s(region)
    if bill.serverless_gb_s > 0 and rate is None:
        return None
    if bill.provisioned_gb_s > 0:
        if warm.kept_usd is None or warm.used_usd is None:
            return None
        total += bill.provisioned_gb_s * warm.kept_usd
        total += bill.provisioned_used_gb_s * warm.used_usd
    return total + bill.serverless_gb_s * (rate or 0.0) + bill.data_gb * DATA_USD_PER_GB
