"""What a service handler of the sandbox is given, what it answers, and how it refuses.

A service is a module with one literal table, `HANDLERS: Mapping[str, Handler]`, keyed by
operation name. A handler never sees HTTP: parameters and answers are plain Python values
under botocore's member names, in the types boto3 shows its users (datetime for timestamps,
bytes for blobs, int, float, str, list, dict).

Three keys of an answer mean something to the doors and never reach the wire as members:

- `ResponseMetadata`: `{"HTTPStatusCode": int, "HTTPHeaders": {name: value}}`, for rare cases.
- `_sleep_ms`: how long the HTTP door really waits before it answers (a data-plane latency).
- members the model places in headers, in the status code or as the payload are given flat,
  by name, exactly as boto3 returns them (Lambda Invoke: `StatusCode`, `Payload`, `LogResult`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.sandbox.world import World

SLEEP_KEY = "_sleep_ms"
METADATA_KEY = "ResponseMetadata"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks for what, where and when.

    service: botocore service name (lambda, cloudwatch, logs, sts, pricing,
        resourcegroupstaggingapi); operation: e.g. GetFunctionConfiguration.
    account: twelve digits, from the credentials; region: from the SigV4 credential scope.
    principal: the access key id, or the ARN of an assumed role's session.
    now_s: the world's time, seconds since the Unix epoch.
    host: what the caller connected to; empty where no socket was in between.
    """

    service: str
    operation: str
    account: str
    region: str
    principal: str
    now_s: float
    host: str = ""


class AwsError(Exception):
    """An error answer as AWS would give it.

    code: the error's name as boto3 shows it in `response["Error"]["Code"]`; status: HTTP
    status; members: further members the model gives this error (e.g. `Type`, `Reason`).
    """

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members: dict[str, Any] = members


Handler = Callable[["World", RequestContext, Mapping[str, Any]], Mapping[str, Any]]
