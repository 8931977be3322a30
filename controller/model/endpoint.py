"""What an endpoint is, what size it has, and what state AWS reports it in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of endpoint; the value is the word used in policies, labels and keys."""

    LAMBDA_FUNCTION = "lambda_function"


LATEST = "$LATEST"


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
        suffix = "" if self.qualifier == LATEST else f":{self.qualifier}"
        return f"{kind} {self.region}/{self.name}{suffix}"

    @classmethod
    def parse(cls, text: str) -> "EndpointKey":
        """Inverse of `str`. Raises ValueError with the expected form."""
        head, _, qualifier = text.partition(":")
        parts = head.split("/")
        if len(parts) != 4 or not all(parts):
            raise ValueError(f"{text!r} is not KIND/ACCOUNT/REGION/NAME[:QUALIFIER]")
        kind, account, region, name = parts
        return cls(account, region, Kind(kind), name, qualifier or LATEST)


@dataclass(frozen=True, slots=True, order=True)
class LambdaSize:
    """A Lambda function's size."""

    memory_mb: int

    def __str__(self) -> str:
        return f"{self.memory_mb} MB"


Size = LambdaSize
"""What we may change; a union as further kinds arrive."""


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
    live: LambdaLive
