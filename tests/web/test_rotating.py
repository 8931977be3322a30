"""Tokens and certificates whose files change while they are in use."""

import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.model.errors import Terminal
from controller.web.app import build_app
from controller.web.checks import Check
from controller.web.listener import Listener
from controller.web.rotating import Tls, TokenFile

FIRST, SECOND = "the-first-token-of-all", "the-second-token-of-all"


def mounted(folder: Path, version: str, files: dict[str, str]) -> None:
    """A secret as Kubernetes mounts it: files link to `..data`, which links to a version."""
    (folder / version).mkdir(parents=True)
    for name, text in files.items():
        (folder / version / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..new").symlink_to(version)
    os.replace(folder / "..new", folder / "..data")


def test_a_token_that_is_rotated_holds_at_once(tmp_path: Path) -> None:
    mounted(tmp_path, "v1", {"token": FIRST + "\n"})
    token = TokenFile(tmp_path / "token")
    assert token() == FIRST
    mounted(tmp_path, "v2", {"token": SECOND + "\n"})
    assert token() == SECOND


def test_a_file_that_is_written_anew_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(FIRST)
    token = TokenFile(file)
    file.write_text(SECOND)
    assert token() == SECOND


@pytest.mark.parametrize("text", ["", "short", None])
def test_what_is_no_token_leaves_the_one_of_before(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "token"
    file.write_text(FIRST)
    token = TokenFile(file)
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    assert token() == FIRST
    assert token() == FIRST
    file.write_text(SECOND)
    assert token() == SECOND


def test_none_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="token"):
        TokenFile(tmp_path / "token")
    (tmp_path / "token").write_text("short")
    with pytest.raises(ValueError, match="at least 16 characters"):
        TokenFile(tmp_path / "token")


Issued = Callable[[str], dict[str, str]]


@pytest.fixture
def issued(program: Callable[[str], str], tmp_path: Path) -> Issued:
    """A certificate for 127.0.0.1 and its key, as the files of a secret."""
    openssl = program("openssl")

    def issue(name: str) -> dict[str, str]:
        key, cert = tmp_path / f"{name}.key", tmp_path / f"{name}.crt"
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        files = ["-keyout", str(key), "-out", str(cert)]
        subprocess.run(
            [openssl, "req", "-x509", *kind, *names, *files], check=True, capture_output=True
        )
        return {"tls.crt": cert.read_text(), "tls.key": key.read_text()}

    return issue


@pytest.fixture
def secret(tmp_path: Path, issued: Issued) -> Iterator[tuple[Path, Listener]]:
    folder = tmp_path / "mounted"
    mounted(folder, "v1", issued("first"))
    app = build_app(
        metrics=lambda _: (b"up 1\n", "text/plain"),
        live=lambda: {"fine": Check(True, "fine")},
        ready=lambda: {"fine": Check(True, "fine")},
    )
    listener = Listener(app, tls=Tls(folder / "tls.crt", folder / "tls.key"))
    listener.start()
    yield folder, listener
    listener.stop()


def shown(listener: Listener) -> str:
    return ssl.get_server_certificate(("127.0.0.1", listener.port), timeout=10)


def test_a_certificate_that_is_rotated_is_shown_at_the_next_handshake(
    secret: tuple[Path, Listener], issued: Issued
) -> None:
    folder, listener = secret
    first = shown(listener)
    second = issued("second")
    mounted(folder, "v2", second)
    assert shown(listener).strip() == second["tls.crt"].strip()
    mounted(folder, "v3", {**issued("third"), "tls.key": "half a rotation"})
    assert shown(listener).strip() == second["tls.crt"].strip()
    assert first.strip() != second["tls.crt"].strip()


def test_files_that_cannot_be_used_end_the_start(tmp_path: Path) -> None:
    listener = Listener(
        build_app(metrics=lambda _: (b"", ""), live=dict, ready=dict),
        tls=Tls(tmp_path / "tls.crt", tmp_path / "tls.key"),
    )
    with pytest.raises(Terminal, match="cannot serve HTTPS"):
        listener.start()
