"""Predictions of duration at other memory sizes, and how often their intervals hold."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from given import ERA, HOUR_S, NOW_S, Truth, a_row
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.evidence import Evidence, evidence
from controller.core.stats import Z90
from controller.kinds.shared.kriging import krige
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.response import Prediction, predict
from controller.kinds.shared.shapes import correlation, log_duration, shapes_of
from controller.model.estimate import Observation

SIZES = [128, 256, 512, 1024, 1769, 2048, 3008, 5120, 10_240]
HOUR_SD = 0.03
"""How much hours differ, in log units."""


def hours_at(
    memory_mb: int, mean_ms: float, sigma: float = 0.2, count: int = 30, first: int = 0
) -> list[Observation]:
    """Hours of lognormal requests with this mean."""
    median = mean_ms * math.exp(-(sigma**2) / 2.0)
    return [
        a_row(
            NOW_S - 400 * HOUR_S + (first + i) * HOUR_S,
            memory_mb,
            mean_ms=mean_ms,
            p50_ms=median,
            p95_ms=median * math.exp(Z90 * sigma),
        )
        for i in range(count)
    ]


def measured(means_ms: Mapping[int, float], sigma: float = 0.2) -> Evidence:
    """Thirty hours at each of some sizes."""
    rows: list[Observation] = []
    for i, (memory_mb, mean_ms) in enumerate(means_ms.items()):
        rows += hours_at(memory_mb, mean_ms, sigma, first=40 * i)
    return evidence(rows, ERA)


def predicted(found: Evidence, sizes: Sequence[int], threshold_ms: float = 200.0) -> Prediction:
    prediction = predict(found, sizes, threshold_ms)
    assert prediction is not None
    return prediction


def test_code_that_was_never_measured_is_not_predicted() -> None:
    assert predict(evidence([], ERA), SIZES, 200.0) is None
    assert predict(evidence(hours_at(512, 100.0), "other code"), SIZES, 200.0) is None


def test_the_prior_is_a_distribution_over_shapes_that_never_rise() -> None:
    shapes = shapes_of(LEARNT)
    assert np.exp(shapes.log_prior).sum() == pytest.approx(1.0)
    curves = shapes.log_duration(np.asarray(SIZES, dtype=np.float64))
    assert curves.shape == (len(shapes.rows), len(SIZES))
    assert (np.diff(curves, axis=1) <= 1e-12).all()
    assert np.isfinite(curves).all()


def test_a_measured_size_is_taken_as_measured() -> None:
    prediction = predicted(measured({1024: 80.0}), [1024])
    assert math.exp(prediction.log_mean[0]) == pytest.approx(80.0, rel=1e-3)
    p95_ms = 80.0 * math.exp(Z90 * 0.2 - 0.02)
    assert math.exp(prediction.log_p95[0]) == pytest.approx(p95_ms, rel=1e-3)
    assert prediction.anchor_mb == (1024,)
    assert prediction.log_p95_sd[0] < 0.03


def test_certainty_falls_with_the_distance_from_what_was_measured() -> None:
    prediction = predicted(measured({1024: 80.0}), SIZES)
    sds = dict(zip(SIZES, prediction.log_p95_sd, strict=True))
    assert sds[1024] < sds[512] < sds[256] < sds[128]
    assert sds[1024] < sds[1769] < sds[3008] < sds[10_240]


def test_the_nearest_measured_size_is_the_one_started_from() -> None:
    prediction = predicted(measured({512: 160.0, 2048: 60.0}), [128, 512, 900, 1100, 4096])
    assert prediction.anchor_mb == (512, 512, 512, 2048, 2048)


@pytest.mark.parametrize("memory_mb", [128, 512, 1769, 10_240])
def test_the_probability_of_the_slo_rises_with_the_threshold(memory_mb: int) -> None:
    found = measured({1024: 80.0})
    chances = [predicted(found, [memory_mb], t).p_slo[0] for t in (20.0, 80.0, 200.0, 2000.0)]
    assert chances == sorted(chances)
    assert all(0.0 <= p <= 1.0 for p in chances)


def test_two_sizes_tell_a_function_that_cpu_speeds_up_from_one_that_it_does_not() -> None:
    waits = predicted(measured({1024: 80.0, 512: 81.0}), [256])
    works = predicted(measured({1024: 80.0, 512: 160.0}), [256])
    assert math.exp(waits.log_mean[0]) < 115.0
    assert math.exp(works.log_mean[0]) > 260.0


def test_a_release_moves_the_level_and_leaves_most_of_the_shape() -> None:
    before = hours_at(1024, 80.0) + hours_at(512, 81.0, first=40)
    old = [a_row(r.start_s, r.size.memory_mb, era="old", mean_ms=r.mean_ms) for r in before]
    new = hours_at(1024, 160.0, first=90)
    taught = predicted(evidence(old + new, ERA), [256])
    untaught = predicted(evidence(new, ERA), [256])
    assert math.exp(taught.log_mean[0]) < math.exp(untaught.log_mean[0])
    assert math.exp(predicted(evidence(old + new, ERA), [1024]).log_mean[0]) == pytest.approx(
        160.0, rel=1e-3
    )


@given(
    st.dictionaries(st.sampled_from(SIZES), st.floats(0.5, 9e5), min_size=1, max_size=4),
    st.floats(0.05, 1.5),
    st.floats(0.1, 9e5),
)
@settings(max_examples=60)
def test_any_evidence_gives_finite_predictions(
    means: dict[int, float], sigma: float, threshold_ms: float
) -> None:
    prediction = predicted(measured(means, sigma), SIZES, threshold_ms)
    for values in (prediction.log_mean, prediction.log_p95, prediction.p_slo):
        assert np.isfinite(values).all()
    assert (prediction.log_mean_sd > 0.0).all()
    assert (prediction.log_p95_sd > 0.0).all()
    assert ((prediction.p_slo >= 0.0) & (prediction.p_slo <= 1.0)).all()


@pytest.mark.parametrize("threshold_ms", [60.0, 90.0, 110.0, 120.0, 150.0, 250.0, 400.0])
def test_a_poorly_known_level_never_makes_a_size_look_better(threshold_ms: float) -> None:
    hours = hours_at(1024, 80.0)
    few = [replace(row, requests=25) for row in hours[:4]]
    many = [replace(row, requests=5000) for row in hours[:4]]
    poor, good = (predicted(evidence(rows, ERA), SIZES, threshold_ms) for rows in (few, many))
    assert (poor.p_slo <= good.p_slo + 1e-9).all()


# --- how often the 90 % interval holds ---


def coverage(z: Sequence[float]) -> tuple[float, float]:
    """Shares of standardised errors inside the 90 % interval, and above it."""
    errors = np.asarray(z)
    return float(np.mean(np.abs(errors) < Z90)), float(np.mean(errors > Z90))


def from_the_prior(dice: np.random.Generator) -> Mapping[int, float]:
    """Log durations of one curve, drawn as the model believes that curves are."""
    shapes = shapes_of(LEARNT)
    chances = np.exp(shapes.log_prior)
    shape = shapes.rows[[int(dice.choice(len(chances), p=chances / chances.sum()))]]
    rough = dice.choice(
        LEARNT.rough_sds, p=np.asarray(LEARNT.rough_weights) / sum(LEARNT.rough_weights)
    )
    x = np.log2(SIZES)
    covariance = rough**2 * correlation(np.abs(x[:, None] - x) / LEARNT.reach_doublings)
    strays = dice.multivariate_normal(
        np.zeros(len(x)), covariance + LEARNT.point_sd**2 * np.eye(len(x))
    )
    curve = log_duration(shape, np.asarray(SIZES, dtype=np.float64))[0] + strays
    return dict(zip(SIZES, curve, strict=True))


@pytest.mark.parametrize("anchors", [1, 2, 3])
def test_curves_of_the_prior_lie_inside_the_interval_nine_times_in_ten(anchors: int) -> None:
    dice = np.random.default_rng(20 + anchors)
    z: list[float] = []
    for _ in range(250):
        log_ms, sigma = from_the_prior(dice), float(dice.uniform(0.1, 0.6))
        if min(-np.diff(list(log_ms.values()))) < -0.05:
            continue  # no curve rises, and the model knows
        known = [int(mb) for mb in dice.choice(SIZES, anchors, replace=False)]
        others = [mb for mb in SIZES if mb not in known]
        slope = float(dice.normal(0.0, LEARNT.tail_slope_sd))
        tails = {mb: slope * math.log2(mb / 1024.0) for mb in SIZES}
        rows: list[Observation] = []
        for i, mb in enumerate(known):
            tail_sigma = max(0.02, sigma + tails[mb] / Z90)
            rows += hours_at(mb, 100.0 * math.exp(log_ms[mb]), tail_sigma, first=40 * i)
        prediction = predicted(evidence(rows, ERA), others, 1e9)
        for i, mb in enumerate(others):
            tail_sigma = max(0.02, sigma + tails[mb] / Z90)
            p95 = math.log(100.0) + log_ms[mb] - tail_sigma**2 / 2.0 + Z90 * tail_sigma
            z.append((p95 - prediction.log_p95[i]) / prediction.log_p95_sd[i])
    inside, slower = coverage(z)
    assert 0.85 <= inside <= 0.98
    assert slower <= 0.08


def curve_files(repository: Path) -> list[Path]:
    folder = repository.parent / "shared" / "curves" / "lambda"
    if not folder.is_dir():
        pytest.skip("no measured curves beside the checkout (../shared/curves/lambda)")
    return sorted(folder.glob("*.json"))


def families(files: Sequence[Path]) -> dict[str, list[dict[str, Any]]]:
    """Warm curves of five sizes or more, by the family of functions they belong to."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in files:
        curve = json.loads(file.read_text("utf-8"))
        if curve["kind"] == "warm" and len(curve["sizes_mb"]) >= 5:
            found.setdefault(curve["family"], []).append(curve)
    return found


def never_rising(durations_ms: Sequence[float]) -> list[float]:
    """Log durations of the closest curve that never rises (pool adjacent violators)."""
    blocks: list[tuple[float, int]] = []
    for ms in durations_ms:
        blocks.append((math.log(ms), 1))
        while len(blocks) > 1 and blocks[-1][0] > blocks[-2][0]:
            (last, n), (before, m) = blocks.pop(), blocks.pop()
            blocks.append(((before * m + last * n) / (m + n), m + n))
    return [level for level, n in blocks for _ in range(n)]


@pytest.mark.parametrize("anchors", [1, 2])
def test_measured_curves_lie_inside_the_interval_most_of_the_time(
    repository: Path, anchors: int, record_property: Any
) -> None:
    """Measured at some sizes with the noise of hours, the others predicted.

    The prior is learnt from these very curves; `bench/calibration.py` holds families out.
    """
    dice = np.random.default_rng(3)
    z: list[float] = []
    for _, curves in sorted(families(curve_files(repository)).items()):
        for _ in range(12):
            curve = on_a_grid(curves[int(dice.integers(len(curves)))])
            if len(curve) >= anchors + 2:
                z += errors_on(curve, anchors, dice)
    inside, slower = coverage(z)
    record_property("coverage", inside)
    assert inside >= 0.86
    assert slower <= 0.08


GRID = [128, 192, 256, 384, 512, 768, 1024, 1536, 1769, 2048, 2560, 3008, 4096, 5120, 8192, 10_240]


def on_a_grid(curve: Mapping[str, Any]) -> Mapping[int, float]:
    """Log durations at the same few sizes for all curves, as far as each was measured.

    Empty where the measurements scatter by more than a quarter around a curve that never
    rises: what they say of a single size is then mostly noise.
    """
    log_mb, log_ms = np.log(curve["sizes_mb"]), never_rising(curve["duration_ms"])
    scatter = np.log(curve["duration_ms"]) - np.asarray(log_ms)
    if math.sqrt(float(np.mean(scatter**2))) > 0.25:
        return {}
    low, high = curve["sizes_mb"][0], curve["sizes_mb"][-1]
    return {mb: float(np.interp(math.log(mb), log_mb, log_ms)) for mb in GRID if low <= mb <= high}


def errors_on(log_ms: Mapping[int, float], anchors: int, dice: np.random.Generator) -> list[float]:
    """Standardised errors of p95 at the sizes of one curve that were not measured."""
    sigma = 0.2
    known = [int(mb) for mb in dice.choice(list(log_ms), anchors, replace=False)]
    rows: list[Observation] = []
    for n, mb in enumerate(known):
        for hour in range(24):
            mean_ms = math.exp(log_ms[mb] + float(dice.normal(0.0, HOUR_SD)))
            rows += hours_at(mb, mean_ms, sigma, count=1, first=40 * n + hour)
    others = [mb for mb in log_ms if mb not in known]
    prediction = predicted(evidence(rows, ERA), others)
    out = []
    for i, mb in enumerate(others):
        far = abs(math.log2(mb / prediction.anchor_mb[i]))
        drift = float(dice.normal(0.0, LEARNT.tail_slope_sd * far))
        p95 = log_ms[mb] - sigma**2 / 2.0 + Z90 * sigma + drift
        out.append(float((p95 - prediction.log_p95[i]) / prediction.log_p95_sd[i]))
    return out


def test_a_truth_of_the_family_is_found_from_three_sizes() -> None:
    truth = Truth(fixed_share=0.22, saturation_mb=1769.0)
    found = measured({mb: truth.mean_ms(mb) for mb in (512, 1024, 2048)}, truth.sigma)
    prediction = predicted(found, [256, 768, 1536, 4096])
    for i, mb in enumerate([256, 768, 1536, 4096]):
        assert math.exp(prediction.log_mean[i]) == pytest.approx(truth.mean_ms(mb), rel=0.12)


@settings(max_examples=15)
@given(
    st.dictionaries(st.sampled_from(SIZES), st.floats(20.0, 900.0), min_size=1, max_size=4),
)
def test_classes_of_roughness_taken_together_are_as_each_alone(levels: dict[int, float]) -> None:
    ordered = dict(zip(sorted(levels), sorted(levels.values(), reverse=True), strict=True))
    points = measured(ordered).here()
    together = krige(LEARNT, points, tuple(SIZES))
    for i, sd in enumerate(LEARNT.rough_sds):
        alone = krige(replace(LEARNT, rough_sds=(sd,)), points, tuple(SIZES))
        for name in ("solve", "log_constant", "mean_gain", "p95_gain", "mean_var", "sure_var"):
            one, other = getattr(together, name)[i], getattr(alone, name)[0]
            np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)
