"""Payloads of a policy, read and ready to send: inline, from a file, or from S3.

They are read anew for every probe, so that a changed file takes effect at once. A tar archive
counts as one payload for each file in it, which share its weight.
"""

import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from controller.model.errors import Terminal
from controller.model.policy import Scope
from controller.model.probe import Body
from controller.model.probing import PayloadSource, Probing

MOST_BYTES = 6_291_456
"""Largest request that Lambda's Invoke and SageMaker's InvokeEndpoint take."""
MOST_ARCHIVE_BYTES = 64 * 1024 * 1024
"""Of an archive, packed or unpacked."""
MOST_FILES = 1000

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

GetObject = Callable[[Scope, str, str, int], bytes]
"""Scope, bucket, key, most bytes. Raises AdapterError, Terminal where the object is larger."""


class PayloadReader:
    """Reads what a policy wants sent."""

    def __init__(self, get_object: GetObject) -> None:
        self._get_object = get_object

    def read(self, probing: Probing, scope: Scope) -> Sequence[Body]:
        """All payloads. Raises Terminal where one cannot be read or is too large, and what
        reading from S3 raises."""
        return [body for source in probing.payloads for body in self._bodies(source, scope)]

    def _bodies(self, source: PayloadSource, scope: Scope) -> Iterator[Body]:
        name, content = self._content(source, scope)
        if not name.endswith(_ARCHIVES):
            yield _body(source, name, content, source.weight)
            return
        members = _unpacked(name, content)
        for member, inner in members:
            yield _body(source, f"{member} in {name}", inner, source.weight / len(members))

    def _content(self, source: PayloadSource, scope: Scope) -> tuple[str, bytes]:
        if source.inline is not None:
            return "", source.inline.encode()
        if source.file is not None:
            return source.file, _of_file(Path(source.file), _limit(source.file))
        url = str(source.s3)
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return url, self._get_object(scope, bucket, key, _limit(url))


def _limit(name: str) -> int:
    return MOST_ARCHIVE_BYTES if name.endswith(_ARCHIVES) else MOST_BYTES


def _body(source: PayloadSource, name: str, content: bytes, weight: float) -> Body:
    if len(content) > MOST_BYTES:
        raise _too_large(name, MOST_BYTES)
    return Body(
        content, source.content_type, weight, source.accept, source.target_model, source.expect
    )


def _of_file(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Terminal(f"Payload {path} cannot be read: {why}.") from None
    if len(content) > most:
        raise _too_large(str(path), most)
    return content


def _unpacked(name: str, content: bytes) -> list[tuple[str, bytes]]:
    """Files of an archive, by name; what a computer adds by itself (`._x`, `.DS_Store`) is not
    a payload."""
    found: list[tuple[str, bytes]] = []
    left = MOST_ARCHIVE_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                if not member.isfile() or Path(member.name).name.startswith("."):
                    continue
                file = archive.extractfile(member)
                inner = b"" if file is None else file.read(min(left, MOST_BYTES) + 1)
                left -= len(inner)
                if left < 0 or len(found) >= MOST_FILES:
                    raise Terminal(
                        f"Payload archive {name} is too large: at most {MOST_FILES} files "
                        f"and {MOST_ARCHIVE_BYTES >> 20} MB unpacked."
                    )
                found.append((member.name, inner))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Terminal(f"Payload archive {name} cannot be unpacked: {error}.") from None
    if not found:
        raise Terminal(f"Payload archive {name} has no files in it.")
    return sorted(found)


def _too_large(name: str, most: int) -> Terminal:
    return Terminal(f"Payload {name or 'inline'} is larger than {most >> 20} MB.")
