"""ListObjectsV2: keys under a prefix with their sizes.

Facts (S3 API reference): keys come in the order of their UTF-8 bytes, a thousand at most a
page; a bucket that is not there is NoSuchBucket (404), a prefix without keys is an empty page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of
from controller.sandbox.s3.state import S3State
from controller.sandbox.wire.contract import AwsError, Handler, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

MOST_KEYS = 1000


def list_objects_v2(
    world: World, ctx: RequestContext, params: Mapping[str, Any]
) -> Mapping[str, Any]:
    """A page of a bucket."""
    name, prefix = params["Bucket"], params.get("Prefix", "")
    bucket = state_of(world, S3State).buckets.get(name)
    if bucket is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
    after = params.get("ContinuationToken") or params.get("StartAfter") or ""
    keys = sorted((key for key in bucket.objects if key.startswith(prefix)), key=str.encode)
    keys = [key for key in keys if key.encode() > after.encode()]
    most = min(MOST_KEYS, int(params.get("MaxKeys", MOST_KEYS)))
    page = keys[:most]
    answer: dict[str, Any] = {
        "Name": name,
        "Prefix": prefix,
        "MaxKeys": most,
        "KeyCount": len(page),
        "IsTruncated": len(keys) > most > 0,
        "Contents": [_object(key, bucket.objects[key]) for key in page],
    }
    return {**answer, "NextContinuationToken": page[-1]} if answer["IsTruncated"] else answer


def _object(key: str, size: int) -> Mapping[str, Any]:
    return {
        "Key": key,
        "LastModified": datetime(2026, 1, 1, tzinfo=UTC),
        "ETag": f'"{blake2b(key.encode(), digest_size=16).hexdigest()}"',
        "Size": size,
        "StorageClass": "STANDARD",
    }


HANDLERS: Mapping[str, Handler] = {"ListObjectsV2": list_objects_v2}
