"""What SQLite says, as the errors of `controller.model.errors`: one sentence each.

`StoreError.code` holds a short word for metrics and tests: `locked`, `full`,
`corrupt`, `not_a_journal`, `newer`, `older`, `read_only`, `cannot_open`, `io`,
`closed`, `busy_daemon` or `sqlite`. Result codes: https://www.sqlite.org/rescode.html
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from controller.model.errors import AdapterError, StoreError, Terminal
from controller.store.codec import CodecError

_LOCKED = ("locked", "the journal {path} is locked by another process; try again when it is done")
_BY_CODE: Mapping[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: (
        "full",
        "the journal {path} cannot grow: the disk (or the size allowed) is full",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "corrupt",
        "the journal {path} is corrupt; restore a copy, or move it away to begin anew",
    ),
    sqlite3.SQLITE_NOTADB: (
        "not_a_journal",
        "{path} is not a journal: it is no SQLite database",
    ),
    sqlite3.SQLITE_READONLY: (
        "read_only",
        "the journal {path} cannot be written: the file or its disk is read-only",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot_open",
        "the journal {path} cannot be opened: check the rights on the file and its directory",
    ),
    sqlite3.SQLITE_IOERR: (
        "io",
        "the disk failed while the journal {path} was read or written",
    ),
}


def refusal(path: str, code: str, sentence: str) -> StoreError:
    """A StoreError about the journal at `path`; `{path}` in the sentence is replaced."""
    return StoreError(sentence.replace("{path}", path), operation="store", code=code)


def primary_code(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code; None for errors that Python's module makes itself."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def translated(path: str, error: Exception) -> AdapterError:
    """The error to raise instead of `error`."""
    if isinstance(error, CodecError | OverflowError | UnicodeError):
        return Terminal(f"a value cannot be journalled: {error}", operation="store")
    if isinstance(error, sqlite3.IntegrityError):
        return Terminal(f"the journal refuses an invalid row: {error}", operation="store")
    if isinstance(error, sqlite3.ProgrammingError) and "closed database" in str(error):
        return refusal(path, "closed", "the journal {path} has been closed")
    code = primary_code(error) if isinstance(error, sqlite3.Error) else None
    if code is not None and code in _BY_CODE:
        return refusal(path, *_BY_CODE[code])
    return refusal(path, "sqlite", f"the journal {{path}} cannot be used: {error}")


def unreadable(path: str, error: CodecError) -> StoreError:
    """A stored row that does not decode: written by something else, or damaged."""
    sentence = f"the journal {{path}} holds a row that this program cannot read: {error}"
    return refusal(path, "corrupt", sentence)


@contextmanager
def translating(path: str) -> Iterator[None]:
    """Let no error of SQLite, or of a value that does not fit, leave the block untranslated."""
    try:
        yield
    except (sqlite3.Error, CodecError, OverflowError, UnicodeError) as error:
        raise translated(path, error) from error
