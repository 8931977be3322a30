"""DynamoDB in the test's own process (moto)."""

import itertools
import threading
import time
from typing import Any

from controller.store.dynamodb import connect
from controller.store.dynamodb.connect import Table
from controller.store.dynamodb.store import DynamoStore
from controller.store.dynamodb.table import Rows


class OneAtATime:
    """A client whose calls do not overlap: moto in one process is not made for threads."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in {"meta", "get_waiter"}:
            return found

        def locked(**values: Any) -> Any:
            with self._lock:
                return found(**values)

        return locked


class Account:
    """A table for each test, and one client: making one is dear."""

    def __init__(self) -> None:
        self.client: Any = OneAtATime(connect.client_of(Table("any", "eu-west-1")))
        self._numbers = itertools.count()

    def table(self) -> Table:
        table = Table(f"journal-{next(self._numbers)}", "eu-west-1")
        self.client.create_table(
            TableName=table.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        return table

    def store(self, table: Table | None = None) -> DynamoStore:
        return DynamoStore(Rows(self.client, table or self.table()), time.monotonic)
