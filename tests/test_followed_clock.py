"""The time of a sandbox beside us: it flows, never goes back, and stops when nobody answers."""

import time

from controller.clock import FollowedClock


class Sandbox:
    """Tells a time, or does not answer."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        self.asked = 0
        self.answers = True

    def ask(self) -> float:
        self.asked += 1
        if not self.answers:
            raise ConnectionError("gone")
        return self.now_s


def test_it_flows_at_the_pace_without_asking_all_the_time() -> None:
    sandbox = Sandbox(1000.0)
    clock = FollowedClock(sandbox.ask, 3600.0)
    shown = [clock.now_s() for _ in range(200)]
    assert shown == sorted(shown)
    assert shown[-1] > shown[0] >= 1000.0
    assert sandbox.asked <= 2
    assert abs(clock.monotonic_s() - time.monotonic()) < 1.0


def test_without_an_answer_time_stands_still() -> None:
    sandbox = Sandbox(1000.0)
    clock = FollowedClock(sandbox.ask, 60.0)
    sandbox.answers = False
    clock._told_at_s -= 30.0
    first_s = clock.now_s()
    assert first_s == clock.now_s() == 1060.0
