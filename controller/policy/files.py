"""From paths to bytes: files, directories and standard input, each file read once.

A mounted ConfigMap holds `policy.yaml -> ..data/policy.yaml` and `..data -> ..2026_11_02/`:
names that begin with a dot are skipped and links are followed, so that each policy is
met once, under its stable name.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from controller.policy.problems import PolicyProblem

PATTERNS = ("*.yaml", "*.yml")
MAX_FILE_BYTES = 1 << 20
MAX_FILES = 10_000
MAX_DEPTH = 32
STDIN = "-"
STDIN_NAME = "<stdin>"


@dataclass(frozen=True)
class SourceFile:
    """One file's name for messages, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Sources:
    """Everything that was read, and what could not be."""

    files: tuple[SourceFile, ...]
    problems: tuple[PolicyProblem, ...]


class _UnusableError(Exception):
    """The path cannot be used; the message says why."""


def read_sources(paths: Sequence[str | Path], stdin: TextIO | None = None) -> Sources:
    """Read every policy file under `paths` (`-` is `stdin`). Raises nothing; see `problems`."""
    files: list[SourceFile] = []
    problems: list[PolicyProblem] = []
    seen: set[str] = set()
    if not paths:
        problems.append(_problem("policies", "no file or directory was given"))
    for path in paths:
        try:
            for name, content in _read_path(str(path), stdin, seen, problems):
                files.append(SourceFile(name, content))
        except _UnusableError as refused:
            problems.append(_problem(_display(str(path)), str(refused)))
    return Sources(tuple(files), tuple(problems))


def _read_path(
    path: str, stdin: TextIO | None, seen: set[str], problems: list[PolicyProblem]
) -> Iterator[tuple[str, bytes]]:
    if path == STDIN:
        yield STDIN_NAME, _read_stdin(stdin)
        return
    if "\0" in path:
        raise _UnusableError("the path holds a NUL character")
    for file in _files_below(path, problems) if os.path.isdir(path) else [path]:
        real = os.path.realpath(file)
        if real in seen:
            continue
        seen.add(real)
        try:
            yield _display(file), _read_file(file)
        except _UnusableError as refused:
            problems.append(_problem(_display(file), str(refused)))


def _files_below(directory: str, problems: list[PolicyProblem]) -> list[str]:
    walk = _Walk()
    walk.enter(directory, 0)
    problems.extend(walk.problems)
    if not walk.found and not walk.problems:
        patterns = " and ".join(PATTERNS)
        raise _UnusableError(
            f"no policy files here: looked for {patterns} in it and below, "
            "skipping names that begin with a dot"
        )
    return walk.found


class _Walk:
    """A sorted walk that follows links and enters each directory once."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.problems: list[PolicyProblem] = []
        self._visited: set[str] = set()

    def enter(self, directory: str, depth: int) -> None:
        real = os.path.realpath(directory)
        if real in self._visited:
            return
        self._visited.add(real)
        if depth > MAX_DEPTH:
            self._refuse(directory, f"directories are nested deeper than {MAX_DEPTH}")
            return
        try:
            names = sorted(os.listdir(directory))
        except OSError as error:
            self._refuse(directory, _cause(error))
            return
        for name in names:
            if not name.startswith("."):
                self._meet(os.path.join(directory, name), depth)

    def _meet(self, path: str, depth: int) -> None:
        if os.path.isdir(path):
            self.enter(path, depth + 1)
        elif not path.endswith((".yaml", ".yml")):
            return
        elif not os.path.isfile(path) and not os.path.islink(path):
            return  # a socket or a pipe: opening it could wait for ever
        elif len(self.found) == MAX_FILES:
            raise _UnusableError(
                f"more than {MAX_FILES:,} policy files; is this the right directory?"
            )
        else:
            self.found.append(path)

    def _refuse(self, directory: str, why: str) -> None:
        self.problems.append(_problem(_display(directory), why))


def _read_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _UnusableError(_cause(error)) from error
    return _bounded(content)


def _read_stdin(stdin: TextIO | None) -> bytes:
    if stdin is None:
        raise _UnusableError("standard input is not available here")
    try:
        buffer = getattr(stdin, "buffer", None)
        if buffer is not None:
            return _bounded(bytes(buffer.read(MAX_FILE_BYTES + 1)))
        text = stdin.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _UnusableError(f"standard input cannot be read: {error}") from error
    return _bounded(text.encode("utf-8", "surrogatepass"))


def _bounded(content: bytes) -> bytes:
    if len(content) > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES >> 20
        raise _UnusableError(f"larger than {limit} MiB, the limit for one policy file; split it up")
    return content


def _cause(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or directory"
    if isinstance(error, PermissionError):
        return "permission denied"
    return (error.strerror or str(error)).lower()


def _display(path: str) -> str:
    """The path as it can be printed: undecodable bytes of a file name become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def _problem(name: str, message: str) -> PolicyProblem:
    return PolicyProblem(name, None, None, "", message)
