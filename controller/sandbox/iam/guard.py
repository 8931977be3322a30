"""Decides every call of those whose policies are known, and remembers what was of use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from controller.sandbox.iam.accesses import accesses
from controller.sandbox.iam.document import Access, Document, decide
from controller.sandbox.wire.contract import AwsError, RequestContext
from controller.sandbox.wire.errors import flavour_of

if TYPE_CHECKING:
    from controller.sandbox.world import World


EVERYBODY = "*"
"""Whoever has no documents of his own."""


class Guard:
    """One per world. Whoever has no documents may do everything, as the account's root."""

    def __init__(self) -> None:
        self._documents: dict[str, tuple[Document, ...]] = {}
        self.denied: list[tuple[str, Access]] = []
        """(principal, access) in order."""
        self.used: Counter[tuple[str, str, str]] = Counter()
        """(principal, statement's sid, action): how often it allowed something."""

    def attach(self, principal: str, documents: Iterable[Mapping[str, Any]]) -> None:
        """From now on this ARN may do what these documents allow. Of a role's sessions give
        the ARN up to the role's name: `arn:aws:sts::…:assumed-role/NAME`. Raises DocumentError.
        `EVERYBODY` is whoever has none.
        """
        self._documents[principal] = tuple(map(Document.of, documents))

    def check(self, world: World, ctx: RequestContext, params: Mapping[str, Any]) -> None:
        """Raises AwsError where the caller's documents do not allow all that the call asks."""
        if not self._documents:
            return
        who, documents = self._of(ctx.principal)
        if documents is None:
            return
        for access in accesses(world, ctx, params):
            allowed, speaking = decide(documents, access)
            if not allowed:
                self.denied.append((who, access))
                raise _denial(ctx, access)
            self.used.update((who, one.sid, access.action) for one in speaking)

    def unused(self, principal: str) -> list[tuple[str, str]]:
        """(sid, action) of statements that allow and never did."""
        granted = {
            (statement.sid, action)
            for document in self._documents.get(principal, ())
            for statement in document.statements
            if statement.allows
            for action in statement.actions
        }
        return sorted(
            granted - {(sid, action) for who, sid, action in self.used if who == principal}
        )

    def _of(self, principal: str) -> tuple[str, tuple[Document, ...] | None]:
        if principal in self._documents:
            return principal, self._documents[principal]
        role = principal.rpartition("/")[0]
        known = role if role in self._documents else EVERYBODY
        return known, self._documents.get(known)


def _denial(ctx: RequestContext, access: Access) -> AwsError:
    code, status = flavour_of(ctx.service).denied
    text = (
        f"User: {ctx.principal} is not authorized to perform: {access.action} on resource: "
        f"{access.resource} because no identity-based policy allows the {access.action} action"
    )
    return AwsError(code, text, status)
