"""Where to send requests, and as whom: what botocore knows, without its HTTP stack.

The generator finds credentials itself, as botocore does everywhere (environment, profile, web
identity, container, machine role), and assumes the scope's role on top. Nothing secret is ever
in the order's file. Keys are renewed between requests, never within one: a renewal would be
counted as latency.
"""

import math
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.session import Session

from controller.ports import Clock
from controller.probes.generator.requests import Request
from controller.probes.order import LAMBDA, Order

SIGN_EVERY_S = 1.0
RENEW_EVERY_S = 1800.0
"""Keys of a role last an hour."""
_ROLE_LIFETIME_S = 3600
_ROLE_SESSION = "rightsizer-probe"


class NoCredentialsError(Exception):
    """There is nobody to sign as."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests go."""

    base_url: str
    """Without a path, e.g. `https://lambda.eu-west-1.amazonaws.com`."""
    ca_bundle: str | None
    """A file of certificates to trust instead of the usual ones."""


class Access:
    """Address and signature of requests under one order. Raises botocore's errors."""

    def __init__(self, order: Order, clock: Clock) -> None:
        self._order, self._clock = order, clock
        self._session = Session()
        service = "lambda" if order.service == LAMBDA else "sagemaker-runtime"
        client = self._client(service)
        self.place = Place(
            client.meta.endpoint_url.rstrip("/"), self._session.get_config_variable("ca_bundle")
        )
        self._auth = self._signing_as()
        self._signed: dict[Request, tuple[float, dict[str, str]]] = {}

    def renew(self) -> None:
        """Take newer keys, where there are any; the old ones stay if that fails."""
        self._auth = self._signing_as()
        self._signed.clear()

    def signed(self, request: Request) -> dict[str, str]:
        """The headers to send; not to be changed. A signature is of the second in which it was
        made, so those of one payload within a second are the same: signing is a third of what a
        request costs the processor."""
        now_s = self._clock.monotonic_s()
        made_s, headers = self._signed.get(request, (-math.inf, {}))
        if now_s - made_s >= SIGN_EVERY_S:
            headers = self._sign(request)
            self._signed[request] = now_s, headers
        return headers

    def _sign(self, request: Request) -> dict[str, str]:
        wire = AWSRequest("POST", self.place.base_url + request.path, dict(request.headers))
        self._auth.add_auth(wire)
        return dict(wire.headers.items())

    def _client(self, service: str, **more: Any) -> Any:
        return self._session.create_client(service, region_name=self._order.scope.region, **more)

    def _signing_as(self) -> SigV4Auth:
        return SigV4Auth(self._keys(), self._order.service, self._order.scope.region)

    def _keys(self) -> ReadOnlyCredentials:
        scope = self._order.scope
        if scope.role_arn is not None:
            return self._of_role(scope.role_arn, scope.external_id)
        found = self._session.get_credentials()
        if found is None:
            raise NoCredentialsError("No AWS credentials were found.")
        frozen: ReadOnlyCredentials = found.get_frozen_credentials()
        return frozen

    def _of_role(self, role_arn: str, external_id: str | None) -> ReadOnlyCredentials:
        extra = {} if external_id is None else {"ExternalId": external_id}
        answer = self._client("sts").assume_role(
            RoleArn=role_arn,
            RoleSessionName=_ROLE_SESSION,
            DurationSeconds=_ROLE_LIFETIME_S,
            **extra,
        )
        keys = answer["Credentials"]
        return ReadOnlyCredentials(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )
