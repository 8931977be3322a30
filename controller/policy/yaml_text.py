"""From bytes to text that YAML allows, or the position of what it does not."""

import re

from controller.policy.problems import PolicyProblem
from controller.policy.yaml_tree import Mark

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decode(name: str, content: bytes) -> str | PolicyProblem:
    """The file's text, or the one problem that keeps it from being text."""
    if content.startswith(_UTF16):
        return PolicyProblem(name, 1, 1, "", "this is UTF-16; policies are UTF-8", "save as UTF-8")
    if b"\0" in content:
        offset = content.index(b"\0")
        message = f"not text: byte 0x00 at offset {offset}; is this a binary file?"
        return PolicyProblem(name, None, None, "", message)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _undecodable(name, content, error)
    found = _UNPRINTABLE.search(text)
    if found is None:
        return text
    mark = _mark(text, found.start())
    code = ord(found.group())
    message = f"found the control character U+{code:04X}, which YAML does not allow"
    return PolicyProblem(name, mark.line, mark.column, "", message)


def _undecodable(name: str, content: bytes, error: UnicodeDecodeError) -> PolicyProblem:
    # the decoder counts from behind the byte-order mark that it took off
    start = error.start + len(content) - len(error.object)
    before = content[:start].decode("utf-8-sig")  # all of it was valid so far
    mark = _mark(before, len(before))
    return PolicyProblem(
        name,
        mark.line,
        mark.column,
        "",
        f"not UTF-8: byte 0x{content[start]:02x} at offset {start} is not text",
        "save as UTF-8",
    )


def _mark(text: str, offset: int) -> Mark:
    return Mark(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
