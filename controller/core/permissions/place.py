"""Where resources are: ARNs of what policies name, as narrow as IAM can say it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from controller.core.permissions.grant import REQUESTED_REGION, Condition
from controller.model.policy import Scope, Target

ANY = "*"
_CLASS = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Place:
    """A region of an account."""

    region: str
    account: str = ANY
    """Any: an identity's own policy reaches no further than its account anyway."""

    @property
    def partition(self) -> str:
        """`aws`, or where China and GovCloud keep to themselves."""
        for prefix, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
            if self.region.startswith(prefix):
                return partition
        return "aws"

    def arn(self, service: str, rest: str) -> str:
        """The ARN of a resource here."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    @property
    def here(self) -> Condition:
        """For actions that know no resources: calls to this region only."""
        return Condition("StringEquals", REQUESTED_REGION, (self.region,))


def place_of(scope: Scope, account: str | None) -> Place:
    """Where a policy acts; `account` where neither it nor its role says."""
    of_role = None if scope.role_arn is None else scope.role_arn.split(":")[4]
    return Place(scope.region, of_role or scope.account or account or ANY)


def pattern_of(target: Target) -> str:
    """The name as IAM matches it. IAM knows `*` and `?`, but no `[abc]`: that becomes `?`."""
    if target.name is not None:
        return target.name
    shell = None if target.selector is None else target.selector.name_pattern
    return ANY if shell is None else _CLASS.sub("?", shell)


def tagged(target: Target) -> tuple[Condition, ...]:
    """The selector's tags; empty for a target by name."""
    tags = {} if target.selector is None else target.selector.tags
    return tuple(
        Condition("StringEquals", f"aws:ResourceTag/{key}", (value,))
        for key, value in sorted(tags.items())
    )


def written(name: str) -> Iterator[str]:
    """SageMaker's ARNs hold names in lower case; both are given where they differ."""
    yield name
    if name != name.lower():
        yield name.lower()
