"""Messages over real HTTP: what arrives, what is tried again, and that nobody waits or leaks."""

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog
from notify_values import CHANNEL, an_event

from controller.telemetry.notify.channel import Channel, ChannelType
from controller.telemetry.notify.events import Severity
from controller.telemetry.notify.notifier import Channels
from controller.telemetry.notify.post import Never, NotNow, post

pytestmark = pytest.mark.slow

SECRET = "T000-B000-verysecret"


class Hook:
    """A web server that answers as told, and keeps what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], Any]] = []
        self.answers: list[int] = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = hook.answers.pop(0) if hook.answers else 200
                hook.got.append((dict(self.headers), body))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/{SECRET}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    yield server
    server.close()


def until(look: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20.0
    while not look():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_slack_gets_text_with_its_characters_escaped(hook: Hook) -> None:
    post(replace(CHANNEL, address=hook.url), [an_event(text="a < b & c")])
    ((headers, body),) = hook.got
    assert headers["Content-Type"] == "application/json"
    assert body == {"text": "🔥 SloBreached: a &lt; b &amp; c (policy ocr)"}


def test_a_webhook_gets_cloud_events_and_a_token(hook: Hook) -> None:
    channel = Channel("hook", ChannelType.WEBHOOK, hook.url, token="s3cret")
    post(channel, [an_event()])
    post(channel, [an_event(), an_event(subject="b")])
    (headers, one), (_, batch) = hook.got
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert {k: one[k] for k in ("specversion", "source", "type", "time", "subject")} == {
        "specversion": "1.0",
        "source": "rightsizer",
        "type": "dev.rightsizer.SloBreached",
        "time": "2027-01-15T08:00:00.000Z",
        "subject": "lambda_function/123456789012/eu-west-1/ocr:live",
    }
    assert one["data"]["severity"] == "critical"
    assert [event["subject"] for event in batch] == [one["subject"], "b"]
    assert batch[0]["id"] == one["id"] != batch[1]["id"]


@pytest.mark.parametrize(
    ("status", "error"), [(500, NotNow), (503, NotNow), (429, NotNow), (404, Never), (302, Never)]
)
def test_errors_are_for_now_or_for_good(hook: Hook, status: int, error: type[Exception]) -> None:
    hook.answers = [status]
    with pytest.raises(error, match=f"^HTTP {status}$"):
        post(replace(CHANNEL, address=hook.url), [an_event()])


def test_no_error_names_the_address() -> None:
    with pytest.raises(NotNow) as raised:
        post(replace(CHANNEL, address=f"http://127.0.0.1:9/{SECRET}"), [an_event()])
    assert SECRET not in str(raised.value)
    assert SECRET not in repr(replace(CHANNEL, address=f"http://127.0.0.1:9/{SECRET}", token="t"))


class Tally:
    """Counts what came of events."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int]] = []

    def __call__(self, channel: str, result: str, events: int) -> None:
        self.seen.append((channel, result, events))


def running(*channels: Channel, speed: float = 1.0) -> tuple[Channels, Tally]:
    """Channels on a clock that may run faster, so that a test does not wait for a retry."""
    tally = Tally()
    deliver = {ChannelType.SLACK: post, ChannelType.WEBHOOK: post}
    made = Channels(channels, deliver, now_s=lambda: time.monotonic() * speed, counted=tally)
    made.start()
    return made, tally


def test_a_server_error_is_tried_again_until_it_arrives(hook: Hook) -> None:
    hook.answers = [503, 500]
    channels, tally = running(replace(CHANNEL, address=hook.url), speed=100.0)
    channels.tell(an_event())
    channels.tell(an_event())
    until(lambda: ("on-call", "sent", 1) in tally.seen)
    assert len(hook.got) == 3
    assert ("on-call", "suppressed", 1) in tally.seen
    channels.stop(5.0)


def test_what_is_refused_is_counted_and_the_log_names_the_channel_only(hook: Hook) -> None:
    hook.answers = [403]
    with structlog.testing.capture_logs() as logs:
        channels, tally = running(replace(CHANNEL, address=hook.url))
        channels.tell(an_event())
        until(lambda: ("on-call", "failed", 1) in tally.seen)
        channels.stop(5.0)
    assert len(hook.got) == 1
    assert "on-call" in str(logs)
    assert SECRET not in str(logs)


def test_a_channel_that_hangs_holds_up_neither_the_teller_nor_the_others(hook: Hook) -> None:
    held = threading.Event()

    def hang(*_: Any) -> None:
        held.wait(30.0)

    tally = Tally()
    slow = Channel("slow", ChannelType.WEBHOOK, hook.url)
    made = Channels(
        [slow, replace(CHANNEL, address=hook.url)],
        {ChannelType.WEBHOOK: hang, ChannelType.SLACK: post},
        now_s=time.monotonic,
        counted=tally,
    )
    made.start()
    began_s = time.monotonic()
    for number in range(1000):
        made.tell(an_event(subject=str(number)))
    assert time.monotonic() - began_s < 5.0
    until(lambda: any(name == "on-call" and what == "sent" for name, what, _ in tally.seen))
    assert not any(name == "slow" and what == "sent" for name, what, _ in tally.seen)
    held.set()
    made.stop(5.0)


def test_a_digest_leaves_before_the_end(hook: Hook) -> None:
    channels, tally = running(replace(CHANNEL, address=hook.url, digest_s=3600.0))
    channels.tell(an_event(subject="a"))
    channels.tell(an_event(subject="b"))
    channels.stop(20.0)
    assert tally.seen == [("on-call", "sent", 2)]
    ((_, body),) = hook.got
    assert body["text"].count("SloBreached") == 2


def test_channels_hear_what_they_asked_for() -> None:
    vision = replace(CHANNEL, policies=("ocr*",), labels={"team": "vision"}, types=("SloBreached",))
    event = an_event(labels={"team": "vision", "stage": "prod"})
    assert vision.wants(event)
    assert not vision.wants(replace(event, policy="chat"))
    assert not vision.wants(replace(event, labels={"team": "chat"}))
    assert not vision.wants(replace(event, type="DriftDetected"))
    assert not CHANNEL.wants(replace(event, severity=Severity.INFO))
