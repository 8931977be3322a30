"""The whole demo, as a real process: what it shows is right by the world's truth."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest
from demo_process import Demo

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The summary, and what was told on stderr meanwhile; one run for all test processes."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    kept = shared / "demo-story.json"
    with (shared / "demo-story.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(json.dumps(_played(tmp_path_factory.mktemp("demo"))))
    out, said = json.loads(kept.read_text())
    return json.loads(out), said


def _played(folder: Path) -> tuple[str, str]:
    with Demo(folder, "-o", "json", "--days", "14") as demo:
        status, out = demo.end()
        assert status == 0, demo.said
        assert demo.left_behind() == []
        return out, demo.said


@pytest.fixture(scope="module")
def summary(run: tuple[dict[str, Any], str]) -> dict[str, Any]:
    return run[0]


@pytest.fixture(scope="module")
def endpoints(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["endpoint"]["name"]: item for item in summary["endpoints"]}


def phases(item: dict[str, Any]) -> list[str]:
    return [change["phase"] for change in item["changes"]]


def test_it_is_a_document_for_machines(summary: dict[str, Any]) -> None:
    assert summary["apiVersion"] == "rightsizer.dev/v1alpha1"
    assert summary["kind"] == "DemoSummary"
    assert len(summary["endpoints"]) == 17
    assert summary["from"] == "2026-11-02T08:00:00Z"


def test_when_nothing_moves_any_more_it_ends(summary: dict[str, Any]) -> None:
    assert summary["ended"] == "everything rests"
    assert 2 * 24.0 < summary["hours"] < 7 * 24.0


@pytest.mark.parametrize("name", ["checkout-ocr", "webhook-intake"])
def test_what_has_too_much_shrinks_and_keeps_its_slo(
    name: str, endpoints: dict[str, dict[str, Any]]
) -> None:
    item = endpoints[name]
    assert item["sizeAfter"]["memoryMb"] < item["sizeBefore"]["memoryMb"] / 2
    assert item["truth"]["after"]["meetsSlo"]
    assert item["truth"]["savesUsdPerMonth"] > 0.25 * item["truth"]["before"]["usdPerMonth"]
    assert set(phases(item)) == {"Verified"}


def test_what_is_starved_grows_at_once_and_recovers(endpoints: dict[str, dict[str, Any]]) -> None:
    item = endpoints["invoice-classifier"]
    assert not item["truth"]["before"]["meetsSlo"]
    assert item["truth"]["after"]["meetsSlo"]
    first = item["changes"][0]
    assert first["reason"] == "SloBreached"
    assert first["plannedAt"] == "2026-11-02T08:00:00Z"
    assert item["sizeAfter"]["memoryMb"] > item["sizeBefore"]["memoryMb"]
    assert item["truth"]["after"]["usdPerMonth"] < 1.5 * item["truth"]["cheapest"]["usdPerMonth"]


@pytest.mark.parametrize("name", ["thumbnailer", "product-embedder", "month-end-report"])
def test_what_is_right_or_unknown_is_left_alone(
    name: str, endpoints: dict[str, dict[str, Any]]
) -> None:
    item = endpoints[name]
    assert item["changes"] == []
    assert item["sizeAfter"]["memoryMb"] == item["sizeBefore"]["memoryMb"]


def test_what_is_too_quiet_says_so(endpoints: dict[str, dict[str, Any]]) -> None:
    assert set(endpoints["month-end-report"]["holds"]) == {"TooFewSamples"}


def test_a_slower_release_is_answered(endpoints: dict[str, dict[str, Any]]) -> None:
    """Left alone it would break its SLO; it grows within the hour, and later gives some back."""
    item = endpoints["search-rerank"]
    assert not item["truth"]["before"]["meetsSlo"]
    assert item["truth"]["after"]["meetsSlo"]
    climb = item["changes"][0]
    assert climb["reason"] == "SloBreached"
    assert "2026-11-03T14:00:00Z" < climb["plannedAt"] < "2026-11-03T15:00:00Z"
    assert item["sizeAfter"]["memoryMb"] < climb["target"]["memoryMb"]


def test_a_canary_that_fails_is_undone(endpoints: dict[str, dict[str, Any]]) -> None:
    item = endpoints["fraud-scorer"]
    assert phases(item) == ["RolledBack"]
    assert item["changes"][0]["verdict"]["reason"] == "MadeWorse"
    assert item["sizeAfter"]["memoryMb"] == item["sizeBefore"]["memoryMb"]


def test_the_estimates_are_near_the_truth(endpoints: dict[str, dict[str, Any]]) -> None:
    functions = {n: i for n, i in endpoints.items() if "lambda" in i["endpoint"]["kind"]}
    for name, item in functions.items():
        estimate, truth = item["estimate"], item["truth"]["after"]
        if name == "month-end-report":
            assert estimate["usdPerMonth"] == {"missing": "no estimate was made"}
            continue
        assert estimate["usdPerMonth"]["mid"] == pytest.approx(truth["usdPerMonth"], rel=0.05)
        assert estimate["measuredP95Ms"] == pytest.approx(truth["p95Ms"], rel=0.1)


def test_the_totals_add_up(summary: dict[str, Any], endpoints: dict[str, dict[str, Any]]) -> None:
    totals = summary["totals"]
    assert totals["sloMetBefore"] == 12
    assert totals["sloMetAfter"] == 17
    saves = sum(item["truth"]["savesUsdPerMonth"] for item in endpoints.values())
    assert totals["savesUsdPerMonth"] == pytest.approx(saves, abs=0.01)
    assert totals["savesUsdPerMonth"] == pytest.approx(
        totals["usdPerMonthBefore"] - totals["usdPerMonthAfter"], abs=0.01
    )
    assert totals["changesVerified"] + totals["changesRolledBack"] == sum(
        len(item["changes"]) for item in endpoints.values()
    )


def test_looking_costs_a_small_part_of_what_is_saved(summary: dict[str, Any]) -> None:
    polling = summary["polling"]
    assert polling["awsCalls"] == sum(row["count"] for row in polling["calls"])
    metrics_usd = polling["metricsRequested"] / 100_000
    assert metrics_usd <= polling["cloudwatchUsd"] < 1.25 * metrics_usd, "the rest is log queries"
    assert 0 < polling["cloudwatchUsdPerMonth"] < 0.05 * summary["totals"]["savesUsdPerMonth"]


def test_it_was_told_while_it_happened(run: tuple[dict[str, Any], str]) -> None:
    lines = run[1].splitlines()
    assert "8 functions and 9 endpoints with two weeks of history" in lines[0]
    wanted = [
        "Mon 08:00  invoice-classifier  SloBreached ",
        "canary with 10% of requests",
        "RolledBack",
        "Verified",
        "Tue 14:00  search-rerank       (somebody releases new code)",
    ]
    for words in wanted:
        assert any(words in line for line in lines), words
    assert all(len(line) < 200 for line in lines if "AWS: " not in line)


# --- SageMaker: too large, too small, right, and a trap each ---


@pytest.mark.parametrize("name", ["resume-parser", "catalog-ranker"])
def test_endpoints_that_have_too_much_shrink(
    name: str, endpoints: dict[str, dict[str, Any]]
) -> None:
    item = endpoints[name]
    assert set(phases(item)) == {"Verified"}
    assert item["truth"]["after"]["meetsSlo"]
    assert item["truth"]["savesUsdPerMonth"] > 0.3 * item["truth"]["before"]["usdPerMonth"]


@pytest.mark.parametrize("name", ["review-sentiment", "image-tagger"])
def test_endpoints_that_are_starved_grow_at_once(
    name: str, endpoints: dict[str, dict[str, Any]]
) -> None:
    item = endpoints[name]
    assert not item["truth"]["before"]["meetsSlo"]
    assert item["truth"]["after"]["meetsSlo"]
    assert item["changes"][0]["reason"] == "SloBreached"
    assert set(phases(item)) == {"Verified"}


@pytest.mark.parametrize("name", ["faq-matcher", "geo-scorer"])
def test_endpoints_that_are_right_are_left_alone(
    name: str, endpoints: dict[str, dict[str, Any]]
) -> None:
    assert endpoints[name]["changes"] == []


def test_throttled_concurrency_is_raised_in_place(endpoints: dict[str, dict[str, Any]]) -> None:
    item = endpoints["chat-moderation"]
    assert item["truth"]["before"]["refusedShare"] > 0.01
    assert item["truth"]["after"].get("refusedShare", 0.0) < 0.001
    assert [change["reason"] for change in item["changes"]] == ["RequestsThrottled"]
    assert item["sizeAfter"]["memoryMb"] == item["sizeBefore"]["memoryMb"]


def test_a_silent_rollback_is_noticed_and_the_next_best_type_is_taken(
    endpoints: dict[str, dict[str, Any]],
) -> None:
    item = endpoints["price-estimator"]
    undone = [c for c in item["changes"] if c["phase"] == "RolledBack"]
    assert {c["verdict"]["reason"] for c in undone} == {"UpdateFailed"}
    assert {c["target"]["instanceType"] for c in undone} == {"ml.c5.large"}
    # A quarantine ends, and the next one is longer.
    early = [c for c in undone if c["plannedAt"] < "2026-11-05T08:00:00Z"]
    assert 1 <= len(early) <= 2
    assert len(undone) <= 3
    kept = [c["target"]["instanceType"] for c in item["changes"] if c["phase"] == "Verified"]
    assert set(kept) == {"ml.c5.xlarge"}
    assert item["sizeAfter"]["instanceType"] == "ml.c5.xlarge"
    assert item["truth"]["after"]["meetsSlo"]
    assert item["truth"]["savesUsdPerMonth"] > 0.4 * item["truth"]["before"]["usdPerMonth"]


@pytest.mark.parametrize("name", ["catalog-ranker", "price-estimator", "route-planner"])
def test_a_type_is_measured_on_a_copy_before_it_is_entered(
    name: str, endpoints: dict[str, dict[str, Any]]
) -> None:
    """And that costs a fraction of what it finds; all copies are gone."""
    item = endpoints[name]
    assert 1 <= item["probes"]["copies"] <= 20
    assert 0.0 < item["probes"]["usd"] < 1.0
    assert item["probes"]["requests"] > 1000


WEEK = 7 * 24 * 60
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _minute(line: str) -> int:
    """Of the week, of a line that begins with `Mon 08:00`."""
    day, time = line.split()[:2]
    hour, minute = time.split(":")
    return DAYS.index(day) * 1440 + int(hour) * 60 + int(minute)


def test_probes_are_told_of_and_their_bill_is_shown(
    run: tuple[dict[str, Any], str], summary: dict[str, Any], endpoints: dict[str, dict[str, Any]]
) -> None:
    lines = run[1].splitlines()
    probed = [line for line in lines if "  Probed " in line]
    changed = next(i for i, line in enumerate(lines) if "catalog-ranker      CheaperSize" in line)
    assert any("catalog-ranker" in line and "ml.c5.large" in line for line in lines[:changed])
    assert len(probed) == summary["totals"]["probes"]
    for at, line in enumerate(lines):
        if "  Probed " in line:
            told = [_minute(one) for one in lines[:at] if f"  {line.split()[2]} " in one]
            since = [(_minute(line) - one) % WEEK for one in told]
            assert max(since, default=0) < WEEK / 2, "what was concluded from it comes after it"
    spent = sum(item["probes"]["usd"] for item in endpoints.values())
    assert summary["totals"]["probesUsd"] == pytest.approx(spent, rel=1e-3)


def test_a_scalable_target_in_the_way_is_put_back(
    run: tuple[dict[str, Any], str], endpoints: dict[str, dict[str, Any]]
) -> None:
    item, said = endpoints["catalog-ranker"], run[1]
    assert item["sizeAfter"]["instanceType"] == "ml.c5.large"
    assert item["truth"]["after"]["usdPerMonth"] < 1.7 * item["truth"]["cheapest"]["usdPerMonth"]
    assert "out of autoscaling" in said
    assert "team-search-invocations" in said


def test_somebody_elses_terraform_ends_in_a_hold(endpoints: dict[str, dict[str, Any]]) -> None:
    item = endpoints["route-planner"]
    assert item["decision"] == "Hold"
    assert {"Drifted", "OwnerConflict"} & set(item["holds"])
    assert len(item["changes"]) <= 4


def test_the_policies_travel_with_the_package() -> None:
    import controller
    from controller.demo.stage import POLICIES

    assert POLICIES.is_relative_to(Path(controller.__file__).parent)
    assert len(list(POLICIES.glob("*.yaml"))) == 9
