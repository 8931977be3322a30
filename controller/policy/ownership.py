"""Which policy owns which endpoint, once AWS has said what there is. Pure.

An endpoint has one owner. Nothing takes precedence, neither a name over a selector nor
the first over the last: whichever rule were chosen, somebody would be surprised by the
policy in force. All policies that claim an endpoint twice are told, and none gets it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.model.endpoint import EndpointKey, Kind, default_qualifier
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
    """Policies of which a place has not been looked at (no credentials, no connection)."""


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
    by_endpoint: dict[EndpointKey, list[tuple[EndpointKey, Policy]]] = defaultdict(list)
    for policy in sorted(policies, key=lambda p: p.name):
        scope = policy.target.scope
        places = {kind: discovered.get((kind, scope)) for kind in policy.target.kinds}
        if None in places.values():
            undiscovered.append(policy)
        for kind, place in places.items():
            for key in _keys(policy, kind, place):
                by_endpoint[_unqualified(key)].append((key, policy))
    owned: dict[EndpointKey, Policy] = {}
    conflicts: list[ClaimConflict] = []
    for endpoint in sorted(by_endpoint):
        claimed = by_endpoint[endpoint]
        if len(claimed) == 1:
            key, policy = claimed[0]
            owned[key] = policy
        else:
            conflicts.append(_conflict(endpoint, claimed))
    return Claims(owned, tuple(conflicts), tuple(undiscovered))


def qualifiers_clash(kind: Kind, qualifiers: Collection[str]) -> str | None:
    """Why two aliases of one function, or two variants, cannot have a policy each."""
    if len(qualifiers) < 2:
        return None
    names = " and ".join(sorted(qualifiers))
    if kind is Kind.LAMBDA_FUNCTION:
        return f"{names} all take their memory from the one $LATEST and cannot be sized apart"
    return f"{names} stand in one endpoint configuration and cannot be sized apart"


def _keys(policy: Policy, kind: Kind, place: Discovered | None) -> list[EndpointKey]:
    if place is None:
        return []
    target = policy.target
    names = [target.name] if target.name is not None else []
    if target.selector is not None:
        names = [n for n, t in place.endpoints.items() if match_selector(target.selector, n, t)]
    region, qualifier = target.scope.region, target.qualifier_of(kind)
    return [EndpointKey(place.account, region, kind, name, qualifier) for name in names]


def _unqualified(key: EndpointKey) -> EndpointKey:
    return replace(key, qualifier=default_qualifier(key.kind))


def _conflict(endpoint: EndpointKey, claimed: list[tuple[EndpointKey, Policy]]) -> ClaimConflict:
    names = tuple(sorted(policy.name for _, policy in claimed))
    keys = tuple(sorted({key for key, _ in claimed}))
    places = ", ".join(f"{policy.name} ({policy.source})" for _, policy in claimed)
    clash = qualifiers_clash(endpoint.kind, {key.qualifier for key in keys})
    message = f"{endpoint.short} is claimed by {places}" + (f"; {clash}" if clash else "")
    return ClaimConflict(keys, names, message)
