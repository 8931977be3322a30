"""The port to wherever the replicas' common record is kept."""

from typing import Protocol

from controller.model.lease import LeaseRecord


class LeaseRecords(Protocol):
    """Where the replicas' common record is kept. One call each, and a short one."""

    def read(self) -> LeaseRecord | None:
        """The record as it is now, whoever wrote it; None where there is none yet."""

    def swap(self, seen: LeaseRecord | None, wanted: LeaseRecord) -> LeaseRecord:
        """Write `wanted` if the record still is as `seen`; returns it with its new version.

        Raises Conflict where somebody was faster. After any other error it may or may not
        have been written: look again.
        """

    def close(self) -> None:
        """Release connections."""
