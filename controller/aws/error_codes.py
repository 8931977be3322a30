"""Which error code of AWS means what to us.

AWS has no common list: each service names its errors, some share a code with a different
meaning (`LimitExceeded`), and a few say something only in the message. Codes are compared
without a trailing `Exception` or `Fault` where services disagree about it.
"""

from typing import Any

from controller.model.errors import (
    AccessDenied,
    AdapterError,
    Conflict,
    NotFound,
    Retryable,
    Terminal,
    Throttled,
    Unauthenticated,
)

_THROTTLED = frozenset(
    {
        "Throttling",
        "Throttled",
        "TooManyRequests",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ProvisionedThroughputExceeded",
        "PriorRequestNotComplete",
        "TransactionInProgress",
        "BandwidthLimitExceeded",
        "EC2Throttled",
        "SlowDown",
    }
)
# CloudWatch and Logs use the word of a quota for a rate: "you have too many queries running".
_THROTTLED_BY_SERVICE = frozenset(
    {("cloudwatch", "LimitExceeded"), ("logs", "LimitExceeded"), ("pricing", "LimitExceeded")}
)
_RETRYABLE = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServer",
        "InternalServerError",
        "InternalService",
        "RequestTimeout",
        "Service",
        "ServiceUnavailable",
    }
)
_CONFLICT = frozenset(
    {
        "ConcurrentModification",
        "ConcurrentUpdate",
        "Conflict",
        "OperationAborted",
        "PreconditionFailed",
        "ResourceConflict",
        "ResourceInUse",
    }
)
_CONFLICTING = ("in-progress", "in progress", "already existing", "is in use")
# What SageMaker says in a ValidationException about a thing that is not as we took it to be.
_ACCESS_DENIED = frozenset(
    {
        "AccessDenied",
        "AuthorizationError",
        "FailedResourceAccess",
        "KMSAccessDenied",
        "NotAuthorized",
        "OptInRequired",
        "SubscriptionRequired",
        "Unauthorized",
        "UnauthorizedOperation",
    }
)
EXPIRED = frozenset({"ExpiredToken", "RequestExpired", "TokenRefreshRequired"})
SIGNATURE = frozenset(
    {"IncompleteSignature", "InvalidSignature", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
)
INVALID_KEY = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "InvalidToken",
        "MissingAuthenticationToken",
        "UnrecognizedClient",
    }
)
_UNAUTHENTICATED = EXPIRED | SIGNATURE | INVALID_KEY


def bare(code: str) -> str:
    """The code without namespace and suffix: `ThrottlingException` is `Throttling`."""
    name = code.rpartition("#")[2].rpartition(".")[2]
    return name.removesuffix("Exception").removesuffix("Fault")


def kind_of(service: str, code: str, status: int, message: str) -> type[AdapterError]:
    """The error kind for what a service answered.

    `status` is the HTTP status; the message is looked at only where AWS says nowhere else
    what is the matter (SageMaker's not-found is a ValidationException).
    """
    name = bare(code)
    if name in _THROTTLED or (service, name) in _THROTTLED_BY_SERVICE:
        return Throttled
    if name in _UNAUTHENTICATED:
        return Unauthenticated
    if name in _ACCESS_DENIED:
        return AccessDenied
    if name in _CONFLICT:
        return Conflict
    if name.startswith("NoSuch") or name.endswith("NotFound"):
        return NotFound
    if name in _RETRYABLE:
        return Retryable
    if name == "Validation":
        return _kind_of_validation(message)
    return _kind_of_status(status)


def _kind_of_validation(message: str) -> type[AdapterError]:
    lowered = message.lower()
    if "could not find" in lowered:
        return NotFound
    if any(words in lowered for words in _CONFLICTING):
        return Conflict
    return Terminal


def _kind_of_status(status: int) -> type[AdapterError]:
    if status == 429:
        return Throttled
    if status >= 500:
        return Retryable
    if status in {409, 412}:
        return Conflict
    if status == 401:
        return Unauthenticated
    if status == 403:
        return AccessDenied
    return Terminal


def error_fields(response: Any) -> tuple[str, str, int]:
    """(code, message, HTTP status) of a ClientError's response, whatever is missing in it."""
    error = response.get("Error") or {}
    metadata = response.get("ResponseMetadata") or {}
    code = str(error.get("Code") or "Unknown")
    return code, str(error.get("Message") or ""), int(metadata.get("HTTPStatusCode") or 0)
