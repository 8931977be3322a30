"""Clients of AWS, by where and as whom they act.

One light botocore session per role and region, clients made once and shared by all threads
(clients may be shared, sessions may not). Sessions share one loader of service models: the
models are most of a session's memory, so a further account costs a tenth of a megabyte and
0.2 MB for each client.

Reads and mutations have clients of their own, for botocore's retry quota is per
client: a storm of throttled reads must not use up the retries of a rollback.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.loaders import Loader
from botocore.parsers import ResponseParserFactory
from botocore.session import Session as BotocoreSession

from controller.aws import metric_bodies
from controller.aws.calls import CallWatch
from controller.aws.credentials import AssumedRole
from controller.aws.errors import translated
from controller.aws.handlers import Gate, Gated, refuse_web_page
from controller.aws.timestamps import epoch_seconds, utc_timestamp
from controller.model.errors import Terminal
from controller.model.policy import Scope
from controller.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_pricing import PricingClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_sts import STSClient

PRICE_LIST_REGION = "us-east-1"
"""The Price List API lives in a few regions only and knows the prices of all."""

SessionHook = Callable[[BotocoreSession], None]
_CONNECT_S = 1.5


@dataclass(frozen=True, slots=True)
class Keys:
    """Fixed credentials in place of botocore's default chain."""

    access_key: str
    secret_key: str

    def __repr__(self) -> str:
        return "Keys(…)"


@dataclass(frozen=True, slots=True)
class Connection:
    """How all clients connect."""

    user_agent: str = "rightsizer"
    """Appended to botocore's own, e.g. `rightsizer/0.1.0`."""
    profile: str | None = None
    """None: what the environment says."""
    keys: Keys | None = None
    endpoint_url: str | None = None
    """One address for all services, such as the sandbox's; None: AWS's, or AWS_ENDPOINT_URL."""
    max_attempts: int = 3
    """Attempts of one call, the first included."""
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    write_call_s: float | None = None
    """Longest time of one attempt of a call that changes something, where a lease must outlast
    it; None: as for reads."""
    max_connections: int = 16
    """Connections kept per client; at least as many as threads that use it."""
    role_session_name: str = "rightsizer"
    """What CloudTrail shows for calls through an assumed role."""


_Identity = tuple[str | None, str | None, str | None]


class Sessions:
    """Hands out clients; safe to share by threads. Every method raises AdapterErrors only."""

    def __init__(
        self,
        clock: Clock,
        connection: Connection | None = None,
        *,
        watch: CallWatch | None = None,
        hook: SessionHook | None = None,
        models: Loader | None = None,
        gate: Gate | None = None,
    ) -> None:
        """`hook` sees each botocore session before its first client: the in-process sandbox
        and tests attach themselves there. It must not set credentials (see `Connection.keys`).
        `models` are service models already loaded, where one process has several `Sessions`.
        `gate` is asked just before each attempt of a call that changes something is sent, when
        it has been signed and has waited for its share; what it raises stops the call.
        """
        self._clock = clock
        self._connection = Connection() if connection is None else connection
        self._watch = watch
        self._hook = hook
        self._lock = threading.RLock()
        self._loader = models
        self._gate = gate
        self._sessions: dict[_Identity, boto3.Session] = {}
        self._clients: dict[tuple[_Identity, str, str, str], Any] = {}

    def cloudwatch(self, scope: Scope) -> "CloudWatchClient":
        """For GetMetricData. Unusual: unchecked parameters, timestamps as epoch seconds."""
        return cast("CloudWatchClient", self._client(scope, "cloudwatch"))

    def lambda_reads(self, scope: Scope) -> "LambdaClient":
        """For Get and List calls of Lambda."""
        return cast("LambdaClient", self._client(scope, "lambda"))

    def lambda_writes(self, scope: Scope) -> "LambdaClient":
        """For calls that change something in Lambda."""
        return cast("LambdaClient", self._client(scope, "lambda", use="write"))

    def sagemaker_reads(self, scope: Scope) -> Any:
        """For Describe and List calls of SageMaker."""
        return self._client(scope, "sagemaker")

    def sagemaker_writes(self, scope: Scope) -> Any:
        """For calls that change something in SageMaker."""
        return self._client(scope, "sagemaker", use="write")

    def autoscaling_reads(self, scope: Scope) -> Any:
        """For Describe calls of Application Auto Scaling."""
        return self._client(scope, "application-autoscaling")

    def autoscaling_writes(self, scope: Scope) -> Any:
        """For calls that change something in Application Auto Scaling."""
        return self._client(scope, "application-autoscaling", use="write")

    def cloudwatch_writes(self, scope: Scope) -> Any:
        """For alarms. Its parameters are not checked before they are sent."""
        return self._client(scope, "cloudwatch", use="write")

    def logs(self, scope: Scope) -> "CloudWatchLogsClient":
        """For Logs Insights."""
        return cast("CloudWatchLogsClient", self._client(scope, "logs"))

    def tagging(self, scope: Scope) -> "ResourceGroupsTaggingAPIClient":
        """For finding resources by tag."""
        return cast(
            "ResourceGroupsTaggingAPIClient", self._client(scope, "resourcegroupstaggingapi")
        )

    def pricing(self) -> "PricingClient":
        """For the Price List, whatever region the prices are of."""
        return cast("PricingClient", self._client(Scope(PRICE_LIST_REGION), "pricing"))

    def sts(self, scope: Scope) -> "STSClient":
        """For asking who we are."""
        return cast("STSClient", self._client(scope, "sts"))

    def client(self, scope: Scope, service: str) -> Any:
        """A client of any other service, by boto3's name for it."""
        return self._client(scope, service)

    def close(self) -> None:
        """Close all connections; clients handed out before must not be used after."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
            self._sessions.clear()

    def _client(self, scope: Scope, service: str, use: str = "read") -> Any:
        identity = _identity(scope)
        key = (identity, scope.region, service, use)
        with self._lock:
            client = self._clients.get(key)
            if client is None:
                client = self._clients[key] = self._new(identity, scope, service, use)
            return client

    def _new(self, identity: _Identity, scope: Scope, service: str, use: str) -> Any:
        try:
            with translated(service, "set-up", scope):
                return self._made(self._session(identity, scope), scope, service, use)
        except ValueError as error:
            # botocore's word for an address without scheme, from us or from AWS_ENDPOINT_URL
            raise Terminal(f"The AWS endpoint address is not usable: {error}.") from None

    def _made(self, session: boto3.Session, scope: Scope, service: str, use: str) -> Any:
        timestamps = epoch_seconds if service == "cloudwatch" else utc_timestamp
        # Looked up by botocore while it makes a client; the lock is ours.
        core = session._session
        core.register_component("response_parser_factory", _parsers(timestamps))
        client = cast(Any, session).client(
            service,
            region_name=scope.region,
            endpoint_url=self._connection.endpoint_url,
            config=self._config(service, core.user_agent(), use),
        )
        if service == "cloudwatch":
            metric_bodies.attach(client)
        if self._watch is not None:
            self._watch.attach(client, _allowance(scope))
        client.meta.events.register("after-call", refuse_web_page)
        if use == "write" and self._gate is not None:
            client.meta.events.register_first("before-send", Gated(self._gate))
        return client

    def _session(self, identity: _Identity, scope: Scope) -> boto3.Session:
        session = self._sessions.get(identity)
        if session is not None:
            return session
        core = BotocoreSession(profile=self._connection.profile)
        if self._loader is None:
            self._loader = core.get_component("data_loader")
        core.register_component("data_loader", self._loader)
        if self._hook is not None:
            self._hook(core)
        self._give_credentials(core, scope)
        session = self._sessions[identity] = boto3.Session(botocore_session=core)
        # boto3 adds its own data path to the (shared) loader once per session.
        paths = self._loader.search_paths
        paths[:] = dict.fromkeys(paths)
        return session

    def _give_credentials(self, session: BotocoreSession, scope: Scope) -> None:
        keys = self._connection.keys
        if scope.role_arn is not None:
            home = Scope(scope.region)
            role = AssumedRole(
                scope, self._connection.role_session_name, lambda: self.sts(home), self._clock
            )
            session.register_component("credential_provider", _Fixed(role))
        elif keys is not None:
            session.set_credentials(keys.access_key, keys.secret_key)

    def _config(self, service: str, user_agent: str, use: str) -> Config:
        connection = self._connection
        connect_s, read_s = connection.connect_timeout_s, connection.read_timeout_s
        if use == "write" and connection.write_call_s is not None:
            connect_s = min(connect_s, _CONNECT_S, connection.write_call_s / 2.0)
            read_s = min(read_s, connection.write_call_s - connect_s)
        return Config(
            # Given whole: botocore otherwise puts it together anew, twice in every call.
            user_agent=user_agent,
            user_agent_extra=connection.user_agent,
            retries={"mode": "standard", "total_max_attempts": connection.max_attempts},
            connect_timeout=connect_s,
            read_timeout=read_s,
            max_pool_connections=connection.max_connections,
            tcp_keepalive=True,
            parameter_validation=service != "cloudwatch",
        )


class _Fixed:
    """A credential provider that always has the same answer."""

    def __init__(self, credentials: AssumedRole) -> None:
        self._credentials = credentials

    def load_credentials(self) -> AssumedRole:
        return self._credentials


def _parsers(timestamps: Callable[..., object]) -> ResponseParserFactory:
    factory = ResponseParserFactory()
    factory.set_parser_defaults(timestamp_parser=timestamps)
    return factory


def _identity(scope: Scope) -> _Identity:
    # With a role the region belongs to the identity: its STS must not depend on another's.
    region = scope.region if scope.role_arn is not None else None
    return (scope.role_arn, scope.external_id, region)


def _allowance(scope: Scope) -> str:
    """A name for the account whose API limits a call counts against."""
    if scope.role_arn is not None and scope.role_arn.count(":") >= 5:
        return scope.role_arn.split(":")[4]
    return "own" if scope.account is None else scope.account
