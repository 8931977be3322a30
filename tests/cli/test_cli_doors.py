"""What `run` makes of its options about who may look."""

from pathlib import Path

import click
import pytest

from controller.cli.doors import doors, exposure, tls
from controller.cli.exits import CommandError
from controller.settings import Settings


def settings(tmp_path: Path, text: str | bytes | None = None, **values: object) -> Settings:
    if text is not None:
        file = tmp_path / "token"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        values["token_file"] = file
    return Settings(store=tmp_path / "journal.db", **values)  # type: ignore[arg-type]


def test_the_token_is_the_file_without_the_blanks_around_it(tmp_path: Path) -> None:
    made = doors(settings(tmp_path, "  a-token-of-some-length\n", token_for_metrics=True), "::1")
    assert callable(made.token)
    assert made.token() == "a-token-of-some-length"
    assert made.metrics_too
    assert made.loopback
    assert not doors(settings(tmp_path), "0.0.0.0").loopback
    assert doors(settings(tmp_path), "localhost").loopback
    assert doors(settings(tmp_path), "127.0.0.2").loopback


@pytest.mark.parametrize("text", ["", "short", " \n", b"\xff\xfe" * 20])
def test_a_token_that_is_none_ends_the_start(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(CommandError) as caught:
        doors(settings(tmp_path, text), "127.0.0.1")
    assert str(tmp_path / "token") in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_and_no_open_door(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        doors(settings(tmp_path, token_file=tmp_path / "nowhere"), "127.0.0.1")


def test_options_that_need_each_other(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="needs --token-file"):
        doors(settings(tmp_path, token_for_metrics=True), "127.0.0.1")
    with pytest.raises(click.UsageError, match="go together"):
        tls(settings(tmp_path, tls_cert=tmp_path / "cert.pem"))
    assert tls(settings(tmp_path)) is None


def test_what_others_may_see_is_said(tmp_path: Path) -> None:
    url = "http://0.0.0.0:9797"
    closed = exposure(doors(settings(tmp_path), "0.0.0.0"), url)
    public = exposure(doors(settings(tmp_path, public_page=True), "0.0.0.0"), url)
    assert closed is not None
    assert "this machine alone" in closed
    assert public is not None
    assert f"open to everybody who can reach {url}" in public
    assert exposure(doors(settings(tmp_path), "127.0.0.1"), url) is None
    assert exposure(doors(settings(tmp_path, "a-token-of-some-length"), "0.0.0.0"), url) is None
