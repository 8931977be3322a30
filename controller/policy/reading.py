"""From the tree of one document to a validated model, or to everything wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from controller.model.policy import Source
from controller.policy.documents import DOCUMENTS, Document
from controller.policy.envelope import API_VERSION
from controller.policy.problems import MOST_PROBLEMS_PER_FILE, PolicyProblem, did_you_mean, shown
from controller.policy.translate import data_location, translated
from controller.policy.yaml_tree import (
    ListNode,
    Location,
    MapNode,
    Mark,
    Node,
    Plain,
    ScalarNode,
    dotted,
    find,
    key_mark,
    scalar_value,
    value_mark,
)

_GROUP = API_VERSION.partition("/")[0]


@dataclass(frozen=True)
class ReadDocument:
    """One document of a known kind."""

    file: str
    root: Node
    kind: str
    model: Document | None
    """None where so much is wrong that nothing can be made of the rest."""
    lost: tuple[Location, ...] = ()
    """Fields with errors, which `model` is without.

    Such a model serves only to find what else is wrong, so that one run tells all.
    """

    @property
    def name(self) -> str | None:
        """`metadata.name` as written, valid or not."""
        node = find(self.root, ("metadata", "name"))
        return node.raw if isinstance(node, ScalarNode) and node.raw else None

    @property
    def source(self) -> Source:
        """Where the document begins."""
        return Source(self.file, self.root.mark.line, self.root.mark.column)

    def problem(
        self, location: Location, message: str, hint: str | None = None, *, at_key: bool = False
    ) -> PolicyProblem:
        """An error at the value (or the key) of `location`."""
        where = key_mark if at_key else value_mark
        mark = where(self.root, location)
        path = dotted(location)
        return PolicyProblem(self.file, mark.line, mark.column, path, message, hint)


def read_document(file: str, root: Node, problems: list[PolicyProblem]) -> ReadDocument | None:
    """The document, its errors appended to `problems`; None where it is none of ours."""
    if isinstance(root, ScalarNode) and scalar_value(root) is None:
        return None  # nothing between two `---`
    kind = _kind(file, root, problems)
    if kind is None:
        return None
    nulls: list[Location] = []
    plain = _without_nulls(root, (), nulls)
    for location in nulls:
        mark = key_mark(root, location)
        problems.append(
            PolicyProblem(
                file,
                mark.line,
                mark.column,
                dotted(location),
                "has no value",
                "write one, or remove the line",
            )
        )
    model = dict(DOCUMENTS)[kind]
    try:
        read: Document | None = model.model_validate(plain)
    except ValidationError as error:
        silent = {dotted(location) for location in nulls}
        problems.extend(p for p in translated(file, root, model, error) if p.path not in silent)
        lost = [_cut_at(detail) for detail in error.errors(include_input=False)]
        read = _remainder(model, plain, lost)
        return ReadDocument(file, root, kind, read, (*nulls, *lost))
    return ReadDocument(file, root, kind, read, tuple(nulls))


def _cut_at(detail: ErrorDetails) -> Location:
    """What to cut out so that the error goes: the field, or the whole list it is inside of.

    Whole lists, because the indices of their other items must stay true.
    """
    location = data_location(detail)
    location = location[:-1] if detail["type"] == "missing" else location
    return tuple(takewhile(lambda step: isinstance(step, str), location))


def _remainder(model: type[Document], plain: Plain, lost: list[Location]) -> Document | None:
    """The document without the `lost` fields, if there is one."""
    if not isinstance(plain, dict) or len(lost) > MOST_PROBLEMS_PER_FILE:
        return None
    for location in lost:
        _cut(plain, location)
    metadata = plain.get("metadata")
    if not isinstance(metadata, dict) or "name" not in metadata:
        plain["metadata"] = {"name": "unnamed"}
    try:
        return model.model_validate(plain)
    except ValidationError:
        return None


def _cut(plain: dict[str, Plain], location: Location) -> None:
    parent = plain
    for key in location[:-1]:
        below = parent.get(str(key))
        if not isinstance(below, dict):
            return
        parent = below
    if location:
        parent.pop(str(location[-1]), None)


def _kind(file: str, root: Node, problems: list[PolicyProblem]) -> str | None:
    """The kind, where the envelope names one that this version reads."""
    if not isinstance(root, MapNode):
        what = "a list" if isinstance(root, ListNode) else shown(root.raw)
        problems.append(
            _at(file, root.mark, "", f"a document must be a mapping, not {what}", _BEGIN)
        )
        return None
    found = list(_envelope(file, root))
    problems.extend(found)
    kind = find(root, ("kind",))
    return None if found or not isinstance(kind, ScalarNode) else kind.raw


_BEGIN = f"begin it with apiVersion: {API_VERSION}"


def _envelope(file: str, root: MapNode) -> Iterator[PolicyProblem]:
    kinds = [kind for kind, _ in DOCUMENTS]
    for field, allowed in (("apiVersion", [API_VERSION]), ("kind", kinds)):
        node = find(root, (field,))
        if node is None:
            hint = f"write {field}: {allowed[0]}"
            yield _at(file, root.mark, field, "required, but not given", hint)
        elif not isinstance(node, ScalarNode) or node.raw not in allowed:
            yield _wrong_word(file, root, field, node, allowed)


def _wrong_word(
    file: str, root: MapNode, field: str, node: Node, allowed: list[str]
) -> PolicyProblem:
    mark = value_mark(root, (field,))
    raw = node.raw if isinstance(node, ScalarNode) else ""
    hint = did_you_mean(raw, allowed)
    if field == "apiVersion" and raw.partition("/")[0] == _GROUP and not hint:
        hint = f"this program reads {API_VERSION}"
    if not hint:
        hint = f"rightsizer reads {', '.join(allowed)} only"
    return _at(file, mark, field, f"{shown(raw)} is not known", hint)


def _at(file: str, mark: Mark, path: str, message: str, hint: str | None) -> PolicyProblem:
    return PolicyProblem(file, mark.line, mark.column, path, message, hint)


def _without_nulls(node: Node, location: Location, nulls: list[Location]) -> Plain:
    """Plain data without the empty values, whose locations are collected.

    An empty value is never taken for "unset": `budget:` with its amount forgotten would
    otherwise silently lift the budget.
    """
    if isinstance(node, ScalarNode):
        return scalar_value(node)
    if isinstance(node, ListNode):
        return [_child(item, (*location, i), nulls) for i, item in enumerate(node.items)]
    plain = {key: _child(v, (*location, key), nulls) for key, (_, v) in node.entries.items()}
    return {key: value for key, value in plain.items() if value is not None}


def _child(node: Node, location: Location, nulls: list[Location]) -> Plain:
    plain = _without_nulls(node, location, nulls)
    if plain is None:
        nulls.append(location)
    return plain
