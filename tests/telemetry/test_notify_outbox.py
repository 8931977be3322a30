"""What a channel says and when: once, not too often, again after a failure, never for ever."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from notify_values import CHANNEL, an_event

from controller.telemetry.notify.outbox import MOST_WAITING, TRIES, Outbox


def test_the_same_thing_is_said_once() -> None:
    outbox = Outbox(CHANNEL)
    assert outbox.put(an_event(), 0.0).accepted
    assert not outbox.put(an_event(), 100.0).accepted
    assert outbox.put(an_event(subject="another"), 100.0).accepted
    assert len(outbox.due(100.0)) == 2


def test_what_was_restored_in_between_is_news_again() -> None:
    outbox = Outbox(CHANNEL)
    for type_ in ("SloBreached", "SloRestored", "SloBreached"):
        assert outbox.put(an_event(type=type_), 0.0).accepted
    assert not outbox.put(an_event(type="SloBreached"), 1.0).accepted
    assert outbox.put(an_event(type="DriftDetected", topic="Drifted"), 2.0).accepted
    assert not outbox.put(an_event(type="SloBreached"), 3.0).accepted


def test_it_is_said_again_when_long_enough_has_passed() -> None:
    outbox = Outbox(CHANNEL)
    assert outbox.put(an_event(), 0.0).accepted
    assert outbox.put(an_event(), CHANNEL.repeat_after_s).accepted


def test_a_digest_waits_and_is_one_message() -> None:
    outbox = Outbox(replace(CHANNEL, digest_s=900.0))
    outbox.put(an_event(subject="a"), 0.0)
    outbox.put(an_event(subject="b"), 600.0)
    assert outbox.due(899.0) == ()
    events = outbox.due(900.0)
    assert [event.subject for event in events] == ["a", "b"]
    outbox.sent(events, 900.0)
    assert outbox.next_s() is None


def test_a_failed_message_is_tried_later_and_later_then_given_up() -> None:
    outbox = Outbox(CHANNEL)
    outbox.put(an_event(), 0.0)
    now_s, waits = 0.0, []
    for _ in range(TRIES - 1):
        events = outbox.due(now_s)
        assert outbox.failed(events, now_s)
        assert outbox.due(now_s) == ()
        next_s = outbox.next_s()
        assert next_s is not None
        waits.append(next_s - now_s)
        now_s = next_s
    assert waits == sorted(waits)
    assert waits[0] == 2.0
    assert not outbox.failed(outbox.due(now_s), now_s)
    assert outbox.next_s() is None


def test_events_that_came_during_a_delivery_are_not_lost() -> None:
    outbox = Outbox(CHANNEL)
    outbox.put(an_event(subject="a"), 0.0)
    under_way = outbox.due(0.0)
    outbox.put(an_event(subject="b"), 1.0)
    outbox.sent(under_way, 2.0)
    assert [event.subject for event in outbox.due(2.0)] == ["b"]


def test_the_oldest_go_where_too_many_wait() -> None:
    outbox = Outbox(replace(CHANNEL, digest_s=1e6))
    dropped = sum(
        outbox.put(an_event(subject=str(n)), 0.0).dropped for n in range(MOST_WAITING + 7)
    )
    assert dropped == 7
    waiting = outbox.due(1e6)
    assert len(waiting) == MOST_WAITING
    assert waiting[0].subject == "7"


@given(
    st.lists(st.tuples(st.floats(0.0, 300.0), st.integers(0, 400)), min_size=1, max_size=120),
    st.integers(1, 10),
)
def test_never_more_messages_an_hour_and_every_event_exactly_once(
    arrivals: list[tuple[float, int]], limit: int
) -> None:
    outbox = Outbox(replace(CHANNEL, max_per_hour=limit, repeat_after_s=1e9))
    now_s, left = 0.0, []
    said: Counter[str] = Counter()
    accepted: set[str] = set()

    def deliver(until_s: float) -> None:
        nonlocal now_s
        while (next_s := outbox.next_s()) is not None and next_s <= until_s:
            now_s = max(now_s, next_s)
            events = outbox.due(now_s)
            assert events
            outbox.sent(events, now_s)
            left.append(now_s)
            said.update(event.subject for event in events)

    for pause_s, number in arrivals:
        deliver(now_s + pause_s)
        now_s += pause_s
        if outbox.put(an_event(subject=str(number)), now_s).accepted:
            accepted.add(str(number))
    deliver(now_s + 1e7)
    assert set(said) == accepted
    assert set(said.values()) <= {1}
    for first, later in zip(left, left[limit:], strict=False):
        assert later - first >= 3600.0 - 1e-6
