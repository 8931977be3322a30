"""A search carried through: money, payloads unlike users' requests, runs that do not count."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from given import ERA, KEY, NOW_S, X86_PRICES, a_demand, a_policy, a_row, a_state

from controller.core.probe_cost import Tariff
from controller.model.errors import Terminal
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.probe import Failure, ProbeOutcome, ProbeRecord, ProbeRun, Sample
from controller.model.probing import PayloadSource, Probing
from controller.model.size import LambdaSize, memory_mb_of
from controller.runtime.probe_parts import Asked, Ended
from controller.runtime.probe_results import closed, found_in
from controller.runtime.tune_parts import Subject
from controller.runtime.tune_shot import Limits, TuneShot
from controller.runtime.tune_table import Tuned, agreed, monthly_saving, tune_table
from controller.runtime.tuning import Goal

SLO_MS = 300.0
SIGMA = 0.2


def median_ms(memory_mb: int) -> float:
    return 15.0 + 100_000.0 / min(memory_mb, 1769)


@dataclass
class Copies:
    """Lognormal calls; `payload` is how much of a user's request ours asks."""

    payload: float = 1.0
    broken_below_mb: int = 0
    failure: Failure = Failure.OUT_OF_MEMORY
    discard: int = 0
    told: bool = True
    said: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    dice: Any = field(default_factory=lambda: np.random.default_rng(1))

    def lambda_prices(self, region: str, architecture: str) -> Any:
        return X86_PRICES

    def hosting_prices(self, region: str) -> Missing:
        return Missing("not asked")

    def serverless_prices(self, region: str) -> Missing:
        return Missing("not asked")

    def measure(self, asked: Sequence[Asked]) -> list[Ended]:
        return [self._one(one) for one in asked]

    def _one(self, asked: Asked) -> Ended:
        mb = memory_mb_of(asked.order.size)
        self.sizes.append(mb)
        count = round(asked.order.requests)
        times = median_ms(mb) * self.payload * self.dice.lognormal(0.0, SIGMA, count)
        killed = self.failure if mb < self.broken_below_mb else None
        samples = tuple(
            Sample(
                at_s=0.1 * i,
                latency_ms=ms + 20.0,
                status=200,
                error=killed,
                billed_ms=math.ceil(ms),
                duration_ms=ms if self.told else Missing("the tail was cut"),
                phase=0,
            )
            for i, ms in enumerate(times)
        )
        outcome = ProbeOutcome.SUCCEEDED
        if self.discard > 0:
            outcome, self.discard = ProbeOutcome.DISCARDED, self.discard - 1
        run = ProbeRun(outcome, "ran", NOW_S, NOW_S + 10.0, samples)
        record = ProbeRecord(
            id=f"probe-{len(self.sizes)}",
            key=KEY,
            kind=asked.order.kind,
            size=asked.order.size,
            actor=asked.actor,
            started_at_s=NOW_S + len(self.sizes),
            ended_at_s=None,
            outcome=None,
            detail="",
            usd_estimated=asked.order.usd,
            usd=Missing("it runs"),
        )
        found = found_in(run, KEY.kind, asked.slo.covers)
        assert isinstance(asked.rate, Tariff)
        return Ended(asked, closed(record, run, found, asked.rate, 0.0), run, found)

    def searched(self, subject: Subject, **limits: Any) -> Tuned:
        shot = TuneShot(subject, self, self.measure, limits=Limits(**limits), say=self.said.append)
        return shot.run(Goal(SLO_MS, 0.95), subject.sizes_mb())


def subject(**values: Any) -> Subject:
    """A function with 3,008 MB whose traffic CloudWatch knows."""
    mid = median_ms(3008)
    row = a_row(
        memory_mb=3008,
        mean_ms=mid * math.exp(SIGMA**2 / 2.0),
        p50_ms=mid,
        p95_ms=mid * math.exp(1.645 * SIGMA),
    )
    plain = Subject(
        key=KEY,
        scope=Scope("eu-west-1"),
        policy=a_policy(SLO_MS),
        probing=Probing((PayloadSource(inline="{}"),), shadows=True),
        state=a_state(3008),
        era=ERA,
        demand=a_demand(),
        rows=(row,),
        actor="cli:somebody",
    )
    return replace(plain, **values)


def good(tuned: Tuned) -> bool:
    """Whether what was chosen meets the SLO for users, and costs next to nothing more."""
    mb = memory_mb_of(tuned.chosen)
    best = min(m for m in range(128, 3009) if median_ms(m) * math.exp(1.645 * SIGMA) <= SLO_MS)
    return best <= mb * 1.05 and mb <= best * 1.3


def test_it_comes_to_the_size_and_counts_what_it_spent() -> None:
    copies = Copies()
    tuned = copies.searched(subject())
    assert good(tuned)
    assert tuned.sure
    assert copies.sizes[0] == 3008, "first the present size, to compare payloads"
    assert not any("warning" in line for line in copies.said)
    assert tuned.spending.copies == len(copies.sizes)
    assert 0.0 < tuned.spending.usd < 0.01
    saving = monthly_saving(subject(), tuned)
    assert isinstance(saving, float)
    assert saving > 0.0
    rows = tune_table(subject(), tuned)
    assert [row.size for row in rows if row.chosen] == [tuned.chosen]


def test_payloads_that_ask_a_third_do_not_make_it_choose_a_third() -> None:
    copies = Copies(payload=0.33)
    tuned = copies.searched(subject())
    assert good(tuned)
    assert any(line.startswith("warning: ") and "0.3" in line for line in copies.said)


def test_a_budget_ends_it_and_is_kept() -> None:
    most = 0.0003
    tuned = Copies().searched(subject(), max_usd=most)
    assert tuned.spending.usd <= most
    assert "pays no more" in tuned.why


def test_without_traffic_a_copy_of_the_present_size_is_called() -> None:
    copies = Copies()
    tuned = copies.searched(subject(rows=()))
    assert good(tuned)
    assert copies.sizes.count(3008) == 1
    assert "too little traffic" in copies.said[0]


def test_sizes_without_the_memory_are_left_out() -> None:
    tuned = Copies(broken_below_mb=800).searched(subject())
    assert memory_mb_of(tuned.chosen) >= 800


def test_failures_that_are_not_the_copys_own_end_the_search() -> None:
    """A size is not to be called impossible because calls to its copy were refused."""
    with pytest.raises(Terminal, match="Most calls to a copy with"):
        Copies(broken_below_mb=800, failure=Failure.THROTTLED).searched(subject())


def test_busy_generators_are_believed_of_durations_only() -> None:
    assert good(Copies(discard=100).searched(subject()))
    with pytest.raises(Terminal):
        Copies(discard=100, told=False).searched(subject())
    assert good(Copies(discard=2, told=False).searched(subject()))


def test_memory_in_use_is_the_floor_and_the_present_size_is_always_there() -> None:
    assert min(subject(demand=a_demand(memory_used_mb=400)).sizes_mb()) == 464
    assert subject().sizes_mb([512, 1024]) == [512, 1024, 3008]
    assert subject().size(512) == LambdaSize(512)


def test_what_is_applied_is_sure_by_all_evidence_too() -> None:
    tuned = Copies().searched(subject())
    sure = {made.size: 1.0 for made in tuned.made}
    now = LambdaSize(3008)
    assert agreed(tuned, now, sure) == agreed(tuned, now, {}) == tuned.chosen
    chosen_mb = memory_mb_of(tuned.chosen)
    doubted = {size: 0.5 if memory_mb_of(size) < chosen_mb + 60 else p for size, p in sure.items()}
    instead = agreed(tuned, now, doubted)
    assert chosen_mb + 60 <= memory_mb_of(instead) < 3008
    assert agreed(tuned, now, dict.fromkeys(sure, 0.5)) == tuned.chosen, "it is refused, then"
