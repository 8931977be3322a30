"""A journal as whoever opens one has it, wherever it is kept."""

from typing import Protocol, TextIO

from controller.ports import Store


class Journal(Store, Protocol):
    """A store as whoever opens one has it."""

    @property
    def path(self) -> str:
        """Where it is, for people."""

    def acquire_daemon_lock(self) -> None:
        """Claim it for one process, where a lock can do that. Raises StoreError."""

    def daemon_running(self) -> bool:
        """Whether a controller may be running on it."""

    def export_json_lines(self, out: TextIO) -> int:
        """Write everything as JSON lines; returns their number."""
