"""Calls made through the Invoke API, as opposed to traffic that the workload makes up.

They are few, so they are kept one by one; metrics, logs and the bill add them to the rest.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call and what REPORT says of it.

    `resource` is CloudWatch's dimension (`name`, `name:alias`); `executed_version` is set
    where an alias was called. A throttled call has no duration and no report.
    """

    at_s: float
    resource: str
    executed_version: str | None
    version: str
    request_id: str
    duration_ms: float
    billed_ms: int
    init_ms: float | None
    memory_mb: int
    memory_used_mb: int
    error: bool
    throttled: bool = False
    architecture: str = "x86_64"
