"""Door 2 without signatures: who asks is said, as in a signed request, and not proven.

The sandbox knows no secret keys and never checks a signature, yet to make one is a quarter of
what a call costs without a socket. botocore's own events allow another choice: the signer is
told not to sign, and the credential scope, which is what the sandbox reads, is put where a
signature has it. Credentials are fetched, refreshed and missed as before; what is presigned is
signed.
"""

from __future__ import annotations

from typing import Any

from botocore import UNSIGNED
from botocore.exceptions import NoCredentialsError

_CONTEXT_KEY = "rightsizer-sandbox-scope"
_PLAIN = "v4"


def attach(emitter: Any) -> None:
    """Let clients made from a session's emitter do so."""
    emitter.register("choose-signer", _choose, unique_id=f"{_CONTEXT_KEY}-choose")
    emitter.register("before-sign", _claim, unique_id=f"{_CONTEXT_KEY}-claim")


def _choose(
    signing_name: str,
    region_name: str,
    signature_version: Any,
    context: dict[str, Any],
    **_: Any,
) -> Any:
    """No signature in place of a header's; None, which leaves the choice, for all others."""
    if signature_version != _PLAIN or context.get("is_presign_request"):
        return None
    context[_CONTEXT_KEY] = signing_name, region_name
    return UNSIGNED


def _claim(request: Any, request_signer: Any, **_: Any) -> None:
    """Name the credentials. Raises NoCredentialsError, and what refreshing them raises."""
    scope = request.context.pop(_CONTEXT_KEY, None)
    if scope is None:
        return
    name, region = scope
    credentials = request_signer.get_auth_instance(name, region, _PLAIN).credentials
    if credentials is None:
        raise NoCredentialsError
    for header in ("Authorization", "X-Amz-Security-Token"):
        del request.headers[header]  # of an attempt before; none is no error
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/20000101/{region}/{name}"
        "/aws4_request, SignedHeaders=host, Signature=none"
    )
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
