"""Secrets in files that change while we serve: a token, and a certificate with its key.

Kubernetes swaps a mounted secret by turning a link (`..data`), other tools write the file anew.
So what a path leads to is looked at each time it is needed, which is one system call, and read
again when it is another file. What cannot be used is left, with a warning, for what was used
before: a rotation that is half done locks nobody out.
"""

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from controller.model.errors import Terminal
from controller.web.doors import LEAST_TOKEN

Seen = tuple[tuple[int, int, int] | None, ...]


def look(paths: Sequence[Path]) -> Seen:
    """What the paths lead to now; None for what is not there."""
    return tuple(_one(path) for path in paths)


def _one(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class TokenFile:
    """The token in a file, as it is now; called for it.

    Raises OSError or ValueError where there is none at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = look([path])
        self._token = _token(path)

    def __call__(self) -> str:
        """The token, read again if the file is another one."""
        seen = look([self._path])
        if seen != self._seen:
            self._seen = seen
            self._again()
        return self._token

    def _again(self) -> None:
        log = structlog.get_logger("rightsizer")
        try:
            self._token = _token(self._path)
            log.info("the listener's token was read again")
        except (OSError, ValueError) as error:
            log.warning(f"the token of before stays in use: {error}")


def _token(path: Path) -> str:
    try:
        token = path.read_text("utf-8").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} holds no text") from error
    if len(token) < LEAST_TOKEN:
        raise ValueError(f"{path}: a token needs at least {LEAST_TOKEN} characters")
    return token


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files of a certificate chain and its key."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For a server. Raises Terminal, in a sentence, where they cannot be used."""
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key, password=lambda: "")
        except (OSError, ValueError) as error:
            sentence = f"cannot serve HTTPS with {self.certificate} and {self.key}: {error}"
            raise Terminal(sentence, operation="listen") from error
        return context


class Certificates:
    """A server's context whose handshakes are made with what the files hold at the time.

    Raises Terminal where the files cannot be used at the start.
    """

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._seen = self._look()
        self.context = self._newest = tls.context()
        self.context.sni_callback = self._greeted

    def _look(self) -> Seen:
        return look([self._tls.certificate, self._tls.key])

    def _greeted(
        self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _: ssl.SSLContext
    ) -> None:
        """At each handshake, whether or not the other side names us."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            self._again()
        if self._newest is not self.context:
            connection.context = self._newest

    def _again(self) -> None:
        log = structlog.get_logger("rightsizer")
        try:
            self._newest = self._tls.context()
            log.info("the listener's certificate was read again")
        except Terminal as error:
            log.warning(f"the certificate of before stays in use: {error}")
