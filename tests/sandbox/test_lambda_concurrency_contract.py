"""Reserved and provisioned concurrency through real boto3; facts in the docstrings."""

import pytest

from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"


@pytest.fixture
def lam(world, in_process):
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "functions": [{"name": "f", "memory_mb": 512, "versions": 2, "aliases": {"live": 2}}],
        },
    )
    return in_process("lambda")


def _put(lam, number, qualifier="live"):
    return lam.put_provisioned_concurrency_config(
        FunctionName="f", Qualifier=qualifier, ProvisionedConcurrentExecutions=number
    )


def test_reserved_concurrency(world, lam):
    """Put, get, delete; 0 is a value of its own and stops the function."""
    assert "ReservedConcurrentExecutions" not in lam.get_function_concurrency(FunctionName="f")
    for number in (20, 0):
        lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=number)
        there = lam.get_function_concurrency(FunctionName="f")
        assert there["ReservedConcurrentExecutions"] == number
        shown = lam.get_function(FunctionName="f")["Concurrency"]
        assert shown["ReservedConcurrentExecutions"] == number
    lam.delete_function_concurrency(FunctionName="f")
    assert "ReservedConcurrentExecutions" not in lam.get_function_concurrency(FunctionName="f")


def test_one_hundred_must_stay_unreserved(world, lam, refusal):
    """Reserving must leave at least 100 of the account's concurrency."""
    lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=900)
    code, message, status = refusal(
        lambda: lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=901)
    )
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert "minimum value of [100]" in message


def test_a_stopped_function_throttles(world, lam, refusal):
    """Reserved 0: TooManyRequestsException, 429."""
    lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    code, message, status = refusal(lambda: lam.invoke(FunctionName="f", Qualifier="live"))
    assert (code, message, status) == ("TooManyRequestsException", "Rate Exceeded.", 429)


def test_provisioned_concurrency_takes_minutes(world, lam):
    """Status IN_PROGRESS, then READY with all environments available."""
    assert _put(lam, 5)["Status"] == "IN_PROGRESS"
    world.advance(30.0)
    there = lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    assert (there["Status"], there["AvailableProvisionedConcurrentExecutions"]) == (
        "IN_PROGRESS",
        0,
    )
    world.advance(300.0)
    there = lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    assert (there["Status"], there["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 5)
    listed = lam.list_provisioned_concurrency_configs(FunctionName="f")
    assert [c["FunctionArn"][-4:] for c in listed["ProvisionedConcurrencyConfigs"]] == ["live"]


def test_not_for_latest(world, lam, refusal):
    """Provisioned concurrency belongs to an alias or a version, not to $LATEST."""
    code, message, _ = refusal(lambda: _put(lam, 1, "$LATEST"))
    assert code in ("InvalidParameterValueException", "ValidationException")
    assert message


def test_not_for_an_alias_with_weights(world, lam, refusal):
    """ "Alias with weights can not be used with Provisioned Concurrency", either way round."""
    weights = {"AdditionalVersionWeights": {"1": 0.1}}
    lam.update_alias(FunctionName="f", Name="live", RoutingConfig=weights)
    text = "Alias with weights can not be used with Provisioned Concurrency"
    assert refusal(lambda: _put(lam, 1))[:2] == ("InvalidParameterValueException", text)
    lam.update_alias(FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    _put(lam, 1)
    assert (
        refusal(lambda: lam.update_alias(FunctionName="f", Name="live", RoutingConfig=weights))[1]
        == text
    )


def test_moving_the_alias_allocates_anew(world, lam):
    """Pointing the alias at another version deallocates and reallocates, for minutes."""
    _put(lam, 5)
    world.advance(300.0)
    lam.update_alias(FunctionName="f", Name="live", FunctionVersion="1")
    there = lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    assert (there["Status"], there["AvailableProvisionedConcurrentExecutions"]) == (
        "IN_PROGRESS",
        0,
    )
    world.advance(300.0)
    there = lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    assert there["Status"] == "READY"


def test_none_is_not_found(world, lam, refusal):
    """ProvisionedConcurrencyConfigNotFoundException, 404."""
    code, _, status = refusal(
        lambda: lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    )
    assert (code, status) == ("ProvisionedConcurrencyConfigNotFoundException", 404)
    _put(lam, 1)
    lam.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    assert (
        refusal(lambda: lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live"))[
            2
        ]
        == 404
    )


def test_more_than_the_account_has(world, lam, refusal):
    """Provisioned concurrency counts against what the account has unreserved."""
    assert refusal(lambda: _put(lam, 901))[0] == "InvalidParameterValueException"
