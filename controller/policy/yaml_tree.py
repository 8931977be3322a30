"""A YAML document as a tree in which every key and value knows its position.

Only what YAML 1.2's core schema says is resolved: `no`, `Off` and `12:30` are text,
`012` is the number twelve, `true` is true. The positions are 1-based.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from controller.policy.problems import shown

Plain: TypeAlias = bool | int | float | str | list["Plain"] | dict[str, "Plain"] | None
Location: TypeAlias = tuple[str | int, ...]
"""Keys and list indices from the root to a value."""

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {word: word[0] in "tT" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_OCTAL = re.compile(r"0o[0-7]{1,18}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,4})?")
_SPECIAL = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))")


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in a file."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One scalar as written; `plain` when it carries no quotes."""

    mark: Mark
    raw: str
    plain: bool


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence."""

    mark: Mark
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping; where a key was given twice (a problem of its own) only the first is here."""

    mark: Mark
    entries: dict[str, tuple[Mark, "Node"]]
    """Value by key, with the position of the key."""


Node: TypeAlias = ScalarNode | ListNode | MapNode


def scalar_value(node: ScalarNode) -> bool | int | float | str | None:
    """What a scalar means. Numbers too long to be meant as such stay text."""
    raw = node.raw
    if not node.plain:
        return raw
    if raw in _NULL:
        return None
    if raw in _BOOL:
        return _BOOL[raw]
    if _INT.fullmatch(raw):
        return int(raw)
    if _OCTAL.fullmatch(raw) or _HEX.fullmatch(raw):
        return int(raw, 0)
    if _FLOAT.fullmatch(raw):
        return float(raw)
    if _SPECIAL.fullmatch(raw):
        return float(raw.replace(".", "", 1))
    return raw


def find(root: Node, location: Location) -> Node | None:
    """The node at `location`, or None."""
    node = root
    for step in location:
        below = _child(node, step)
        if below is None:
            return None
        node = below
    return node


def key_mark(root: Node, location: Location) -> Mark:
    """Position of the key (or list item) at `location`, else of its nearest ancestor's."""
    node, mark = root, root.mark
    for step in location:
        if isinstance(node, MapNode) and isinstance(step, str) and step in node.entries:
            mark, node = node.entries[step]
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            mark = node.mark
        else:
            break
    return mark


def value_mark(root: Node, location: Location) -> Mark:
    """Position of the value at `location`; of its key where the value is empty or a block."""
    node = find(root, location)
    if isinstance(node, ScalarNode) and (node.raw or not node.plain):
        return node.mark
    return key_mark(root, location)


def dotted(location: Location) -> str:
    """`spec.changeWindows[0].days`, printable whatever the keys are."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = shown(step)[1:-1]
            text += f".{key}" if text else key
    return text


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(node, MapNode) and isinstance(step, str) and step in node.entries:
        return node.entries[step][1]
    if isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None
