"""How the sandbox reads IAM documents: as the IAM User Guide says policies are evaluated."""

from typing import Any

import pytest

from controller.sandbox.iam.document import Access, Document, DocumentError, decide

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:ocr"


def _document(*statements: dict[str, Any]) -> Document:
    return Document.of(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **s} for s in statements]}
    )


def _allows(
    document: Document, resource: str = FUNCTION, action: str = "lambda:GetAlias", **keys: str
) -> bool:
    return decide([document], Access(action, resource, keys))[0]


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("lambda:GetAlias", "*", True),
        ("LAMBDA:getalias", FUNCTION, True),
        ("lambda:Get*", FUNCTION, True),
        ("lambda:Get?????", FUNCTION, True),
        ("lambda:Get????", FUNCTION, False),
        ("lambda:GetAlias", f"{FUNCTION}:*", False),
        ("lambda:GetAlias", "arn:aws:lambda:*:*:function:o*", True),
        ("lambda:GetAlias", "arn:aws:lambda:eu-*:123456789012:function:ocr", True),
        ("lambda:GetAlias", "arn:aws:lambda:us-*:123456789012:function:ocr", False),
        ("lambda:GetAlias", "arn:aws:lambda:*:function:ocr", False),
        ("lambda:UpdateAlias", "*", False),
    ],
)
def test_wildcards(action: str, resource: str, allowed: bool) -> None:
    assert _allows(_document({"Action": action, "Resource": resource})) is allowed


def test_what_knows_no_resources_is_matched_by_the_star_alone() -> None:
    listing = {"resource": "*", "action": "lambda:ListFunctions"}
    assert _allows(_document({"Action": "lambda:*", "Resource": "*"}), **listing)
    assert not _allows(_document({"Action": "lambda:*", "Resource": f"{FUNCTION}*"}), **listing)


def test_a_denial_outweighs_every_permission() -> None:
    everything = {"Action": "*", "Resource": "*"}
    denial = {"Effect": "Deny", "Action": "lambda:*", "Resource": FUNCTION}
    document = _document(everything, denial)
    assert not _allows(document)
    assert _allows(document, f"{FUNCTION}-2")
    assert not decide([], Access("lambda:GetAlias", FUNCTION, {}))[0]


@pytest.mark.parametrize(
    ("condition", "keys", "allowed"),
    [
        ({"StringEquals": {"aws:ResourceTag/team": "ml"}}, {"aws:ResourceTag/team": "ml"}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "ml"}}, {"aws:ResourceTag/team": "x"}, False),
        ({"StringEquals": {"aws:ResourceTag/team": "ml"}}, {"aws:ResourceTag/Team": "ml"}, False),
        ({"StringEquals": {"aws:resourcetag/team": "ml"}}, {"aws:ResourceTag/team": "ml"}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "ml"}}, {}, False),
        ({"StringEqualsIfExists": {"aws:ResourceTag/team": "ml"}}, {}, True),
        ({"StringEquals": {"aws:RequestedRegion": ["a", "b"]}}, {"aws:RequestedRegion": "b"}, True),
        ({"StringLike": {"aws:RequestedRegion": "eu-*"}}, {"aws:RequestedRegion": "eu-x"}, True),
        ({"StringNotEquals": {"aws:RequestedRegion": "a"}}, {"aws:RequestedRegion": "a"}, False),
        ({"StringNotEquals": {"aws:RequestedRegion": "a"}}, {}, True),
        ({"Null": {"aws:ResourceTag/team": "true"}}, {}, True),
        ({"Null": {"aws:ResourceTag/team": "true"}}, {"aws:ResourceTag/team": "ml"}, False),
        ({"ArnLike": {"aws:SourceArn": f"{FUNCTION}*"}}, {"aws:SourceArn": FUNCTION}, True),
        (
            {"StringEquals": {"aws:ResourceTag/a": "1", "aws:ResourceTag/b": "2"}},
            {"aws:ResourceTag/a": "1"},
            False,
        ),
    ],
)
def test_conditions(condition: dict[str, Any], keys: dict[str, str], allowed: bool) -> None:
    document = _document({"Action": "*", "Resource": "*", "Condition": condition})
    assert decide([document], Access("lambda:GetAlias", FUNCTION, keys))[0] is allowed


def test_all_but_some() -> None:
    document = _document({"NotAction": ["iam:*", "lambda:Delete*"], "Resource": "*"})
    assert _allows(document)
    assert not _allows(document, action="lambda:DeleteFunction")
    document = _document({"Action": "*", "NotResource": FUNCTION})
    assert not _allows(document)
    assert _allows(document, f"{FUNCTION}:1")


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "*", "Resource": "*", "Condition": {"NumericLessThan": {"s3:max-keys": "10"}}},
        {"Action": "*", "Resource": "*", "Principal": "*"},
        {"Effect": "Perhaps", "Action": "*", "Resource": "*"},
    ],
)
def test_what_is_not_understood_is_refused_and_not_overlooked(statement: dict[str, Any]) -> None:
    with pytest.raises(DocumentError):
        _document(statement)
