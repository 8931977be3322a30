"""Where the table is, the client that reaches it, and making it."""

from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from controller.aws.error_codes import error_fields
from controller.aws.errors import translated
from controller.model.errors import AccessDenied, NotFound, StoreError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEME = "dynamodb"
PARTITION, SORT, EXPIRES = "pk", "sk", "expires"
_OPTIONS = {"region", "endpoint"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table's address: `dynamodb://NAME?region=REGION`."""

    name: str
    region: str | None = None
    """None: the region that the AWS tools take from the environment."""
    endpoint: str | None = None
    """Another address than AWS's, for tests and for VPC endpoints."""

    def __str__(self) -> str:
        return f"{SCHEME}://{self.name}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take."""

    connect_s: float = 2.0
    read_s: float = 10.0
    attempts: int = 5


LEASE_PATIENCE = Patience(connect_s=1.0, read_s=2.0, attempts=1)
"""A lease that cannot be renewed in a moment is tried again by its own rule, not by the client."""


def is_table(address: str) -> bool:
    """Whether a store's address means DynamoDB and not a file."""
    return address.startswith(f"{SCHEME}://")


def parse_table(address: str) -> Table:
    """Raises ValueError in one sentence."""
    parts = urlsplit(address)
    options = parse_qs(parts.query)
    unknown = sorted(set(options) - _OPTIONS)
    if parts.scheme != SCHEME or not parts.netloc or parts.path.strip("/") or unknown:
        what = f"; there is no option {unknown[0]!r}" if unknown else ""
        raise ValueError(f"{address!r} is not dynamodb://TABLE?region=REGION{what}")
    return Table(parts.netloc, options.get("region", [None])[0], options.get("endpoint", [None])[0])


def client_of(table: Table, patience: Patience | None = None) -> "DynamoDBClient":
    """A client of its own: what happens to others' calls is nothing to it."""
    patience = Patience() if patience is None else patience
    with translated(SCHEME, "set-up"):
        # Cast: boto3's own stub wants the service's name as a literal of each overload.
        made = cast(Any, boto3.Session()).client(
            SCHEME,
            region_name=table.region,
            endpoint_url=table.endpoint,
            config=Config(
                connect_timeout=patience.connect_s,
                read_timeout=patience.read_s,
                retries={"mode": "standard", "total_max_attempts": patience.attempts},
                max_pool_connections=16,
                tcp_keepalive=True,
            ),
        )
    return cast("DynamoDBClient", made)


def check(client: "DynamoDBClient", table: Table) -> None:
    """Raises StoreError where there is no such table, or one that is not ours to use."""
    try:
        with translated(SCHEME, "DescribeTable", subject=f"table {table.name}"):
            found = client.describe_table(TableName=table.name)["Table"]
    except NotFound:
        why = "does not exist: make it with `rightsizer store init`, or from the template"
        raise refused(table, why) from None
    keys = [(key["AttributeName"], key["KeyType"]) for key in found["KeySchema"]]
    if keys != [(PARTITION, "HASH"), (SORT, "RANGE")]:
        raise refused(table, f"has other keys than {PARTITION} and {SORT}: it is another program's")


def create(client: "DynamoDBClient", table: Table) -> bool:
    """Make the table and wait for it; False where there was one. Raises AdapterError."""
    with translated(SCHEME, "CreateTable", subject=f"table {table.name}"):
        try:
            client.create_table(
                TableName=table.name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": PARTITION, "AttributeType": "S"},
                    {"AttributeName": SORT, "AttributeType": "S"},
                ],
                KeySchema=[
                    {"AttributeName": PARTITION, "KeyType": "HASH"},
                    {"AttributeName": SORT, "KeyType": "RANGE"},
                ],
                Tags=[{"Key": "rightsizer:owner", "Value": "rightsizer"}],
            )
            made = True
        except ClientError as error:
            if error_fields(error.response)[0] != "ResourceInUseException":
                raise
            made = False
        try:
            client.get_waiter("table_exists").wait(
                TableName=table.name, WaiterConfig={"Delay": 2, "MaxAttempts": 60}
            )
        except WaiterError:
            raise refused(table, "was made, but is not ready after two minutes") from None
    # a table that somebody else made (a template) may not be ours to configure
    with nullcontext() if made else suppress(AccessDenied):
        _finish(client, table)
    return made


def _finish(client: "DynamoDBClient", table: Table) -> None:
    """Let evidence expire, and let the past be restored. Done again, both change nothing."""
    with translated(SCHEME, "UpdateTimeToLive", subject=f"table {table.name}"):
        found = client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        if found.get("TimeToLiveStatus") not in {"ENABLED", "ENABLING"}:
            client.update_time_to_live(
                TableName=table.name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES},
            )
    with translated(SCHEME, "UpdateContinuousBackups", subject=f"table {table.name}"):
        client.update_continuous_backups(
            TableName=table.name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )


def refused(table: Table, why: str) -> StoreError:
    """A StoreError about the table."""
    return StoreError(f"the table {table.name} {why}", operation="store", code="cannot_open")
