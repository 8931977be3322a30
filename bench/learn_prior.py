"""Learn the prior over response curves from measured ones, and write it as a Python module.

    python -m bench.learn_prior --curves DIR [--hold-out FAMILY ...] [--out FILE] [--score]

What is learnt: how likely each shape of the family in `kinds/shared/shapes.py` is; how
far real curves stray from the family, as a mixture of smooth and rough functions; and how
log(p95 / mean) changes with memory. Every family of functions weighs the same, however many
variants of it were measured. `--score` says how well each family is foretold by the others
(nats per family; higher is better). No chance is involved: same curves, same file.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from bench.measured_curves import Floats, MeasuredCurve, read_curves
from controller.kinds.shared.shapes import Learnt, correlation, log_duration

SHARES = (0.0, 0.02, 0.05, 0.12, 0.25, 0.4, 0.6, 0.8, 0.93, 1.0)
POWERS = (0.7, 0.85, 1.0, 1.15, 1.5, 2.0)
SATURATIONS_MB = (
    256.0, 512.0, 768.0, 1024.0, 1280.0, 1536.0, 1769.0, 2048.0, 2560.0, 3008.0, 4096.0, 10_240.0,
)  # fmt: skip
SMOOTHING_STEPS = 0.6
"""Unseen functions lie between the seen ones: weight spreads to neighbours on the grid."""
UNIFORM_FAMILIES = 3.0
"""The whole grid has as much weight as this many families."""
ROUND_TO = 1e-4
EM_STEPS = 60
CANDIDATES = (0.012, 0.02, 0.03, 0.045, 0.065, 0.1, 0.15, 0.25, 0.4)
"""Distances (sd, log) from the family to choose three from."""
POINT_SD = 0.01
REACHES = (0.5, 0.8, 1.2)
"""Doublings over which the distance keeps its sign."""


@dataclass(frozen=True, slots=True)
class Roughness:
    """Classes of functions by their distance (sd, log) from the family, and its reach."""

    sds: tuple[float, ...]
    reach_doublings: float


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights of the grid's shapes and of the classes of roughness."""

    shapes: Floats
    classes: Floats


def grid() -> Floats:
    """Every (share, power, saturation) of the grid; rows."""
    return np.asarray(list(product(SHARES, POWERS, SATURATIONS_MB)))


def log_likelihood(curve: MeasuredCurve, sd: float, reach: float) -> Floats:
    """Of every shape, given the curve, with a free scale."""
    rows, doublings = grid(), np.log2(curve.memory_mb)
    gaps = np.abs(doublings[:, None] - doublings[None, :])
    covariance = sd**2 * correlation(gaps / reach) + POINT_SD**2 * np.eye(len(doublings))
    inverse = np.linalg.inv(covariance)
    ones = inverse.sum(axis=1)
    inverse_free = inverse - np.outer(ones, ones) / ones.sum()
    missed = curve.log_ms[None, :] - log_duration(rows, curve.memory_mb)
    quadratic = np.einsum("ij,jk,ik->i", missed, inverse_free, missed)
    constant = np.linalg.slogdet(covariance)[1] + math.log(ones.sum())
    constant += (len(doublings) - 1) * math.log(2.0 * math.pi)
    return np.asarray(-0.5 * (quadratic + constant))


class Library:
    """Curves by family, with the likelihoods that were computed so far."""

    def __init__(self, curves: Sequence[MeasuredCurve]) -> None:
        self.curves = curves
        self.families = sorted({curve.family for curve in curves})
        self._known: dict[tuple[float, float], Floats] = {}
        self._spread = _spread()

    def members(self, family: str) -> list[int]:
        return [i for i, curve in enumerate(self.curves) if curve.family == family]

    def likelihoods(self, roughness: Roughness) -> Floats:
        """Curves x classes x shapes."""
        return np.stack([self._of(sd, roughness.reach_doublings) for sd in roughness.sds], axis=1)

    def _of(self, sd: float, reach: float) -> Floats:
        if (sd, reach) not in self._known:
            found = [log_likelihood(curve, sd, reach) for curve in self.curves]
            self._known[sd, reach] = np.stack(found)
        return self._known[sd, reach]

    def fit(self, families: Sequence[str], roughness: Roughness) -> Fit:
        """Expectation maximisation, smoothed over neighbouring shapes."""
        likelihoods = self.likelihoods(roughness)
        count = likelihoods.shape[2]
        fit = Fit(np.full(count, 1.0 / count), np.full(len(roughness.sds), 1.0 / 3.0))
        for _ in range(EM_STEPS):
            total = np.zeros(likelihoods.shape[1:])
            log_weights = np.log(fit.classes)[:, None] + np.log(fit.shapes)[None, :]
            for family in families:
                total += _responsibility(likelihoods[self.members(family)] + log_weights)
            shapes = self._spread @ total.sum(axis=0) + UNIFORM_FAMILIES / count
            classes = total.sum(axis=1) + 1.0 / len(fit.classes)
            fit = Fit(shapes / shapes.sum(), classes / classes.sum())
        return fit

    def score(self, roughness: Roughness) -> dict[str, float]:
        """Log probability of each family under what the others teach."""
        likelihoods, found = self.likelihoods(roughness), {}
        for family in self.families:
            fit = self.fit([f for f in self.families if f != family], roughness)
            log_weights = np.log(fit.classes)[:, None] + np.log(fit.shapes)[None, :]
            each = [_log_sum(likelihoods[i] + log_weights) for i in self.members(family)]
            found[family] = float(np.mean(each))
        return found


def _responsibility(log_joint: Floats) -> Floats:
    weights = np.exp(log_joint - log_joint.max(axis=(1, 2), keepdims=True))
    return np.asarray((weights / weights.sum(axis=(1, 2), keepdims=True)).mean(axis=0))


def _log_sum(log_values: Floats) -> float:
    top = float(log_values.max())
    return top + math.log(float(np.exp(log_values - top).sum()))


def _spread() -> Floats:
    """How a shape's weight spreads over its neighbours; columns sum to one."""
    sizes = [range(len(axis)) for axis in (SHARES, POWERS, SATURATIONS_MB)]
    places = np.asarray(list(product(*sizes)), dtype=np.float64)
    gaps = ((places[:, None, :] - places[None, :, :]) ** 2).sum(axis=2)
    kernel = np.exp(-0.5 * gaps / SMOOTHING_STEPS**2)
    return np.asarray(kernel / kernel.sum(axis=0, keepdims=True))


def choose_roughness(library: Library) -> Roughness:
    """Three distances and a reach, by how well families foretell each other (greedy)."""
    best = Roughness((0.02, 0.065, 0.25), 0.8)
    best_score = sum(library.score(best).values())
    for reach in REACHES:
        rough = replace(best, reach_doublings=reach)
        for place in range(3):
            for sd in CANDIDATES:
                sds = tuple(sorted({*rough.sds[:place], sd, *rough.sds[place + 1 :]}))
                tried = replace(rough, sds=sds)
                if len(sds) < 3 or (score := sum(library.score(tried).values())) <= best_score:
                    continue
                best, best_score, rough = tried, score, tried
    return best


def tails(curves: Sequence[MeasuredCurve]) -> tuple[float, float]:
    """Slope of log(p95 / mean) per doubling (rms over families), and scatter around it."""
    slopes: dict[str, list[float]] = {}
    rest: dict[str, list[float]] = {}
    for curve in curves:
        if curve.log_tail is None:
            continue
        doublings = np.log2(curve.memory_mb if len(curve.log_tail) == len(curve.memory_mb) else [])
        line = np.polyfit(doublings, curve.log_tail, 1)
        slopes.setdefault(curve.family, []).append(line[0] ** 2)
        scatter = curve.log_tail - np.polyval(line, doublings)
        rest.setdefault(curve.family, []).append(float(np.mean(scatter**2)))
    if not slopes:
        return 0.035, 0.02
    return _rms(slopes), _rms(rest)


def _rms(squares: dict[str, list[float]]) -> float:
    return math.sqrt(float(np.mean([np.mean(values) for values in squares.values()])))


def learn(curves: Sequence[MeasuredCurve], roughness: Roughness | None = None) -> Learnt:
    """Everything that is learnt from some curves."""
    library = Library(curves)
    rough = choose_roughness(library) if roughness is None else roughness
    fit = library.fit(library.families, rough)
    rounded = np.round(fit.shapes / ROUND_TO).astype(int).reshape(-1, len(SATURATIONS_MB))
    slope, scatter = tails(curves)
    return Learnt(
        shares=SHARES,
        powers=POWERS,
        saturations_mb=SATURATIONS_MB,
        weights=tuple(" ".join(f"{w:d}" for w in row) for row in rounded),
        rough_sds=rough.sds,
        rough_weights=tuple(round(float(w), 3) for w in fit.classes),
        reach_doublings=rough.reach_doublings,
        point_sd=POINT_SD,
        tail_slope_sd=round(slope, 3),
        tail_scatter_sd=round(scatter, 3),
    )


def module_text(learnt: Learnt) -> str:
    """The learnt numbers as a module of the controller."""
    lines = [
        '"""What `bench/learn_prior.py` learnt from measured response curves; do not edit."""',
        "",
        "from controller.kinds.shared.shapes import Learnt",
        "",
        "LEARNT = Learnt(",
    ]
    for name in Learnt.__slots__:
        value = getattr(learnt, name)
        if isinstance(value, tuple):
            lines += [f"    {name}=(", *(f"        {_literal(one)}," for one in value), "    ),"]
        else:
            lines.append(f"    {name}={value!r},")
    return "\n".join([*lines, ")", ""])


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--curves", type=Path, required=True, metavar="DIR")
    parser.add_argument("--hold-out", nargs="*", default=[], metavar="FAMILY")
    parser.add_argument("--out", type=Path, help="the module to write; else it is printed")
    parser.add_argument("--score", action="store_true")
    options = parser.parse_args(arguments)
    curves = [c for c in read_curves(options.curves) if c.family not in options.hold_out]
    learnt = learn(curves)
    if options.score:
        rough = Roughness(learnt.rough_sds, learnt.reach_doublings)
        for family, score in Library(curves).score(rough).items():
            print(f"{score:8.2f}  {family}", file=sys.stderr)
    text = module_text(learnt)
    if options.out is None:
        print(text, end="")
    else:
        options.out.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
