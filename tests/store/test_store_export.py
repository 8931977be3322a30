"""An export holds everything, line by line, and reads back as the same values."""

import io
import json
from pathlib import Path

import pytest
from store_values import (
    EMBED,
    OCR,
    PLANNED,
    THUMBS,
    a_change,
    a_condition,
    a_probe,
    a_shadow,
    an_event,
    an_observation,
)

from controller.model.change import ChangePhase
from controller.model.condition import ConditionStatus, Pause
from controller.model.missing import Missing
from controller.model.window import MemoryUse
from controller.store.codec import CodecError
from controller.store.export import Record, read_json_lines
from controller.store.opened import Journal
from controller.store.schema import MIGRATIONS
from controller.store.sqlite import SqliteStore


def exported(store: Journal) -> list[str]:
    out = io.StringIO()
    count = store.export_json_lines(out)
    lines = out.getvalue().splitlines()
    assert len(lines) == count
    return lines


def test_everything_is_exported_and_reads_back(store: Journal) -> None:
    change = store.plan_change(a_change(), PLANNED)
    applying = an_event(ChangePhase.APPLYING)
    change = store.advance_change(change, applying)
    observation = an_observation(met_ratio=Missing("no PR"))
    use = MemoryUse(0.0, 300.0, 512, 1, 1, 0, Missing("none"), 1.0)
    condition = a_condition(ConditionStatus.TRUE, 1.0)
    pause = Pause("*", 1.0, None, "incident", "ana")
    store.put_observations(THUMBS, [observation])
    store.put_memory_use(OCR, [use])
    store.put_conditions(EMBED, [condition])
    store.put_assessment(OCR, 5.0, {"sentence": "hold\nand wait", "n": 1.5})
    store.put_checkpoint("sampled", "100")
    store.pause(pause)
    store.put_shadow(a_shadow())
    store.put_probe(a_probe())
    head, *rest = read_json_lines(exported(store))
    assert head.type == "journal"
    assert rest == [
        Record("change", change),
        Record("change_event", PLANNED, change_id=change.id),
        Record("change_event", applying, change_id=change.id),
        Record("observation", observation, endpoint=THUMBS),
        Record("memory_use", use, endpoint=OCR),
        Record("condition", condition, endpoint=EMBED),
        Record("assessment", {"sentence": "hold\nand wait", "n": 1.5}, endpoint=OCR),
        Record("checkpoint", {"name": "sampled", "value": "100"}),
        Record("pause", pause),
        Record("shadow", a_shadow()),
        Record("probe", a_probe()),
    ]
    store.close()


def test_every_line_is_one_json_object_with_a_type(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "journal.db")
    store.plan_change(a_change(detail="two\nlines"), PLANNED)
    documents = [json.loads(line) for line in exported(store)]
    assert [document["type"] for document in documents] == ["journal", "change", "change_event"]
    assert documents[1]["value"]["before"] == {"kind": "lambda_function", "memory_mb": 3008}
    store.close()


def test_the_same_journal_gives_the_same_export(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "journal.db")
    for key in (THUMBS, OCR, EMBED):
        store.plan_change(a_change(key), PLANNED)
        store.put_observations(key, [an_observation(300.0), an_observation(0.0)])
    lines = exported(store)
    store.close()
    looker = SqliteStore.open(tmp_path / "journal.db", read_only=True)
    assert exported(looker) == lines
    looker.close()


def test_an_empty_journal_says_its_version() -> None:
    store = SqliteStore.open(":memory:")
    assert exported(store) == [
        f'{{"type":"journal","value":{{"schema_version":{len(MIGRATIONS)}}}}}'
    ]
    store.close()


@pytest.mark.parametrize(
    "line",
    ['{"type":"toast","value":1}', '{"value":1}', "[]", "{", '{"type":"pause","value":{}}'],
)
def test_a_line_that_is_none_of_ours_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(CodecError, match=r"^line 2: "):
        list(read_json_lines(['{"type":"journal","value":{}}', line]))
