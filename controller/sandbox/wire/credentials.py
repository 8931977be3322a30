"""Who signed a request: access key, region and service, from SigV4's credential scope.

The signature itself is not checked: the sandbox knows no secret keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from controller.sandbox.wire.contract import AwsError
from controller.sandbox.wire.http import HttpRequest

_SCOPE = re.compile(
    r"Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request", re.IGNORECASE
)
_EMBEDDED_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")


@dataclass(frozen=True, slots=True)
class Signer:
    """The parts of a credential scope. signing_name: e.g. `monitoring` for CloudWatch."""

    access_key: str
    region: str
    signing_name: str
    session_token: str | None


def signer_of(request: HttpRequest) -> Signer:
    """The signer of a request, from its Authorization header or its presigned query.

    Raises AwsError MissingAuthenticationToken (403) for an unsigned request and
    IncompleteSignature for one that cannot be read, as AWS does.
    """
    header = request.headers.get("authorization")
    token = request.headers.get("x-amz-security-token")
    if header is None:
        query = parse_qs(request.query)
        scope = query.get("X-Amz-Credential")
        if scope is None:
            raise AwsError("MissingAuthenticationToken", "Missing Authentication Token", 403)
        header = f"Credential={scope[0]}"
        token = query.get("X-Amz-Security-Token", [token])[0]
    found = _SCOPE.search(header)
    if found is None:
        raise AwsError(
            "IncompleteSignature",
            "Authorization header requires a credential scope "
            "KEY/DATE/REGION/SERVICE/aws4_request.",
        )
    return Signer(found[1], found[3], found[4], token)


def embedded_account(access_key: str) -> str | None:
    """The account written into an access key: twelve digits that stand alone, or None."""
    found = _EMBEDDED_ACCOUNT.search(access_key)
    return None if found is None else found[0]
