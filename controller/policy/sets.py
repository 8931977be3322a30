"""What policies of one set must not do to each other.

An endpoint has one owner. Two policies that name the same function, or that are sure to
select it both, are an error here; overlaps that only show once AWS has been asked are
found by `ownership`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from controller.model.endpoint import Kind
from controller.model.policy import Policy, Selector, Source
from controller.policy.envelope import DEFAULTS, LIMITS
from controller.policy.ownership import match_selector, qualifiers_clash
from controller.policy.problems import PolicyProblem
from controller.policy.reading import ReadDocument
from controller.policy.yaml_tree import Location

_TARGET: Location = ("spec", "target")


@dataclass(frozen=True)
class Loaded:
    """A policy and the document it came from."""

    policy: Policy
    document: ReadDocument


def check_names(documents: Sequence[ReadDocument]) -> Iterator[PolicyProblem]:
    """Names are unique per kind; defaults and limits come once per set."""
    first: dict[tuple[str, str], Source] = {}
    once: dict[str, Source] = {}
    for document in documents:
        key = (document.kind, document.name or "")
        if document.kind in once:
            message = f"a set has one {document.kind}, and there is one at {once[document.kind]}"
            yield document.problem(("kind",), message, "merge the two")
        elif document.name is not None and key in first:
            yield document.problem(
                ("metadata", "name"),
                f'"{document.name}" is taken by the {document.kind} at {first[key]}',
            )
        first.setdefault(key, document.source)
        if document.kind in (DEFAULTS, LIMITS):
            once.setdefault(document.kind, document.source)


def check_claims(loaded: Iterable[Loaded]) -> Iterator[PolicyProblem]:
    """Two policies that are sure to claim one endpoint: told where each of them says so, for
    whoever wrote the one may not know of the other."""
    places: dict[tuple[bool, str, str | None], list[Loaded]] = defaultdict(list)
    for item in loaded:
        target = item.policy.target
        for sagemaker in {kind is not Kind.LAMBDA_FUNCTION for kind in target.kinds}:
            places[sagemaker, target.scope.region, target.scope.account].append(item)
    for items in places.values():
        names: dict[str, Loaded] = {}
        told: set[str] = set()
        for item in items:
            name = item.policy.target.name
            if name is not None and name in names:
                yield _same_name(item, names[name])
                if name not in told:  # once, however many there are
                    told.add(name)
                    yield _same_name(names[name], item)
            elif name is not None:
                names[name] = item
        yield from _check_selectors(items, names)


def _check_selectors(items: list[Loaded], names: dict[str, Loaded]) -> Iterator[PolicyProblem]:
    seen: list[tuple[Selector, Loaded]] = []
    for item in items:
        selector = item.policy.target.selector
        if selector is None:
            continue
        at: Location = (*_TARGET, "selector")
        same = next((o for known, o in seen if known == selector and _share_kind(item, o)), None)
        if same is not None:
            for one, other in ((item, same), (same, item)):
                message = f"selects the same endpoints as {_named(other)}"
                yield one.document.problem(at, message, _ONE_OWNER)
        seen.append((selector, item))
        if selector.tags:
            continue  # tags are known only to AWS
        for name, other in names.items():
            if match_selector(selector, name, {}) and _share_kind(item, other):
                message = f'selects "{name}", which {_named(other)} names'
                yield item.document.problem(at, message, _ONE_OWNER)
                message = f'"{name}" is selected by {_named(item)}'
                yield other.document.problem((*_TARGET, "name"), message, _ONE_OWNER)


_ONE_OWNER = "every endpoint has one policy"


def _share_kind(one: Loaded, other: Loaded) -> bool:
    return not set(one.policy.target.kinds).isdisjoint(other.policy.target.kinds)


def _same_name(item: Loaded, first: Loaded) -> PolicyProblem:
    mine, other = item.policy.target, first.policy.target
    message = f'"{mine.name}" in {mine.scope.region} is claimed by {_named(first)}'
    if mine.kind is not other.kind:
        clash: str | None = "an endpoint is either serverless or real-time"
    else:
        qualifiers = {target.qualifier_of(mine.kind) for target in (mine, other)}
        clash = qualifiers_clash(mine.kind, qualifiers)
    return item.document.problem((*_TARGET, "name"), message, clash or _ONE_OWNER)


def _named(item: Loaded) -> str:
    return f"policy {item.policy.name} at {item.policy.source}"
