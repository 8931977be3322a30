"""Our own requests are no demand and no attainment; where users sent too few, ours may judge."""

from typing import Any

from given import ERA, NOW_S, a_row, a_window
from hypothesis import given
from hypothesis import strategies as st

from controller.core.probe_traffic import LIVE, Sent, in_the_measure, judged, like_users, without
from controller.core.slo import slo_status
from controller.model.demand import Attainment
from controller.model.endpoint import Kind
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.policy import Covers, Slo

SLO = Slo(200.0)


def live_row(minutes_ago: float, **values: Any) -> Observation:
    start_s = NOW_S - 60.0 * minutes_ago
    plain: dict[str, Any] = {
        "requests": 30,
        "met_ratio": 1.0,
        "source": LIVE,
        "end_s": start_s + 30.0,
    }
    return a_row(start_s, **{**plain, **values})


def test_ours_are_taken_out_exactly() -> None:
    window = a_window(requests=120, met_ratio=0.9, errors=5)
    sent = Sent(window.start_s + 10.0, window.start_s + 40.0, 20, 4, 2)
    (users,) = without([window], [sent])
    assert (users.requests, users.slow, users.errors) == (100, 8, 3)
    assert users.p95_ms == window.p95_ms


def test_a_window_with_nobody_else_in_it_is_silent() -> None:
    window = a_window(requests=20)
    (users,) = without([window], [Sent(window.start_s, window.end_s, 20, 0, 0)])
    assert users.requests == 0
    assert isinstance(users.met_ratio, Missing)
    assert isinstance(users.mean_ms, Missing)


@given(
    requests=st.integers(0, 200),
    ratio=st.floats(0.0, 1.0),
    ours=st.integers(0, 200),
    start=st.floats(-600.0, 600.0),
    length=st.floats(0.0, 900.0),
)
def test_nothing_is_made_of_nothing(
    requests: int, ratio: float, ours: int, start: float, length: float
) -> None:
    window = a_window(requests=requests, met_ratio=ratio)
    begin = window.start_s + start
    (users,) = without([window], [Sent(begin, begin + length, ours, ours // 3, 0)])
    assert isinstance(users.requests, int)
    assert 0 <= users.requests <= requests
    if not isinstance(users.met_ratio, Missing):
        assert 0.0 <= users.met_ratio <= 1.0


def test_thin_traffic_is_judged_by_live_probes_and_enough_traffic_by_itself() -> None:
    thin = [a_window(NOW_S - 900.0, requests=6, met_ratio=1.0)]
    rows = [live_row(minutes) for minutes in (10, 20, 30)]
    both = judged(thin, rows, SLO, Kind.LAMBDA_FUNCTION, NOW_S)
    assert slo_status(both, SLO, NOW_S, 0.0).attainment is Attainment.MET
    full = [a_window(NOW_S - 900.0, requests=2000, met_ratio=0.99)]
    assert judged(full, rows, SLO, Kind.LAMBDA_FUNCTION, NOW_S) == tuple(full)


def test_old_probes_and_those_of_another_threshold_judge_nothing() -> None:
    thin = [a_window(NOW_S - 900.0, requests=6, met_ratio=1.0)]
    rows = [live_row(500), live_row(10, threshold_ms=50.0)]
    assert judged(thin, rows, SLO, Kind.LAMBDA_FUNCTION, NOW_S) == tuple(thin)


def test_what_a_client_sees_only_probes_tell() -> None:
    slo = Slo(200.0, covers=Covers.CLIENT)
    full = [a_window(NOW_S - 900.0, requests=5000, met_ratio=1.0)]
    slow = [live_row(minutes, met_ratio=0.0) for minutes in (5, 10, 15)]
    told = judged(full, slow, slo, Kind.REALTIME_ENDPOINT, NOW_S)
    status = slo_status(told, slo, NOW_S, 0.0)
    assert (status.requests, status.slow) == (90, 90)


def test_payloads_that_ask_less_than_users_do_are_made_up_for() -> None:
    users = [a_row(NOW_S - 3600.0 * i) for i in range(1, 5)]
    light = {"mean_ms": 20.0, "p50_ms": 17.5, "p95_ms": 37.5, "source": "probe"}
    here = a_row(NOW_S - 900.0, **light)
    there = a_row(NOW_S - 600.0, 512, **{**light, "mean_ms": 40.0, "p50_ms": 35.0, "p95_ms": 75.0})
    scaled = like_users([*users, here, there], ERA)
    assert scaled[:4] == tuple(users)
    assert (scaled[4].mean_ms, scaled[5].mean_ms, scaled[5].p95_ms) == (80.0, 160.0, 300.0)
    alike = a_row(NOW_S - 900.0, source="probe", p50_ms=63.0)
    assert like_users([*users, alike, there], ERA) == (*users, alike, there)
    assert like_users([here, there], ERA) == (here, there), "nothing to compare with"
    assert like_users([*users, here, there], "a later release") == (*users, here, there)


def test_evidence_of_an_endpoint_holds_no_latency_of_the_network() -> None:
    rows = (a_row(), live_row(10), a_row(NOW_S - 600.0, source="probe"))
    model, live = in_the_measure(rows, SLO, Kind.SERVERLESS_ENDPOINT)
    assert [row.source for row in model] == ["cloudwatch", "probe"]
    client, _ = in_the_measure(rows, Slo(200.0, covers=Covers.CLIENT), Kind.REALTIME_ENDPOINT)
    assert [row.source for row in client] == [LIVE, "probe"]
    function, _ = in_the_measure(rows, SLO, Kind.LAMBDA_FUNCTION)
    assert len(function) == 3
    assert len(live) == 1
