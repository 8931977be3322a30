"""Whether AWS can be reached at all from here, as looks at endpoints and places tell.

Only what may be this process' own trouble counts: a network that is cut off, credentials that
are gone. What else AWS refuses, it refuses to other replicas too.
"""

from controller.model.errors import Unauthenticated, Unreachable

_OURS = (Unreachable, Unauthenticated)


class Sight:
    """One per engine. Safe from several threads: each call turns one flag."""

    def __init__(self) -> None:
        self.sees: bool | None = None
        """Whether something was seen since the last failure that is a trouble of ours; None
        while there was neither."""

    def looked(self, error: Exception | None) -> None:
        """A look has ended; None: it saw what is there."""
        if error is None:
            self.sees = True
        elif isinstance(error, _OURS):
            self.sees = False

    def forget(self) -> None:
        """Begin anew."""
        self.sees = None
