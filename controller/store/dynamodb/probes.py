"""What is known of probes: copies that may still stand, and what each probe found and cost."""

from collections.abc import Sequence

from controller.model.endpoint import EndpointKey
from controller.model.probe import ProbeRecord, Shadow
from controller.store import codec
from controller.store.dynamodb.items import Item, document, key, ordered, unpacked
from controller.store.dynamodb.table import Rows, decoding, encoding

SHADOW, PROBE = "shadow", "probe"


class Probed:
    """Probes and shadows: few, so each sort has one partition."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def put_shadow(self, shadow: Shadow) -> Item:
        """The item to put."""
        with encoding():
            return {**key(SHADOW, shadow.id), "d": document(shadow)}

    def shadows(self) -> Sequence[Shadow]:
        """All shadows, oldest first."""
        with decoding(self._rows.table):
            found = [
                codec.decode(Shadow, codec.loads(unpacked(item["d"])))
                for item in self._rows.query(SHADOW)
            ]
        return tuple(sorted(found, key=lambda shadow: (shadow.created_at_s, shadow.id)))

    def put_probe(self, record: ProbeRecord) -> Item:
        """The item to put; its start does not change, so it replaces the older one."""
        with encoding():
            place = f"{ordered(record.started_at_s)}#{record.id}"
            return {**key(PROBE, place), "of": {"S": str(record.key)}, "d": document(record)}

    def probes(
        self, endpoint: EndpointKey | None, since_s: float | None, limit: int | None
    ) -> Sequence[ProbeRecord]:
        """Probes, newest first."""
        since = None if since_s is None else ordered(since_s)
        found: list[ProbeRecord] = []
        with decoding(self._rows.table):
            for item in self._rows.query(PROBE, since=since, newest_first=True):
                if limit is not None and len(found) >= limit:
                    break
                if endpoint is None or item["of"]["S"] == str(endpoint):
                    found.append(codec.decode(ProbeRecord, codec.loads(unpacked(item["d"]))))
        return tuple(found)

    def older(self, before_s: float) -> list[tuple[str, str]]:
        """Keys of records of probes that began before an instant."""
        older: list[tuple[str, str]] = []
        for item in self._rows.query(PROBE):
            if item["sk"]["S"] >= ordered(before_s):
                break
            older.append((PROBE, item["sk"]["S"]))
        return older
