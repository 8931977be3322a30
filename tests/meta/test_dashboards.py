"""The Grafana dashboards speak only of metrics that exist, and can be put into any Grafana."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from dashboard_files import DASHBOARDS, dashboard, expressions, panels
from sources import REPOSITORY

from controller.policy import load
from controller.telemetry.catalogue import CATALOGUE
from controller.telemetry.metric import ENDPOINT_LABELS, MetricType
from controller.telemetry.rules.document import groups
from controller.telemetry.rules.options import RuleOptions

NAME = re.compile(r"\brightsizer[_:][a-zA-Z0-9_:]*")
every_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def test_there_are_two() -> None:
    assert [path.stem for path in DASHBOARDS] == ["endpoint", "fleet"]


@every_dashboard
def test_every_metric_exists(path: Path) -> None:
    known = {metric.name for metric in CATALOGUE}
    for metric in CATALOGUE:
        if metric.type is MetricType.HISTOGRAM:
            known |= {metric.name + suffix for suffix in ("_bucket", "_sum", "_count")}
    made = groups(load([REPOSITORY / "policies"]), RuleOptions())
    known |= {rule.record for group in made for rule in group.rules if rule.record is not None}
    for where, expr in expressions(dashboard(path)):
        assert set(NAME.findall(expr)) <= known, f"{where}: {expr}"


@every_dashboard
def test_every_label_asked_for_exists(path: Path) -> None:
    labels = {metric.name: {*metric.label_names, "le"} for metric in CATALOGUE}
    for where, expr in expressions(dashboard(path)):
        for name, inside in re.findall(r"(rightsizer_\w+)\{([^}]*)\}", expr):
            asked = set(re.findall(r'(\w+)(?:=~|!=|!~|=)"', inside))
            assert asked <= labels[re.sub("_bucket$", "", name)], f"{where}: {expr}"


@every_dashboard
def test_promtool_understands_every_expression(
    path: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    rules = [
        {"record": f"expression:{number}", "expr": expr}
        for number, (_, expr) in enumerate(expressions(dashboard(path)))
    ]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        [program("promtool"), "check", "rules", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


@every_dashboard
def test_it_can_be_put_into_any_grafana(path: Path) -> None:
    board = dashboard(path)
    assert board["uid"] == f"rightsizer-{path.stem}"
    assert board["schemaVersion"] == 39
    assert "id" not in board
    names = [variable["name"] for variable in board["templating"]["list"]]
    assert names[0] == "datasource"
    assert set(names[1:]) <= set(ENDPOINT_LABELS)
    sources = set(re.findall(r'"type": "prometheus",\s*"uid": "([^"]+)"', path.read_text("utf-8")))
    assert sources == {"${datasource}"}


@every_dashboard
def test_panels_have_units_titles_and_places_of_their_own(path: Path) -> None:
    board = dashboard(path)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    for panel in panels(board):
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references)), panel["title"]
        assert all({"expr", "datasource"} <= target.keys() for target in panel["targets"])


@every_dashboard
def test_changes_and_pages_are_marked(path: Path) -> None:
    names = {annotation["name"] for annotation in dashboard(path)["annotations"]["list"]}
    assert {"Change begun", "Change ended", "SLO page"} <= names
