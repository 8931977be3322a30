"""A table to look at and to play with: it is read, and what is written is forgotten."""

from collections.abc import Iterable, Mapping
from typing import Any

from controller.model.change import Change, ChangeEvent
from controller.model.condition import Condition
from controller.model.endpoint import EndpointKey
from controller.model.errors import Terminal
from controller.model.estimate import Observation
from controller.model.window import MemoryUse
from controller.store.dynamodb.store import DynamoStore


class ScratchStore(DynamoStore):
    """For a plan: evidence and conditions go nowhere, and no change can be journalled."""

    def plan_change(self, change: Change, event: ChangeEvent, after: int | None = None) -> Change:
        """Refused."""
        raise Terminal("a plan journals no change", operation="store")

    def advance_change(self, change: Change, event: ChangeEvent) -> Change:
        """Refused."""
        raise Terminal("a plan journals no change", operation="store")

    def raise_term(self, term: int, shard: int = 0) -> None:
        """Forgotten."""

    def put_observations(self, key: EndpointKey, rows: Iterable[Observation]) -> None:
        """Forgotten; whoever learnt them has them."""

    def put_memory_use(self, key: EndpointKey, rows: Iterable[MemoryUse]) -> None:
        """Forgotten; whoever learnt them has them."""

    def put_conditions(self, key: EndpointKey, conditions: Iterable[Condition]) -> None:
        """Forgotten."""

    def put_assessment(self, key: EndpointKey, at_s: float, document: Mapping[str, Any]) -> None:
        """Forgotten."""

    def forget_endpoint(self, key: EndpointKey) -> None:
        """Forgotten."""

    def put_checkpoint(self, name: str, value: str) -> None:
        """Forgotten."""
