"""Channels from a file: who is to be told of what.

```yaml
channels:
  - name: on-call
    type: slack                     # or webhook, or sns
    urlFile: /run/secrets/slack     # or urlVariable: SLACK_URL; a url only where it is no secret
    minSeverity: critical           # info, warning (the default), critical
    policies: ["checkout-*"]        # shell patterns; all unless said
    labels: {team: vision}          # of the policy
    types: [SloBreached, SloRestored]
    digest: 15m                     # collect, and tell in one message
    maxPerHour: 20
    repeatAfter: 6h
```
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from controller.policy.durations import parse_duration_s
from controller.telemetry.notify.channel import Channel, ChannelType
from controller.telemetry.notify.events import TYPES, Severity

_SOURCES = ("url", "urlFile", "urlVariable")


class SettingsInvalid(ValueError):  # noqa: N818 - named for what it says
    """One sentence that names the file and the member."""


def _seconds(value: object) -> float:
    return parse_duration_s(value)


Duration = Annotated[float, BeforeValidator(_seconds)]


class _Channel(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    type: ChannelType
    url: str | None = None
    url_file: Path | None = None
    url_variable: str | None = None
    topic_arn: str | None = None
    token_file: Path | None = None
    token_variable: str | None = None
    min_severity: Severity = Severity.WARNING
    policies: tuple[str, ...] = ("*",)
    labels: dict[str, str] = Field(default_factory=dict)
    types: tuple[str, ...] = ()
    digest: Duration = 0.0
    max_per_hour: int = Field(default=20, ge=1, le=3600)
    repeat_after: Duration = 21_600.0


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)

    channels: tuple[_Channel, ...] = Field(min_length=1)


def read_channels(path: Path, variable: Callable[[str], str | None]) -> tuple[Channel, ...]:
    """The channels of a file.

    Args:
        path: the YAML file.
        variable: an environment variable's value, None where unset.

    Raises:
        SettingsInvalid: in one sentence, never with a secret's value.
        OSError: the file itself cannot be read.
    """
    try:
        found = YAML(typ="safe").load(path.read_text("utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        line = str(getattr(getattr(error, "problem_mark", None), "line", 0) + 1)
        raise SettingsInvalid(f"{path}:{line}: this is not YAML") from error
    try:
        document = _Document.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise SettingsInvalid(f"{path}: {where}: {first['msg']}") from None
    names = [channel.name for channel in document.channels]
    if len(set(names)) < len(names):
        raise SettingsInvalid(f"{path}: two channels have one name")
    return tuple(_resolved(path, channel, variable) for channel in document.channels)


def _resolved(path: Path, given: _Channel, variable: Callable[[str], str | None]) -> Channel:
    def refuse(why: str) -> SettingsInvalid:
        return SettingsInvalid(f"{path}: channel {given.name}: {why}")

    unknown = sorted(set(given.types) - set(TYPES))
    if unknown:
        raise refuse(f"there is no event {unknown[0]!r}; there are {', '.join(TYPES)}")
    if given.type is ChannelType.SNS:
        if given.topic_arn is None or not given.topic_arn.startswith("arn:"):
            raise refuse("an sns channel needs a topicArn")
        address = given.topic_arn
    else:
        address = _address(given, variable, refuse)
    return Channel(
        name=given.name,
        type=given.type,
        address=address,
        token=_secret(given.token_file, given.token_variable, variable, refuse),
        min_severity=given.min_severity,
        policies=given.policies,
        labels=given.labels,
        types=given.types,
        digest_s=given.digest,
        max_per_hour=given.max_per_hour,
        repeat_after_s=given.repeat_after,
    )


Refuse = Callable[[str], SettingsInvalid]


def _address(given: _Channel, variable: Callable[[str], str | None], refuse: Refuse) -> str:
    sources = [given.url, given.url_file, given.url_variable]
    if sum(source is not None for source in sources) != 1:
        raise refuse(f"exactly one of {', '.join(_SOURCES)} is needed")
    url = given.url or _secret(given.url_file, given.url_variable, variable, refuse) or ""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise refuse("its url is not one") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise refuse("its url does not begin with http:// or https:// and a host")
    return url


def _secret(
    file: Path | None,
    name: str | None,
    variable: Callable[[str], str | None],
    refuse: Refuse,
) -> str | None:
    if file is not None:
        try:
            text = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise refuse(f"{file} cannot be read") from None
        if not text:
            raise refuse(f"{file} is empty")
        return text
    if name is None:
        return None
    value = variable(name)
    if not value:
        raise refuse(f"the variable {name} is not set")
    return value
