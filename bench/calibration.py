"""Check predicted intervals and SLO probabilities against the truth of measured curves.

    python -m bench.calibration --curves DIR [--seeds 10] [--yardstick DIR] [--noise std|wild]

Functions are played by the yardstick's world (its noise, its drifting tails). Each is seen at its
current size, and by 10 calls each at none, one or two sizes more; then every size of a coarse
ladder is predicted. Printed: how often the 50 %, 80 % and 90 % intervals of mean and p95 hold the
truth, for sizes near what was measured and far from it, and a reliability table of the
probability to meet an SLO. The prior is learnt without the source (or family) that is predicted.
"""

import argparse
import json
import math
import random
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench.memory_search import STAND_IN_YARDSTICK, held_out
from controller.core.stats import Z90
from controller.kinds.lambda_function.calls import evidence_of, usual
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.response import predict
from controller.kinds.shared.shapes import Learnt

SIZES = (128, 192, 256, 384, 512, 768, 1024, 1536, 1769, 2048, 3008, 4096, 6144, 10_240)
CALLS = 10
BINS = (0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.995, 1.0)
LEVELS = {"50%": 0.674, "80%": 1.282, "90%": Z90}


def seen(curve: Any, seed: int, noise: str, learnt: Learnt) -> list[dict[str, float]]:
    """Predictions and truths of one function, a row per size that was not measured."""
    from memory_tuning.trial import Ledger, Trial, Truth, draw_conditions

    conditions = draw_conditions(curve, seed, noise, 0.25)
    truth = Truth(curve, conditions)
    trial = Trial(truth, conditions, Ledger(), with_slo=True)
    dice = random.Random(conditions.seed)
    sizes = [mb for mb in SIZES if mb >= curve.smallest_mb]
    live = usual(trial.passive(1000))
    calls = {trial.current_mb: live.durations_ms}
    for mb in dice.sample(sizes, dice.randrange(3)):
        calls.setdefault(mb, trial.probe(mb, CALLS))
    found = predict(evidence_of(calls, live), sizes, truth.slo_ms, learnt)
    assert found is not None
    # Intervals are shown at their own width; in units of a normal's 90 % they compare.
    mean_sd = found.log_mean_sd * found.width90 / Z90
    p95_sd = found.log_p95_sd * found.width90 / Z90
    rows = []
    for i, mb in enumerate(sizes):
        if mb in calls:
            continue
        at = truth.index(mb)
        rows.append(
            {
                "doublings": min(abs(math.log2(mb / known)) for known in calls),
                "z_mean": (math.log(truth.mean_ms[at]) - found.log_mean[i]) / mean_sd[i],
                "z_p95": (math.log(truth.p95_ms[at]) - found.log_p95[i]) / p95_sd[i],
                "p_slo": float(found.p_slo[i]),
                "met": float(truth.meets_slo_at(mb)),
            }
        )
    return rows


def coverage(rows: Sequence[Mapping[str, float]], what: str) -> dict[str, float]:
    """Share of truths inside each interval."""
    z = np.abs([row[what] for row in rows])
    return {level: round(float(np.mean(z < width)), 3) for level, width in LEVELS.items()}


def reliability(rows: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Predicted against realised shares, by bins of the predicted."""
    table = []
    for low, high in pairwise(BINS):
        part = [r for r in rows if low <= r["p_slo"] < high or (high == 1.0 and r["p_slo"] == 1.0)]
        if part:
            said = float(np.mean([r["p_slo"] for r in part]))
            met = float(np.mean([r["met"] for r in part]))
            table.append({"from": low, "to": high, "sizes": len(part), "said": said, "met": met})
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; with --json, JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--curves", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--yardstick", type=Path, default=STAND_IN_YARDSTICK, metavar="DIR")
    parser.add_argument("--noise", choices=["std", "calm", "wild"], default="std")
    parser.add_argument("--hold-out", choices=["source", "family", "none"], default="source")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    sys.path.insert(0, str(given.yardstick))
    from memory_tuning.curves import load_curves

    by = given.hold_out
    priors = {} if by == "none" else held_out(given.curves, by)
    rows = []
    for curve in load_curves(given.curves):
        learnt = LEARNT if by == "none" else priors[getattr(curve, by)]
        for seed in range(given.seeds):
            rows += seen(curve, seed, given.noise, learnt)
    near = [row for row in rows if row["doublings"] <= 1.0]
    far = [row for row in rows if row["doublings"] > 1.0]
    result = {
        "predictions": len(rows),
        "p95": {"all": coverage(rows, "z_p95"), "near": coverage(near, "z_p95"),
                "far": coverage(far, "z_p95")},
        "mean": {"all": coverage(rows, "z_mean"), "near": coverage(near, "z_mean"),
                 "far": coverage(far, "z_mean")},
        "p_slo": reliability(rows),
    }  # fmt: skip
    if given.json:
        print(json.dumps(result, indent=1))
        return 0
    print(f"{len(rows)} predictions, noise {given.noise}, held out by {by}")
    for what in ("p95", "mean"):
        for where, shares in result[what].items():
            print(f"{what:5s} {where:5s}", *(f"{k}: {100 * v:5.1f} %" for k, v in shares.items()))
    print("said to meet the SLO    sizes   met")
    for line in result["p_slo"]:
        print(f"{line['said']:10.3f} {line['sizes']:18.0f} {line['met']:9.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
