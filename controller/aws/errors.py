"""From what boto3 raises to the error contract of `controller.model.errors`.

Each message is one sentence that names the call, where it went and what a person can do. It
never carries credentials, signatures or payloads (AWS repeats the whole signed request in
`SignatureDoesNotMatch`), nor request ids, which would make the same fault look new each tick.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from controller.aws.error_codes import EXPIRED, SIGNATURE, bare, error_fields, kind_of
from controller.model.errors import (
    AccessDenied,
    AdapterError,
    Conflict,
    NotFound,
    Retryable,
    Terminal,
    Throttled,
    Unauthenticated,
    Unreachable,
)
from controller.model.policy import Scope

_LABELS = {
    "application-autoscaling": "Application Auto Scaling",
    "cloudwatch": "CloudWatch",
    "lambda": "Lambda",
    "logs": "CloudWatch Logs",
    "pricing": "Price List",
    "resourcegroupstaggingapi": "Tagging",
    "s3": "S3",
    "sagemaker": "SageMaker",
    "sts": "STS",
}
_IAM_PREFIXES = {"resourcegroupstaggingapi": "tag"}
_IAM_ACTIONS = {
    ("lambda", "Invoke"): "lambda:InvokeFunction",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
}
_LOOKS = frozenset({"lambda", "sagemaker"})
_MAX_QUOTE = 240
_SECRET = re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b|\b[A-Za-z0-9+/=]{60,}")

_NO_CREDENTIALS = (boto.NoCredentialsError, boto.NoAuthTokenError, boto.PartialCredentialsError)
_ENDED_LOGIN = (boto.SSOError, boto.LoginError, boto.TokenRetrievalError)
_BAD_CREDENTIALS = (
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.UnknownCredentialError,
    boto.RefreshWithMFAUnsupportedError,
    boto.UnknownTokenProviderError,
)
_BAD_SETUP = (
    boto.ProfileNotFound,
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.InvalidConfigError,
)
_BAD_REGION = (
    boto.InvalidRegionError,
    boto.NoRegionError,
    boto.UnknownRegionError,
    boto.UnknownEndpointError,
    boto.ServiceNotInRegionError,
    boto.EndpointProviderError,
)
_BROKEN_OFF = (
    boto.ConnectionClosedError,
    boto.IncompleteReadError,
    boto.ResponseStreamingError,
    boto.ReadTimeoutError,
    ResponseParserError,
)


@contextmanager
def translated(
    service: str, operation: str, scope: Scope | None = None, subject: str = ""
) -> Iterator[None]:
    """Let only `AdapterError` out of the block.

    `service` and `operation` are AWS's names (`lambda`, `GetFunction`); `subject` says in
    words what the call is about (`function ocr`).
    """
    try:
        yield
    except AdapterError:
        raise
    except (boto.BotoCoreError, boto.ClientError, ResponseParserError) as error:
        # "from None": the cause's text may hold what the message must not.
        raise translate(error, service, operation, scope, subject) from None


def translate(
    error: Exception,
    service: str,
    operation: str,
    scope: Scope | None = None,
    subject: str = "",
) -> AdapterError:
    """The error of our contract for one that boto3 raised."""
    call = _Call(service, operation, scope, subject)
    if isinstance(error, boto.ClientError):
        return _from_answer(error, call)
    kind, sentence = _from_library(error, scope)
    return kind(f"{call} {sentence}", operation=operation, code=type(error).__name__)


def iam_action(service: str, operation: str) -> str:
    """The IAM action that permits a call: `tag:GetResources`."""
    prefix = _IAM_PREFIXES.get(service, service)
    return _IAM_ACTIONS.get((service, operation), f"{prefix}:{operation}")


@dataclass(frozen=True, slots=True)
class _Call:
    service: str
    operation: str
    scope: Scope | None
    subject: str

    def __str__(self) -> str:
        of = f" of {self.subject}" if self.subject else ""
        where = f" in {self.scope.region}" if self.scope else ""
        return f"{_LABELS.get(self.service, self.service)} {self.operation}{of}{where}"

    @property
    def is_look(self) -> bool:
        """Whether the call asks for its subject and for nothing else."""
        asks = self.operation.startswith(("Describe", "Get", "List")) and bool(self.subject)
        return asks and self.service in _LOOKS and self.scope is not None

    @property
    def nothing(self) -> str:
        """That the subject does not exist: AWS's own words would only repeat it with its ARN."""
        where = "" if self.scope is None else f" in {self.scope.region}"
        return (
            f"there is no {self.subject}{where} in the account of {self.who}: "
            "check name, region and account."
        )

    @property
    def who(self) -> str:
        role = self.scope.role_arn if self.scope else None
        return "the credentials in use" if role is None else role


def _from_answer(error: boto.ClientError, call: _Call) -> AdapterError:
    inner = error.operation_name
    if inner and inner != call.operation:
        # botocore calls STS or SSO by itself to obtain credentials for our call.
        call = _Call("sts", inner, call.scope, f"the credentials for {call}")
    code, message, status = error_fields(error.response)
    kind = kind_of(call.service, code, status, message)
    if kind is NotFound and call.is_look:
        return kind(call.nothing, operation=call.operation, code=code)
    text = {
        Throttled: "was throttled by AWS: it is tried again later.",
        Retryable: f"failed inside AWS ({status} {code}): it is tried again later.",
        Unauthenticated: _unauthenticated(code),
        AccessDenied: (
            f"was denied: allow {iam_action(call.service, call.operation)} to {call.who}"
            f"{_quote(message)}."
        ),
        Conflict: f"was refused, for it is changing or was changed meanwhile{_quote(message)}.",
        NotFound: f"found nothing{_quote(message)}.",
        Terminal: f"was refused with {code}{_quote(message)}.",
    }[kind]
    return kind(
        f"{call} {text}",
        operation=call.operation,
        code=code,
        retry_after_s=_retry_after_s(error) if kind is Throttled else None,
    )


def _unauthenticated(code: str) -> str:
    name = bare(code)
    if name in EXPIRED:
        return "failed: the AWS credentials have expired; sign in again or renew them."
    if name in SIGNATURE:
        return "failed: AWS does not accept the signature; check the secret key and the clock."
    return (
        "failed: AWS does not know these credentials; check the access key, the session token, "
        "and that the region is enabled in the account."
    )


def _from_library(error: Exception, scope: Scope | None) -> tuple[type[AdapterError], str]:
    region = f"region {scope.region!r}" if scope else "the region"
    if isinstance(error, _NO_CREDENTIALS):
        return Unauthenticated, (
            "failed: no complete AWS credentials were found; set AWS_PROFILE or "
            "AWS_ACCESS_KEY_ID, or run where a role is attached."
        )
    if isinstance(error, _ENDED_LOGIN):
        return Unauthenticated, "failed: the AWS login has ended; run `aws sso login` again."
    if isinstance(error, _BAD_CREDENTIALS):
        return Unauthenticated, "failed: the AWS credentials could not be obtained or renewed."
    if isinstance(error, _BAD_SETUP):
        return Unauthenticated, f"failed: the AWS configuration is unusable{_quote(str(error))}."
    if isinstance(error, _BAD_REGION):
        return Terminal, f"failed: {region} is not one that AWS or this service has."
    if isinstance(error, boto.ConnectionError):
        return Unreachable, _unreachable(error, region)
    if isinstance(error, _BROKEN_OFF):
        return Retryable, "got no whole answer from AWS in time: it is tried again later."
    if isinstance(error, boto.HTTPClientError):
        return Unreachable, "failed on the way to AWS: check network and proxy."
    if isinstance(error, boto.ParamValidationError):
        names = sorted(set(re.findall(r'parameter:? "?([\w.\[\]]+)', str(error))))
        return Terminal, f"was not sent: wrong parameters ({', '.join(names) or 'unnamed'})."
    return Terminal, f"failed: {type(error).__name__}{_quote(str(error))}."


def _unreachable(error: boto.ConnectionError, region: str) -> str:
    host = urlsplit(str(error.kwargs.get("endpoint_url", ""))).netloc or "AWS"
    if isinstance(error, boto.SSLError):
        return f"could not agree on TLS with {host}: check certificates, proxy and clock."
    if isinstance(error, boto.ProxyConnectionError):
        return "could not connect to the proxy: check HTTPS_PROXY."
    if "NameResolutionError" in repr(error.kwargs.get("error")):
        return f"failed: the host name {host} is not known; check that {region} exists, and DNS."
    return f"could not connect to {host}: check {region}, network and proxy."


def _quote(message: str) -> str:
    """AWS's own words in brackets, on one line, cut short and without anything secret."""
    text = _SECRET.sub("…", " ".join(message.split())).rstrip(".")
    if len(text) > _MAX_QUOTE:
        text = text[:_MAX_QUOTE].rstrip() + "…"
    return f" ({text})" if text else ""


def _retry_after_s(error: boto.ClientError) -> float | None:
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata") or {}
    value = str((metadata.get("HTTPHeaders") or {}).get("retry-after", ""))
    return float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else None
