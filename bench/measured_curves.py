"""Measured response curves of Lambda functions, read from a folder of JSON files.

A file names its `family` (who measured what: curves of one family are of one function or
nearly so), its `kind` (only `warm` is a response), `sizes_mb` and `duration_ms`.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEWEST_SIZES = 5
WORST_SCATTER = 0.25
"""Points that lie further (rms, log) from a curve that never rises are mostly noise."""
DENSE = 12
"""A curve of more sizes than this is read off at `GRID`: its points are not independent."""
GRID = (128, 160, 192, 256, 320, 384, 512, 640, 768, 1024, 1280, 1536, 1769, 2048, 2560, 3008)


@dataclass(frozen=True, slots=True)
class MeasuredCurve:
    """Mean duration of one function at some sizes, as the closest curve that never rises."""

    name: str
    family: str
    memory_mb: Floats
    log_ms: Floats
    log_tail: Floats | None
    """log(p95 / mean) where it was measured; from a p99 by the ratio of a lognormal's."""

    @property
    def source(self) -> str:
        """Who measured it: the first word of the family."""
        return self.family.split("-", maxsplit=1)[0]


def read_curves(folder: Path) -> list[MeasuredCurve]:
    """Every usable warm curve of a folder, in order of file name."""
    records = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    found = [_curve(record) for record in records if _usable(record)]
    if not found:
        raise SystemExit(f"no usable curves in {folder}")
    return found


def never_rising(values: Sequence[float] | Floats) -> Floats:
    """The closest sequence (least squares) that never rises: pool adjacent violators."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        blocks.append((float(value), 1))
        while len(blocks) > 1 and blocks[-1][0] > blocks[-2][0]:
            (last, n), (before, m) = blocks.pop(), blocks.pop()
            blocks.append(((before * m + last * n) / (m + n), m + n))
    return np.asarray([level for level, n in blocks for _ in range(n)])


def _usable(record: dict[str, Any]) -> bool:
    if record["kind"] != "warm" or "quality" in record or len(record["sizes_mb"]) < FEWEST_SIZES:
        return False
    log_ms = np.log(record["duration_ms"])
    return math.sqrt(float(np.mean((log_ms - never_rising(log_ms)) ** 2))) <= WORST_SCATTER


def _curve(record: dict[str, Any]) -> MeasuredCurve:
    memory = np.asarray(record["sizes_mb"], dtype=np.float64)
    log_ms = never_rising(np.log(record["duration_ms"]))
    if len(memory) > DENSE:
        grid = np.asarray([mb for mb in GRID if memory[0] <= mb <= memory[-1]], dtype=np.float64)
        memory, log_ms = grid, np.interp(np.log(grid), np.log(memory), log_ms)
    return MeasuredCurve(record["name"], record["family"], memory, log_ms, _tail(record))


def _tail(record: dict[str, Any]) -> Floats | None:
    mean = np.log(record.get("mean_ms", record["duration_ms"]))
    if "p95_ms" in record:
        return np.asarray(np.log(record["p95_ms"]) - mean)
    if "p99_ms" in record:
        return np.asarray((np.log(record["p99_ms"]) - mean) * (1.645 / 2.326))
    return None
