"""Channels from a file: secrets by file or variable, and one sentence for what is wrong."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from controller.telemetry.notify.channel import ChannelType
from controller.telemetry.notify.events import Severity
from controller.telemetry.notify.settings import SettingsInvalid, read_channels

SECRET = "https://hooks.example/T000/verysecret"


def read(folder: Path, text: str, variables: Mapping[str, str] | None = None) -> object:
    file = folder / "notify.yaml"
    file.write_text(text, "utf-8")
    return read_channels(file, (variables or {}).get)


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{SECRET}\n")
    text = f"""
channels:
  - name: on-call
    type: slack
    urlFile: {tmp_path / "url"}
    minSeverity: critical
    policies: ["checkout-*"]
    labels: {{team: vision}}
    types: [SloBreached, SloRestored]
    digest: 15m
    maxPerHour: 5
    repeatAfter: 1h
  - {{name: hook, type: webhook, urlVariable: HOOK, tokenVariable: TOKEN}}
  - {{name: topic, type: sns, topicArn: "arn:aws:sns:eu-west-1:123456789012:rightsizer"}}
"""
    slack, hook, topic = read_channels(
        _written(tmp_path, text), {"HOOK": "http://127.0.0.1:1/x", "TOKEN": "t"}.get
    )
    assert slack.address == SECRET
    assert (slack.min_severity, slack.digest_s, slack.max_per_hour) == (Severity.CRITICAL, 900.0, 5)
    assert (slack.repeat_after_s, slack.policies) == (3600.0, ("checkout-*",))
    assert (hook.address, hook.token) == ("http://127.0.0.1:1/x", "t")
    assert (topic.type, topic.min_severity) == (ChannelType.SNS, Severity.WARNING)


def _written(folder: Path, text: str) -> Path:
    file = folder / "notify.yaml"
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channels: [", "not YAML"),
        ("channels: []", "channels"),
        ("channels: [{name: a, type: pigeon, url: 'http://x'}]", "channels.0.type"),
        ("channels: [{name: a, type: slack}]", "exactly one of url, urlFile, urlVariable"),
        ("channels: [{name: a, type: slack, url: 'http://x', urlVariable: X}]", "exactly one"),
        ("channels: [{name: a, type: slack, url: 'ftp://x/verysecret'}]", "http:// or https://"),
        ("channels: [{name: a, type: slack, urlVariable: NOT}]", "NOT is not set"),
        ("channels: [{name: a, type: slack, urlFile: /nonexistent/x}]", "cannot be read"),
        ("channels: [{name: a, type: sns}]", "topicArn"),
        ("channels: [{name: a, type: slack, url: 'http://x', types: [Nothing]}]", "no event"),
        ("channels: [{name: a, type: slack, url: 'http://x', digest: soon}]", "channels.0.digest"),
        ("channels: [{name: a, type: slack, url: 'http://verysecret', bogus: 1}]", "bogus"),
        (
            "channels: [{name: a, type: slack, url: 'http://x'},"
            " {name: a, type: slack, url: 'http://y'}]",
            "one name",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_without_the_secret(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        read(tmp_path, text)
    assert said in str(raised.value)
    assert "verysecret" not in str(raised.value)
    assert "\n" not in str(raised.value)
