"""A permission and its reason, before it becomes a statement of IAM's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from controller.model.policy import Mode


class Access(IntEnum):
    """How far an identity may go; each level holds what is below it."""

    OBSERVE = 0
    """Read what is there and judge the SLO."""
    RECOMMEND = 1
    """Also what a recommendation rests on. Today the same calls: another size is thought, not
    read."""
    ENFORCE = 2
    """Also change sizes."""
    PROBE = 3
    """Also make shadow copies, send requests to them and delete them."""


ACCESS_OF = {
    Mode.OBSERVE: Access.OBSERVE,
    Mode.RECOMMEND: Access.RECOMMEND,
    Mode.ENFORCE: Access.ENFORCE,
}
"""What a policy's mode asks for; Off asks for nothing."""

ANYWHERE = ("*",)
"""Of actions that know no resources (AWS's Service Authorization Reference)."""


REQUESTED_REGION = "aws:RequestedRegion"


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """One test of a statement: `StringEquals aws:ResourceTag/team ml`."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions on resources, under conditions that must all hold."""

    sid: str
    """Words in CamelCase; becomes unique when documents are made."""
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    why: str
    """One sentence without a full stop."""
    conditions: tuple[Condition, ...] = ()


def merged(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Grants that say the same of other resources, or of other regions, become one."""
    found: dict[object, Grant] = {}
    for grant in grants:
        alike = (grant.sid, grant.actions, _apart_from_regions(grant))
        before = found.get(alike)
        found[alike] = grant if before is None else _both(before, grant)
    return tuple(
        replace(one, actions=tuple(sorted(one.actions)), resources=_fewest(one.resources))
        for one in found.values()
    )


def _apart_from_regions(grant: Grant) -> object:
    """Conditions that keep two grants apart: of actions without resources, not the region."""
    return tuple(
        one
        for one in grant.conditions
        if not (grant.resources == ANYWHERE and one.key == REQUESTED_REGION)
    )


def _both(one: Grant, other: Grant) -> Grant:
    return replace(
        one,
        resources=tuple({*one.resources, *other.resources}),
        conditions=tuple(
            replace(a, values=tuple(sorted({*a.values, *b.values})))
            for a, b in zip(one.conditions, other.conditions, strict=True)
        ),
    )


def _fewest(resources: Sequence[str]) -> tuple[str, ...]:
    """Sorted, without those that a prefix with `*` covers."""
    open_ended = {one[:-1] for one in resources if one.endswith("*")}
    return tuple(
        sorted(
            one
            for one in set(resources)
            if not any(one.startswith(p) and one != f"{p}*" for p in open_ended)
        )
    )
