"""A channel: where to tell, and which events it wants to hear of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from controller.telemetry.notify.events import Event, Severity


class ChannelType(StrEnum):
    """How a message is delivered."""

    SLACK = "slack"
    """POST of `{"text": …}`, as Slack and what is compatible with it take it."""
    WEBHOOK = "webhook"
    """POST of CloudEvents in JSON."""
    SNS = "sns"
    """A topic of Amazon SNS."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel as configured; its address may be a secret and is not shown."""

    name: str
    type: ChannelType
    address: str = field(repr=False)
    """A URL, or the ARN of a topic."""
    token: str | None = field(default=None, repr=False)
    """Sent as a bearer token by a webhook."""
    min_severity: Severity = Severity.WARNING
    policies: tuple[str, ...] = ("*",)
    """Shell patterns; one must match."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the policy; all must match."""
    types: tuple[str, ...] = ()
    """Types of events; none: all."""
    digest_s: float = 0.0
    """Events are collected for so long and told in one message; 0: told at once."""
    max_per_hour: int = 20
    """Messages beyond that wait, and are told as one."""
    repeat_after_s: float = 21_600.0
    """The same thing is not told again sooner."""

    def wants(self, event: Event) -> bool:
        """Whether it is to be told."""
        return (
            event.severity.rank >= self.min_severity.rank
            and any(fnmatchcase(event.policy, pattern) for pattern in self.policies)
            and self.labels.items() <= event.labels.items()
            and (not self.types or event.type in self.types)
        )
