"""What people have asked for since we last looked: their endpoints are due at once.

`rightsizer apply` and `rollback` write into the journal and leave the rest to the daemon. Without
this it would begin at the endpoint's next turn, which a policy may set to a day.
"""

from collections.abc import Iterable

from controller.model.change import Change, ChangePhase
from controller.model.endpoint import EndpointKey
from controller.model.reason import Reason

TIMES = 3
"""How often one request makes its endpoint due: a look that began before the request was written
may set the next turn after we have."""


class Bidding:
    """Remembers which requests were heard."""

    def __init__(self) -> None:
        self._heard: dict[tuple[int, bool], tuple[int, int]] = {}
        """Revision at which a request was first seen, and how often it was told of since."""

    def heard(self, changes: Iterable[Change]) -> list[EndpointKey]:
        """Endpoints with a request among the open changes that nobody has taken up."""
        waiting: list[EndpointKey] = []
        before, self._heard = self._heard, {}
        for change in changes:
            if not (change.actor.startswith("cli:") or _is_way_back(change)):
                continue
            request = change.id, _is_way_back(change)
            revision, times = before.get(request, (change.revision, 0))
            if revision == change.revision and times < TIMES:
                waiting.append(change.key)
                times += 1
            self._heard[request] = revision, times
        return waiting


def _is_way_back(change: Change) -> bool:
    """Whether a person turned it round."""
    asked = change.progress.get("cause") == Reason.REQUESTED.value
    return asked and change.phase is ChangePhase.ROLLING_BACK
