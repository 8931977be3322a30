"""Who we are, and which functions a selector means."""

import pytest
from stub_aws import Answer, Asked, StillClock, StubAws, refusal, xml_refusal

from controller.aws.discovery import find_functions
from controller.aws.identity import StsIdentity
from controller.model.errors import AccessDenied, Terminal, Unauthenticated
from controller.model.policy import Scope, Selector

WHO = Answer(
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account>"
    "<Arn>arn:aws:iam::111122223333:user/x</Arn><UserId>U</UserId></GetCallerIdentityResult>"
    "</GetCallerIdentityResponse>"
)


def test_the_account_is_asked_for_once(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    stub.on("GetCallerIdentity", WHO)
    identity = StsIdentity(stub.sessions(clock))
    assert identity.account(scope) == "111122223333"
    assert identity.account(Scope("us-east-1")) == "111122223333"
    assert len(stub.asked) == 1


def test_another_account_than_the_policy_names_is_refused(stub: StubAws, clock: StillClock) -> None:
    stub.on("GetCallerIdentity", WHO)
    identity = StsIdentity(stub.sessions(clock))
    assert identity.account(Scope("eu-west-1", account="111122223333")) == "111122223333"
    with pytest.raises(Terminal, match=r"for account 999988887777, but .* acts on 111122223333"):
        identity.account(Scope("eu-west-1", account="999988887777"))


def test_a_failure_is_not_remembered(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    stub.on("GetCallerIdentity", xml_refusal("ExpiredToken", "expired"), WHO)
    identity = StsIdentity(stub.sessions(clock))
    with pytest.raises(Unauthenticated, match="have expired"):
        identity.account(scope)
    assert identity.account(scope) == "111122223333"


def functions(*names: str, marker: str | None = None) -> Answer:
    body = {"Functions": [{"FunctionName": name} for name in names]}
    return Answer(body if marker is None else {**body, "NextMarker": marker})


def tagged(token: str = "", **tags: dict[str, str]) -> Answer:
    return Answer(
        {
            "PaginationToken": token,
            "ResourceTagMappingList": [
                {
                    "ResourceARN": f"arn:aws:lambda:eu-west-1:111122223333:function:{name}",
                    "Tags": [{"Key": key, "Value": value} for key, value in own.items()],
                }
                for name, own in tags.items()
            ],
        }
    )


def test_tags_select_through_all_pages(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    ocr, asr = {"team": "ml", "env": "x"}, {"team": "ml"}
    stub.on("GetResources", tagged("next", ocr=ocr), tagged(asr=asr))
    found = find_functions(stub.sessions(clock), scope, Selector(tags={"team": "ml"}))
    assert found == {"asr": asr, "ocr": ocr}
    assert [sent.operation for sent in stub.asked] == ["GetResources"] * 2
    first, second = (sent.body for sent in stub.asked)
    assert first["TagFilters"] == [{"Key": "team", "Values": ["ml"]}]
    assert first["ResourceTypeFilters"] == ["lambda:function"]
    assert second["PaginationToken"] == "next"


def test_names_select_functions_that_never_had_a_tag(
    stub: StubAws, clock: StillClock, scope: Scope
) -> None:
    def listed(asked: Asked) -> Answer:
        if asked.query.get("Marker") == "next":
            return functions("infer-b", "Infer-c")
        return functions("infer-a", "other", marker="next")

    stub.on("ListFunctions", listed)
    stub.on("GetResources", tagged(**{"infer-b": {"team": "ml"}}))
    found = find_functions(stub.sessions(clock), scope, Selector(name_pattern="infer-*"))
    assert found == {"infer-a": {}, "infer-b": {"team": "ml"}}


def test_pattern_and_tags_must_both_match(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    stub.on("GetResources", tagged(ocr={"team": "ml"}, asr={"team": "ml"}))
    selector = Selector(name_pattern="o*", tags={"team": "ml"})
    assert list(find_functions(stub.sessions(clock), scope, selector)) == ["ocr"]


def test_an_empty_selector_is_everything(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    stub.on("ListFunctions", functions("a", "b"))
    stub.on("GetResources", tagged())
    assert list(find_functions(stub.sessions(clock), scope, Selector())) == ["a", "b"]


def test_a_denial_names_the_permission(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    stub.on("GetResources", refusal("AccessDeniedException", status=403))
    with pytest.raises(AccessDenied, match="allow tag:GetResources"):
        find_functions(stub.sessions(clock), scope, Selector(tags={"a": "b"}))
