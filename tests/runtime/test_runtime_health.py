"""Health is progress; readiness is what has been reached."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from controller.runtime.health import Health, Readiness
from controller.web.checks import all_ok


def test_a_component_is_well_while_it_makes_progress() -> None:
    health = Health()
    health.expect("scheduler", 60.0, now_s=0.0)
    assert all_ok(health.status(60.0))
    assert not all_ok(health.status(60.1))
    health.beat("scheduler", 61.0)
    status = health.status(100.0)
    assert all_ok(status)
    assert status["scheduler"].detail == "progress 39 s ago (deadline 60 s)"
    assert health.status(200.0)["scheduler"].detail == "no progress for 139 s (deadline 60 s)"


def test_one_stuck_component_is_enough() -> None:
    health = Health()
    health.expect("workers", 10.0, now_s=0.0)
    health.expect("scheduler", 1000.0, now_s=0.0)
    status = health.status(50.0)
    assert list(status) == ["scheduler", "workers"]
    assert (status["scheduler"].ok, status["workers"].ok) == (True, False)


def test_a_component_that_ended_is_expected_no_more() -> None:
    health = Health()
    health.expect("a", 10.0, now_s=0.0)
    health.expect("b", 10.0, now_s=0.0)
    health.release("a")
    health.release("a")
    health.beat("a", 5.0)
    assert list(health.status(0.0)) == ["b"]


def test_where_nothing_is_expected_nothing_is_well() -> None:
    assert not all_ok(Health().status(0.0))


@given(st.lists(st.floats(0, 1000), min_size=1), st.floats(0, 100), st.floats(0, 2000))
def test_only_the_last_beat_counts(beats: list[float], deadline_s: float, now_s: float) -> None:
    health = Health()
    health.expect("x", deadline_s, now_s=0.0)
    for at_s in beats:
        health.beat("x", at_s)
    assert all_ok(health.status(now_s)) is (now_s - beats[-1] <= deadline_s)


def test_beats_from_many_threads() -> None:
    health = Health()
    names = [f"worker-{number}" for number in range(8)]

    def work(name: str) -> None:
        health.expect(name, 10.0, now_s=0.0)
        for at in range(200):
            health.beat(name, float(at))
            health.status(float(at))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, names))
    assert all_ok(health.status(205.0))
    assert list(health.status(205.0)) == names


def test_ready_means_all_of_it() -> None:
    readiness = Readiness(["policies", "store", "credentials"])
    assert not readiness.ready
    assert readiness.status()["store"].detail == "not yet"
    for name in ("policies", "store", "credentials"):
        assert not readiness.ready
        readiness.put(name, True, "fine")
    assert readiness.ready
    readiness.put("credentials", False, "they have expired")
    assert not readiness.ready
    assert readiness.status()["credentials"].detail == "they have expired"
