"""Who a request acts as: from an access key to an account and an ARN.

Long-lived keys: a table in the world, else an account written into the key (twelve digits
that stand alone, as in `AKIA-111122223333`), else the default account. Temporary keys
(`ASIA...`) are those that AssumeRole handed out, with their session token, until they expire.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.sandbox.wire.contract import AwsError
from controller.sandbox.wire.credentials import Signer, embedded_account
from controller.sandbox.wire.errors import flavour_of

DEFAULT_ACCOUNT = "123456789012"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody, and the account that pays for what they do."""

    account: str
    arn: str


@dataclass(frozen=True, slots=True)
class TemporaryKey:
    """Credentials of an assumed role."""

    access_key: str
    secret_key: str
    session_token: str
    principal: Principal
    expires_at_s: float


class Principals:
    """The keys a world knows."""

    def __init__(self) -> None:
        self.default_account = DEFAULT_ACCOUNT
        self.accounts_by_key: dict[str, str] = {}
        self.users_by_key: dict[str, str] = {}
        """Names of users; all other long-lived keys are the user `sandbox`'s."""
        self.unknown_keys_refused = False
        self._temporary: dict[str, TemporaryKey] = {}

    def issue(self, principal: Principal, expires_at_s: float) -> TemporaryKey:
        """New credentials; the same ones in every run that issues in the same order."""
        number = len(self._temporary) + 1
        key = TemporaryKey(
            access_key=f"ASIA{number:016d}",
            secret_key=f"sandbox-secret-{number:025d}",
            session_token=f"sandbox-session-{principal.account}-{number:012d}",
            principal=principal,
            expires_at_s=expires_at_s,
        )
        self._temporary[key.access_key] = key
        return key

    def of(self, signer: Signer, service: str, now_s: float) -> Principal:
        """Whose key it is. Raises AwsError for keys that are unknown or expired."""
        temporary = self._temporary.get(signer.access_key)
        if temporary is not None:
            return self._of_temporary(temporary, signer, service, now_s)
        if signer.access_key.startswith("ASIA"):
            raise _unknown_key(service)
        account = self.accounts_by_key.get(signer.access_key)
        if account is None:
            account = embedded_account(signer.access_key)
        if account is None:
            if self.unknown_keys_refused:
                raise _unknown_key(service)
            account = self.default_account
        user = self.users_by_key.get(signer.access_key, "sandbox")
        return Principal(account, f"arn:aws:iam::{account}:user/{user}")

    def _of_temporary(
        self, key: TemporaryKey, signer: Signer, service: str, now_s: float
    ) -> Principal:
        if signer.session_token != key.session_token:
            raise _unknown_key(service)
        if now_s >= key.expires_at_s:
            code, status = flavour_of(service).expired
            text = "The security token included in the request is expired"
            raise AwsError(code, text, status)
        return key.principal


def user_id_of(principal: Principal) -> str:
    """The unique id that STS shows; of a role's session with the session's name."""
    kind, _, rest = principal.arn.rpartition(":")[2].partition("/")
    if kind != "assumed-role":
        return f"AIDA{principal.account}SBX1"
    return f"AROA{principal.account}SBX1:{rest.partition('/')[2]}"


def _unknown_key(service: str) -> AwsError:
    code, status = flavour_of(service).unknown_key
    return AwsError(code, "The security token included in the request is invalid.", status)
