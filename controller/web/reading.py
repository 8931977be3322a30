"""What the page and the JSON API read: a protocol, so that they know no controller.

Every answer is a JSON document as the runtime makes it; see the published `openapi.json` for
the shapes. A thing that is not there is None, which the API answers with 404.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Json = Mapping[str, Any]

KINDS = ("lambda_function", "serverless_endpoint", "realtime_endpoint")
STATES = (
    "Unreachable",
    "Breached",
    "Changing",
    "Paused",
    "ChangeWanted",
    "Unknown",
    "Waiting",
    "Steady",
)
"""What an endpoint's row says in one word, most pressing first; that is also their order."""
SORTS = (
    "state",
    "name",
    "kind",
    "region",
    "policy",
    "p95",
    "slowBudget",
    "cost",
    "budget",
    "saving",
    "reason",
    "at",
)
"""Columns by which the fleet can be sorted."""


@dataclass(frozen=True, slots=True)
class FleetQuery:
    """Which rows of the fleet, in which order."""

    text: str = ""
    """Every word of it must be in the key, the policy's name, the size or the reason."""
    kinds: frozenset[str] = frozenset()
    """Empty, here and below: all."""
    states: frozenset[str] = frozenset()
    modes: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    sort: str = "state"
    descending: bool = False
    """What is not known comes last either way."""
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class ChangesQuery:
    """Which changes, newest first."""

    endpoint: str | None = None
    """A whole key."""
    only_open: bool = False
    limit: int = 100


class Reads(Protocol):
    """Everything that can be looked at. Safe from several threads; may raise AdapterError."""

    def fleet(self, query: FleetQuery) -> Json:
        """Rows of endpoints, and a summary over all of them."""

    def endpoint(self, key: str) -> Json | None:
        """All that is known of one endpoint."""

    def history(self, key: str, days: float) -> Json | None:
        """Latency and demand over the last days, and the changes in that time."""

    def changes(self, query: ChangesQuery) -> Json:
        """Journalled changes, without their events."""

    def change(self, change_id: int) -> Json | None:
        """One change with its events."""

    def policies(self) -> Json:
        """The policies in force, as resolved."""

    def status(self) -> Json:
        """The controller itself."""
