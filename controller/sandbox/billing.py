"""What AWS really bills for a function: the truth that savings are measured by.

Facts: a call is billed by the millisecond, rounded up, INIT included (since August 2025),
times the memory configured; every call that was not throttled costs a request; provisioned
concurrency costs while it is there, and calls on it cost less per GB-second. Tiers count a
function's own use of a calendar month, where AWS counts the account's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from controller.sandbox.cell import Cell
from controller.sandbox.rates import rates_of
from controller.sandbox.region import Region
from controller.sandbox.tape import HOUR_S, MINUTE_S

if TYPE_CHECKING:
    from controller.sandbox.world import World


@dataclass(slots=True)
class Bill:
    """What was used, and what it costs. `usd` is None where the region has no price."""

    requests: int = 0
    gb_s: float = 0.0
    """GB-seconds of calls, INIT included, provisioned ones apart."""
    init_gb_s: float = 0.0
    """The part of `gb_s` that is INIT."""
    provisioned_gb_s: float = 0.0
    """GB-seconds that environments were kept ready."""
    provisioned_used_gb_s: float = 0.0
    """GB-seconds of calls on those."""
    usd: float | None = 0.0

    def document(self) -> dict[str, Any]:
        """JSON-able form."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def bill_of(world: World, region: Region, function: str, start_s: float, end_s: float) -> Bill:
    """The bill of [start_s, end_s), as far as time has come; whole minutes."""
    total = Bill()
    if function not in region.histories:
        return total
    end_s = min(end_s, world.now_s())
    used: dict[tuple[str, str], float] = {}
    for hour_s, first, last in _hours(start_s, end_s, region.histories[function].states[0].start_s):
        tape = world.metrics.tape(region, function, hour_s)
        tape.play(last)
        month = f"{datetime.fromtimestamp(hour_s, UTC):%Y-%m}"
        for cell in tape.cells.values():
            before = total.gb_s
            _charge(total, cell, slice(first, last))
            key = (month, cell.variant.architecture)
            used[key] = used.get(key, 0.0) + total.gb_s - before
    for call in region.invocations.get(function, ()):
        if start_s <= call.at_s < end_s and not call.throttled:
            gb = call.memory_mb / 1024.0
            total.requests += 1
            total.gb_s += call.billed_ms / 1000.0 * gb
            total.init_gb_s += (call.init_ms or 0.0) / 1000.0 * gb
            month = f"{datetime.fromtimestamp(call.at_s, UTC):%Y-%m}"
            key = (month, call.architecture)
            used[key] = used.get(key, 0.0) + call.billed_ms / 1000.0 * gb
    total.provisioned_gb_s = _kept_ready(region, function, start_s, end_s)
    total.usd = _usd(region, function, total, used)
    return total


def _hours(start_s: float, end_s: float, begin_s: float) -> Iterator[tuple[int, int, int]]:
    """(hour, first minute, last minute) of every hour with whole minutes in the interval."""
    from_s = max(start_s, begin_s)
    for hour_s in range(int(from_s // HOUR_S) * HOUR_S, int(end_s), HOUR_S):
        first = max(0, int(from_s - hour_s) // MINUTE_S)
        last = min(60, int(end_s - hour_s) // MINUTE_S)
        if first < last:
            yield hour_s, first, last


def _charge(total: Bill, cell: Cell, window: slice) -> None:
    gb = cell.variant.memory_mb / 1024.0
    calls = cell.calls[window]
    billed_ms = (np.ceil(cell.durations[window]) * cell.counts[window]).sum(axis=1)
    served = np.where(calls > 0, 1.0 - cell.spilled[window] / np.maximum(calls, 1), 0.0)
    served = np.where(cell.ready[window] > 0, served, 0.0)
    init_gb_s = float(cell.cold[window].sum()) * cell.nature.init_ms / 1000.0 * gb
    total.requests += int(calls.sum())
    total.gb_s += float((billed_ms * (1.0 - served)).sum()) / 1000.0 * gb + init_gb_s
    total.init_gb_s += init_gb_s
    total.provisioned_used_gb_s += float((billed_ms * served).sum()) / 1000.0 * gb


def _kept_ready(region: Region, function: str, start_s: float, end_s: float) -> float:
    """GB-seconds of provisioned environments."""
    gb_s = 0.0
    for from_s, to_s, state in region.histories[function].between(start_s, end_s):
        for qualifier, number in state.provisioned.items():
            route = state.route(qualifier)
            if route:
                gb_s += number * (to_s - from_s) * route[0][0].memory_mb / 1024.0
    return gb_s


def _usd(
    region: Region, function: str, bill: Bill, used: dict[tuple[str, str], float]
) -> float | None:
    live = region.functions.get(function)
    rates = rates_of(region.name, "x86_64" if live is None else live.latest.architecture)
    if rates is None:
        return None
    usd = 0.0
    for (_, architecture), gb_s in used.items():
        priced = rates_of(region.name, architecture)
        usd += 0.0 if priced is None else priced.duration_usd(gb_s)
    usd += bill.requests * rates.usd_per_request
    usd += bill.provisioned_gb_s * rates.provisioned_usd_per_gb_s
    return usd + bill.provisioned_used_gb_s * rates.provisioned_duration_usd_per_gb_s
