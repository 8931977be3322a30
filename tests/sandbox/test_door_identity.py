"""Whose account and region a call acts on, and whom STS takes a caller for."""

from __future__ import annotations

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from controller.sandbox.extensions import state_of
from controller.sandbox.front import Front
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.principals import Principals
from controller.sandbox.sts_api import Role, StsState

ROLE = "arn:aws:iam::999988887777:role/team/reader"


def test_an_access_key_belongs_to_one_account(connect):
    """AWS: GetCallerIdentity gives the account that the access key belongs to."""
    answer = connect("sts", key="AKIA-444455556666").get_caller_identity()
    assert answer["Account"] == "444455556666"
    assert answer["Arn"].startswith("arn:aws:iam::444455556666:")


def test_the_world_may_list_whose_a_key_is(connect, world):
    """AWS: an access key id says nothing to the eye; the service knows its account."""
    state_of(world, Principals).accounts_by_key["AKIAIOSFODNN7EXAMPLE"] = "777766665555"
    sts = connect("sts", key="AKIAIOSFODNN7EXAMPLE")
    assert sts.get_caller_identity()["Account"] == "777766665555"


@pytest.mark.parametrize("key", ["AKIA-1234567890123", "AKIATESTTESTTESTTEST", "AKIA12345678901"])
def test_only_twelve_digits_that_stand_alone_are_an_account(in_process, key):
    """AWS: account ids have exactly twelve digits; other keys are the default account's."""
    assert in_process("sts", key=key).get_caller_identity()["Account"] == "123456789012"


def test_an_unknown_key_is_refused_where_the_world_is_strict(connect, world, refusal):
    """AWS: a key nobody knows is InvalidClientTokenId (403) at STS."""
    state_of(world, Principals).unknown_keys_refused = True
    sts = connect("sts", key="AKIAIOSFODNN7EXAMPLE")
    assert refusal(sts.get_caller_identity)[::2] == ("InvalidClientTokenId", 403)


def test_the_region_comes_from_the_signature(connect, world):
    """AWS: the region of a request is the one in its SigV4 credential scope."""
    connect("sts", region="ap-south-1").get_caller_identity()
    (call,) = state_of(world, Front).recorder.calls()
    assert (call.region, call.service, call.operation) == (
        "ap-south-1",
        "sts",
        "GetCallerIdentity",
    )


def test_an_unsigned_request_is_refused(server: SandboxServer, refusal):
    """AWS: a request without a signature is MissingAuthenticationToken (403)."""
    sts = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=server.url,
        config=Config(signature_version=UNSIGNED),
    )
    assert refusal(sts.get_caller_identity)[::2] == ("MissingAuthenticationToken", 403)


def test_an_assumed_role_acts_on_its_own_account(connect):
    """AWS: temporary credentials of a role act on the role's account, not the caller's."""
    answer = connect("sts").assume_role(RoleArn=ROLE, RoleSessionName="night-run")
    key = answer["Credentials"]
    session = connect("sts", key=key["AccessKeyId"], token=key["SessionToken"])
    who = session.get_caller_identity()
    assert who["Account"] == "999988887777"
    assert who["Arn"] == "arn:aws:sts::999988887777:assumed-role/reader/night-run"
    assert who["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert who["UserId"].endswith(":night-run")


def test_temporary_credentials_expire(connect, world, refusal):
    """AWS: AssumeRole's credentials live DurationSeconds, one hour by default, then are
    ExpiredToken."""
    key = connect("sts").assume_role(RoleArn=ROLE, RoleSessionName="night")["Credentials"]
    assert key["Expiration"].timestamp() == world.now_s() + 3600
    session = connect("sts", key=key["AccessKeyId"], token=key["SessionToken"])
    world.advance(3599)
    session.get_caller_identity()
    world.advance(1)
    assert refusal(session.get_caller_identity)[::2] == ("ExpiredToken", 403)


def test_temporary_credentials_need_their_session_token(connect, refusal):
    """AWS: an ASIA key without its session token is InvalidClientTokenId."""
    key = connect("sts").assume_role(RoleArn=ROLE, RoleSessionName="night")["Credentials"]
    without = connect("sts", key=key["AccessKeyId"])
    assert refusal(without.get_caller_identity)[0] == "InvalidClientTokenId"
    wrong = connect("sts", key=key["AccessKeyId"], token="something-else")
    assert refusal(wrong.get_caller_identity)[0] == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("given", "allowed"),
    [({}, False), ({"ExternalId": "no"}, False), ({"ExternalId": "x-1"}, True)],
)
def test_a_trust_policy_may_demand_an_external_id(connect, world, refusal, given, allowed):
    """AWS: a role whose trust policy has a condition on sts:ExternalId is AccessDenied (403)
    to callers without it."""
    state_of(world, StsState).add(Role(ROLE, external_id="x-1"))
    sts = connect("sts")

    def call():
        return sts.assume_role(RoleArn=ROLE, RoleSessionName="night", **given)

    if allowed:
        assert call()["Credentials"]["AccessKeyId"].startswith("ASIA")
    else:
        code, message, status = refusal(call)
        assert (code, status) == ("AccessDenied", 403)
        assert message == (
            "User: arn:aws:iam::111122223333:user/sandbox is not authorized to perform: "
            f"sts:AssumeRole on resource: {ROLE}"
        )


def test_a_role_that_does_not_exist_is_denied_not_missing(connect, world, refusal):
    """AWS: assuming a role that does not exist is AccessDenied, as is one that does not trust
    the caller: STS does not tell."""
    state_of(world, StsState).add(Role(ROLE))
    sts = connect("sts")
    other = ROLE.replace("reader", "writer")
    call = refusal(lambda: sts.assume_role(RoleArn=other, RoleSessionName="night"))
    assert call[::2] == ("AccessDenied", 403)


def test_a_role_trusts_named_accounts(connect, world, refusal):
    """AWS: the trust policy's principals decide who may assume a role."""
    state_of(world, StsState).add(Role(ROLE, trusted_accounts=frozenset({"111122223333"})))
    connect("sts").assume_role(RoleArn=ROLE, RoleSessionName="night")
    stranger = connect("sts", key="AKIA-222233334444")
    call = refusal(lambda: stranger.assume_role(RoleArn=ROLE, RoleSessionName="night"))
    assert call[0] == "AccessDenied"


def test_a_session_is_no_longer_than_the_role_allows(connect, world, refusal):
    """AWS: DurationSeconds beyond the role's MaxSessionDuration is a ValidationError; below
    900 the model itself forbids it."""
    state_of(world, StsState).add(Role(ROLE, max_session_s=3600))
    sts = connect("sts", parameter_validation=False)
    for duration_s in (3601, 899):
        call = refusal(
            lambda d=duration_s: sts.assume_role(
                RoleArn=ROLE, RoleSessionName="night", DurationSeconds=d
            )
        )
        assert call[::2] == ("ValidationError", 400)


def test_a_role_session_name_has_a_pattern(connect, refusal):
    """AWS: RoleSessionName must match [\\w+=,.@-]*, or the call is a ValidationError."""
    sts = connect("sts")
    call = refusal(lambda: sts.assume_role(RoleArn=ROLE, RoleSessionName="no spaces"))
    assert call[0] == "ValidationError"
    assert "at 'roleSessionName' failed to satisfy constraint" in call[1]


def test_request_ids_and_credentials_are_the_same_in_every_run(loader):
    """The sandbox: the same calls on a world of the same seed give the same bytes."""
    from controller.sandbox.inprocess_door import attach
    from controller.sandbox.world import World

    def run():
        session = boto3.Session("AKIA-111122223333", "s", region_name="eu-west-1")
        session._session.register_component("data_loader", loader)
        attach(session, World(seed=7))
        return session.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="night")

    assert run() == run()
