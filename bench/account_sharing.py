"""How much better sizes that were never measured are foretold when an account's functions share.

    python -m bench.account_sharing --curves DIR [--seeds 5] [--strengths 1 4 16]

Each source of measured curves plays an account. A function is seen at one size only, as the
daemon sees it without probes; the account's other functions, of other families, have been seen
at three sizes. The prior is learnt without the whole source. Printed, for sharing at several
strengths and for none: root mean square error of log p95 at the sizes not seen, and the mean
log likelihood of what is true (higher is better).
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.learn_prior import Roughness, learn
from bench.measured_curves import Floats, MeasuredCurve, read_curves
from controller.core import neighbours
from controller.core.evidence import Evidence
from controller.core.neighbours import AccountPrior
from controller.kinds.lambda_function.calls import evidence_of, usual
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.response import posterior, predict, prior_of
from controller.kinds.shared.shapes import Learnt

CALLS = 1000
CV = (0.1, 0.3)
SEEN = 3
"""Sizes at which the neighbours were measured."""
P95_Z = 1.645


def calls_at(curve: MeasuredCurve, index: int, sigma: float, dice: np.random.Generator) -> Floats:
    """Durations (ms) of live requests at a measured size; lognormal."""
    level = math.exp(float(curve.log_ms[index]))
    factors = dice.lognormal(-0.5 * sigma**2, sigma, CALLS)
    return np.asarray(level * factors, dtype=np.float64)


def evidence_at(
    curve: MeasuredCurve, indices: Sequence[int], sigma: float, dice: np.random.Generator
) -> Evidence:
    """What live requests at some of the measured sizes show; the first is the current size."""
    calls = {int(curve.memory_mb[i]): calls_at(curve, i, sigma, dice) for i in indices}
    return evidence_of(calls, usual(calls[int(curve.memory_mb[indices[0]])]))


def foretold(
    curve: MeasuredCurve, start: int, sigma: float, proof: Evidence, prior: AccountPrior | None,
    learnt: Learnt,
) -> tuple[float, float]:  # fmt: skip
    """Mean squared error and mean log likelihood of log p95 at the sizes that were not seen."""
    others = [i for i in range(len(curve.memory_mb)) if i != start]
    sizes = [int(curve.memory_mb[i]) for i in others]
    found = predict(proof, sizes, 1e9, learnt, prior)
    assert found is not None
    true = curve.log_ms[others] - 0.5 * sigma**2 + P95_Z * sigma
    z = (true - found.log_p95) / found.log_p95_sd
    likelihood = -0.5 * z**2 - np.log(found.log_p95_sd)
    return float(np.mean((true - found.log_p95) ** 2)), float(np.mean(likelihood))


def account_rows(
    curves: Sequence[MeasuredCurve], learnt: Learnt, seed: int, strengths: Sequence[float]
) -> list[dict[str, Any]]:
    """One account, each of its functions in turn the one that was seen at one size."""
    dice = np.random.default_rng(seed)
    sigmas = [math.sqrt(math.log1p(dice.uniform(*CV) ** 2)) for _ in curves]
    shown = []
    for curve, sigma in zip(curves, sigmas, strict=True):
        seen = dice.choice(len(curve.memory_mb), min(SEEN, len(curve.memory_mb)), replace=False)
        shown.append(posterior(evidence_at(curve, seen.tolist(), sigma, dice), learnt))
    weights = np.exp(prior_of(learnt))
    rows = []
    for i, curve in enumerate(curves):
        start = int(dice.integers(len(curve.memory_mb)))
        proof = evidence_at(curve, [start], sigmas[i], dice)
        others = [
            p
            for j, p in enumerate(shown)
            if p is not None and j != i and curves[j].family != curve.family
        ]
        for strength in (None, *strengths):
            prior = None
            if strength is not None and others:
                total = strength * weights + np.sum(others, axis=0)
                prior = AccountPrior(np.log(total / total.sum()), len(others))
            square, likelihood = foretold(curve, start, sigmas[i], proof, prior, learnt)
            rows.append({"strength": strength, "square": square, "likelihood": likelihood})
    return rows


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--curves", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--strengths", type=float, nargs="+", default=[1.0, 4.0, 16.0])
    given = parser.parse_args()
    every = read_curves(given.curves)
    rough = Roughness(LEARNT.rough_sds, LEARNT.reach_doublings)
    out: dict[str, Any] = {"calls": CALLS, "shipped": neighbours.STRENGTH, "accounts": {}}
    total: list[dict[str, Any]] = []
    for source in sorted({curve.source for curve in every}):
        mine = [curve for curve in every if curve.source == source]
        if len({curve.family for curve in mine}) < 2:
            continue
        learnt = learn([curve for curve in every if curve.source != source], rough)
        rows = [
            row
            for seed in range(given.seeds)
            for row in account_rows(mine, learnt, seed, given.strengths)
        ]
        out["accounts"][source] = {"functions": len(mine), **summary(rows)}
        total += rows
    out["all"] = summary(total)
    print(json.dumps(out, indent=2))


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By strength of what is learnt beforehand; `alone` without sharing."""
    found = {}
    for strength in dict.fromkeys(row["strength"] for row in rows):
        mine = [row for row in rows if row["strength"] == strength]
        name = "alone" if strength is None else f"{strength:g}"
        found[name] = {
            "rmse": round(math.sqrt(sum(row["square"] for row in mine) / len(mine)), 3),
            "logLikelihood": round(sum(row["likelihood"] for row in mine) / len(mine), 3),
        }
    return found


if __name__ == "__main__":
    main()
