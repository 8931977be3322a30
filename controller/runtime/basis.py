"""What beliefs were formed on, to tell whether anything is new."""

from collections.abc import Sequence
from dataclasses import dataclass

from controller.model.estimate import Observation
from controller.model.window import Window


@dataclass(frozen=True, slots=True)
class Basis:
    """The long histories are compared by identity: whoever keeps them makes a new object when
    something is added."""

    rows: Sequence[Observation]
    hourly: Sequence[Window]
    rest: tuple[object, ...]

    def same(self, other: "Basis") -> bool:
        """Whether nothing is new."""
        return self.rows is other.rows and self.hourly is other.hourly and self.rest == other.rest
