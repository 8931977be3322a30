"""The journal in a file, in memory and in DynamoDB: one promise, three places."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws
from store_tables import Account

from controller.store.opened import Journal
from controller.store.sqlite import SqliteStore


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Account]:
    """Only while these tests run: what it patches is botocore's for the whole process."""
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        patched.delenv("AWS_ENDPOINT_URL", raising=False)
        yield Account()


@pytest.fixture(params=["file", "memory", "dynamodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """What every journal promises."""
    opened: Journal
    if request.param == "dynamodb":
        opened = request.getfixturevalue("dynamodb").store()
    else:
        opened = SqliteStore.open(_path(request.param, tmp_path))
    yield opened
    opened.close()


@pytest.fixture(params=["file", "memory"])
def sqlite_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    """What only SQLite promises: transactions over anything."""
    opened = SqliteStore.open(_path(request.param, tmp_path))
    yield opened
    opened.close()


def _path(where: str, tmp_path: Path) -> Path | str:
    return tmp_path / "journal.db" if where == "file" else ":memory:"
