"""What S3 knows: buckets, whose they are, and how large their objects are. No contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of

if TYPE_CHECKING:
    from controller.sandbox.world import World


@dataclass(slots=True)
class Bucket:
    """One bucket; objects by key, in bytes."""

    account: str
    region: str
    objects: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class S3State:
    """All buckets of the world: a bucket's name is its own everywhere."""

    buckets: dict[str, Bucket] = field(default_factory=dict)


def seed_bucket(world: World, document: Mapping[str, Any], account: str, region: str) -> None:
    """Add a bucket: {name, account, region, objects {key: bytes}}; of one that is there, objects.

    Raises ValueError naming what is wrong.
    """
    if unknown := set(document) - {"name", "account", "region", "objects"}:
        raise ValueError(f"a bucket has no member {min(unknown)!r}")
    objects = {str(key): int(size) for key, size in document.get("objects", {}).items()}
    owner = str(document.get("account", account)), str(document.get("region", region))
    put_objects(world, str(document["name"]), owner, objects)


def put_objects(
    world: World, bucket: str, owner: tuple[str, str], objects: Mapping[str, int]
) -> None:
    """Objects (key: bytes) of a bucket; owner: account and region of one that is not there."""
    buckets = state_of(world, S3State).buckets
    found = buckets.get(bucket)
    if found is None:
        found = buckets[bucket] = Bucket(*owner)
    found.objects.update(objects)
