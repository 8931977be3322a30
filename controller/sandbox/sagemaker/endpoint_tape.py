"""One hour of one endpoint: requests arrive, are shared out to fleets, queue, are served.

Played forward minute by minute, in one go or in pieces, with the same result. An instance is a
queue of its own (RANDOM routing) or shares one with the others (LEAST_OUTSTANDING_REQUESTS).
Calls through InvokeEndpoint count in the load of their minute, and nowhere else here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.sandbox import draws
from controller.sandbox.sagemaker.fleet_cell import MINUTES, FleetCell
from controller.sandbox.sagemaker.serving_minutes import (
    QUEUE_MINUTES,
    Offer,
    serve_instances,
    serve_serverless,
)
from controller.sandbox.sagemaker_state import EndpointServing, Fleet
from controller.sandbox.timeline import Timeline, by_minutes
from controller.sandbox.workload import Effect, Stream

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

Probes = Callable[[str, int, int], Counts]
"""(fleet, first minute, last minute) to calls through InvokeEndpoint in each."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Minutes [first, last) in which one mix of states was in force."""

    first: int
    last: int
    parts: tuple[tuple[float, EndpointServing], ...]

    @property
    def state(self) -> EndpointServing:
        """The state that was in force last."""
        return self.parts[-1][1]

    def fleets(self) -> dict[str, tuple[Fleet, float, float]]:
        """By uid: (fleet, part of the time it was there, share of all requests)."""
        found: dict[str, tuple[Fleet, float, float]] = {}
        for part, state in self.parts:
            for fleet in state.fleets:
                _, there, share = found.get(fleet.uid, (fleet, 0.0, 0.0))
                found[fleet.uid] = (fleet, there + part, share + part * fleet.share)
        return found


class EndpointTape:
    """The hour of an endpoint that starts at `hour_s`; `done` minutes are played."""

    def __init__(
        self,
        key: tuple[draws.Key, ...],
        timeline: Timeline[EndpointServing],
        hour_s: int,
        probes: Probes,
        *,
        counting: bool = False,
    ) -> None:
        """counting: play arrivals only, which come out the same, and serve nobody."""
        self._key = key
        self._counting = counting
        self._timeline = timeline
        self._probes = probes
        self._dice: dict[tuple[draws.Key, ...], np.random.Generator] = {}
        self._rates: dict[int, tuple[Stream, Floats]] = {}
        self.hour_s = hour_s
        self.minutes_s: Floats = hour_s + 60.0 * np.arange(MINUTES, dtype=np.float64)
        self.cells: dict[str, FleetCell] = {}
        self.done = 0

    def play(self, until: int) -> None:
        """Play up to (not including) minute `until` of the hour, if not yet played."""
        if until <= self.done:
            return
        for found in by_minutes(self._timeline, self.hour_s, self.done, until):
            self._stretch(Stretch(*found))
        self.done = until

    def _stretch(self, stretch: Stretch) -> None:
        fleets = stretch.fleets()
        arrivals = self._arrivals(stretch, fleets)
        if self._counting:
            for uid, (fleet, there, _) in fleets.items():
                cell = self._cell(fleet)
                self._note(cell, stretch, fleet, there)
                cell.arrivals[stretch.first : stretch.last] = arrivals[uid]
            return
        workload = stretch.state.workload
        minutes_s = self.minutes_s[stretch.first : stretch.last]
        slower = workload.factor(Effect.LATENCY, minutes_s) if workload.disturbances else None
        if slower is None:
            slower = np.ones(len(minutes_s))
        for uid, (fleet, there, _) in fleets.items():
            cell = self._cell(fleet)
            self._note(cell, stretch, fleet, there)
            probes = self._probes(uid, stretch.first, stretch.last)
            serve = serve_instances if fleet.serverless is None else serve_serverless
            serve(cell, Offer(stretch.first, arrivals[uid], probes, slower, minutes_s))

    def _note(self, cell: FleetCell, stretch: Stretch, fleet: Fleet, there: float) -> None:
        window = slice(stretch.first, stretch.last)
        cell.fleet = fleet
        cell.workload = stretch.state.workload
        mean = {"instances": 0.0, "billed": 0.0}
        for part, state in stretch.parts:
            for one in state.fleets:
                if one.uid == fleet.uid:
                    mean["instances"] += part * one.instances
                    mean["billed"] += part * one.billed
        cell.there[window] = there
        cell.instances[window] = mean["instances"]
        cell.billed[window] = mean["billed"]
        cell.deploying[window] = fleet.deploying

    def _cell(self, fleet: Fleet) -> FleetCell:
        found = self.cells.get(fleet.uid)
        if found is None:
            found = self.cells[fleet.uid] = FleetCell((*self._key, self.hour_s, fleet.uid), fleet)
            if self.done == 0 and not self._counting:
                self._warm_up(found)
        return found

    # --- arrivals

    def _arrivals(
        self, stretch: Stretch, fleets: dict[str, tuple[Fleet, float, float]]
    ) -> dict[str, Counts]:
        """Requests by fleet and minute: every request throws the dice of the weights."""
        length = stretch.last - stretch.first
        found = {uid: np.zeros(length, np.int64) for uid in fleets}
        for index, stream in enumerate(stretch.state.workload.streams):
            calls = self._calls(index, stream, stretch)
            served = {
                uid: share
                for uid, (fleet, _, share) in fleets.items()
                if not fleet.shadow and stream.qualifier in (None, fleet.variant)
            }
            if stream.qualifier is not None:
                # A variant that is asked for by name answers whatever its weight.
                total = sum(served.values())
                served = {u: s / total if total else 1 / len(served) for u, s in served.items()}
            left, room = calls, 1.0
            for uid, odds in served.items():
                taken = self._thrown(index, uid, left, min(1.0, odds / room) if room > 0 else 0.0)
                found[uid] += taken
                left, room = left - taken, room - odds
            for uid, (fleet, _, share) in fleets.items():
                if fleet.shadow:
                    found[uid] += self._thrown(index, uid, calls, min(1.0, share))
        return found

    def _thrown(self, index: int, uid: str, calls: Counts, odds: float) -> Counts:
        if odds >= 1.0 - 1e-9:
            return calls
        dice = self._die(index, "share", uid)
        return dice.binomial(calls, odds) if odds > 0 else np.zeros(len(calls), np.int64)

    def _calls(self, index: int, stream: Stream, stretch: Stretch) -> Counts:
        workload = stretch.state.workload
        window = slice(stretch.first, stretch.last)
        minutes_s = self.minutes_s[window]
        scale = workload.factor(Effect.TRAFFIC, minutes_s) if workload.disturbances else None
        exact = stream.traffic.exact_per_minute(minutes_s)
        if exact is not None and scale is None:
            return exact
        rate = self._rate(index, stream)[window]
        return self._die(index, "arrivals").poisson(rate if scale is None else rate * scale)

    def _rate(self, index: int, stream: Stream) -> Floats:
        known = self._rates.get(index)
        if known is None or known[0] is not stream:
            rate = stream.traffic.expected_per_minute(self.minutes_s, *self._key, index)
            known = self._rates[index] = (stream, rate)
        return known[1]

    def _die(self, index: int, *what: str) -> np.random.Generator:
        dice = self._dice.get((index, *what))
        if dice is None:
            dice = draws.generator(*self._key, index, self.hour_s, *what)
            self._dice[index, *what] = dice
        return dice

    # --- what was before the hour

    def _warm_up(self, cell: FleetCell) -> None:
        """Backlog and warm environments at the start of the hour, from expected rates."""
        state = self._timeline.at(self.hour_s - 1.0)
        fleet = next((f for f in state.fleets if f.uid == cell.fleet.uid), None) if state else None
        if state is None or fleet is None:
            return
        before_s = self.hour_s - 60.0 * np.arange(30, 0, -1, dtype=np.float64)
        rate = expected_rate(state, fleet, before_s, self._key)
        workload = state.workload
        if fleet.serverless is not None:
            mean_ms = workload.nature.curve.mean_ms(fleet.serverless.memory_mb)
            keep = max(1, round(workload.nature.keep_alive_s / 60.0))
            recent = float(rate[-keep:].mean())
            quiet = draws.uniform(*cell.key, "warm") < np.exp(-recent * keep)
            busy = recent * mean_ms / 60_000.0
            warm = 0 if quiet else max(1, int(np.ceil(busy + 2.0 * np.sqrt(busy))))
            cell.recent.append(warm)
            return
        station = workload.machines.station(fleet.instance_type or "")
        if station is None or fleet.instances <= 0:
            return
        room = station.capacity_rps * 60.0 * fleet.instances
        slower = workload.factor(Effect.LATENCY, before_s)
        for minute, expected in enumerate(rate.tolist()):
            able = room if slower is None else room / float(slower[minute])
            waiting = max(0.0, cell.backlog + expected - able)
            cell.backlog = min(able * QUEUE_MINUTES, waiting)


def expected_rate(
    state: EndpointServing, fleet: Fleet, minutes_s: Floats, key: tuple[draws.Key, ...]
) -> Floats:
    """Requests a minute that a fleet can expect in minutes of one state."""
    total = np.zeros(len(minutes_s))
    for index, stream in enumerate(state.workload.streams):
        if stream.qualifier not in (None, fleet.variant):
            continue
        share = fleet.share
        if stream.qualifier is not None:
            among = sum(f.share for f in state.fleets if f.variant == fleet.variant)
            share = fleet.share / among if among else 1.0
        total += share * stream.traffic.expected_per_minute(minutes_s, *key, index)
    scale = state.workload.factor(Effect.TRAFFIC, minutes_s)
    return total if scale is None else total * scale
