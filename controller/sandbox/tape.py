"""One hour of one function: requests arrive, are routed, throttled, served.

A tape is played forward minute by minute and can be taken up where it stopped; played in
one go or in pieces, it gives the same. It reads only the history up to the minute it has
reached, so nothing that happens later changes what was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.sandbox import draws
from controller.sandbox.cell import MINUTES, Cell
from controller.sandbox.serving import History, Route, Serving, Variant
from controller.sandbox.throttling import refused_share
from controller.sandbox.timeline import by_minutes
from controller.sandbox.workload import Effect, Stream

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

HOUR_S = 3600
MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive minutes [first, last) served by one mix of states.

    `parts` are (share of the time, state); more than one only in a minute in which the
    state changed. Their shares sum to less than 1 where the function was not there yet.
    """

    first: int
    last: int
    parts: tuple[tuple[float, Serving], ...]

    @property
    def state(self) -> Serving:
        """The state that was in force last."""
        return self.parts[-1][1]

    def route(self, qualifier: str | None) -> tuple[Route, float]:
        """(variants with their shares of what was answered, share of requests answered)."""
        if len(self.parts) == 1:
            share, state = self.parts[0]
            route = state.route(qualifier)
            return route, share if route else 0.0
        shares: dict[Variant, float] = {}
        for share, state in self.parts:
            for variant, weight in state.route(qualifier):
                shares[variant] = shares.get(variant, 0.0) + share * weight
        answered = sum(shares.values())
        if answered <= 0:
            return (), 0.0
        return tuple((v, share / answered) for v, share in shares.items()), min(1.0, answered)


class Tape:
    """The hour of function `name` that starts at `hour_s`; `done` minutes are played."""

    __slots__ = (
        "_arrival_dice", "_history", "_key", "_name", "_pool", "_rates", "_route_dice", "cells",
        "done", "hour_s", "minutes_s",
    )  # fmt: skip

    def __init__(
        self,
        key: tuple[draws.Key, ...],
        name: str,
        history: History,
        hour_s: int,
        pool: Callable[[], float],
    ) -> None:
        """`key` names the function in its world; `pool` tells how much concurrency of the
        account is left to functions without a limit of their own."""
        self._key = key
        self._name = name
        self._history = history
        self._pool = pool
        self._rates: dict[int, tuple[Stream, Floats]] = {}
        self._arrival_dice: dict[int, np.random.Generator] = {}
        self._route_dice: dict[tuple[int, str], np.random.Generator] = {}
        self.hour_s = hour_s
        self.minutes_s: Floats = hour_s + MINUTE_S * np.arange(MINUTES, dtype=np.float64)
        self.cells: dict[tuple[int, str], Cell] = {}
        self.done = 0

    def play(self, until: int) -> None:
        """Play up to (not including) minute `until` of the hour, if not yet played."""
        if until <= self.done:
            return
        for first, last, parts in by_minutes(self._history, self.hour_s, self.done, until):
            self._play_run(Run(first, last, parts))
        self.done = until

    def _play_run(self, run: Run) -> None:
        workload = run.state.workload
        minutes_s = self.minutes_s[run.first : run.last]
        extents: list[tuple[Cell, Counts, Floats]] = []
        for index, stream in enumerate(workload.streams):
            route, answered = run.route(stream.qualifier)
            calls = self._arrivals(index, stream, run)
            if not route:
                continue
            if answered < 1.0:
                calls = self._dice(index, "there").binomial(calls, answered)
            extents += self._split(index, stream, run, route, calls)
        if not extents:
            return
        refused = self._refused(run.state, extents)
        for cell, calls, mean_ms in extents:
            cell.extend(
                run.first, calls, mean_ms, refused=refused, state=run.state, minutes_s=minutes_s
            )

    def _split(
        self,
        index: int,
        stream: Stream,
        run: Run,
        route: Route,
        calls: Counts,
    ) -> Iterator[tuple[Cell, Counts, Floats]]:
        """Share calls out to variants: each is an independent throw of the alias's dice."""
        workload = run.state.workload
        minutes_s = self.minutes_s[run.first : run.last]
        slower = workload.factor(Effect.LATENCY, minutes_s) if workload.disturbances else None
        left, weight_left = calls, 1.0
        for position, (variant, weight) in enumerate(route):
            taken = left
            if position + 1 < len(route):
                odds = min(1.0, weight / weight_left)
                taken = self._dice(index, variant.uid).binomial(left, odds)
                left, weight_left = left - taken, weight_left - weight
            cell = self._cell(index, stream, run, variant)
            mean_ms = np.full(len(taken), cell.mean_ms(workload))
            if slower is not None:
                mean_ms *= slower
            yield cell, taken, mean_ms

    def _arrivals(self, index: int, stream: Stream, run: Run) -> Counts:
        """How many requests come in each minute of a run."""
        workload = run.state.workload
        minutes_s = self.minutes_s[run.first : run.last]
        scale = workload.factor(Effect.TRAFFIC, minutes_s) if workload.disturbances else None
        exact = stream.traffic.exact_per_minute(minutes_s)
        if exact is not None and scale is None:
            return exact
        rate = self._rate(index, stream)[run.first : run.last]
        dice = self._arrival_dice.get(index)
        if dice is None:
            dice = draws.generator(*self._key, index, self.hour_s, "arrivals")
            self._arrival_dice[index] = dice
        return dice.poisson(rate if scale is None else rate * scale)

    def _rate(self, index: int, stream: Stream) -> Floats:
        """Requests expected in each minute of the hour, disturbances apart."""
        known = self._rates.get(index)
        if known is None or known[0] is not stream:
            rate = stream.traffic.expected_per_minute(self.minutes_s, *self._key, index)
            known = self._rates[index] = (stream, rate)
        return known[1]

    def _dice(self, index: int, what: str) -> np.random.Generator:
        dice = self._route_dice.get((index, what))
        if dice is None:
            dice = draws.generator(*self._key, index, self.hour_s, "route", what)
            self._route_dice[index, what] = dice
        return dice

    def _cell(self, index: int, stream: Stream, run: Run, variant: Variant) -> Cell:
        found = self.cells.get((index, variant.uid))
        if found is None:
            qualifier = stream.qualifier
            by_alias = qualifier is not None and qualifier not in (variant.version, "$LATEST")
            key = (*self._key, index, self.hour_s, variant.uid)
            found = Cell(key, self._name, qualifier, variant, by_alias=by_alias)
            self.cells[index, variant.uid] = found
            if run.first == 0:
                found.warm_up(self._warm_before(index, stream, variant, found))
        return found

    def _warm_before(self, index: int, stream: Stream, variant: Variant, cell: Cell) -> int:
        """Environments warm at the start of the hour, from what the minutes before ask for."""
        state = self._history.at(self.hour_s - 1.0)
        if state is None or not state.workload.streams[index:]:
            return 0
        shares = {v.uid: share for v, share in state.route(stream.qualifier)}
        share = shares.get(variant.uid, 0.0)
        before_s = np.array([self.hour_s - float(MINUTE_S)])
        rate = float(stream.traffic.expected_per_minute(before_s, *self._key, index)[0]) * share
        keep = state.workload.nature.keep_alive_s / MINUTE_S
        if rate <= 0 or draws.uniform(*self._key, index, self.hour_s, variant.uid, "warm") < np.exp(
            -rate * keep
        ):
            return 0
        busy = rate * cell.mean_ms(state.workload) / 60_000.0
        return max(1, int(np.ceil(busy + 2.0 * np.sqrt(busy))))

    def _refused(self, state: Serving, extents: list[tuple[Cell, Counts, Floats]]) -> Floats | None:
        """Share of requests throttled in each minute; None where none can be."""
        busy = sum((calls * mean_ms for _, calls, mean_ms in extents), np.zeros(1)) / 60_000.0
        limit = self._pool() if state.reserved is None else float(state.reserved)
        return refused_share(busy, limit)
