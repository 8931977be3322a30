"""A copy in memory: everything that was there, and nothing that happens to it gets out."""

from pathlib import Path

import pytest

from controller.model.errors import StoreError
from controller.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_copy_holds_the_content_and_keeps_its_changes_to_itself(path: Path) -> None:
    with_content = SqliteStore.open(path)
    with_content.put_checkpoint("kept", "before")
    reader = SqliteStore.open(path, read_only=True)
    copy = reader.copy_in_memory()
    reader.close()

    assert copy.checkpoint("kept") == "before"
    copy.put_checkpoint("kept", "changed in the copy")
    with_content.put_checkpoint("later", "after the copy")

    assert with_content.checkpoint("kept") == "before"
    assert copy.checkpoint("later") is None
    assert not copy.daemon_running()
    copy.close()
    with_content.close()


def test_copy_is_whole_while_another_process_is_writing(path: Path) -> None:
    writer = SqliteStore.open(path)
    reader = SqliteStore.open(path, read_only=True)
    with writer.batch():
        writer.put_checkpoint("half", "1")
        copy = reader.copy_in_memory()
        writer.put_checkpoint("whole", "2")
    assert copy.checkpoint("half") is None
    assert copy.checkpoint("whole") is None
    for store in (copy, reader, writer):
        store.close()


def test_closed_journal_cannot_be_copied(path: Path) -> None:
    store = SqliteStore.open(path)
    store.close()
    with pytest.raises(StoreError, match="has been closed"):
        store.copy_in_memory()
