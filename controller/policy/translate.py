"""What pydantic found, as problems with a position, in words for people.

pydantic says where in the data (`loc`) and of what type the error is; the tree of nodes
says where that is in the file. A field that does not exist is compared with its
siblings first and then with the fields of the whole document, for one put in the wrong
place.
"""

from collections.abc import Iterator
from typing import Any, TypeGuard, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from controller.policy.problems import (
    MOST_PROBLEMS_PER_FILE,
    NotTextError,
    PolicyProblem,
    SpecValueError,
    nearest,
    shown,
)
from controller.policy.yaml_tree import (
    Location,
    Mark,
    Node,
    ScalarNode,
    dotted,
    find,
    key_mark,
    value_mark,
)

_MAIN_FIELD = {"budget": "perMonth", "latency": "threshold", "selector": "namePattern"}
"""Where a mapping is often mistaken for the one value that matters in it."""


def translated(
    file: str, root: Node, model: type[BaseModel], error: ValidationError
) -> Iterator[PolicyProblem]:
    """One problem for each of pydantic's errors, up to the number anybody would read."""
    details = error.errors(include_url=False)
    for detail in details[: MOST_PROBLEMS_PER_FILE + 1]:
        location = data_location(detail)
        mark, message, hint = _in_words(root, model, location, detail)
        yield PolicyProblem(file, mark.line, mark.column, dotted(location), message, hint)


def data_location(detail: ErrorDetails) -> Location:
    """Where in the data; pydantic adds `[key]` where the key itself is wrong."""
    location = detail["loc"]
    return location[:-1] if location and location[-1] == "[key]" else location


def _in_words(
    root: Node, model: type[BaseModel], location: Location, detail: ErrorDetails
) -> tuple[Mark, str, str | None]:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return key_mark(root, location), "unknown field", _field_hint(model, location)
    if kind == "missing":
        return key_mark(root, location[:-1]), "required, but not given", None
    mark = value_mark(root, location)
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, NotTextError):
        return mark, cause.message, _quoted(find(root, location))
    if isinstance(cause, SpecValueError):
        return mark, cause.message, cause.hint
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        return (
            mark,
            f"must be a mapping, not {_called(detail['input'])}",
            _mapping_hint(model, location, find(root, location)),
        )
    if kind == "list_type":
        return (
            mark,
            f"must be a list, not {_called(detail['input'])}",
            _list_hint(find(root, location)),
        )
    return mark, f"{shown(detail['input'])} cannot be used here: {detail['msg'].lower()}", None


def _called(value: object) -> str:
    return shown(value) if isinstance(value, (str, dict, list)) else f"the value {shown(value)}"


def _quoted(node: Node | None) -> str | None:
    return f'put it in quotes: "{node.raw}"' if _short(node) else None


def _short(node: Node | None) -> TypeGuard[ScalarNode]:
    """Whether a hint can repeat the value as it was written."""
    return isinstance(node, ScalarNode) and len(node.raw) <= 40 and node.raw.isprintable()


def _mapping_hint(model: type[BaseModel], location: Location, node: Node | None) -> str | None:
    last = location[-1] if location else ""
    if last in _MAIN_FIELD and _short(node):
        raw = f'"{node.raw}"' if " " in node.raw else node.raw
        return f"did you mean {last}: {{{_MAIN_FIELD[str(last)]}: {raw}}}?"
    inner = _model_at(model, location)
    return f"its fields are {', '.join(_aliases(inner))}" if inner else None


def _list_hint(node: Node | None) -> str | None:
    return f"did you mean [{node.raw}]?" if _short(node) else None


def _field_hint(model: type[BaseModel], location: Location) -> str | None:
    word = str(location[-1])
    parent = _model_at(model, location[:-1])
    if parent is None:
        return None
    siblings = _aliases(parent)
    close = nearest(word, siblings)
    if close:
        return f'did you mean "{close}"?'
    homes = [
        path
        for path, name in _all_fields(model, "")
        if name == word and path.partition(".")[0] == location[0]
    ]
    if homes:
        return f"it belongs in {' or '.join(homes)}"
    return f"the fields here are {', '.join(siblings)}"


def _aliases(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model that describes the mapping at `location`."""
    current: type[BaseModel] | None = model
    for step in location:
        if isinstance(step, int):
            continue  # a list's items are described by the annotation of the list
        if current is None:
            return None
        by_alias = {f.alias or name: f for name, f in current.model_fields.items()}
        field = by_alias.get(step)
        current = None if field is None else _inner_model(field.annotation)
    return current


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """The model inside of `Model`, `Model | None` or `list[Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        inner = _inner_model(part)
        if inner is not None:
            return inner
    return None


def _all_fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str]]:
    """(path of the mapping, field) for every field of the document."""
    for name, field in model.model_fields.items():
        alias = field.alias or name
        if prefix:
            yield prefix, alias
        inner = _inner_model(field.annotation)
        if inner is not None:
            yield from _all_fields(inner, f"{prefix}.{alias}" if prefix else alias)
