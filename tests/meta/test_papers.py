"""What the papers say exists: make targets, commands, reasons, the version."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from sources import REPOSITORY

import controller
from controller.cli.main import cli
from controller.model.condition import ConditionType
from controller.model.reason import Reason
from controller.policy import load
from controller.telemetry.catalogue import CATALOGUE
from controller.telemetry.rules.document import groups
from controller.telemetry.rules.options import RuleOptions

MAKEFILE = (REPOSITORY / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))
PAPERS = sorted(
    [
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "deploy/README.md")),
        *REPOSITORY.glob("docs/**/*.md"),
    ]
)
FENCE = re.compile(r"^```(?:sh|console|bash|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shell_lines(paper: Path) -> Iterator[str]:
    """Commands in fenced shell blocks, without prompts and comments."""
    for block in FENCE.findall(paper.read_text("utf-8")):
        for line in block.splitlines():
            yield line.removeprefix("$ ").partition(" #")[0].strip()


def command_path(words: list[str]) -> str | None:
    """None where `rightsizer WORDS` names commands that exist, else the word that does not."""
    here: click.Command = cli
    for word in words:
        if not isinstance(here, click.Group) or word.startswith("-"):
            return None
        found = here.get_command(click.Context(here), word)
        if found is None:
            return word
        here = found
    return None


def test_help_lists_every_target() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = {line.split()[0] for line in shown.stdout.splitlines() if line.strip()}
    assert listed == TARGETS
    assert {"help", "setup", "demo", "test", "test-fast", "lint", "format", "clean"} <= TARGETS


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.name)
def test_every_command_shown_exists(paper: Path) -> None:
    for line in shell_lines(paper):
        words = line.split()
        if words[:1] == ["make"]:
            wanted = {w for w in words[1:] if "=" not in w and not w.startswith("-")}
            assert wanted <= TARGETS, line
        elif words[:1] == ["rightsizer"]:
            assert command_path(words[1:]) is None, line


def test_ci_runs_the_readmes_test_command() -> None:
    runs = (REPOSITORY / ".ci/run").read_text("utf-8")
    assert "`make test` runs all tests" in (REPOSITORY / "README.md").read_text("utf-8")
    assert re.search(r"^exec make test\b", runs, re.MULTILINE)


def test_every_room_is_on_the_map() -> None:
    text = (REPOSITORY / "docs/architecture.md").read_text("utf-8")
    drawn = set(re.findall(r"^\| `controller/([\w.]+)/?` \|", text, re.MULTILINE))
    rooms = {
        path.name
        for path in (REPOSITORY / "controller").iterdir()
        if path.name not in {"__init__.py", "__pycache__", "py.typed"}
    }
    assert drawn == rooms


RUNBOOK = (REPOSITORY / "docs/runbook.md").read_text("utf-8")
ENTRY = re.compile(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
SAID = ["What happened", "See more", "What to do"]


def test_every_reason_condition_and_alert_has_its_entry_in_the_runbook() -> None:
    headings = [heading for heading, _ in ENTRY.findall(RUNBOOK)]
    assert sorted(headings) == sorted(set(headings)), "a heading appears twice"
    made = groups(load([REPOSITORY / "policies"]), RuleOptions())
    alerts = {rule.alert for group in made for rule in group.rules if rule.alert is not None}
    conditions = {f"Condition {condition.value}" for condition in ConditionType}
    assert set(headings) == {reason.value for reason in Reason} | conditions | alerts
    linked = {
        rule.annotations["runbook_url"] for group in made for rule in group.rules if rule.alert
    }
    assert linked == {f"docs/runbook.md#{alert.lower()}" for alert in alerts}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.name)
def test_every_metric_spoken_of_exists(paper: Path) -> None:
    known = {metric.name for metric in CATALOGUE}
    named = set(re.findall(r"\brightsizer_[a-z_]*[a-z]", paper.read_text("utf-8")))
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in named - known} <= known


def test_the_controllers_own_alerts_are_listed_with_their_severity() -> None:
    text = (REPOSITORY / "docs/alerting.md").read_text("utf-8")
    listed = re.findall(r"^\| `(Rightsizer\w+)` \| (\w+) \|", text, re.MULTILINE)
    _, own = groups(load([REPOSITORY / "policies"]), RuleOptions())
    assert sorted(listed) == sorted((rule.alert, rule.labels["severity"]) for rule in own.rules)


@pytest.mark.parametrize("entry", ENTRY.findall(RUNBOOK), ids=lambda entry: entry[0])
def test_every_entry_says_what_happened_how_to_see_more_and_what_to_do(
    entry: tuple[str, str],
) -> None:
    _, text = entry
    said = re.findall(r"^- \*\*(.+?):\*\* (?=\S)", text, re.MULTILINE)
    assert said == SAID


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.name)
def test_links_to_headings_lead_to_one(paper: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s:]*)#([\w-]+)\)", paper.read_text("utf-8")):
        where = paper.parent / target if target else paper
        titles = re.findall(r"^#+ (.+)$", where.read_text("utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert anchor in anchors, f"{paper.name} links to {target}#{anchor}"


def test_changelog_knows_this_version() -> None:
    text = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", text, re.MULTILINE)
    assert versions[0] == controller.__version__


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.name)
def test_links_inside_the_project_lead_somewhere(paper: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", paper.read_text("utf-8")):
        if "://" not in target:
            assert (paper.parent / target).exists(), f"{paper.name} links to {target}"
