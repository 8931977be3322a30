"""The JSON API over a controller that has looked at an account of all three kinds."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from site_world import SECRET, SiteWorld, served
from starlette.testclient import TestClient

from controller.model.endpoint import EndpointKey
from controller.web.openapi import PATH, openapi_document, published
from controller.web.reading import KINDS, SORTS, FleetQuery

pytestmark = pytest.mark.slow

DOCUMENT = openapi_document()


def shaped(name: str, answer: Any) -> Any:
    """The answer, if it has the published shape."""
    schema = {
        "$ref": f"#/components/schemas/{name}",
        "components": {"schemas": DOCUMENT["components"]["schemas"]},
    }
    problems = [
        f"{list(error.absolute_path)}: {error.message[:200]}"
        for error in Draft202012Validator(schema).iter_errors(answer)
    ]
    assert not problems, problems[:5]
    return answer


def get(api: TestClient, path: str, shape: str) -> Any:
    answer = api.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return shaped(shape, answer.json())


def items(api: TestClient, query: str = "") -> list[dict[str, Any]]:
    return list(get(api, f"endpoints?{query}", "Fleet")["items"])


def key_of(api: TestClient, kind: str) -> str:
    return str(items(api, f"kind={kind}")[0]["key"])


def test_shapes_can_fail() -> None:
    with pytest.raises(AssertionError, match="required"):
        shaped("Error", {})


def test_the_fleet_has_all_kinds_with_what_was_found_out(
    api: TestClient, site_world: SiteWorld
) -> None:
    fleet = get(api, "endpoints?limit=500", "Fleet")
    count = site_world.count
    assert fleet["total"] == fleet["matched"] == len(fleet["items"]) == count
    assert fleet["summary"]["kinds"].keys() == set(KINDS)
    assert sum(fleet["summary"]["states"].values()) == count
    judged = [row for row in fleet["items"] if row["p95Ms"] is not None]
    assert len(judged) >= count - 3
    assert all(row["usdPerMonth"] > 0 for row in judged if row["attainment"] == "Met")
    assert fleet["summary"]["usdPerMonth"] == pytest.approx(
        sum(row["usdPerMonth"] or 0.0 for row in fleet["items"]), abs=0.001
    )


@pytest.mark.parametrize("column", SORTS)
def test_it_sorts_by_every_column_both_ways_unknown_last(
    api: TestClient, site_world: SiteWorld, column: str
) -> None:
    rising = [row["key"] for row in items(api, f"sort={column}&limit=500")]
    falling = [row["key"] for row in items(api, f"sort=-{column}&limit=500")]
    assert sorted(rising) == sorted(falling)
    assert len(set(rising)) == site_world.count
    if column == "cost":
        costs = [row["usdPerMonth"] for row in items(api, "sort=-cost&limit=500")]
        known = [cost for cost in costs if cost is not None]
        assert known == sorted(known, reverse=True)
        assert costs == [*known, *[None] * (len(costs) - len(known))]


def test_it_filters_and_pages_on_the_server(api: TestClient) -> None:
    assert {row["kind"] for row in items(api, "kind=realtime_endpoint,serverless_endpoint")} == {
        "realtime_endpoint",
        "serverless_endpoint",
    }
    (row,) = items(api, "q=Checkout EU-WEST-1".replace(" ", "%20"))
    assert row["name"] == "checkout-ocr"
    assert items(api, "q=no-such-thing") == []
    whole = [row["key"] for row in items(api, "sort=name&limit=500")]
    pages = [
        row["key"]
        for offset in range(0, len(whole), 5)
        for row in items(api, f"sort=name&limit=5&offset={offset}")
    ]
    assert pages == whole
    assert items(api, "offset=1000") == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sort=price", "sort must be of "),
        ("sort=--name", "sort must be of "),
        ("kind=lambda", "kind must be of "),
        ("limit=0", "limit must be a whole number from 1 to 500"),
        ("limit=501", "limit must be"),
        ("limit=1e2", "limit must be"),
        ("limit=%D9%A3", "limit must be"),
        ("offset=-1", "offset must be"),
        ("q=a&q=b", "q is given twice"),
        ("q=" + "x" * 201, "q is longer than 200 characters"),
        ("page=2", "there is no parameter 'page'; there are q, kind"),
        ("q=%00", "characters that cannot be printed"),
    ],
)
def test_a_query_that_is_not_understood_is_refused(
    api: TestClient, query: str, sentence: str
) -> None:
    answer = api.get(f"/api/v1/endpoints?{query}")
    assert answer.status_code == 400
    assert sentence in shaped("Error", answer.json())["error"]


def test_every_endpoint_tells_all_that_is_known(api: TestClient) -> None:
    for row in items(api, "limit=500"):
        said = get(api, f"endpoints/{row['key']}", "Endpoint")
        assert said["row"] == row
        assert said["fresh"] is True
        assert said["resolvedPolicy"]["name"] == row["policy"]
        assert {c["type"] for c in said["conditions"]} >= {"Ready", "SloMet", "WithinBudget"}
        assert said["guards"]
        if said["candidates"]:
            assert len(said["costTable"]) == len(said["candidates"])
            assert row["currentSize"] in [line["size"] for line in said["costTable"]]
            assert said["measured"]


@pytest.mark.parametrize("kind", ["lambda_function", "serverless_endpoint", "realtime_endpoint"])
def test_history_of_each_kind(api: TestClient, kind: str) -> None:
    key = next(r["key"] for r in items(api, f"kind={kind}") if r["usdPerMonth"])
    week = get(api, f"endpoints/{key}/history?days=7", "History")
    month = get(api, f"endpoints/{key}/history?days=30", "History")
    assert 0 < len(week["points"]) <= len(month["points"]) * week["stepSeconds"]
    assert week["stepSeconds"] == 3600.0
    assert month["stepSeconds"] == 7200.0
    for point in week["points"]:
        assert point["p95Ms"]["low"] <= point["p95Ms"]["mid"] <= point["p95Ms"]["high"]
        assert point["requestsPerSecond"] > 0
    times = [point["at"] for point in week["points"]]
    assert times == sorted(times)
    for days in ("0", "91", "nan", "x", "-1"):
        assert api.get(f"/api/v1/endpoints/{key}/history?days={days}").status_code == 400


def test_changes_and_their_events(api: TestClient) -> None:
    changes = get(api, "changes", "Changes")["items"]
    assert changes, "the account has sizes that are wrong at the first look"
    one = get(api, f"changes/{changes[0]['id']}", "Change")
    assert one["events"][0]["what"] == "planned"
    assert {k: one[k] for k in changes[0]} == changes[0]
    key = changes[0]["endpoint"]["key"]
    own = get(api, f"changes?endpoint={key}", "Changes")["items"]
    assert own == [change for change in changes if change["endpoint"]["key"] == key]
    assert len(get(api, "changes?limit=1", "Changes")["items"]) == 1
    under_way = get(api, "changes?open=true", "Changes")["items"]
    assert {c["id"] for c in under_way} == {c["id"] for c in changes if c["finishedAt"] is None}
    said = get(api, f"endpoints/{key}", "Endpoint")
    assert [c["id"] for c in said["changes"]] == [c["id"] for c in own]
    for change in under_way:
        (row,) = items(api, f"q={change['endpoint']['name']}")
        assert row["desiredSize"] == change["target"], "what it moves to is what is wanted"


def test_policies_and_status(api: TestClient, site_world: SiteWorld) -> None:
    policies = get(api, "policies", "Policies")
    assert [p["name"] for p in policies["items"]] == [p.name for p in site_world.policies.policies]
    assert sum(p["endpoints"] for p in policies["items"]) == site_world.count
    status = get(api, "status", "Status")
    assert status["endpoints"] == site_world.count
    assert status["checks"]["ready"][0]["message"] == "12 policies in force"


def test_no_answer_tells_a_secret(api: TestClient) -> None:
    pages = ["endpoints?limit=500", "changes", "policies", "status"]
    pages += [f"endpoints/{row['key']}" for row in items(api, "limit=500")]
    answers = "".join(api.get(f"/api/v1/{page}").text for page in pages)
    assert '"externalId":"(set)"' in answers
    assert SECRET not in answers
    assert "AKIA" not in answers


@pytest.mark.parametrize(
    "path",
    [
        "endpoints/nope",
        "endpoints/lambda_function/123456789012/eu-west-1/nope",
        "endpoints/lambda_function/123456789012/eu-west-1/nope/history",
        "endpoints/no_kind/123456789012/eu-west-1/nope",
        "endpoints//",
        "changes/999999",
        "changes/99999999999999999999999999",
        "changes/-1",
        "changes/x",
        "nothing",
        "",
    ],
)
def test_what_is_not_there_is_404_in_the_same_form(api: TestClient, path: str) -> None:
    answer = api.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    shaped("Error", answer.json())
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/api/v1/endpoints", "/api/v1/changes/1"])
def test_it_is_read_only(api: TestClient, method: str, path: str) -> None:
    answer = api.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert "access-control-allow-origin" not in answer.headers


def test_what_has_not_changed_is_not_sent_again(api: TestClient) -> None:
    for path in ("/api/v1/endpoints", "/", "/static/main.js"):
        first = api.get(path)
        assert first.headers["cache-control"] == "private, no-cache"
        again = api.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        # a browser takes the headers of a 304 for those of what it has kept
        policy = "content-security-policy"
        assert again.headers[policy] == first.headers[policy]
        assert api.get(path, headers={"If-None-Match": '"other"'}).content == first.content
        head = api.head(path)
        assert (head.status_code, head.content) == (200, b"")


def test_after_a_restart_the_journal_tells_what_was_known(site_world: SiteWorld) -> None:
    before = {row["key"]: row for row in site_world.app.site.fleet(FleetQuery())["items"]}
    again = site_world.start(site_world.app.store.copy_in_memory())
    assert again.site.fleet(FleetQuery())["items"] == [], "AWS has not been asked yet"
    again.engine.resync()
    client = TestClient(served(again.site))
    after = {row["key"]: row for row in items(client, "limit=500")}
    assert after.keys() == before.keys()
    assert all(
        row["message"] != "not looked at since the controller started" for row in after.values()
    )
    for key, row in after.items():
        assert row["kind"] == before[key]["kind"]
        said = get(client, f"endpoints/{key}", "Endpoint")
        assert said["fresh"] is False
        assert said["conditions"]
    again.close()


def test_an_endpoint_without_a_policy_is_not_shown(api: TestClient, site_world: SiteWorld) -> None:
    stranger = EndpointKey.parse("lambda_function/123456789012/eu-west-1/stranger:live")
    assert site_world.app.engine.entry(stranger) is None
    assert api.get(f"/api/v1/endpoints/{stranger}").status_code == 404


def test_the_committed_description_is_the_one_served(api: TestClient) -> None:
    root = Path(__file__).resolve().parent.parent.parent
    committed = (root / PATH).read_text("utf-8")
    assert committed == published(), "run: python -m controller.web.openapi"
    assert api.get("/api/v1/openapi.json").json() == json.loads(committed)
