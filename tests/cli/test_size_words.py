"""Sizes in narrow columns: short, and never two that read the same."""

from controller.cli.size_words import short, size_arrow, told_apart
from controller.model.size import LambdaSize, RealtimeSize, ScheduledBounds, ServerlessSize, Size

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


def test_what_is_kept_warm_is_said() -> None:
    cold, warm = ServerlessSize(2048, 5), ServerlessSize(2048, 5, 1)
    assert (short(cold), short(warm)) == ("2048 MB x5", "2048 MB x5 +1 warm")
    assert size_arrow(cold, warm) == "2048 MB x5 -> x5 +1 warm"
    assert size_arrow(warm, ServerlessSize(3072, 5, 1)) == "2048 -> 3072 MB x5 +1 warm"
    assert size_arrow(cold, ServerlessSize(2048, 8)) == "2048 MB x5 -> x8"
