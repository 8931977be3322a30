"""Which policy owns which endpoint once AWS has said what there is."""

from collections.abc import Mapping
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_strategies import policies, scopes
from policy_texts import loaded, policy

from controller.model.endpoint import EndpointKey, Kind
from controller.model.policy import Policy, Scope, Selector
from controller.policy import ClaimConflict, Discovered, claims, match_selector

LAMBDA = Kind.LAMBDA_FUNCTION
HERE = Scope("eu-west-1")
FUNCTIONS: Mapping[str, Mapping[str, str]] = {
    "ocr-a": {"team": "docs"},
    "ocr-b": {"team": "docs", "tier": "1"},
    "rank": {},
}
PLACES = {(LAMBDA, HERE): Discovered("111111111111", FUNCTIONS)}


def made(*texts: str) -> tuple[Policy, ...]:
    """Policies, each loaded by itself: their overlaps are for `claims` to find."""
    return tuple(loaded(text).policies[0] for text in texts)


def key(name: str, qualifier: str = "$LATEST") -> EndpointKey:
    return EndpointKey("111111111111", "eu-west-1", LAMBDA, name, qualifier)


@pytest.mark.parametrize(
    ("selector", "name", "tags", "matches"),
    [
        (Selector("ocr-*"), "ocr-a", {}, True),
        (Selector("ocr-*"), "OCR-a", {}, False),
        (Selector("ocr-*"), "my-ocr-a", {}, False),
        (Selector("ocr-?"), "ocr-ab", {}, False),
        (Selector(None, {"team": "docs"}), "x", {"team": "docs", "more": "1"}, True),
        (Selector(None, {"team": "docs"}), "x", {"team": "Docs"}, False),
        (Selector(None, {"team": "docs"}), "x", {}, False),
        (Selector("o*", {"team": "docs"}), "ocr", {"team": "docs"}, True),
        (Selector("o*", {"team": "docs"}), "rank", {"team": "docs"}, False),
        (Selector(), "anything", {}, False),
    ],
)
def test_selectors(selector: Selector, name: str, tags: dict[str, str], matches: bool) -> None:
    assert match_selector(selector, name, tags) is matches


def test_names_and_selectors_become_keys() -> None:
    named, selecting = made(
        policy("named", "name: rank, qualifier: live"),
        policy("selecting", "selector: {namePattern: ocr-*}, qualifier: beta"),
    )
    result = claims([named, selecting], PLACES)
    assert dict(result.owned) == {
        key("ocr-a", "beta"): selecting,
        key("ocr-b", "beta"): selecting,
        key("rank", "live"): named,
    }
    assert not result.conflicts
    assert not result.undiscovered


def test_a_name_is_claimed_though_nothing_of_that_name_was_found() -> None:
    (named,) = made(policy("named", "name: gone"))
    assert dict(claims([named], PLACES).owned) == {key("gone"): named}


def test_a_place_that_was_not_looked_at() -> None:
    (elsewhere,) = made(policy("a", "name: x").replace("eu-west-1", "us-east-1"))
    result = claims([elsewhere], PLACES)
    assert result.undiscovered == (elsewhere,)
    assert not result.owned


def test_nobody_gets_what_two_claim() -> None:
    by_name, by_tag = made(
        policy("by-name", "name: ocr-b, qualifier: live"),
        policy("by-tag", "selector: {tags: {team: docs}}"),
    )
    result = claims([by_tag, by_name], PLACES)
    assert dict(result.owned) == {key("ocr-a"): by_tag}
    assert result.conflicts == (
        ClaimConflict(
            keys=(key("ocr-b"), key("ocr-b", "live")),
            policies=("by-name", "by-tag"),
            message="lambda eu-west-1/ocr-b is claimed by by-name (<stdin>:1:1), "
            "by-tag (<stdin>:1:1); $LATEST and live all take their memory from the one $LATEST "
            "and cannot be sized apart",
        ),
    )


def test_two_scopes_may_turn_out_to_be_one_account() -> None:
    bare, spelt = made(
        policy("bare", "name: rank"), policy("spelt", "name: rank, account: '111111111111'")
    )
    places = {**PLACES, (LAMBDA, spelt.target.scope): Discovered("111111111111")}
    result = claims([bare, spelt], places)
    assert not result.owned
    assert [conflict.policies for conflict in result.conflicts] == [("bare", "spelt")]


def test_order_means_nothing() -> None:
    found = made(
        policy("a", "name: rank"),
        policy("b", "selector: {namePattern: '*'}"),
        policy("c", "selector: {tags: {tier: '1'}}"),
    )
    results = [claims(order, PLACES) for order in permutations(found)]
    assert all(result == results[0] for result in results)


@given(
    st.lists(policies(), max_size=6, unique_by=lambda p: p.name),
    st.dictionaries(
        st.tuples(st.just(LAMBDA), scopes()),
        st.builds(
            Discovered,
            account=st.sampled_from(["111111111111", "222222222222"]),
            endpoints=st.dictionaries(st.sampled_from(["a", "b-c", "Z"]), st.just({}), max_size=3),
        ),
        max_size=3,
    ),
)
def test_every_endpoint_has_one_owner_or_a_conflict(
    found: list[Policy], places: dict[tuple[Kind, Scope], Discovered]
) -> None:
    result = claims(found, places)
    functions = [(k.account, k.region, k.name) for k in result.owned]
    contested = [(c.keys[0].account, c.keys[0].region, c.keys[0].name) for c in result.conflicts]
    assert len({*functions, *contested}) == len(functions) + len(contested)
    assert all(len(conflict.policies) > 1 for conflict in result.conflicts)
