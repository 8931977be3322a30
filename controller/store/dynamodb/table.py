"""Calls on the one table: pages are always followed, what was left undone is done again.

Every error leaves as a StoreError that names the table; a condition that did not hold is told
apart from it, for that is an answer.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from controller.aws.error_codes import error_fields
from controller.aws.errors import translated
from controller.model.errors import AdapterError, StoreError, Terminal
from controller.store.codec import CodecError
from controller.store.dynamodb.connect import PARTITION, SORT, Table
from controller.store.dynamodb.items import Item, key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH = 25
"""Items of one BatchWriteItem."""
GET_BATCH = 100
"""Keys of one BatchGetItem."""
TRIES = 8
"""Of a batch with items left undone, or of a transaction that met another one."""
FIRST_WAIT_S = 0.05


class UnmetError(Exception):
    """A condition did not hold. `which`: positions in the transaction whose conditions failed."""

    def __init__(self, which: Sequence[int]) -> None:
        super().__init__(f"conditions {list(which)} did not hold")
        self.which = tuple(which)


class Rows:
    """The table's items. Safe from several threads."""

    def __init__(self, client: "DynamoDBClient", table: Table) -> None:
        self._client = cast(Any, client)
        self.table = table
        self._pause = threading.Event()
        self._closed = False

    def get(self, partition: str, sort: str) -> Item | None:
        """One item as it is now."""
        with self._calling("GetItem"):
            answer = self._client.get_item(
                TableName=self.table.name, Key=key(partition, sort), ConsistentRead=True
            )
        return cast("Item | None", answer.get("Item"))

    def get_all(self, keys: Iterable[tuple[str, str]]) -> Iterator[Item]:
        """Those that there are, in no order; eventually consistent, at half the price."""
        wanted = iter([key(*one) for one in keys])
        while some := list(islice(wanted, GET_BATCH)):
            for attempt in range(TRIES):
                with self._calling("BatchGetItem"):
                    asked = {self.table.name: {"Keys": some}}
                    answer = self._client.batch_get_item(RequestItems=asked)
                yield from answer["Responses"].get(self.table.name, ())
                some = answer.get("UnprocessedKeys", {}).get(self.table.name, {}).get("Keys", [])
                if not some:
                    break
                self._wait(attempt)
            if some:
                raise self._busy("BatchGetItem")

    def query(
        self,
        partition: str,
        *,
        prefix: str = "",
        since: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        consistent: bool = True,
    ) -> Iterator[Item]:
        """All items of a partition, page by page; `since`: whose sort key is not below it."""
        condition, values = "pk = :pk", {":pk": {"S": partition}}
        if since is not None:
            condition, values = f"{condition} AND sk >= :sk", {**values, ":sk": {"S": since}}
        elif prefix:
            condition += " AND begins_with(sk, :sk)"
            values[":sk"] = {"S": prefix}
        call: dict[str, Any] = {
            "TableName": self.table.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": not newest_first,
            "ConsistentRead": consistent,
        }
        left = limit
        while left is None or left > 0:
            if left is not None:
                call["Limit"] = min(left, 1000)
            with self._calling("Query"):
                page = self._client.query(**call)
            yield from page["Items"]
            left = None if left is None else left - len(page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            call["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def write(self, puts: Iterable[Item] = (), deletes: Iterable[tuple[str, str]] = ()) -> None:
        """Put and delete, each by itself; of several puts with one key the last one holds."""
        wanted: dict[tuple[str, str], dict[str, Any]] = {}
        for item in puts:
            wanted[item[PARTITION]["S"], item[SORT]["S"]] = {"PutRequest": {"Item": item}}
        for one in deletes:
            wanted[one] = {"DeleteRequest": {"Key": key(*one)}}
        requests = iter(wanted.values())
        while some := list(islice(requests, BATCH)):
            self._write(some)

    def _write(self, some: list[dict[str, Any]]) -> None:
        for attempt in range(TRIES):
            with self._calling("BatchWriteItem"):
                answer = self._client.batch_write_item(RequestItems={self.table.name: some})
            some = answer.get("UnprocessedItems", {}).get(self.table.name, [])
            if not some:
                return
            self._wait(attempt)
        raise self._busy("BatchWriteItem")

    def transact(self, steps: Sequence[Item]) -> None:
        """All or none. Raises UnmetError; waits for other transactions on the same items."""
        named = [
            {verb: {"TableName": self.table.name, **what}}
            for step in steps
            for verb, what in step.items()
        ]
        for attempt in range(TRIES):
            try:
                with self._calling("TransactWriteItems"):
                    self._client.transact_write_items(TransactItems=named)
            except _MetAnotherError:
                self._wait(attempt)
            else:
                return
        raise self._busy("TransactWriteItems")

    def close(self) -> None:
        """Release connections; what is called after is refused."""
        self._closed = True
        self._client.close()

    def _wait(self, attempt: int) -> None:
        self._pause.wait(FIRST_WAIT_S * 2.0**attempt)

    def _busy(self, operation: str) -> StoreError:
        what = f"the table {self.table.name} did not carry out everything in time: try again"
        return StoreError(what, operation=operation, code="locked")

    @contextmanager
    def _calling(self, operation: str) -> Iterator[None]:
        if self._closed:
            what = f"the table {self.table.name} has been closed"
            raise StoreError(what, operation=operation, code="closed")
        try:
            with translated("dynamodb", operation, subject=f"table {self.table.name}"):
                try:
                    yield
                except ClientError as error:
                    raise _conditions(error) from None
        except AdapterError as error:
            raise _store_error(error, operation) from None


def _store_error(error: AdapterError, operation: str) -> AdapterError:
    if isinstance(error, StoreError):
        return error
    return StoreError(str(error), operation=operation, code=_CODES.get(error.code, "dynamodb"))


_CODES = {"ResourceNotFoundException": "cannot_open", "AccessDeniedException": "cannot_open"}


class _MetAnotherError(Exception):
    """Another transaction had one of the items at that moment."""


def _conditions(error: ClientError) -> Exception:
    """What a refused write says, or the error itself."""
    code = error_fields(error.response)[0]
    if code == "ConditionalCheckFailedException":
        return UnmetError((0,))
    if code != "TransactionCanceledException":
        return error
    reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", ())]
    unmet = [at for at, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"]
    if unmet:
        return UnmetError(unmet)
    if {"TransactionConflict", "ThrottlingError"} & set(reasons):
        return _MetAnotherError()
    return error


@contextmanager
def decoding(table: Table) -> Iterator[None]:
    """A row that does not decode is the store's error."""
    try:
        yield
    except CodecError as error:
        what = f"the table {table.name} holds a row that this program cannot read: {error}"
        raise StoreError(what, operation="store", code="corrupt") from error


@contextmanager
def encoding() -> Iterator[None]:
    """A value that no row can hold is the caller's."""
    try:
        yield
    except (CodecError, OverflowError, UnicodeError) as error:
        what = f"a value cannot be journalled: {error}"
        raise Terminal(what, operation="store") from error
