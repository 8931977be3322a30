"""Every scenario file: given, when, then."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from scenario_runner import Scenario, checks

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*/*.yaml"))


def _documents() -> list[Any]:
    out = []
    for file in FILES:
        for document in YAML(typ="safe").load_all(file.read_text(encoding="utf-8")):
            name = f"{file.parent.name}/{file.stem}: {document['scenario']}"
            out.append(pytest.param(document, id=name))
    return out


@pytest.mark.slow
@pytest.mark.parametrize("document", _documents())
def test_scenario(document: dict[str, Any], tmp_path: Path) -> None:
    scenario = Scenario(document, tmp_path)
    scenario.play()
    for _, check in checks(scenario):
        check()
    assert scenario.guard.denied == [], "a call was not granted by `rightsizer iam-policy`"


def test_every_scenario_names_its_fact() -> None:
    for file in FILES:
        for document in YAML(typ="safe").load_all(file.read_text(encoding="utf-8")):
            assert document["fact"].strip(), document["scenario"]
