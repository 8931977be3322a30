"""Credentials of an assumed role, renewed in time, one role independent of every other.

botocore has such a class, but it reads the machine's clock and logs a traceback when a role
is denied. This one takes time from the Clock port (the sandbox's credentials expire in the
sandbox's time) and lets the error speak for itself.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.credentials import Credentials, ReadOnlyCredentials

from controller.aws.errors import translated
from controller.model.errors import AdapterError
from controller.model.policy import Scope
from controller.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

_LIFETIME_S = 3600
_RENEW_BEFORE_S = 900.0
_LAST_MOMENT_S = 60.0


class AssumedRole(Credentials):
    """What botocore asks for a key when it signs a request; calls STS when it must.

    Raises the error of AssumeRole (AccessDenied, Unreachable …) from the call that needed
    the credentials, and tries again with the next one.
    """

    def __init__(
        self, scope: Scope, session_name: str, sts: Callable[[], "STSClient"], clock: Clock
    ) -> None:
        super().__init__("", "", method="assume-role")
        self._scope = scope
        self._session_name = session_name
        self._sts = sts
        self._clock = clock
        # One value, so that a reader never sees new keys with an old expiry.
        self._current: tuple[ReadOnlyCredentials, float] | None = None
        self._renewing = threading.Lock()

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """The keys to sign with. While one thread renews, others use what is still valid."""
        frozen = self._valid_for(_RENEW_BEFORE_S)
        if frozen is not None:
            return frozen
        spare = self._valid_for(_LAST_MOMENT_S)
        if not self._renewing.acquire(blocking=spare is None):
            assert spare is not None
            return spare
        try:
            frozen = self._valid_for(_RENEW_BEFORE_S)
            return self._renewed() if frozen is None else frozen
        except AdapterError:
            if spare is None:
                raise
            return spare
        finally:
            self._renewing.release()

    def _valid_for(self, margin_s: float) -> ReadOnlyCredentials | None:
        current = self._current
        if current is None or current[1] - self._clock.now_s() <= margin_s:
            return None
        return current[0]

    def _renewed(self) -> ReadOnlyCredentials:
        role = str(self._scope.role_arn)
        extra = {} if self._scope.external_id is None else {"ExternalId": self._scope.external_id}
        with translated("sts", "AssumeRole", Scope(self._scope.region), f"role {role}"):
            answer = self._sts().assume_role(
                RoleArn=role,
                RoleSessionName=self._session_name,
                DurationSeconds=_LIFETIME_S,
                **extra,  # type: ignore[arg-type]
            )
        keys = answer["Credentials"]
        frozen = ReadOnlyCredentials(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )
        self._current = (frozen, keys["Expiration"].timestamp())
        return frozen
