"""Carries a search for memory through: copies called, answers taken up, money counted."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from controller.core.contract import Prices
from controller.core.probe_cost import money
from controller.core.probe_lessons import BROKEN, broke
from controller.kinds.lambda_function.calls import BLOCK, Usual, usual
from controller.model.demand import Interval
from controller.model.errors import Terminal
from controller.model.estimate import Estimate
from controller.model.missing import Missing
from controller.model.probe import ProbeOutcome
from controller.model.size import memory_mb_of
from controller.runtime.probe_parts import Asked, Ended
from controller.runtime.probe_results import latency_ms, usable
from controller.runtime.tune_parts import Subject
from controller.runtime.tune_table import Spending, Tuned
from controller.runtime.tuning import Goal, MemoryTuning, Wanted, known_calls

MOST_ROUNDS = 15
FIRST_CALLS = 250
"""To a copy of the present size, where CloudWatch has seen too little of it; some come cold."""
UNLIKE = 0.25
"""Log of the ratio of medians beyond which our payloads are not like users' requests: four
standard errors of a score of calls."""
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
        self._scale = 1.0

    def run(self, goal: Goal, sizes_mb: Sequence[int]) -> Tuned:
        """Raises Terminal where the endpoint cannot be measured, or has no price."""
        live = self._live()
        tuning = MemoryTuning(
            goal, live, self._subject.current_mb, sizes_mb, self._subject.cost(self._prices)
        )
        self._compare(live, goal.calls)
        why = f"{MOST_ROUNDS} rounds were made"
        for _ in range(MOST_ROUNDS):
            wanted = tuning.wanted(self._limits.parallel)
            if not wanted:
                why = "nothing more is worth a look"
                break
            asked = self._affordable(tuning, wanted)
            if not asked:
                why = self._poor()
                break
            self._round(tuning, asked)
        return self._tuned(tuning, why)

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

    def _compare(self, live: Usual, calls: int) -> None:
        """Whether our payloads ask as much as users do: a copy of the present size is called.

        Where they clearly ask less, what copies show is scaled up: sizes are chosen for users.
        Where they ask more, or the network is in what is measured, the search errs to the
        careful side, and is left to.
        """
        if self._subject.known() is None:
            return  # what is known of the present size was measured with these payloads
        mb, typical_ms = self._subject.current_mb, math.exp(live.log_mean)
        (ended,) = self._take([self._subject.asked(self._prices, mb, calls, typical_ms)])
        durations = _durations(ended)
        if len(durations) < calls // 2:
            return
        ratio = float(np.median(live.durations_ms) / np.median(durations))
        if abs(math.log(ratio)) <= UNLIKE:
            return
        self._scale = max(1.0, ratio)
        at = f"at {self._subject.size(mb)} calls with these payloads take"
        then = "all are scaled by that" if ratio > 1.0 else "the result is on the careful side"
        self._say(f"warning: {at} {1.0 / ratio:.2g} times what users' calls take; {then}")

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
            broken = broke(record)
            if not broken and record.errors > BROKEN * record.requests:
                raise Terminal(f"Most calls to a copy with {record.size} failed: {record.detail}")
            tuning.learn(mb, [ms * self._scale for ms in _durations(ended)], broke=broken)
            self._say(told(ended))

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
        left = (
            math.inf
            if self._limits.max_usd is None
            else self._limits.max_usd - Spending.of(self._ended).usd
        )
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

    def _poor(self) -> str:
        """Why no probe can be paid; only a limit refuses one."""
        most = self._limits.max_usd
        return "" if most is None else f"what is left of {money(most)} USD pays no more"

    def _tuned(self, tuning: MemoryTuning, why: str) -> Tuned:
        memory_mb, p_slo = tuning.settled()
        goal, size = tuning.goal, self._subject.size
        return Tuned(
            chosen=size(memory_mb),
            p_slo=p_slo,
            made=tuple(estimates(self._subject, tuning)),
            seen={size(mb): len(seen) for mb, seen in sorted(tuning.calls.items()) if len(seen)},
            strategy=goal.strategy,
            threshold_ms=goal.threshold_ms,
            confidence=goal.confidence,
            spending=Spending.of(self._ended),
            why=why,
        )


def estimates(subject: Subject, tuning: MemoryTuning) -> list[Estimate]:
    """p95, chance of meeting the SLO and dollars a month, as the search believes them."""
    belief, requests = tuning.belief(), subject.demand.requests_per_month.mid
    made = []
    for i, memory_mb in enumerate(tuning.ladder()):
        width = float(belief.width90[i])
        log_mean, mean_sd = float(belief.log_mean[i]), float(belief.log_mean_sd[i]) * width
        log_p95, p95_sd = float(belief.log_p95[i]), float(belief.log_p95_sd[i]) * width
        cost = [
            tuning.cost(memory_mb, math.exp(log_mean + side * mean_sd)) * requests
            for side in (-1.0, 0.0, 1.0)
        ]
        p95 = [math.exp(log_p95 + side * p95_sd) for side in (-1.0, 0.0, 1.0)]
        made.append(
            Estimate(
                size=subject.size(memory_mb),
                p95_ms=Interval(*p95),
                p_slo=float(belief.p_slo[i]),
                usd_per_month=Interval(*cost),
                evidence=_words(tuning, memory_mb, belief.anchor_mb[i]),
                measured_requests=tuning.seen(memory_mb),
            )
        )
    return made


def _words(tuning: MemoryTuning, memory_mb: int, anchor_mb: int) -> str:
    seen = tuning.seen(memory_mb)
    if seen:
        return f"{seen} calls to a copy"
    return "serves now" if memory_mb == tuning.current_mb else f"predicted from {anchor_mb} MB"


def _durations(ended: Ended) -> list[float]:
    """Of warm answers as they should be, in the order in which they were asked for."""
    asked, samples = ended.asked, ended.run.samples
    return [
        latency_ms(sample, asked.key.kind, asked.slo.covers)
        for sample in samples
        if sample.error is None and not sample.cold and sample.phase >= 0
    ]


def told(ended: Ended) -> str:
    """What a probe of a search found, in a line."""
    record, p95 = ended.record, ended.record.p95_ms
    found = "no warm answer" if isinstance(p95, Missing) else f"p95 {p95:.0f} ms"
    cost = "" if isinstance(record.usd, Missing) else f", {money(record.usd)} USD"
    failed = f", {record.errors} failed" if record.errors else ""
    return f"{record.size}: {record.requests:,} calls, {found}{failed}{cost}"
