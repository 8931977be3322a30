"""Payloads: from the policy itself, from files, archives and S3; and what is too large."""

import io
import tarfile
from pathlib import Path

import pytest

from controller.model.errors import Terminal
from controller.model.policy import Scope
from controller.model.probe import Body
from controller.model.probing import Expect, PayloadSource, Probing
from controller.probes.payloads import MOST_BYTES, PayloadReader

HERE = Scope("eu-west-1")


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("__", "."))
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def read(*sources: PayloadSource, s3: dict[tuple[str, str], bytes] | None = None) -> list[Body]:
    def get(scope: Scope, bucket: str, key: str, most: int) -> bytes:
        assert (scope, most > 0) == (HERE, True)
        return (s3 or {})[bucket, key]

    return list(PayloadReader(get).read(Probing(sources), HERE))


def test_everything_about_a_payload_is_kept() -> None:
    expect = Expect(contains="ok")
    source = PayloadSource("{}", None, None, 2.0, "text/csv", "text/plain", "m.tar.gz", expect)
    assert read(source) == [Body(b"{}", "text/csv", 2.0, "text/plain", "m.tar.gz", expect)]


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    for content in (b"1", b"2"):
        file.write_bytes(content)
        assert [body.content for body in read(PayloadSource(file=str(file)))] == [content]


def test_files_of_an_archive_share_its_weight() -> None:
    packed = archive(b__json=b"B", a__json=b"A", __DS_Store=b"junk")
    bodies = read(
        PayloadSource(s3="s3://samples/deep/all.tar.gz", weight=3.0),
        s3={("samples", "deep/all.tar.gz"): packed},
    )
    assert [(body.content, body.weight) for body in bodies] == [(b"A", 1.5), (b"B", 1.5)]


def test_what_cannot_be_sent_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(MOST_BYTES + 1))
    (tmp_path / "torn.tgz").write_bytes(archive(a=b"A" * 1000)[:40])
    (tmp_path / "empty.tar").write_bytes(archive())
    (tmp_path / "inside.tgz").write_bytes(archive(a=bytes(MOST_BYTES + 1)))
    for name, words in {
        "absent": "cannot be read: no such file",
        "large": "larger than 6 MB",
        "torn.tgz": "cannot be unpacked",
        "empty.tar": "has no files",
        "inside.tgz": "a in .* larger than 6 MB",
    }.items():
        with pytest.raises(Terminal, match=words):
            read(PayloadSource(file=str(tmp_path / name)))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "bomb.tgz").write_bytes(
        archive(**{f"f{number}": bytes(MOST_BYTES) for number in range(11)})
    )
    with pytest.raises(Terminal, match="too large"):
        read(PayloadSource(file=str(tmp_path / "bomb.tgz")))
