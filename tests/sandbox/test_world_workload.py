"""Curves, noise, traffic: what a function is by nature and who calls it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sandbox.curve import MeasuredCurve, PowerCurve, curve_from
from controller.sandbox.noise import Noise
from controller.sandbox.traffic import Traffic, traffic_from
from controller.sandbox.workload import Effect, workload_from

DAY = 1_800_057_600  # a Saturday's midnight, UTC is checked below


def test_the_family_is_flat_beyond_saturation():
    curve = PowerCurve(a_ms=20.0, b=100_000.0, p=1.0, saturation_mb=1769)
    assert curve.mean_ms(1000) == pytest.approx(120.0)
    assert curve.mean_ms(1769) == curve.mean_ms(10_240)


def test_measured_points_are_met_and_joined_in_log_log_space():
    curve = MeasuredCurve(((128.0, 1600.0), (512.0, 400.0), (1024.0, 300.0)))
    assert [curve.mean_ms(mb) for mb in (128, 512, 1024)] == [1600.0, 400.0, 300.0]
    assert curve.mean_ms(256) == pytest.approx(800.0)
    assert curve.mean_ms(4096) == 300.0


@pytest.mark.parametrize("points", [[], [(128, 0)], [(256, 5), (256, 4)]])
def test_a_measured_curve_must_make_sense(points):
    with pytest.raises(ValueError, match="measured curve"):
        curve_from({"points": points})


def test_measured_curves_are_read_from_files(repository):
    folder = repository.parent / "shared" / "curves" / "lambda"
    if not folder.is_dir():
        pytest.skip("the measured curves lie beside the project, not here")
    for path in sorted(folder.glob("*.json"))[:20]:
        curve = curve_from({"file": str(path)})
        assert curve.mean_ms(1024) > 0
        assert curve_from(curve.document()) == curve


@given(
    cv=st.floats(0.01, 0.8),
    share=st.floats(0.0, 0.2),
    low=st.floats(1.1, 3.0),
    span=st.floats(0.0, 4.0),
)
def test_noise_has_mean_one(cv, share, low, span):
    noise = Noise(cv, share, (low, low + span))
    shares = (np.arange(20_000) + 0.5) / 20_000
    assert noise.quantile(shares).mean() == pytest.approx(1.0, rel=0.01)


def test_the_slow_tail_is_where_it_should_be():
    noise = Noise(cv=0.1, slow_share=0.04, slow_factor=(3.0, 3.0))
    assert noise.share_below(1.8) == pytest.approx(0.96, abs=0.002)
    assert noise.quantile(np.array([noise.share_below(1.1)]))[0] == pytest.approx(1.1, rel=1e-3)


def test_daily_shape_swings_around_the_mean():
    traffic = traffic_from({"rps": 2.0, "daily_amplitude": 0.5, "peak_hour_utc": 14}, 0.0)
    minutes = DAY + 60.0 * np.arange(1440)
    rate = traffic.expected_per_minute(minutes, "key")
    assert rate.mean() == pytest.approx(120.0)
    assert rate.argmax() == 14 * 60
    assert rate.max() == pytest.approx(180.0)
    assert rate.min() == pytest.approx(60.0)


def test_weekends_differ():
    traffic = Traffic(rps=1.0, weekend_factor=0.25)
    days = np.array([DAY + day * 86_400.0 for day in range(7)])
    rates = traffic.expected_per_minute(days, "key") / 60.0
    assert sorted(rates) == [0.25, 0.25, 1.0, 1.0, 1.0, 1.0, 1.0]
    # 1970-01-03 was a Saturday.
    assert traffic.expected_per_minute(np.array([2 * 86_400.0]), "key")[0] == 15.0


def test_bursts_come_as_often_as_asked_and_stay_where_they_are():
    traffic = traffic_from({"rps": 1.0, "bursts": {"per_day": 3, "factor": 5, "minutes": 20}}, 0.0)
    minutes = DAY + 60.0 * np.arange(1440 * 60)
    rate = traffic.expected_per_minute(minutes, "a")
    busy = (rate > 60.0).mean()
    assert busy == pytest.approx(3 * 20 / 1440, rel=0.3)
    piecewise = np.concatenate(
        [traffic.expected_per_minute(part, "a") for part in np.split(minutes, 240)]
    )
    assert (rate == piecewise).all()


def test_a_trace_is_played_to_the_last_request():
    rows = [[0, 10], [300, 0], [600, 7]]
    traffic = traffic_from({"trace": rows, "origin_s": DAY}, 0.0)
    minutes = DAY + 60.0 * np.arange(30)
    counts = traffic.exact_per_minute(minutes)
    assert counts is not None
    assert [counts[i : i + 5].sum() for i in range(0, 30, 5)] == [10, 0, 7, 10, 0, 7]
    assert traffic.mean_rps == pytest.approx(17 / 900)


def test_a_trace_file_is_read(repository):
    path = repository.parent / "shared" / "traffic" / "aws-elb-requests-5min-14d.csv"
    if not path.is_file():
        pytest.skip("the traffic traces lie beside the project, not here")
    traffic = traffic_from({"trace_file": str(path)}, 0.0)
    counts = traffic.exact_per_minute(60.0 * np.arange(15))
    assert counts is not None
    assert [counts[i : i + 5].sum() for i in (0, 5, 10)] == [94, 56, 187]


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({"rsp": 3}, "rsp"),
        ({"trace": [[0, 1]]}, "two rows"),
    ],
)
def test_wrong_traffic_is_named(document, word):
    with pytest.raises(ValueError, match=word):
        traffic_from(document, 0.0)


def test_disturbances_act_in_their_time_only():
    workload = workload_from(
        {
            "disturbances": [
                {"effect": "latency", "factor": 2.0, "from_in_s": 100, "to_in_s": 200},
                {"effect": "latency", "factor": 3.0, "from_s": 1150.0, "ramp_s": 100},
                {"effect": "errors", "factor": 0.5, "from_in_s": 0},
            ]
        },
        1000.0,
    )
    instants = np.array([1099.0, 1100.0, 1200.0, 1300.0])
    factors = workload.factor(Effect.LATENCY, instants)
    assert factors is not None
    assert factors.tolist() == [1.0, 2.0, 2.0, 3.0]
    assert workload.factor(Effect.TRAFFIC, instants) is None
    shares = workload.error_share(np.array([999.0, 1000.0]))
    assert shares is not None
    assert shares.tolist() == [0.0, 0.5]


def test_an_unknown_member_is_named():
    with pytest.raises(ValueError, match="memroy_mb"):
        workload_from({"memroy_mb": 3}, 0.0)


@pytest.mark.parametrize(
    ("memory_mb", "share"), [(200, 0.0), (400, 0.0), (380, 0.5), (360, 1.0), (128, 1.0)]
)
def test_memory_below_the_footprint_runs_out(memory_mb, share):
    nature = workload_from({"memory_mb": 400, "memory_spread": 0.1}, 0.0).nature
    if memory_mb == 200:
        assert nature.memory_shortfall(200, 0.5) == 0.0
    else:
        assert math.isclose(nature.memory_shortfall(memory_mb), share)
