"""Versions and aliases through real boto3; each test cites the fact it holds to."""

import pytest

from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"


@pytest.fixture
def lam(world, connect):
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "functions": [
                {"name": "f", "memory_mb": 512, "versions": 2, "aliases": {"live": 2, "old": 1}}
            ],
        },
    )
    return connect("lambda")


def _latest(lam):
    return lam.get_function_configuration(FunctionName="f")


def _resize(world, lam, memory_mb):
    lam.update_function_configuration(FunctionName="f", MemorySize=memory_mb)
    world.advance(30.0)


def test_publishing_nothing_new_returns_the_last_version(world, lam):
    """Lambda does not publish when code and configuration have not changed since the last."""
    assert lam.publish_version(FunctionName="f")["Version"] == "2"
    _resize(world, lam, 1024)
    first = lam.publish_version(FunctionName="f")
    assert first["Version"] == "3"
    again = lam.publish_version(FunctionName="f")
    assert (again["Version"], again["RevisionId"]) == ("3", first["RevisionId"])
    assert len(lam.list_versions_by_function(FunctionName="f")["Versions"]) == 4


def test_only_the_last_version_counts(world, lam):
    """Going back to an older configuration publishes a new version."""
    _resize(world, lam, 1024)
    lam.publish_version(FunctionName="f")
    _resize(world, lam, 512)
    assert lam.publish_version(FunctionName="f")["Version"] == "4"


def test_a_changed_description_makes_a_new_version(world, lam):
    """Power-tuning tools change the description to force a version."""
    lam.update_function_configuration(FunctionName="f", Description="again")
    world.advance(30.0)
    assert lam.publish_version(FunctionName="f")["Version"] == "3"


def test_publishing_changes_the_revision_of_latest(world, lam, refusal):
    """publish_version changes the RevisionId of $LATEST and gives the version one of its own;
    repeating a guarded publish whose answer was lost is therefore refused."""
    _resize(world, lam, 1024)
    seen = _latest(lam)["RevisionId"]
    version = lam.publish_version(FunctionName="f", RevisionId=seen)
    assert len({seen, version["RevisionId"], _latest(lam)["RevisionId"]}) == 3
    code, _, status = refusal(lambda: lam.publish_version(FunctionName="f", RevisionId=seen))
    assert (code, status) == ("PreconditionFailedException", 412)


def test_publishing_is_guarded_by_the_code(world, lam, refusal):
    """CodeSha256 that is not that of $LATEST: InvalidParameterValueException, nothing done."""
    code, message, status = refusal(
        lambda: lam.publish_version(FunctionName="f", CodeSha256="A" * 43 + "=")
    )
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert "is different from current CodeSHA256 in $LATEST" in message
    right = _latest(lam)["CodeSha256"]
    assert lam.publish_version(FunctionName="f", CodeSha256=right)["Version"] == "2"


def test_a_version_is_pending_for_a_moment(world, lam):
    """A published version becomes Active; that does not change its RevisionId."""
    _resize(world, lam, 1024)
    made = lam.publish_version(FunctionName="f", Description="why")
    assert (made["State"], made["Description"]) == ("Pending", "why")
    assert made["FunctionArn"].endswith(":function:f:3")
    world.advance(5.0)
    there = lam.get_function_configuration(FunctionName="f", Qualifier="3")
    assert (there["State"], there["RevisionId"]) == ("Active", made["RevisionId"])


def test_versions_do_not_change(world, lam):
    """Published versions are immutable; changing $LATEST does nothing for alias users."""
    _resize(world, lam, 3008)
    assert lam.get_function_configuration(FunctionName="f", Qualifier="live")["MemorySize"] == 512
    state = world.region(ACCOUNT).histories["f"].at(world.now_s())
    assert state.route("live")[0][0].memory_mb == 512
    assert state.route(None)[0][0].memory_mb == 3008


def test_versions_are_listed_with_latest_first(world, lam):
    """ListVersionsByFunction shows $LATEST and all versions."""
    _resize(world, lam, 1024)
    for memory_mb in range(1000, 1010):
        lam.publish_version(FunctionName="f")
        _resize(world, lam, memory_mb)
    pages = lam.get_paginator("list_versions_by_function").paginate(
        FunctionName="f", PaginationConfig={"PageSize": 5}
    )
    versions = [v["Version"] for page in pages for v in page["Versions"]]
    assert versions == ["$LATEST", *(str(n) for n in range(1, 13))]


def test_an_alias_moves_under_its_own_revision(world, lam, refusal):
    """UpdateAlias is guarded by the alias's RevisionId, which changes with every update and
    leaves $LATEST's alone."""
    before, latest = lam.get_alias(FunctionName="f", Name="live"), _latest(lam)["RevisionId"]
    moved = lam.update_alias(
        FunctionName="f", Name="live", FunctionVersion="1", RevisionId=before["RevisionId"]
    )
    assert moved["FunctionVersion"] == "1"
    assert moved["RevisionId"] != before["RevisionId"]
    assert _latest(lam)["RevisionId"] == latest
    code, _, status = refusal(
        lambda: lam.update_alias(
            FunctionName="f", Name="live", FunctionVersion="2", RevisionId=before["RevisionId"]
        )
    )
    assert (code, status) == ("PreconditionFailedException", 412)


def test_weights_stay_until_they_are_taken_away(world, lam):
    """Without RoutingConfig UpdateAlias keeps the weights; an empty one removes them."""
    weights = {"AdditionalVersionWeights": {"1": 0.1}}
    lam.update_alias(FunctionName="f", Name="live", RoutingConfig=weights)
    kept = lam.update_alias(FunctionName="f", Name="live", Description="d")
    assert kept["RoutingConfig"] == weights
    gone = lam.update_alias(
        FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {}}
    )
    assert "RoutingConfig" not in gone
    assert gone["Description"] == "d"


@pytest.mark.parametrize(
    ("version", "weights", "word"),
    [
        ("2", {"1": 0.1, "3": 0.1}, "cannot be greater than 1"),
        ("2", {"2": 0.1}, "already included"),
        ("$LATEST", {"1": 0.1}, "$LATEST is not supported"),
        ("2", {"$LATEST": 0.1}, ""),
        ("2", {"1": 1.5}, ""),
        ("2", {"1": -0.1}, ""),
    ],
)
def test_weights_are_checked(world, connect, lam, refusal, version, weights, word):
    """At most one additional, published version, 0 to 1, not the main one, not $LATEST."""
    loose = connect("lambda", parameter_validation=False)
    code, message, status = refusal(
        lambda: loose.update_alias(
            FunctionName="f",
            Name="live",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )
    )
    assert status == 400
    assert code in ("InvalidParameterValueException", "ValidationException")
    assert word in message
    assert "RoutingConfig" not in lam.get_alias(FunctionName="f", Name="live")


def test_weights_of_a_version_that_is_not_there(world, lam, refusal):
    """404 for a version that was never published."""
    given = {"AdditionalVersionWeights": {"9": 0.1}}
    code, _, status = refusal(
        lambda: lam.update_alias(FunctionName="f", Name="live", RoutingConfig=given)
    )
    assert (code, status) == ("ResourceNotFoundException", 404)


def test_a_version_in_use_cannot_be_deleted(world, lam, refusal):
    """DeleteFunction of a version that an alias names, even by weight: 409."""
    lam.update_alias(
        FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}}
    )
    lam.delete_alias(FunctionName="f", Name="old")
    assert refusal(lambda: lam.delete_function(FunctionName="f", Qualifier="1"))[::2] == (
        "ResourceConflictException",
        409,
    )
    lam.update_alias(FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    lam.delete_function(FunctionName="f", Qualifier="1")
    versions = lam.list_versions_by_function(FunctionName="f")["Versions"]
    assert [v["Version"] for v in versions] == ["$LATEST", "2"]


def test_aliases_are_created_listed_and_deleted(world, lam, refusal):
    """CreateAlias once per name; DeleteAlias of what is not there is no error."""
    made = lam.create_alias(FunctionName="f", Name="blue", FunctionVersion="1")
    assert made["AliasArn"].endswith(":function:f:blue")
    assert refusal(lambda: lam.create_alias(FunctionName="f", Name="blue", FunctionVersion="1"))[
        ::2
    ] == ("ResourceConflictException", 409)
    listed = lam.list_aliases(FunctionName="f", FunctionVersion="1")["Aliases"]
    assert [alias["Name"] for alias in listed] == ["blue", "old"]
    lam.delete_alias(FunctionName="f", Name="blue")
    lam.delete_alias(FunctionName="f", Name="blue")
    assert refusal(lambda: lam.get_alias(FunctionName="f", Name="blue"))[0] == (
        "ResourceNotFoundException"
    )
