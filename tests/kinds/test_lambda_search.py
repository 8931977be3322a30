"""The search for a function's memory against functions of known truth.

The world is small and its own: lognormal calls, a tail that may drift with memory, sizes at which
calls run out of memory, a payload mix that changes. Dice are seeded.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from controller.core.evidence import Evidence, Point
from controller.core.search import Probe, Settled, Spent
from controller.kinds.lambda_function.calls import DIRECT, evidence_of, point, usual
from controller.kinds.lambda_function.search import (
    CHEAPEST_RULES,
    Aim,
    Findings,
    options,
    search_step,
)
from controller.kinds.lambda_function.sizing import ladder
from controller.kinds.shared.response import predict
from controller.model.policy import Bounds

pytestmark = pytest.mark.slow

SIZES = ladder(Bounds(), 128)


@dataclass
class Function:
    """A function that can be called, and what calling it has cost."""

    at_vcpu_ms: float = 100.0
    fixed_share: float = 0.1
    saturation_mb: float = 1769.0
    sigma: float = 0.2
    tail_drift: float = 0.0
    """Change of sigma per doubling of memory above 1,769 MB."""
    needs_mb: int = 0
    """Below, calls run out of memory."""
    dice: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    harmed: float = 0.0
    probes: int = 0

    def mean_ms(self, mb: int) -> float:
        speed = 1769.0 / min(mb, self.saturation_mb)
        return self.at_vcpu_ms * (self.fixed_share + (1.0 - self.fixed_share) * speed)

    def sigma_at(self, mb: int) -> float:
        return max(0.03, self.sigma + self.tail_drift * math.log2(mb / 1769.0))

    def p95_ms(self, mb: int) -> float:
        sigma = self.sigma_at(mb)
        return self.mean_ms(mb) * math.exp(1.645 * sigma - sigma**2 / 2.0)

    def call(self, mb: int, count: int) -> np.ndarray:
        sigma = self.sigma_at(mb)
        return self.mean_ms(mb) * self.dice.lognormal(-(sigma**2) / 2.0, sigma, count)

    def cost(self, mb: int, mean_ms: float) -> float:
        return mb / 1024.0 * (mean_ms + 0.5) / 1000.0 * 1.66667e-5 + 2e-7

    def best_mb(self, threshold_ms: float) -> int:
        fit = [mb for mb in SIZES if self.p95_ms(mb) <= threshold_ms and mb >= self.needs_mb]
        return min(fit, key=lambda mb: self.cost(mb, self.mean_ms(mb)))


def searched(function: Function, start_mb: int, threshold_ms: float | None) -> int:
    """Search to the end; count what it cost the function's users."""
    live = usual(function.call(start_mb, 1000))
    found = Findings(live, {start_mb: live.durations_ms})
    rules = CHEAPEST_RULES if threshold_ms is None else Aim((), function.cost, 1.0).rules
    aim = Aim(SIZES, function.cost, threshold_ms, rules)
    for _ in range(400):
        mb, step = search_step(found, aim)
        if isinstance(step, Settled):
            return mb
        if mb < function.needs_mb:
            assert isinstance(step, Probe), "a live request ran out of memory"
            function.probes += step.calls
            found = replace(
                found, impossible=found.impossible | {mb}, spent=found.spent.after(step)
            )
            continue
        count = step.calls if isinstance(step, Probe) else step.requests
        durations = function.call(mb, count)
        probed = dict(found.probed)
        if isinstance(step, Probe):
            probed[mb] = probed.get(mb, 0) + count
            function.probes += count
        elif threshold_ms is not None and function.p95_ms(mb) > threshold_ms:
            function.harmed += count * (float(np.mean(durations > threshold_ms)) - 0.05)
        calls = {**found.calls, mb: np.concatenate([found.calls.get(mb, np.empty(0)), durations])}
        found = replace(found, calls=calls, probed=probed, spent=found.spent.after(step))
    raise AssertionError("the search does not end")


@pytest.mark.parametrize("start_mb", [256, 1024, 3008, 10_240])
@pytest.mark.parametrize("fixed_share", [0.0, 0.3])
def test_the_size_found_meets_the_slo_at_nearly_the_least_cost(
    start_mb: int, fixed_share: float
) -> None:
    function = Function(fixed_share=fixed_share)
    threshold_ms = function.p95_ms(1024)
    mb = searched(function, start_mb, threshold_ms)
    assert function.p95_ms(mb) <= threshold_ms * 1.01
    best = function.best_mb(threshold_ms)
    cost, least = (function.cost(size, function.mean_ms(size)) for size in (mb, best))
    assert cost <= 1.15 * least
    assert function.harmed <= 3.0
    assert function.probes <= 130


@pytest.mark.parametrize("start_mb", [1024, 10_240])
def test_where_memory_hardly_speeds_it_up_most_of_what_can_be_saved_is(start_mb: int) -> None:
    function = Function(fixed_share=0.9)
    threshold_ms = function.p95_ms(512)
    mb = searched(function, start_mb, threshold_ms)
    assert function.p95_ms(mb) <= threshold_ms * 1.01
    start, end, best = (function.cost(size, function.mean_ms(size)) for size in (start_mb, mb, 512))
    assert start - end >= 0.5 * (start - best)


@pytest.mark.parametrize("drift", [-0.03, 0.03])
def test_a_tail_that_changes_with_memory_is_found_by_its_own_measurements(drift: float) -> None:
    function = Function(fixed_share=0.3, sigma=0.3, tail_drift=drift)
    threshold_ms = function.p95_ms(1216)
    mb = searched(function, 3008, threshold_ms)
    assert function.p95_ms(mb) <= threshold_ms * 1.01
    assert function.cost(mb, function.mean_ms(mb)) <= 1.3 * function.cost(
        1216, function.mean_ms(1216)
    )


def test_sizes_that_run_out_of_memory_are_found_by_shadows_and_left() -> None:
    function = Function(fixed_share=0.9, needs_mb=600)
    mb = searched(function, 2048, function.p95_ms(128) * 2.0)
    assert 600 <= mb <= 800


def test_a_size_that_is_impossible_takes_the_smaller_ones_with_it() -> None:
    function = Function()
    live = usual(function.call(1024, 500))
    found = Findings(live, {1024: live.durations_ms}, impossible=frozenset({512}))
    mb, _ = search_step(found, Aim(SIZES, function.cost, 1e6))
    assert mb > 512
    nothing = replace(found, impossible=frozenset({10_240}))
    with pytest.raises(ValueError, match="no size is left"):
        search_step(nothing, Aim(SIZES, function.cost, 1e6))


def test_after_a_release_the_search_begins_anew_and_finds_the_new_size() -> None:
    function = Function(fixed_share=0.1)
    threshold_ms = function.p95_ms(1024)
    first = searched(function, 2048, threshold_ms)
    function.at_vcpu_ms *= 1.5
    second = searched(function, first, threshold_ms)
    assert second > first
    assert function.p95_ms(second) <= threshold_ms * 1.01


def test_heavier_payloads_are_a_new_level_for_the_search() -> None:
    function = Function(fixed_share=0.1, sigma=0.2)
    threshold_ms = function.p95_ms(1024)
    first = searched(function, 2048, threshold_ms)
    function.sigma = 0.35
    second = searched(function, first, threshold_ms)
    assert function.p95_ms(second) <= threshold_ms * 1.01


def test_without_an_slo_the_cheapest_size_costs_twenty_calls() -> None:
    function = Function(fixed_share=0.02)
    mb = searched(function, 10_240, None)
    least = min(function.cost(size, function.mean_ms(size)) for size in SIZES)
    assert function.cost(mb, function.mean_ms(mb)) <= 1.1 * least
    assert 0 < function.probes <= 20


# --- what calls say ---


@pytest.mark.parametrize("count", [2, 5, 10, 30, 100, 500])
def test_levels_of_few_calls_are_as_sure_as_they_say(count: int) -> None:
    dice = np.random.default_rng(count)

    def calls(n: int) -> np.ndarray:
        slow = np.where(dice.random(n) < 0.03, dice.uniform(1.5, 4.0, n), 1.0)
        return 50.0 * dice.lognormal(0.0, 0.25, n) * slow

    truth = calls(1_000_000)
    live = usual(calls(1000))
    points = [point(512, calls(count), live) for _ in range(300)]
    errors = np.asarray([(p.log_mean - math.log(truth.mean())) for p in points])
    sds = np.asarray([p.log_mean_var**0.5 for p in points])
    assert abs(float(errors.mean())) < 0.05
    assert float(np.mean(np.abs(errors) < 2.5 * np.hypot(sds, 0.015))) > 0.93


def test_one_straggler_among_two_calls_says_little() -> None:
    dice = np.random.default_rng(4)
    live = usual(100.0 * dice.lognormal(0.0, 0.2, 1000))
    two = point(512, np.asarray([100.0, 900.0]), live)
    assert math.exp(two.log_mean) < 160.0


def test_many_calls_are_taken_as_they_are() -> None:
    dice = np.random.default_rng(5)
    live = usual(100.0 * dice.lognormal(0.0, 0.2, 1000))
    many = 80.0 * dice.lognormal(0.0, 0.4, 2 * DIRECT)
    found = point(512, many, live)
    assert math.exp(found.log_mean) == pytest.approx(float(many.mean()))
    assert math.exp(found.log_p95) == pytest.approx(float(np.quantile(many, 0.95)), rel=1e-3)
    assert [p.size.memory_mb for p in evidence_of({512: many}, live).here()] == [512]  # type: ignore[union-attr]


@pytest.mark.parametrize("wider", [0.75, 1.0, 1.4])
def test_handfuls_at_many_sizes_do_not_outvote_a_tail_that_changed(wider: float) -> None:
    """Eight calls at each of a dozen sizes, where calls scatter more or less than live ones do:
    what each errs by is partly what all do, and those that lie close by chance know no more."""
    dice, held = np.random.default_rng(int(10 * wider)), 0
    sizes = [mb for mb in SIZES if 512 <= mb <= 1536][:12]
    truth = math.log(100.0) + 1.645 * 0.15 * wider
    for _ in range(60):
        live = usual(100.0 * dice.lognormal(0.0, 0.15, 1000))
        calls = {mb: 100.0 * dice.lognormal(0.0, 0.15 * wider, 8) for mb in sizes}
        found = predict(evidence_of({3008: live.durations_ms, **calls}, live), [1024], 1e6)
        assert found is not None
        held += abs(float(found.log_p95[0]) - truth) < 2.0 * float(found.log_p95_sd[0])
    assert held >= 48


def test_what_all_sizes_err_by_alike_is_not_averaged_out() -> None:
    dice = np.random.default_rng(11)
    live = usual(100.0 * dice.lognormal(0.0, 0.1, 1000))
    sizes = [mb for mb in SIZES if 512 <= mb <= 1536][:12]
    calls = {mb: 100.0 * dice.lognormal(0.0, 0.2, 30) for mb in sizes}
    points = evidence_of(calls, live).here()
    shared = float(np.mean([p.shared_sd for p in points]))
    alone = [replace(p, shared_sd=0.0) for p in points]

    def sd(of: Sequence[Point]) -> float:
        found = predict(Evidence(tuple(of), 0, None), [1024], 1e6)
        assert found is not None
        return float(found.log_p95_sd[0])

    assert shared > 0.02
    assert sd(points) >= max(0.8 * shared, 1.2 * sd(alone))


def test_too_few_live_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        usual(np.ones(99))


def test_spending_adds_up() -> None:
    assert Spent().after(Probe(0, 10)).probe_calls == 10
    assert Spent(1, 2, 0.3, 0.4).after(Settled(0, 1.0)) == Spent(1, 2, 0.3, 0.4)


def chance(slow: int, calls: int) -> float:
    """What is believed of 512 MB where so many of its calls were slower than the threshold,
    and their bulk says that it is far within."""
    dice = np.random.default_rng(6)
    live = usual(50.0 * dice.lognormal(0.0, 0.05, 1000))
    durations = 52.0 * dice.lognormal(0.0, 0.05, calls)
    durations[:slow] = 81.0
    findings = Findings(live, {1024: live.durations_ms, 512: durations})
    aim = Aim([512, 1024], Function().cost, 80.0)
    return options(findings, aim, aim.sizes_mb)[0].p_slo


def test_counts_of_slow_calls_speak_against_a_size_and_never_for_it() -> None:
    assert chance(0, 300) > 0.98
    assert chance(12, 300) > 0.9, "4 % may be slow"
    assert chance(1, 8) > 0.5, "one of eight may be chance"
    assert chance(36, 300) < 0.01


def test_stragglers_do_not_hide_how_many_requests_a_slower_size_would_make_slow() -> None:
    dice = np.random.default_rng(7)
    durations = 100.0 * dice.lognormal(0.0, 0.05, 4000)
    durations[:80] *= dice.uniform(1.5, 4.0, 80)
    live = usual(durations)
    threshold_ms = float(np.quantile(durations, 0.95))
    slower = float((durations * math.exp(0.02) > threshold_ms).mean()) - 0.05
    assert 0.5 * slower < live.slow_per_log * 0.02 < 2.0 * slower
