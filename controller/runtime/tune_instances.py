"""Carries the search for an instance type and its load through: the seam that benchmarks judge.

`kinds.realtime_endpoint.search.next_step` asks for a type at a load; a copy of one instance is
loaded so; its rows join the beliefs, and it is asked again, until no probe is worth its price.
One copy after the other: each takes minutes to start, and counts against the account's quota.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from controller.core.contract import Prices
from controller.core.evidence import evidence
from controller.core.probe_cost import money
from controller.kinds.realtime_endpoint.kind import RealtimeSizing
from controller.kinds.realtime_endpoint.probing import FASTEST_RPS, phases_of
from controller.kinds.realtime_endpoint.search import Probe, Rules, Spent, next_step
from controller.model.errors import Terminal
from controller.model.estimate import Estimate, Observation
from controller.model.missing import Missing
from controller.model.size import RealtimeSize, Size
from controller.runtime.probe_parts import Asked, Ended
from controller.runtime.tune_parts import Subject
from controller.runtime.tune_shot import Measure, told
from controller.runtime.tune_table import Spending, Tuned
from controller.runtime.tuning import Strategy

MOST_PROBES = 16


class InstanceShot:
    """One search among instance types."""

    def __init__(
        self,
        subject: Subject,
        sizing: RealtimeSizing,
        prices: Prices,
        measure: Measure,
        *,
        say: Callable[[str], None],
    ) -> None:
        self._subject = subject
        self._sizing = sizing
        self._prices = prices
        self._measure = measure
        self._say = say
        self._ended: list[Ended] = []
        self._made: list[Probe] = []

    def run(self, max_usd: float | None = None) -> Tuned:
        """Raises Terminal where a copy cannot be measured."""
        rules = Rules(budget_usd=max_usd, most_probes=MOST_PROBES, max_rps=FASTEST_RPS)
        rows = list(self._subject.rows)
        while True:
            proof = evidence(rows, self._subject.era)
            question = self._sizing.question(self._subject.policy, proof, self._subject.demand)
            step = next_step(question, self._subject.demand, rules, Spent(tuple(self._made)))
            if not isinstance(step, Probe):
                return self._tuned(rows, step.size, step.words)
            rows += self._probed(step)

    def _probed(self, step: Probe) -> Sequence[Observation]:
        (ended,) = self._measure([self._asked(step)])
        self._ended.append(ended)
        record = ended.record
        if record.outcome is None or not record.outcome.teaches:
            raise Terminal(f"A copy on {step.instance_type} could not be measured: {record.detail}")
        usd = step.usd if isinstance(record.usd, Missing) else record.usd
        self._made.append(replace(step, usd=usd))
        self._say(f"{told(ended)} at {step.load_rps:.3g} requests a second")
        return ended.rows

    def _asked(self, step: Probe) -> Asked:
        subject = self._subject
        worth = f"may save {money(step.worth_usd)} USD a month" if step.worth_usd else "to be sure"
        self._say(f"{step.instance_type} at {step.load_rps:.3g} requests a second: {worth}")
        size, phases = RealtimeSize(step.instance_type, 1, 1), phases_of(step, subject.probing)
        return subject.probe(self._prices, size, phases, subject.policy.slo.threshold_ms)

    def _tuned(self, rows: Sequence[Observation], chosen: Size, why: str) -> Tuned:
        made = self._estimates(rows, chosen)
        best = next((one for one in made if one.size == chosen), None)
        seen: dict[Size, int] = {}
        for ended in self._ended:
            for one in made:
                if _type(one.size) == _type(ended.record.size):
                    calls = len(ended.found.latencies_ms)
                    seen[one.size] = seen.get(one.size, 0) + calls
        return Tuned(
            chosen=chosen,
            p_slo=Missing("nothing was measured") if best is None else best.p_slo,
            made=made,
            seen=seen,
            strategy=Strategy.SLO,
            threshold_ms=self._subject.policy.slo.threshold_ms,
            confidence=self._subject.policy.confidence,
            spending=Spending.of(self._ended),
            why=why,
        )

    def _estimates(self, rows: Sequence[Observation], chosen: Size) -> tuple[Estimate, ...]:
        subject = self._subject
        proof = evidence(rows, subject.era)
        policy, demand, current = subject.policy, subject.demand, subject.state.size
        sizes = list(self._sizing.sizes(policy, current, proof, demand))
        sizes += [size for size in (current, chosen) if size not in sizes]
        made = self._sizing.estimates(sizes, proof, demand, policy)
        return () if isinstance(made, Missing) else made


def _type(size: Size) -> str:
    return size.instance_type if isinstance(size, RealtimeSize) else ""
