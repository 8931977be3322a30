"""Which policy owns which endpoint, once AWS has said what there is. Pure.

An endpoint has one owner. Nothing takes precedence, neither a name over a selector nor
the first over the last: whichever rule were chosen, somebody would be surprised by the
policy in force. All policies that claim an endpoint twice are told, and none gets it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from controller.model.endpoint import EndpointKey, Kind
from controller.model.policy import Policy, Scope, Selector
from controller.policy.names import matches_glob


@dataclass(frozen=True)
class Discovered:
    """What was found in one place."""

    account: str
    """Twelve digits: who the scope's credentials turned out to be."""
    endpoints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Tags by name of endpoint. May stay empty where no policy selects."""


@dataclass(frozen=True)
class ClaimConflict:
    """One endpoint that several policies claim."""

    keys: tuple[EndpointKey, ...]
    """The endpoint under every qualifier it was claimed by."""
    policies: tuple[str, ...]
    """Names of the policies, sorted."""
    message: str


@dataclass(frozen=True)
class Claims:
    """Every endpoint's one policy, and the endpoints that have several."""

    owned: Mapping[EndpointKey, Policy]
    conflicts: tuple[ClaimConflict, ...]
    undiscovered: tuple[Policy, ...]
    """Policies whose place has not been looked at (no credentials, no connection)."""


def match_selector(selector: Selector, name: str, tags: Mapping[str, str]) -> bool:
    """Whether name pattern and all tags match; a selector without either matches nothing."""
    if selector.name_pattern is None and not selector.tags:
        return False
    if selector.name_pattern is not None and not matches_glob(selector.name_pattern, name):
        return False
    return all(tags.get(key) == value for key, value in selector.tags.items())


def claims(
    policies: Iterable[Policy], discovered: Mapping[tuple[Kind, Scope], Discovered]
) -> Claims:
    """Resolve names and selectors to endpoints.

    A name is claimed whether or not it was discovered, so that its absence shows as an
    endpoint that is not there. The result does not depend on the order of `policies`.
    """
    undiscovered: list[Policy] = []
    by_function: dict[EndpointKey, list[tuple[EndpointKey, Policy]]] = defaultdict(list)
    for policy in sorted(policies, key=lambda p: p.name):
        place = discovered.get((policy.target.kind, policy.target.scope))
        if place is None:
            undiscovered.append(policy)
            continue
        for key in _keys(policy, place):
            by_function[_unqualified(key)].append((key, policy))
    owned: dict[EndpointKey, Policy] = {}
    conflicts: list[ClaimConflict] = []
    for function in sorted(by_function):
        claimed = by_function[function]
        if len(claimed) == 1:
            key, policy = claimed[0]
            owned[key] = policy
        else:
            conflicts.append(_conflict(function, claimed))
    return Claims(owned, tuple(conflicts), tuple(undiscovered))


def qualifiers_clash(qualifiers: Collection[str]) -> str | None:
    """Why two aliases of one function cannot have a policy each."""
    if len(qualifiers) < 2:
        return None
    names = " and ".join(sorted(qualifiers))
    return f"{names} all take their memory from the one $LATEST and cannot be sized apart"


def _keys(policy: Policy, place: Discovered) -> list[EndpointKey]:
    target = policy.target
    names = [target.name] if target.name is not None else []
    if target.selector is not None:
        names = [n for n, t in place.endpoints.items() if match_selector(target.selector, n, t)]
    region = target.scope.region
    return [
        EndpointKey(place.account, region, target.kind, name, target.qualifier) for name in names
    ]


def _unqualified(key: EndpointKey) -> EndpointKey:
    return EndpointKey(key.account, key.region, key.kind, key.name)


def _conflict(function: EndpointKey, claimed: list[tuple[EndpointKey, Policy]]) -> ClaimConflict:
    names = tuple(sorted(policy.name for _, policy in claimed))
    keys = tuple(sorted({key for key, _ in claimed}))
    places = ", ".join(f"{policy.name} ({policy.source})" for _, policy in claimed)
    clash = qualifiers_clash({key.qualifier for key in keys})
    message = f"{function.short} is claimed by {places}" + (f"; {clash}" if clash else "")
    return ClaimConflict(keys, names, message)
