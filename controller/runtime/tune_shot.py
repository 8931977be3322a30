"""Carries a search for memory through: copies called, answers taken up, money counted."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from controller.core.contract import Prices
from controller.core.probe_cost import money
from controller.kinds.lambda_function.calls import BLOCK, Usual, usual
from controller.model.errors import Terminal
from controller.model.missing import Missing
from controller.model.probe import ProbeOutcome
from controller.model.size import memory_mb_of
from controller.runtime.probe_parts import Asked, Ended
from controller.runtime.probe_results import latency_ms, usable
from controller.runtime.tune_parts import Subject
from controller.runtime.tuning import Goal, MemoryTuning, Wanted, known_calls

MOST_ROUNDS = 15
FIRST_CALLS = 130
"""To a copy of the present size, where CloudWatch has seen too little of it; some come cold."""
BROKEN = 0.5
SLOWEST = 8.0
"""How much slower calls are sent than at first, after runs that the generator was too busy for."""
UNKNOWN_MS = 1000.0

Measure = Callable[[Sequence[Asked]], Sequence[Ended]]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and for how much money."""

    parallel: int = 3
    max_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search came to."""

    tuning: MemoryTuning
    memory_mb: int
    p_slo: float
    calls: int
    """Requests sent to copies, those that failed or came cold included."""
    usd: float
    probes: int
    seconds: float
    why: str
    """Why it ended, in words."""
    unpriced: bool = False
    """Whether the price of some probe is not known, so that `usd` is too low."""


class TuneShot:
    """One search. Asks `measure` for calls (see `ProbeShot`) until it has come to an end."""

    def __init__(
        self, subject: Subject, prices: Prices, measure: Measure, *, limits: Limits, say: Say
    ) -> None:
        self._subject = subject
        self._prices = prices
        self._measure = measure
        self._limits = limits
        self._say = say
        self._ended: list[Ended] = []
        self._slower = 1.0

    def run(self, goal: Goal, sizes_mb: Sequence[int]) -> Tuned:
        """Raises Terminal where the endpoint cannot be measured, or has no price."""
        began_s: float | None = None
        live = self._live()
        tuning = MemoryTuning(
            goal, live, self._subject.current_mb, sizes_mb, self._subject.cost(self._prices)
        )
        why = f"{MOST_ROUNDS} rounds were made"
        for _ in range(MOST_ROUNDS):
            wanted = tuning.wanted(self._limits.parallel)
            if not wanted:
                why = "nothing more is worth a look"
                break
            asked = self._affordable(tuning, wanted)
            if not asked:
                why = f"what is left of {money(self._limits.max_usd or 0.0)} USD pays no more"
                break
            self._round(tuning, asked)
        if self._ended:
            began_s = min(e.record.started_at_s for e in self._ended)
        return self._tuned(tuning, why, began_s)

    def _live(self) -> Usual:
        """Calls at the present size: as CloudWatch tells of them, or to a copy of it."""
        known = self._subject.known()
        if known is not None:
            return known_calls(*known)
        mb = self._subject.current_mb
        self._say(f"too little traffic to know {self._subject.size(mb)} by: a copy is called")
        asked = self._subject.asked(self._prices, mb, FIRST_CALLS, UNKNOWN_MS)
        (ended,) = self._take([asked])
        durations = _durations(ended)
        if len(durations) < BLOCK:
            raise Terminal(
                f"A copy with {ended.record.size} gave {len(durations)} warm answers of "
                f"{ended.record.requests}: {ended.record.detail.rstrip('.')}."
            )
        return usual(np.asarray(durations))

    def _round(self, tuning: MemoryTuning, asked: Sequence[Asked]) -> None:
        for ended in self._take(asked):
            mb = memory_mb_of(ended.record.size)
            record = ended.record
            believed = usable(ended.run, record.key.kind, ended.asked.slo.covers)
            if not believed and record.outcome is ProbeOutcome.DISCARDED and self._patient():
                self._say(f"{record.size}: not counted: {record.detail}")
                continue
            if not believed:
                raise Terminal(f"A copy with {record.size} could not be measured: {record.detail}")
            broke = record.requests > 0 and record.errors > BROKEN * record.requests
            tuning.learn(mb, _durations(ended), broke=broke)
            self._say(_line(ended))

    def _patient(self) -> bool:
        """Go on more slowly, while that may help."""
        self._slower *= 2.0
        return self._slower <= SLOWEST

    def _take(self, asked: Sequence[Asked]) -> Sequence[Ended]:
        ended = self._measure(asked)
        self._ended += ended
        return ended

    def _affordable(self, tuning: MemoryTuning, wanted: Sequence[Wanted]) -> list[Asked]:
        """The probes of a round that the budget pays; none where the first is too dear."""
        belief, ladder = tuning.belief(), tuning.ladder()
        left = math.inf if self._limits.max_usd is None else self._limits.max_usd - self._usd()
        found = []
        for one in wanted:
            typical_ms = math.exp(float(belief.log_mean[ladder.index(one.memory_mb)]))
            pace_ms = typical_ms * self._slower
            asked = self._subject.asked(self._prices, one.memory_mb, one.calls, pace_ms)
            usd = asked.order.usd
            left -= math.inf if isinstance(usd, Missing) and left < math.inf else 0.0
            left -= 0.0 if isinstance(usd, Missing) else usd
            if left < 0.0:
                break
            found.append(asked)
        return found

    def _usd(self) -> float:
        costs = (ended.record.usd for ended in self._ended)
        return sum(usd for usd in costs if not isinstance(usd, Missing))

    def _tuned(self, tuning: MemoryTuning, why: str, began_s: float | None) -> Tuned:
        memory_mb, p_slo = tuning.settled()
        ends = [e.record.ended_at_s or 0.0 for e in self._ended]
        return Tuned(
            tuning=tuning,
            memory_mb=memory_mb,
            p_slo=p_slo,
            calls=sum(ended.record.requests for ended in self._ended),
            usd=self._usd(),
            probes=len(self._ended),
            seconds=0.0 if began_s is None else max(ends) - began_s,
            why=why,
            unpriced=any(isinstance(ended.record.usd, Missing) for ended in self._ended),
        )


def _durations(ended: Ended) -> list[float]:
    """Of warm answers as they should be, in the order in which they were asked for."""
    asked, samples = ended.asked, ended.run.samples
    return [
        latency_ms(sample, asked.key.kind, asked.slo.covers)
        for sample in samples
        if sample.error is None and not sample.cold and sample.phase >= 0
    ]


def _line(ended: Ended) -> str:
    record, p95 = ended.record, ended.record.p95_ms
    told = "no warm answer" if isinstance(p95, Missing) else f"p95 {p95:.0f} ms"
    cost = "" if isinstance(record.usd, Missing) else f", {money(record.usd)} USD"
    failed = f", {record.errors} failed" if record.errors else ""
    return f"{record.size}: {record.requests} calls, {told}{failed}{cost}"
