"""Learning the prior from curves: what is read, what is learnt, and that it can be written."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.learn_prior import Roughness, learn, module_text
from bench.measured_curves import MeasuredCurve, never_rising, read_curves
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.shapes import Learnt, log_duration, shapes_of

SIZES = np.asarray([128.0, 256.0, 512.0, 1024.0, 2048.0])


def a_curve(family: str, share: float, saturation_mb: float = 1769.0) -> MeasuredCurve:
    shape = np.asarray([[share, 1.0, saturation_mb]])
    return MeasuredCurve(family, family, SIZES, 5.0 + log_duration(shape, SIZES)[0], None)


def test_the_closest_sequence_that_never_rises() -> None:
    assert never_rising([5.0, 3.0, 4.0, 1.0]).tolist() == [5.0, 3.5, 3.5, 1.0]


def test_shapes_that_were_seen_are_likelier_than_others() -> None:
    learnt = learn([a_curve(f"waits-{i}", 1.0) for i in range(4)], Roughness((0.02, 0.1, 0.4), 1.2))
    shapes = shapes_of(learnt)
    mean_share = float(np.exp(shapes.log_prior) @ shapes.rows[:, 0])
    busy = learn([a_curve(f"works-{i}", 0.0) for i in range(4)], Roughness((0.02, 0.1, 0.4), 1.2))
    other = shapes_of(busy)
    assert mean_share > float(np.exp(other.log_prior) @ other.rows[:, 0]) + 0.3
    assert learnt.rough_weights[0] > learnt.rough_weights[2]


def test_every_family_weighs_the_same_however_many_variants_it_has() -> None:
    rough = Roughness((0.02, 0.1, 0.4), 1.2)
    once = learn([a_curve("one", 1.0), a_curve("two", 0.0)], rough)
    many = learn([*[a_curve("one", 1.0)] * 5, a_curve("two", 0.0)], rough)
    assert once.weights == many.weights


def test_what_is_learnt_is_written_as_it_is_read() -> None:
    names: dict[str, Learnt] = {}
    exec(module_text(LEARNT), names)
    assert names["LEARNT"] == LEARNT


def test_cold_short_and_scattered_curves_are_left_out(tmp_path: Path) -> None:
    good = {"name": "a", "family": "f-a", "kind": "warm", "sizes_mb": [128, 256, 512, 1024, 2048],
            "duration_ms": [800, 400, 200, 100, 90]}  # fmt: skip
    noisy = {**good, "name": "n", "duration_ms": [100, 900, 100, 900, 100]}
    short = {**good, "name": "s", "sizes_mb": [128, 256], "duration_ms": [2, 1]}
    for record in (good, noisy, short, {**good, "name": "c", "kind": "cold"}):
        (tmp_path / f"{record['name']}.json").write_text(json.dumps(record), "utf-8")
    assert [curve.name for curve in read_curves(tmp_path)] == ["a"]
    assert read_curves(tmp_path)[0].source == "f"


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no usable curves"):
        read_curves(tmp_path)
