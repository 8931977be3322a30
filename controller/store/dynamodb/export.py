"""The rows of an export, in the order in which SQLite's has them."""

from collections.abc import Iterator

from controller.store.dynamodb.evidence import Evidence
from controller.store.dynamodb.journal import Changes
from controller.store.dynamodb.probes import Probed
from controller.store.dynamodb.status import Status
from controller.store.export import Record


def records(
    table: str, changes: Changes, evidence: Evidence, status: Status, probed: Probed
) -> Iterator[Record]:
    """Everything; what changes meanwhile may be in it or not."""
    yield Record("journal", {"table": table})
    for change in reversed(changes.select(None, None, None)):
        yield Record("change", change)
        for event in changes.events(change.id):
            yield Record("change_event", event, change_id=change.id)
    known = status.known()
    for key in known:
        for observation in evidence.observations(key, float("-inf")):
            yield Record("observation", observation, endpoint=key)
    for key in known:
        for use in evidence.memory_use(key, float("-inf")):
            yield Record("memory_use", use, endpoint=key)
    yield from _present(status, probed)


def _present(status: Status, probed: Probed) -> Iterator[Record]:
    for key, conditions in status.conditions(None).items():
        for condition in conditions:
            yield Record("condition", condition, endpoint=key)
    for key, said in status.assessments().items():
        yield Record("assessment", said, endpoint=key)
    for name, value in status.checkpoints():
        yield Record("checkpoint", {"name": name, "value": value})
    for pause in status.pauses():
        yield Record("pause", pause)
    for shadow in probed.shadows():
        yield Record("shadow", shadow)
    for probe in reversed(probed.probes(None, None, None)):
        yield Record("probe", probe)
