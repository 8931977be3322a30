"""Shards: each endpoint is one shard's, and few of them move when shards come and go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.shards import Shard, owner, parse_shard
from controller.model.endpoint import EndpointKey, Kind

KEYS = [
    EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, f"f{i}", "live")
    for i in range(600)
]


@given(st.integers(1, 12), st.sampled_from(KEYS))
def test_every_endpoint_has_exactly_one_owner(count: int, key: EndpointKey) -> None:
    assert sum(Shard(i, count).has(key) for i in range(count)) == 1


@pytest.mark.parametrize("count", [2, 3, 7])
def test_shares_are_alike_and_few_endpoints_move(count: int) -> None:
    before = [owner(key, count) for key in KEYS]
    after = [owner(key, count + 1) for key in KEYS]
    shares = [before.count(i) for i in range(count)]
    assert max(shares) < 1.35 * len(KEYS) / count
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {count}, "only the new shard takes any"
    assert len(moved) < 1.35 * len(KEYS) / (count + 1)


def test_who_owns_what_is_the_same_in_every_version() -> None:
    assert [owner(key, 3) for key in KEYS[:8]] == [1, 2, 0, 1, 2, 1, 1, 2]


def test_a_shard_is_named_or_taken_from_the_hosts_name() -> None:
    assert parse_shard("0/3", "x") == Shard(0, 3)
    assert parse_shard("auto/3", "rightsizer-2") == Shard(2, 3)
    for text, host in (
        ("3/3", "x"),
        ("1", "x"),
        ("auto/3", "host"),
        ("auto/2", "a-2"),
        ("0/0", "x"),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            parse_shard(text, host)
