"""Sizes in narrow columns: short, and never two that read the same."""

from controller.cli.size_words import told_apart
from controller.model.size import LambdaSize, RealtimeSize, ScheduledBounds, Size

RAISE = ScheduledBounds("cron(0 7 ? * * *)", "UTC", 2, 3)


def test_sizes_that_differ_in_their_target_say_it() -> None:
    sizes: list[Size] = [
        RealtimeSize("ml.c5.xlarge", 1, 3, 900.0),
        RealtimeSize("ml.c5.xlarge", 1, 3, 1200.0),
        RealtimeSize("ml.c5.large", 2, 2),
    ]
    assert list(told_apart(sizes).values()) == [
        "1-3 c5.xlarge @900",
        "1-3 c5.xlarge @1200",
        "2 c5.large",
    ]


def test_sizes_that_differ_in_their_schedule_say_how_many_actions() -> None:
    sizes: list[Size] = [
        RealtimeSize("ml.c5.xlarge", 1, 3, 900.0),
        RealtimeSize("ml.c5.xlarge", 1, 3, 900.0, (RAISE,)),
    ]
    assert list(told_apart(sizes).values()) == ["1-3 c5.xlarge", "1-3 c5.xlarge +1"]


def test_memory_needs_no_more_words() -> None:
    assert told_apart([LambdaSize(128)]) == {LambdaSize(128): "128 MB"}
