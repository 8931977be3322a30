"""Whatever boto3 raises becomes one of ours, in one sentence that helps and tells no secrets."""

import boto3
import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from controller.aws.errors import translate, translated
from controller.model import errors as ours
from controller.model.policy import Scope

SCOPE = Scope("eu-west-1")

ANSWERED = [
    ("lambda", "TooManyRequestsException", 429, ours.Throttled),
    ("cloudwatch", "Throttling", 400, ours.Throttled),
    ("cloudwatch", "ThrottlingException", 400, ours.Throttled),
    ("cloudwatch", "LimitExceeded", 400, ours.Throttled),
    ("cloudwatch", "LimitExceededFault", 400, ours.Throttled),
    ("logs", "LimitExceededException", 400, ours.Throttled),
    ("sts", "RequestLimitExceeded", 503, ours.Throttled),
    ("lambda", "Unheard", 429, ours.Throttled),
    ("lambda", "ServiceException", 500, ours.Retryable),
    ("cloudwatch", "InternalServiceFault", 500, ours.Retryable),
    ("logs", "ServiceUnavailableException", 503, ours.Retryable),
    ("sts", "RequestTimeout", 400, ours.Retryable),
    ("lambda", "502", 502, ours.Retryable),
    ("lambda", "ResourceConflictException", 409, ours.Conflict),
    ("lambda", "PreconditionFailedException", 412, ours.Conflict),
    ("lambda", "ResourceInUseException", 400, ours.Conflict),
    ("lambda", "ResourceNotFoundException", 404, ours.NotFound),
    ("logs", "ResourceNotFoundException", 400, ours.NotFound),
    ("s3", "NoSuchKey", 404, ours.NotFound),
    ("lambda", "AccessDeniedException", 403, ours.AccessDenied),
    ("sts", "AccessDenied", 403, ours.AccessDenied),
    ("ec2", "UnauthorizedOperation", 403, ours.AccessDenied),
    ("pricing", "Unheard", 403, ours.AccessDenied),
    ("sts", "ExpiredToken", 403, ours.Unauthenticated),
    ("lambda", "ExpiredTokenException", 403, ours.Unauthenticated),
    ("sts", "InvalidClientTokenId", 403, ours.Unauthenticated),
    ("lambda", "UnrecognizedClientException", 403, ours.Unauthenticated),
    ("lambda", "InvalidSignatureException", 403, ours.Unauthenticated),
    ("sts", "SignatureDoesNotMatch", 403, ours.Unauthenticated),
    ("lambda", "InvalidParameterValueException", 400, ours.Terminal),
    ("lambda", "CodeStorageExceededException", 400, ours.Terminal),
    ("lambda", "UnknownOperationException", 404, ours.Terminal),
    ("lambda", "LimitExceededException", 400, ours.Terminal),
]


def answered(
    code: str, status: int, message: str = "", operation: str = "GetFunction"
) -> Exception:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return boto.ClientError(response, operation)  # type: ignore[arg-type]


@pytest.mark.parametrize(("service", "code", "status", "kind"), ANSWERED)
def test_codes_have_kinds(
    service: str, code: str, status: int, kind: type[ours.AdapterError]
) -> None:
    error = translate(answered(code, status), service, "GetFunction", SCOPE)
    assert type(error) is kind
    assert (error.code, error.operation) == (code, "GetFunction")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('Could not find endpoint "x".', ours.NotFound),
        ("Cannot update in-progress endpoint", ours.Conflict),
        ("1 validation error detected", ours.Terminal),
    ],
)
def test_sagemaker_says_it_in_the_message(message: str, kind: type[ours.AdapterError]) -> None:
    # SageMaker's not-found is a ValidationException.
    error = answered("ValidationException", 400, message, "DescribeEndpoint")
    assert type(translate(error, "sagemaker", "DescribeEndpoint", SCOPE)) is kind


REQUEST = {"endpoint_url": "https://lambda.eu-west-1.amazonaws.com/", "error": "refused"}
LIBRARY = [
    (boto.NoCredentialsError(), ours.Unauthenticated, "no complete AWS credentials"),
    (boto.PartialCredentialsError(provider="env", cred_var="x"), ours.Unauthenticated, "found"),
    (boto.SSOTokenLoadError(error_msg="x"), ours.Unauthenticated, "aws sso login"),
    (boto.UnauthorizedSSOTokenError(), ours.Unauthenticated, "aws sso login"),
    (boto.TokenRetrievalError(provider="p", error_msg="x"), ours.Unauthenticated, "login"),
    (
        boto.CredentialRetrievalError(provider="p", error_msg="secret"),
        ours.Unauthenticated,
        "could not be obtained",
    ),
    (boto.ProfileNotFound(profile="dev"), ours.Unauthenticated, "dev"),
    (boto.EndpointConnectionError(**REQUEST), ours.Unreachable, "lambda.eu-west-1.amazonaws.com"),
    (
        boto.EndpointConnectionError(
            endpoint_url="https://lambda.eu-wst-1.amazonaws.com", error="<NameResolutionError>"
        ),
        ours.Unreachable,
        "host name lambda.eu-wst-1.amazonaws.com is not known",
    ),
    (boto.ConnectTimeoutError(**REQUEST), ours.Unreachable, "could not connect"),
    (boto.ProxyConnectionError(proxy_url="http://u:pw@proxy"), ours.Unreachable, "HTTPS_PROXY"),
    (boto.SSLError(**REQUEST), ours.Unreachable, "TLS"),
    (boto.ReadTimeoutError(**REQUEST), ours.Retryable, "in time"),
    (boto.ConnectionClosedError(**REQUEST), ours.Retryable, "no whole answer"),
    (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), ours.Retryable, "whole"),
    (ResponseParserError("<html>"), ours.Retryable, "no whole answer"),
    (boto.InvalidRegionError(region_name="x y"), ours.Terminal, "'eu-west-1' is not one"),
    (boto.NoRegionError(), ours.Terminal, "region"),
    (
        boto.ParamValidationError(report='Missing required parameter in input: "FunctionName"'),
        ours.Terminal,
        "wrong parameters",
    ),
    (boto.PaginationError(message="x"), ours.Terminal, "PaginationError"),
]


@pytest.mark.parametrize(
    ("error", "kind", "words"), LIBRARY, ids=lambda v: type(v).__name__ if v else ""
)
def test_library_errors_have_kinds_and_advice(
    error: Exception, kind: type[ours.AdapterError], words: str
) -> None:
    found = translate(error, "lambda", "GetFunction", SCOPE)
    assert type(found) is kind
    assert words in str(found)
    assert "pw" not in str(found)


@pytest.mark.parametrize(("service", "code", "status", "kind"), ANSWERED)
def test_messages_are_one_sentence_about_the_call(
    service: str, code: str, status: int, kind: type[ours.AdapterError]
) -> None:
    text = "several\nlines. " + "of words " * 100
    message = str(translate(answered(code, status, text), service, "GetFunction", SCOPE, "ocr"))
    assert "\n" not in message
    assert "ocr in eu-west-1" in message
    assert "GetFunction of" in message or kind is ours.NotFound, "there is no call to mend then"
    assert message.endswith(".")
    assert len(message) < 450


def test_a_denial_says_what_to_allow_and_to_whom() -> None:
    scope = Scope("eu-west-1", role_arn="arn:aws:iam::111122223333:role/tuner")
    denied = answered("AccessDeniedException", 403, "explicit deny", "GetResources")
    message = str(translate(denied, "resourcegroupstaggingapi", "GetResources", scope))
    assert "allow tag:GetResources to arn:aws:iam::111122223333:role/tuner" in message
    assert "explicit deny" in message


def test_secrets_stay_out() -> None:
    # AWS repeats the canonical request, session token and all, in this answer.
    said = "The Canonical String should have been 'POST x-amz-security-token:IQoJb3JpZ2luX2VjE'"
    message = str(translate(answered("SignatureDoesNotMatch", 403, said), "sts", "X", SCOPE))
    assert "IQoJ" not in message
    said = "key ASIAQWERTYUIOPASDFGH with token " + "Ab3/" * 40
    message = str(translate(answered("SomethingElse", 400, said), "sts", "X", SCOPE))
    assert "ASIAQ" not in message
    assert "Ab3/Ab3/" not in message
    given = boto.ParamValidationError(
        report='Invalid type for parameter Environment, value: {"PASSWORD": "hunter2"}, type: x'
    )
    message = str(translate(given, "lambda", "GetFunction", SCOPE))
    assert "hunter2" not in message
    assert "Environment" in message


def test_the_cause_does_not_come_along() -> None:
    with pytest.raises(ours.Unauthenticated) as caught, translated("sts", "X"):
        raise boto.CredentialRetrievalError(provider="p", error_msg="secret")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_our_own_errors_and_mistakes_pass_untouched() -> None:
    mine = ours.Throttled("mine")
    with pytest.raises(ours.Throttled) as caught, translated("lambda", "GetFunction"):
        raise mine
    assert caught.value is mine
    with pytest.raises(KeyError), translated("lambda", "GetFunction"):
        raise KeyError("a mistake of ours is not AWS's")


def test_a_call_that_credentials_needed_is_named() -> None:
    denied = answered("AccessDenied", 403, "no trust", "AssumeRoleWithWebIdentity")
    error = translate(denied, "lambda", "GetFunction", SCOPE)
    assert type(error) is ours.AccessDenied
    assert error.operation == "AssumeRoleWithWebIdentity"
    assert "the credentials for Lambda GetFunction in eu-west-1" in str(error)
    assert "sts:AssumeRoleWithWebIdentity" in str(error)


def test_through_a_real_client() -> None:
    client = boto3.client("lambda", region_name="eu-west-1")
    with Stubber(client) as stubber:
        stubber.add_client_error(
            "update_function_configuration",
            "PreconditionFailedException",
            "The RevisionId provided does not match the latest RevisionId.",
            http_status_code=412,
        )
        with (
            pytest.raises(ours.Conflict, match="RevisionId"),
            translated("lambda", "UpdateFunctionConfiguration", SCOPE, "function ocr"),
        ):
            client.update_function_configuration(FunctionName="ocr", RevisionId="stale")
