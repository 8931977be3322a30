"""Clients: shared, apart where they must be, and roles that do not touch each other."""

import threading
from collections import Counter

import pytest
from stub_aws import Answer, Asked, StillClock, StubAws, assumed, refusal, xml_refusal

from controller.aws.sessions import Connection, Keys, Sessions
from controller.model.errors import AccessDenied, Terminal, Unauthenticated, Unreachable
from controller.model.policy import Scope

HOUR_LATER = "2026-09-21T15:13:20Z"
TWO_HOURS_LATER = "2026-09-21T16:13:20Z"
ROLE = Scope("eu-west-1", role_arn="arn:aws:iam::111122223333:role/tuner", external_id="ext")
OTHER_ROLE = Scope("eu-west-1", role_arn="arn:aws:iam::444455556666:role/tuner")
NO_FUNCTIONS = Answer({"Functions": []})


def test_clients_are_made_once_and_shared(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    sessions = stub.sessions(clock)
    seen: list[object] = []
    threads = [
        threading.Thread(target=lambda: seen.append(sessions.cloudwatch(scope))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(map(id, seen))) == 1


def test_reads_and_writes_do_not_share_a_retry_quota(
    stub: StubAws, clock: StillClock, scope: Scope
) -> None:
    sessions = stub.sessions(clock)
    assert sessions.lambda_reads(scope) is not sessions.lambda_writes(scope)
    assert sessions.lambda_reads(scope) is not sessions.lambda_reads(Scope("us-east-1"))
    assert sessions.lambda_writes(scope) is sessions.lambda_writes(Scope("eu-west-1"))


def test_requests_say_who_we_are(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    stub.on("ListFunctions", NO_FUNCTIONS)
    keys = Keys("AKIDGIVEN", "secret")
    sessions = stub.sessions(clock, user_agent="rightsizer/9.9", keys=keys)
    sessions.lambda_reads(scope).list_functions()
    (sent,) = stub.asked
    assert "rightsizer/9.9" in sent.headers["User-Agent"]
    assert sent.access_key == "AKIDGIVEN"
    assert "/eu-west-1/lambda/" in sent.headers["Authorization"]
    assert "secret" not in repr(keys)


def test_a_role_is_assumed_once_in_its_region(stub: StubAws, clock: StillClock) -> None:
    stub.on("AssumeRole", assumed("ASIAROLE", HOUR_LATER))
    stub.on("ListFunctions", NO_FUNCTIONS)
    sessions = stub.sessions(clock, role_session_name="tuning")
    sessions.lambda_reads(ROLE).list_functions()
    sessions.lambda_writes(ROLE).list_functions()
    (asked,) = stub.of("AssumeRole")
    assert asked.body["RoleArn"] == ROLE.role_arn
    assert asked.body["ExternalId"] == "ext"
    assert asked.body["RoleSessionName"] == "tuning"
    assert "/eu-west-1/sts/" in asked.headers["Authorization"]
    listed = stub.of("ListFunctions")
    assert [sent.access_key for sent in listed] == ["ASIAROLE", "ASIAROLE"]
    assert listed[0].headers["X-Amz-Security-Token"] == "t-ASIAROLE"


def test_a_role_without_external_id_sends_none(stub: StubAws, clock: StillClock) -> None:
    stub.on("AssumeRole", assumed("ASIAROLE", HOUR_LATER))
    stub.on("ListFunctions", NO_FUNCTIONS)
    stub.sessions(clock).lambda_reads(OTHER_ROLE).list_functions()
    assert "ExternalId" not in stub.of("AssumeRole")[0].body


def test_credentials_are_renewed_by_the_clock_given(stub: StubAws, clock: StillClock) -> None:
    stub.on("AssumeRole", assumed("ASIAONE", HOUR_LATER), assumed("ASIATWO", TWO_HOURS_LATER))
    stub.on("ListFunctions", NO_FUNCTIONS)
    client = stub.sessions(clock).lambda_reads(ROLE)
    for seconds in (0, 44 * 60, 2 * 60):
        clock.forward(seconds)
        client.list_functions()
    used = [sent.access_key for sent in stub.of("ListFunctions")]
    assert used == ["ASIAONE", "ASIAONE", "ASIATWO"]


def test_a_failed_renewal_lives_on_what_is_still_valid(stub: StubAws, clock: StillClock) -> None:
    failing = xml_refusal("ServiceUnavailable", "later", 503)
    stub.on("AssumeRole", assumed("ASIAONE", HOUR_LATER), failing)
    stub.on("ListFunctions", NO_FUNCTIONS)
    client = stub.sessions(clock).lambda_reads(ROLE)
    client.list_functions()
    clock.forward(50 * 60)
    client.list_functions()
    assert stub.of("ListFunctions")[-1].access_key == "ASIAONE"
    clock.forward(15 * 60)
    with pytest.raises(Exception, match="AssumeRole"):
        client.list_functions()
    assert len(stub.of("ListFunctions")) == 2


def test_while_one_thread_renews_others_do_not_wait(stub: StubAws, clock: StillClock) -> None:
    renewing, go_on = threading.Event(), threading.Event()

    def slowly(_: Asked) -> Answer:
        renewing.set()
        assert go_on.wait(30)
        return assumed("ASIATWO", TWO_HOURS_LATER)

    stub.on("AssumeRole", assumed("ASIAONE", HOUR_LATER), slowly)
    stub.on("ListFunctions", NO_FUNCTIONS)
    client = stub.sessions(clock).lambda_reads(ROLE)
    client.list_functions()
    clock.forward(50 * 60)
    renewer = threading.Thread(target=client.list_functions)
    renewer.start()
    assert renewing.wait(30)
    client.list_functions()
    assert stub.of("ListFunctions")[-1].access_key == "ASIAONE"
    go_on.set()
    renewer.join()
    assert stub.of("ListFunctions")[-1].access_key == "ASIATWO"


def test_a_denied_role_breaks_no_other(
    stub: StubAws, clock: StillClock, scope: Scope, caplog: pytest.LogCaptureFixture
) -> None:
    def assume(asked: Asked) -> Answer:
        if asked.body["RoleArn"] == ROLE.role_arn:
            return xml_refusal("AccessDenied", "not authorized to perform: sts:AssumeRole")
        return assumed("ASIAOTHER", HOUR_LATER)

    stub.on("AssumeRole", assume)
    stub.on("ListFunctions", NO_FUNCTIONS)
    sessions = stub.sessions(clock)
    with pytest.raises(AccessDenied, match=r"AssumeRole of role .*111122223333.*sts:AssumeRole"):
        sessions.lambda_reads(ROLE).list_functions()
    sessions.lambda_reads(OTHER_ROLE).list_functions()
    sessions.lambda_reads(scope).list_functions()
    used = [sent.access_key for sent in stub.of("ListFunctions")]
    assert used == ["ASIAOTHER", "AKIATESTTESTTESTTEST"]
    assert "Traceback" not in caplog.text


def test_many_threads_assume_a_role_once(stub: StubAws, clock: StillClock) -> None:
    stub.on("AssumeRole", assumed("ASIAROLE", HOUR_LATER))
    stub.on("ListFunctions", NO_FUNCTIONS)
    client = stub.sessions(clock).lambda_reads(ROLE)
    threads = [threading.Thread(target=client.list_functions) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(sent.operation for sent in stub.asked) == {"AssumeRole": 1, "ListFunctions": 8}


def test_the_hook_sees_every_session_before_its_first_client(
    stub: StubAws, clock: StillClock, scope: Scope
) -> None:
    stub.on("AssumeRole", assumed("ASIAROLE", HOUR_LATER))
    stub.on("ListFunctions", NO_FUNCTIONS)
    sent: list[str] = []

    def hook(session: object) -> None:
        events = session.get_component("event_emitter")  # type: ignore[attr-defined]
        events.register("before-send", lambda request, **_: sent.append(request.url))

    sessions = Sessions(clock, Connection(endpoint_url=stub.url, max_attempts=1), hook=hook)
    sessions.lambda_reads(scope).list_functions()
    sessions.lambda_reads(ROLE).list_functions()
    assert len(sent) == len(stub.asked) == 3


def test_a_region_that_cannot_be_is_a_clear_sentence(clock: StillClock) -> None:
    with pytest.raises(Terminal, match="'not a region' is not one"):
        Sessions(clock).cloudwatch(Scope("not a region"))


def test_a_profile_that_does_not_exist_is_a_clear_sentence(clock: StillClock, scope: Scope) -> None:
    with pytest.raises(Unauthenticated, match="staging"):
        Sessions(clock, Connection(profile="staging")).lambda_reads(scope)


def test_an_address_without_scheme_is_a_clear_sentence(clock: StillClock, scope: Scope) -> None:
    with pytest.raises(Terminal, match="endpoint address is not usable"):
        Sessions(clock, Connection(endpoint_url="127.0.0.1:4566")).lambda_reads(scope)


def test_an_address_that_is_not_aws_is_a_clear_sentence(
    stub: StubAws, clock: StillClock, scope: Scope
) -> None:
    stub.on("ListFunctions", Answer("<html>It works!</html>"))
    with pytest.raises(Unreachable, match="not AWS"):
        stub.sessions(clock).lambda_reads(scope).list_functions()


def test_closing_closes_and_begins_anew(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    sessions = stub.sessions(clock)
    before = sessions.logs(scope)
    sessions.close()
    assert sessions.logs(scope) is not before


def test_a_refusal_reaches_the_caller_as_boto3_raised_it(
    stub: StubAws, clock: StillClock, scope: Scope
) -> None:
    stub.on("ListFunctions", refusal("TooManyRequestsException", status=429))
    client = stub.sessions(clock).lambda_reads(scope)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.list_functions()
