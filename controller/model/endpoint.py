"""What an endpoint is, what size it has, and what state AWS reports it in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from controller.model.sagemaker import RealtimeLive, ServerlessLive
from controller.model.size import Size


class Kind(StrEnum):
    """Kinds of endpoint; the value is the word used in policies, labels and keys."""

    LAMBDA_FUNCTION = "lambda_function"
    SERVERLESS_ENDPOINT = "serverless_endpoint"
    REALTIME_ENDPOINT = "realtime_endpoint"


LATEST = "$LATEST"
ALL_TRAFFIC = "AllTraffic"
"""The variant's name that the SageMaker console and SDK give; ours where a policy says none."""


def default_qualifier(kind: Kind) -> str:
    """What traffic uses where a policy does not say."""
    return LATEST if kind is Kind.LAMBDA_FUNCTION else ALL_TRAFFIC


@dataclass(frozen=True, slots=True, order=True)
class EndpointKey:
    """Names one endpoint for ever; sortable, hashable, printable; the queue's key."""

    account: str
    region: str
    kind: Kind
    name: str
    qualifier: str = LATEST
    """Alias (or `$LATEST`) that traffic uses; for SageMaker the variant."""

    def __str__(self) -> str:
        return f"{self.kind}/{self.account}/{self.region}/{self.name}:{self.qualifier}"

    @property
    def short(self) -> str:
        """`lambda eu-west-1/ocr:live`, as sentences name it."""
        kind = self.kind.value.removesuffix("_function").removesuffix("_endpoint")
        suffix = "" if self.qualifier == default_qualifier(self.kind) else f":{self.qualifier}"
        return f"{kind} {self.region}/{self.name}{suffix}"

    @classmethod
    def parse(cls, text: str) -> "EndpointKey":
        """Inverse of `str`. Raises ValueError with the expected form."""
        head, _, qualifier = text.partition(":")
        parts = head.split("/")
        if len(parts) != 4 or not all(parts):
            raise ValueError(f"{text!r} is not KIND/ACCOUNT/REGION/NAME[:QUALIFIER]")
        kind, account, region, name = parts
        return cls(account, region, Kind(kind), name, qualifier or default_qualifier(Kind(kind)))


class Phase(StrEnum):
    """Where AWS says the endpoint is; a word, not proof: compare the size too."""

    STABLE = "Stable"
    UPDATING = "Updating"
    ROLLING_BACK = "RollingBack"
    FAILED = "Failed"
    MISSING = "Missing"


@dataclass(frozen=True, slots=True)
class FunctionConfig:
    """One version's configuration as Lambda reports it ($LATEST or a published number)."""

    version: str
    memory_mb: int
    revision_id: str
    code_sha256: str
    architecture: str
    timeout_s: int
    package_type: str
    runtime: str | None
    role: str
    update_status: str
    """`Successful`, `InProgress` or `Failed` ($LATEST only; published versions say Successful)."""
    update_reason: str
    state: str
    last_modified_s: float
    log_group: str
    fingerprint: str
    """Hash of every field that a release could change, memory excluded."""


@dataclass(frozen=True, slots=True)
class AliasConfig:
    """An alias: the version it names and the share of traffic sent elsewhere."""

    name: str
    version: str
    revision_id: str
    weights: Mapping[str, float] = field(default_factory=dict)
    """Additional versions and their share of requests, 0-1."""


@dataclass(frozen=True, slots=True)
class LambdaLive:
    """Everything of a function that a decision about its memory may rest on."""

    latest: FunctionConfig
    alias: AliasConfig | None
    """None where traffic uses `$LATEST`."""
    versions: Mapping[str, FunctionConfig]
    """Published versions that the alias names, by number."""
    provisioned_concurrency: int | None = None
    """Environments kept warm on the alias; None where none are."""

    @property
    def serving(self) -> FunctionConfig:
        """The version that takes the main part of the traffic."""
        return self.latest if self.alias is None else self.versions[self.alias.version]


Live: TypeAlias = LambdaLive | ServerlessLive | RealtimeLive


@dataclass(frozen=True, slots=True)
class EndpointState:
    """The endpoint as AWS shows it at one instant."""

    key: EndpointKey
    size: Size
    phase: Phase
    etag: str
    """Changes whenever the live configuration does (RevisionIds of function and alias)."""
    tags: Mapping[str, str]
    observed_at_s: float
    live: Live

    @property
    def function(self) -> LambdaLive:
        """What is live of a Lambda function. Raises TypeError for another kind."""
        if not isinstance(self.live, LambdaLive):
            raise TypeError(f"{self.key} is no Lambda function")
        return self.live

    @property
    def serverless(self) -> ServerlessLive:
        """What is live of a serverless endpoint. Raises TypeError for another kind."""
        if not isinstance(self.live, ServerlessLive):
            raise TypeError(f"{self.key} is no serverless endpoint")
        return self.live

    @property
    def realtime(self) -> RealtimeLive:
        """What is live of a real-time endpoint. Raises TypeError for another kind."""
        if not isinstance(self.live, RealtimeLive):
            raise TypeError(f"{self.key} is no real-time endpoint")
        return self.live
