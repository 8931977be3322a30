"""Which operation of a REST service a method and a path mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from botocore.model import ServiceModel


@dataclass(slots=True)
class _Node:
    """One segment of paths: what may follow, and which operations end here."""

    literal: dict[str, _Node] = field(default_factory=dict)
    label: _Node | None = None
    # method -> operations as (name, names of labels in order, fixed query parameters)
    ends: dict[str, list[tuple[str, tuple[str, ...], Mapping[str, str]]]] = field(
        default_factory=dict
    )


class RestRoutes:
    """A tree over the URI templates of a service.

    A fixed segment goes before a label, and among operations on one path the one with the
    most matching fixed query parameters (`?List=ALL`) wins.
    """

    def __init__(self, model: ServiceModel) -> None:
        self._root = _Node()
        for name in model.operation_names:
            http = model.operation_model(name).http
            self._add(name, str(http["method"]), str(http["requestUri"]))

    def _add(self, name: str, method: str, uri: str) -> None:
        path, _, query = uri.partition("?")
        fixed = {key: values[0] for key, values in parse_qs(query, True).items()}
        node, labels = self._root, []
        for segment in _segments(path):
            if segment.startswith("{"):
                labels.append(segment.strip("{}+"))
                node.label = node.label or _Node()
                node = node.label
            else:
                node = node.literal.setdefault(segment, _Node())
        node.ends.setdefault(method, []).append((name, tuple(labels), fixed))

    def find(self, method: str, path: str, query: str) -> tuple[str, dict[str, str]] | None:
        """The operation and the decoded labels, or None."""
        return self._search(self._root, _segments(path), [], method, query)

    def _search(
        self, node: _Node, rest: list[str], taken: list[str], method: str, query: str
    ) -> tuple[str, dict[str, str]] | None:
        if not rest:
            return _choose(node, method, query, taken)
        head, tail = rest[0], rest[1:]
        child = node.literal.get(head)
        if child is not None:
            found = self._search(child, tail, taken, method, query)
            if found is not None:
                return found
        if node.label is not None and head:
            return self._search(node.label, tail, [*taken, unquote(head)], method, query)
        return None


def _choose(
    node: _Node, method: str, query: str, taken: list[str]
) -> tuple[str, dict[str, str]] | None:
    candidates = node.ends.get(method)
    if not candidates:
        return None
    if len(candidates) == 1 and not candidates[0][2]:
        name, labels, _ = candidates[0]
        return name, dict(zip(labels, taken, strict=True))
    given = {key: values[0] for key, values in parse_qs(query, True).items()}
    fitting = [one for one in candidates if one[2].items() <= given.items()]
    if not fitting:
        return None
    name, labels, _ = max(fitting, key=lambda one: len(one[2]))
    return name, dict(zip(labels, taken, strict=True))


def _segments(path: str) -> list[str]:
    """Segments between slashes; a trailing slash means nothing."""
    return path.strip("/").split("/")
