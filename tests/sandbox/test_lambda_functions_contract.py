"""Lambda's functions through real boto3; each test cites the fact it holds to."""

import io
import zipfile

import pytest

from controller.sandbox.seeding import seed_world

ROLE = "arn:aws:iam::111122223333:role/f"
ACCOUNT = "111122223333"


def _seed(world, **function):
    seed_world(
        world, {"account": ACCOUNT, "functions": [{"name": "f", "memory_mb": 512, **function}]}
    )


def _zip(text: str = "x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), text)
    return buffer.getvalue()


@pytest.fixture
def lam(connect):
    return connect("lambda")


def _create(lam, **more):
    given = {
        "FunctionName": "f",
        "Runtime": "python3.12",
        "Handler": "app.handler",
        "Role": ROLE,
        "Code": {"ZipFile": _zip()},
        **more,
    }
    return lam.create_function(**given)


def test_a_new_function_is_pending_then_active_with_another_revision(world, lam):
    """CreateFunction answers Pending; turning Active changes RevisionId (validated by others
    against AWS: create and active have different revisions)."""
    made = _create(lam, MemorySize=256, Tags={"team": "x"})
    assert (made["State"], made["MemorySize"], made["Version"]) == ("Pending", 256, "$LATEST")
    assert made["FunctionArn"] == f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"
    world.advance(10)
    there = lam.get_function(FunctionName="f")
    assert there["Configuration"]["State"] == "Active"
    assert there["Configuration"]["RevisionId"] != made["RevisionId"]
    assert there["Tags"] == {"team": "x"}


def test_a_name_is_taken_once(world, lam, refusal):
    """CreateFunction of a name that exists: ResourceConflictException, 409."""
    _create(lam)
    assert refusal(lambda: _create(lam))[::2] == ("ResourceConflictException", 409)


def test_defaults_of_a_new_function(world, lam):
    """MemorySize defaults to 128 MB, Timeout to 3 s, architecture to x86_64 [API reference]."""
    made = _create(lam)
    assert (made["MemorySize"], made["Timeout"], made["Architectures"]) == (128, 3, ["x86_64"])


@pytest.mark.parametrize("memory_mb", [127, 10_241, 32_768])
def test_memory_has_limits(world, connect, refusal, memory_mb):
    """128 to 10,240 MB in 1-MB steps; the model itself would admit 32,768."""
    lam = connect("lambda", parameter_validation=False)
    _seed(world)
    code, message, status = refusal(
        lambda: lam.update_function_configuration(FunctionName="f", MemorySize=memory_mb)
    )
    assert status == 400
    assert "memorySize" in message
    assert code in ("ValidationException", "InvalidParameterValueException")


def test_one_megabyte_steps_are_fine(world, lam):
    """Any whole number of MB is a size."""
    _seed(world)
    lam.update_function_configuration(FunctionName="f", MemorySize=1769)
    assert lam.get_function_configuration(FunctionName="f")["MemorySize"] == 1769


def test_an_account_may_be_capped_lower(world, lam, refusal):
    """New accounts may be capped, e.g. at 3,008 MB."""
    _seed(world)
    world.region(ACCOUNT).max_memory_mb = 3008
    code, message, _ = refusal(
        lambda: lam.update_function_configuration(FunctionName="f", MemorySize=4096)
    )
    assert code == "InvalidParameterValueException"
    assert "3008" in message


def test_an_update_is_in_progress_for_seconds(world, lam):
    """LastUpdateStatus InProgress, then Successful; RevisionId changes at both ends (a chained
    update with the first RevisionId fails: aws/aws-sdk issue 377)."""
    _seed(world)
    before = lam.get_function_configuration(FunctionName="f")
    asked = lam.update_function_configuration(FunctionName="f", MemorySize=1024)
    assert (asked["LastUpdateStatus"], asked["MemorySize"]) == ("InProgress", 1024)
    world.advance(1.0)
    assert lam.get_function_configuration(FunctionName="f")["LastUpdateStatus"] == "InProgress"
    world.advance(30.0)
    after = lam.get_function_configuration(FunctionName="f")
    assert after["LastUpdateStatus"] == "Successful"
    assert len({before["RevisionId"], asked["RevisionId"], after["RevisionId"]}) == 3
    assert after["LastModified"] > before["LastModified"]


def test_a_second_update_meanwhile_is_refused(world, lam, refusal):
    """409 ResourceConflictException, "An update is in progress for resource: ARN"."""
    _seed(world)
    lam.update_function_configuration(FunctionName="f", MemorySize=1024)
    for call in (
        lambda: lam.update_function_configuration(FunctionName="f", MemorySize=2048),
        lambda: lam.update_function_code(FunctionName="f", ZipFile=_zip("y")),
        lambda: lam.publish_version(FunctionName="f"),
    ):
        code, message, status = refusal(call)
        assert (code, status) == ("ResourceConflictException", 409)
        assert "An update is in progress for resource: arn:aws:lambda" in message
    world.advance(30.0)
    lam.update_function_configuration(FunctionName="f", MemorySize=2048)


def test_a_stale_revision_is_refused(world, lam, refusal):
    """412 PreconditionFailedException when somebody else changed it."""
    _seed(world)
    seen = lam.get_function_configuration(FunctionName="f")["RevisionId"]
    lam.update_function_configuration(FunctionName="f", Description="somebody else")
    world.advance(30.0)
    code, message, status = refusal(
        lambda: lam.update_function_configuration(
            FunctionName="f", MemorySize=1024, RevisionId=seen
        )
    )
    assert (code, status) == ("PreconditionFailedException", 412)
    assert message.startswith("The Revision Id provided does not match the latest Revision Id.")
    assert lam.get_function_configuration(FunctionName="f")["MemorySize"] == 512


def test_a_partial_update_leaves_the_rest(world, lam):
    """UpdateFunctionConfiguration changes only the members given."""
    _seed(world, timeout_s=17, settings={"Environment": {"Variables": {"A": "1"}}})
    lam.update_function_configuration(FunctionName="f", MemorySize=1024)
    there = lam.get_function_configuration(FunctionName="f")
    assert (there["Timeout"], there["Environment"]) == (17, {"Variables": {"A": "1"}})


def test_a_failed_update_says_so_and_serves_the_old(world, lam):
    """LastUpdateStatus Failed with reason; the old environments go on serving."""
    _seed(world, workload={"traffic": {"rps": 5}})
    fault = {"function": "f", "outcome": "Failed", "code": "InsufficientRolePermissions"}
    seed_world(world, {"account": ACCOUNT, "update_faults": [fault]})
    lam.update_function_configuration(FunctionName="f", MemorySize=1024)
    world.advance(60.0)
    there = lam.get_function_configuration(FunctionName="f")
    assert there["LastUpdateStatus"] == "Failed"
    assert there["LastUpdateStatusReasonCode"] == "InsufficientRolePermissions"
    state = world.region(ACCOUNT).histories["f"].at(world.now_s())
    assert [variant.memory_mb for variant, _ in state.route(None)] == [512]
    lam.update_function_configuration(FunctionName="f", MemorySize=768)
    world.advance(60.0)
    assert lam.get_function_configuration(FunctionName="f")["LastUpdateStatus"] == "Successful"


def test_an_update_may_hang(world, lam):
    """An update can stay InProgress for hours."""
    _seed(world)
    seed_world(world, {"account": ACCOUNT,
         "update_faults": [{"function": "f", "outcome": "Hang", "hang_s": 7200}]}
    )  # fmt: skip
    lam.update_function_configuration(FunctionName="f", MemorySize=1024)
    world.advance(7000.0)
    assert lam.get_function_configuration(FunctionName="f")["LastUpdateStatus"] == "InProgress"
    world.advance(300.0)
    assert lam.get_function_configuration(FunctionName="f")["LastUpdateStatus"] == "Successful"


def test_the_old_configuration_serves_until_the_update_ends(world, lam):
    """During an update the function keeps serving the old configuration [bc]."""
    _seed(world)
    lam.update_function_configuration(FunctionName="f", MemorySize=1024)
    history = world.region(ACCOUNT).histories["f"]

    def serving() -> int:
        return history.at(world.now_s()).route(None)[0][0].memory_mb

    assert serving() == 512
    world.advance(30.0)
    assert serving() == 1024


def test_code_changes_its_digest(world, lam):
    """CodeSha256 is the base64 of the package's SHA-256; a new one means new code."""
    _seed(world)
    before = lam.get_function_configuration(FunctionName="f")
    lam.update_function_code(FunctionName="f", ZipFile=_zip("new"))
    world.advance(30.0)
    after = lam.get_function_configuration(FunctionName="f")
    assert after["CodeSha256"] != before["CodeSha256"]
    assert after["MemorySize"] == before["MemorySize"]


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.get_function(FunctionName="ghost"),
        lambda c: c.get_function_configuration(FunctionName="ghost"),
        lambda c: c.update_function_configuration(FunctionName="ghost", MemorySize=256),
        lambda c: c.publish_version(FunctionName="ghost"),
        lambda c: c.get_alias(FunctionName="ghost", Name="live"),
        lambda c: c.list_versions_by_function(FunctionName="ghost"),
        lambda c: c.get_function_configuration(FunctionName="f", Qualifier="nope"),
        lambda c: c.get_function_configuration(FunctionName="f", Qualifier="7"),
        lambda c: c.get_alias(FunctionName="f", Name="nope"),
        lambda c: c.delete_function(FunctionName="ghost"),
        lambda c: c.invoke(FunctionName="ghost"),
    ],
)
def test_what_is_not_there_is_404(world, lam, refusal, call):
    """ResourceNotFoundException, 404."""
    _seed(world)
    assert refusal(lambda: call(lam))[::2] == ("ResourceNotFoundException", 404)


def test_names_may_be_arns(world, lam, refusal):
    """FunctionName takes a name, a partial or a full ARN, with a qualifier at its end."""
    _seed(world, versions=1, aliases={"live": 1})
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"
    for name in (arn, f"{ACCOUNT}:function:f", "function:f"):
        assert lam.get_function_configuration(FunctionName=name)["FunctionArn"] == arn
    live = lam.get_function_configuration(FunctionName=f"{arn}:live")
    assert (live["FunctionArn"], live["Version"]) == (f"{arn}:live", "1")
    code, message, status = refusal(
        lambda: lam.get_function_configuration(FunctionName=arn.replace("eu-west-1", "us-east-1"))
    )
    assert (code, status) == ("ResourceNotFoundException", 404)
    assert "not reachable" in message


def test_functions_are_listed_by_name_in_pages(world, lam):
    """ListFunctions returns at most 50 a page, with NextMarker."""
    seed_world(
        world, {"account": ACCOUNT, "functions": [{"name": f"f{n:03d}"} for n in range(120)]}
    )
    pages = list(lam.get_paginator("list_functions").paginate())
    assert [len(page["Functions"]) for page in pages] == [50, 50, 20]
    names = [f["FunctionName"] for page in pages for f in page["Functions"]]
    assert names == sorted(names)
    assert "LastUpdateStatus" not in pages[0]["Functions"][0]


def test_accounts_and_regions_are_apart(world, connect, refusal):
    """Nothing is shared between accounts or regions."""
    _seed(world)
    elsewhere = connect("lambda", region="us-east-1")
    other = connect("lambda", key="AKIA-999988887777")
    for client in (elsewhere, other):
        assert client.list_functions()["Functions"] == []
        assert refusal(lambda c=client: c.get_function(FunctionName="f"))[2] == 404


def test_tags(world, lam):
    """TagResource, ListTags, UntagResource on the function's ARN."""
    _seed(world, tags={"a": "1"})
    arn = lam.get_function_configuration(FunctionName="f")["FunctionArn"]
    lam.tag_resource(Resource=arn, Tags={"b": "2"})
    lam.untag_resource(Resource=arn, TagKeys=["a"])
    assert lam.list_tags(Resource=arn)["Tags"] == {"b": "2"}


def test_deletion_and_re_creation_start_anew(world, lam, refusal):
    """A deleted function is gone with versions and aliases; its name may be used again."""
    _seed(world, versions=3, aliases={"live": 3})
    before = lam.get_function_configuration(FunctionName="f")
    lam.delete_function(FunctionName="f")
    assert refusal(lambda: lam.get_function(FunctionName="f"))[2] == 404
    _create(lam)
    world.advance(10)
    assert lam.get_function_configuration(FunctionName="f")["RevisionId"] != before["RevisionId"]
    assert lam.list_aliases(FunctionName="f")["Aliases"] == []
    assert lam.publish_version(FunctionName="f")["Version"] == "1"


def test_reads_may_lag_behind_writes(world, lam):
    """Lambda's reads are eventually consistent; the world can be told by how much."""
    world.read_lag_s = 5.0
    _seed(world, versions=1, aliases={"live": 1})
    lam.update_function_configuration(FunctionName="f", MemorySize=1024)
    assert lam.get_function_configuration(FunctionName="f")["MemorySize"] == 512
    world.advance(6.0)
    assert lam.get_function_configuration(FunctionName="f")["MemorySize"] == 1024


def test_a_new_function_may_not_be_seen_at_once(world, lam, refusal):
    """Right after creation a read may not find it."""
    world.read_lag_s = 5.0
    _create(lam)
    assert refusal(lambda: lam.get_function(FunctionName="f"))[2] == 404
    world.advance(6.0)
    assert lam.get_function(FunctionName="f")["Configuration"]["FunctionName"] == "f"


def test_account_settings(world, lam):
    """AccountLimit.ConcurrentExecutions 1000 by default; reserved concurrency comes off."""
    _seed(world, reserved_concurrency=150)
    settings = lam.get_account_settings()
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 850
    assert settings["AccountUsage"]["FunctionCount"] == 1
