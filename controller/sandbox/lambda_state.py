"""A Lambda function as its control plane sees it: versions, aliases, and what is under way.

Pure state and its transitions; the operations of the API are in `lambda_*_api`. Values are
frozen and replaced, so that an older view can be shown while a change is not yet visible.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from controller.sandbox.serving import Route, Variant

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """`LastUpdateStatus` with its reason."""

    status: str = "Successful"
    reason: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class VersionConfig:
    """Configuration and code of `$LATEST` or of one published version.

    `settings` holds further members of the API (Environment, Layers, VpcConfig, ...) as
    they were given. `latency_factor` and `memory_factor` are the world's secret: how this
    code behaves against the workload.
    """

    version: str
    memory_mb: int
    timeout_s: int
    architecture: str
    runtime: str | None
    handler: str | None
    role: str
    description: str
    package_type: str
    code_sha256: str
    code_size: int
    revision_id: str
    last_modified_s: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: str = "Active"
    update: UpdateStatus = UpdateStatus()
    latency_factor: float = 1.0
    memory_factor: float = 1.0
    image_uri: str | None = None
    variant: Variant | None = None
    """The environments that serve it; while an update is under way, still the old ones."""

    @property
    def content(self) -> tuple[Any, ...]:
        """Everything that publishing compares: code and configuration, not status or time."""
        return (
            self.memory_mb, self.timeout_s, self.architecture, self.runtime, self.handler,
            self.role, self.description, self.package_type, self.code_sha256,
            self.image_uri, repr(sorted(self.settings.items())),
        )  # fmt: skip

    def same_code(self, other: "VersionConfig") -> bool:
        """Whether two versions run the same code or image."""
        same_image = self.image_uri is not None and self.image_uri == other.image_uri
        return same_image or self.code_sha256 == other.code_sha256


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias: its version, and additional versions with their share of requests."""

    name: str
    version: str
    revision_id: str
    description: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Provisioned concurrency of one alias or version."""

    requested: int
    available: int
    status: str
    last_modified_s: float
    reason: str | None = None


@dataclass(slots=True)
class Function:
    """One function, from creation to deletion."""

    name: str
    account: str
    region: str
    created_s: float
    latest: VersionConfig
    versions: dict[str, VersionConfig] = field(default_factory=dict)
    """Published versions by number."""
    aliases: dict[str, Alias] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    reserved: int | None = None
    provisioned: dict[str, Provisioned] = field(default_factory=dict)
    published: int = 0
    """Number of the last published version; numbers are never used twice."""
    published_content: tuple[Any, ...] = ()
    """What `$LATEST` was like when that version was published."""
    changes: int = 0
    """Counts every change; revision ids and variants derive from it."""

    @property
    def arn(self) -> str:
        """Unqualified ARN."""
        return function_arn(self.account, self.region, self.name)

    @property
    def log_group(self) -> str:
        """Where its REPORT lines go."""
        logging = self.latest.settings.get("LoggingConfig") or {}
        return str(logging.get("LogGroup") or f"/aws/lambda/{self.name}")

    def config(self, qualifier: str | None) -> VersionConfig | None:
        """`$LATEST` (also for None), a version by number, or the one an alias names."""
        if qualifier is None or qualifier == LATEST:
            return self.latest
        if alias := self.aliases.get(qualifier):
            return self.config(alias.version)
        return self.versions.get(qualifier)

    def routes(self) -> dict[str, Route]:
        """What answers requests under every qualifier, now."""
        routes: dict[str, Route] = {}
        for config in (self.latest, *self.versions.values()):
            if config.variant is not None:
                routes[config.version] = ((config.variant, 1.0),)
        for alias in self.aliases.values():
            if route := self._alias_route(alias, routes):
                routes[alias.name] = route
        return routes

    def _alias_route(self, alias: Alias, routes: Mapping[str, Route]) -> Route:
        parts = [(alias.version, 1.0 - sum(alias.weights.values())), *alias.weights.items()]
        return tuple(
            (routes[version][0][0], share)
            for version, share in parts
            if share > 0 and version in routes
        )

    def copy(self) -> "Function":
        """An independent view of the present state."""
        return replace(
            self,
            versions=dict(self.versions),
            aliases=dict(self.aliases),
            tags=dict(self.tags),
            provisioned=dict(self.provisioned),
        )


def function_arn(account: str, region: str, name: str, qualifier: str | None = None) -> str:
    """ARN of a function, or of a version or alias of it."""
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return arn if qualifier is None else f"{arn}:{qualifier}"


def variant_of(function: Function, config: VersionConfig) -> Variant:
    """New environments for a configuration; `function.changes` must have been counted up."""
    return Variant(
        uid=f"{function.created_s:.0f}/{config.version}/{function.changes}",
        version=config.version,
        memory_mb=config.memory_mb,
        timeout_s=config.timeout_s,
        architecture=config.architecture,
        latency_factor=config.latency_factor,
        memory_factor=config.memory_factor,
    )


def code_digest(code: bytes) -> str:
    """`CodeSha256` as Lambda gives it: base64 of the SHA-256."""
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


def lambda_time(instant_s: float) -> str:
    """`LastModified` as Lambda writes it: `2026-11-20T05:46:00.000+0000`."""
    moment = datetime.fromtimestamp(instant_s, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
