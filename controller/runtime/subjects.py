"""The places that policies speak of, and what to try there: what `doctor` examines."""

from collections.abc import Iterator
from dataclasses import dataclass

from controller.model.endpoint import LATEST, Kind
from controller.model.policy import Mode, Policy, PolicySet, Scope
from controller.runtime.harmless_endpoints import SubjectEndpoint

SAGEMAKER = (Kind.SERVERLESS_ENDPOINT, Kind.REALTIME_ENDPOINT)


@dataclass(frozen=True, slots=True)
class Subject:
    """A place, and what the policies want of it."""

    scope: Scope
    function: str | None = None
    qualifier: str = LATEST
    selects: bool = False
    kinds: frozenset[Kind] = frozenset({Kind.LAMBDA_FUNCTION})
    endpoints: tuple[SubjectEndpoint, ...] = ()
    """One SageMaker endpoint of each kind that a policy names, if one does."""
    guessed: bool = False
    """No policy speaks of the place: what is wanted of SageMaker there, if anything, is open."""

    @property
    def where(self) -> str:
        """As a person names it."""
        role = self.scope.role_arn
        return self.scope.region if role is None else f"{self.scope.region} as {role}"


def subjects(policies: PolicySet) -> list[Subject]:
    """One for each place that policies speak of."""
    places: dict[Scope, list[Policy]] = {}
    for policy in policies.policies:
        if policy.mode is not Mode.OFF:
            places.setdefault(policy.target.scope, []).append(policy)
    return [_subject(scope, members) for scope, members in places.items()]


def anything(scope: Scope) -> Subject:
    """A place that no policy speaks of: functions and endpoints, whatever is found there."""
    return Subject(scope, kinds=frozenset(Kind), guessed=True)


def _subject(scope: Scope, members: list[Policy]) -> Subject:
    # one behind an alias tells most
    named = sorted(
        (p for p in members if p.target.name is not None and _is_function(p)),
        key=lambda p: p.target.qualifier == LATEST,
    )
    return Subject(
        scope=scope,
        function=named[0].target.name if named else None,
        qualifier=(named[0].target.qualifier if named else None) or LATEST,
        selects=any(p.target.selector is not None for p in members),
        kinds=frozenset(kind for p in members for kind in p.target.kinds),
        endpoints=tuple(_named_endpoints(members)),
    )


def _named_endpoints(members: list[Policy]) -> Iterator[SubjectEndpoint]:
    for kind in SAGEMAKER:
        named = (p.target for p in members if p.target.kind is kind and p.target.name is not None)
        target = next(named, None)
        if target is not None and target.name is not None:
            yield SubjectEndpoint(target.name, target.qualifier_of(kind), kind)


def _is_function(policy: Policy) -> bool:
    return policy.target.kind is Kind.LAMBDA_FUNCTION
