"""One journalled actuation and the steps it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from controller.model.decision import Proposal
from controller.model.endpoint import EndpointKey
from controller.model.reason import Reason
from controller.model.sagemaker_steps import SageMakerStep
from controller.model.size import Size


class ChangePhase(StrEnum):
    """Planned → Applying → Applied → Verifying → Verified, or Unverified, RolledBack, Failed."""

    PLANNED = "Planned"
    APPLYING = "Applying"
    APPLIED = "Applied"
    VERIFYING = "Verifying"
    ROLLING_BACK = "RollingBack"
    VERIFIED = "Verified"
    UNVERIFIED = "Unverified"
    """The target stays although too few requests came to judge it: going back would be worse."""
    ROLLED_BACK = "RolledBack"
    FAILED = "Failed"

    @property
    def open(self) -> bool:
        """Whether there is still something to do."""
        return self not in _CLOSED

    @property
    def stays(self) -> bool:
        """Whether the change has ended with its target live."""
        return self in {ChangePhase.VERIFIED, ChangePhase.UNVERIFIED}


_CLOSED = {
    ChangePhase.VERIFIED,
    ChangePhase.UNVERIFIED,
    ChangePhase.ROLLED_BACK,
    ChangePhase.FAILED,
}


class VerdictKind(StrEnum):
    """A lattice, not a boolean: 'no measurement' is never success."""

    PASS = "Pass"
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"


@dataclass(frozen=True, slots=True)
class Verdict:
    """After against before, on live requests."""

    kind: VerdictKind
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the endpoint did before the change; what the verdict compares with."""

    start_s: float
    end_s: float
    requests: int
    slow: int
    errors: int
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the journal; replaced as a whole as it advances."""

    id: int
    key: EndpointKey
    policy: str
    phase: ChangePhase
    before: Size
    target: Size
    reason: Reason
    detail: str
    proposal: Proposal | None
    """None for a change that a person asked for without an estimate (`rollback`)."""
    etag: str
    """The live etag on which the decision rested."""
    baseline: Baseline | None
    actor: str
    """`controller`, or who asked for it on the command line."""
    term: int
    """Fencing term of the lease under which the row was last written."""
    planned_at_s: float
    updated_at_s: float
    progress: Mapping[str, str] = field(default_factory=dict)
    """What the kind must remember between ticks: versions, weights, times."""
    verdict: Verdict | None = None
    finished_at_s: float | None = None
    revision: int = 0
    """Compare-and-swap counter of the row itself."""


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """One line of a change's history: an intent before an AWS call, or what came of it."""

    at_s: float
    phase: ChangePhase
    what: str
    """`intent UpdateMemory`, `done UpdateMemory`, `verdict Pass` …"""
    message: str
    term: int = 0
    """Fencing term of the lease under which it was written."""
    shard: int = 0
    """Whose lease that was, where the fleet is shared out."""


# Steps: effects as data. The kind's pure rollout yields them, its live adapter executes them.


@dataclass(frozen=True, slots=True)
class UpdateMemory:
    """Set `$LATEST`'s memory, if its revision is still the one seen."""

    memory_mb: int
    revision_id: str


@dataclass(frozen=True, slots=True)
class PublishVersion:
    """Publish `$LATEST`; the code must still be the one seen. Idempotent on AWS's side."""

    code_sha256: str
    revision_id: str


@dataclass(frozen=True, slots=True)
class PointAlias:
    """Point an alias at a version, sending `weights` of the requests to others."""

    alias: str
    version: str
    weights: Mapping[str, float]
    revision_id: str


@dataclass(frozen=True, slots=True)
class RemoveVersion:
    """Delete a version that a change of ours published, once nothing uses it any more."""

    version: str
    made_after_s: float
    """When that change was planned: an older version of this number is not ours."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until_s`; come back then."""

    until_s: float
    why: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Advance:
    """Only the journal moves: to another phase, with progress to remember."""

    phase: ChangePhase
    what: str
    message: str
    progress: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict | None = None


LambdaStep: TypeAlias = UpdateMemory | PublishVersion | PointAlias | RemoveVersion
Mutation: TypeAlias = LambdaStep | SageMakerStep
Step: TypeAlias = Mutation | Wait | Advance
