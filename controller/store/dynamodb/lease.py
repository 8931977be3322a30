"""The lease as one item, written only by whoever saw it as it is."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from controller.aws.error_codes import error_fields
from controller.aws.errors import translated
from controller.model.errors import Conflict
from controller.model.lease import LeaseRecord
from controller.store.dynamodb.connect import LEASE_PATIENCE, PARTITION, SORT, Table, client_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_ITEM = "lease"


class DynamoLease:
    """The common record in a table: a read unit for each look, a write unit for each renewal.

    Its client waits three seconds at most and never repeats a call by itself.
    """

    def __init__(self, table: Table, name: str) -> None:
        self._table = table
        self._client = client_of(table, LEASE_PATIENCE)
        self._key: dict[str, AttributeValueTypeDef] = {
            PARTITION: {"S": f"{_ITEM}#{name}"},
            SORT: {"S": _ITEM},
        }
        self._subject = f"lease {name}"

    def read(self) -> LeaseRecord | None:
        """As it is now: a consistent read."""
        with translated("dynamodb", "GetItem", subject=self._subject):
            found = self._client.get_item(
                TableName=self._table.name, Key=self._key, ConsistentRead=True
            ).get("Item")
        if found is None:
            return None
        return LeaseRecord(
            holder=found["holder"]["S"],
            term=int(found["term"]["N"]),
            duration_s=float(found["duration_s"]["N"]),
            version=found["version"]["N"],
        )

    def swap(self, seen: LeaseRecord | None, wanted: LeaseRecord) -> LeaseRecord:
        """Write if the version is the one seen. Raises Conflict."""
        version = 1 if seen is None else int(seen.version) + 1
        item: dict[str, AttributeValueTypeDef] = {
            **self._key,
            "holder": {"S": wanted.holder},
            "term": {"N": str(wanted.term)},
            "duration_s": {"N": repr(wanted.duration_s)},
            "version": {"N": str(version)},
        }
        with translated("dynamodb", "PutItem", subject=self._subject):
            try:
                if seen is None:
                    self._client.put_item(
                        TableName=self._table.name,
                        Item=item,
                        ConditionExpression="attribute_not_exists(pk)",
                    )
                else:
                    self._client.put_item(
                        TableName=self._table.name,
                        Item=item,
                        ConditionExpression="version = :seen",
                        ExpressionAttributeValues={":seen": {"N": seen.version}},
                    )
            except ClientError as error:
                if error_fields(error.response)[0] != "ConditionalCheckFailedException":
                    raise
                raise Conflict("another replica wrote the lease", operation="PutItem") from None
        return LeaseRecord(wanted.holder, wanted.term, wanted.duration_s, str(version))

    def close(self) -> None:
        """Release connections."""
        self._client.close()
