"""Tags of a scalable target that may not be read are a reason to keep the type."""

from dataclasses import replace

from given import a_demand
from realtime_world import a_live

from controller.kinds.realtime_endpoint.allowed import barred
from controller.kinds.realtime_endpoint.snapshot import (
    from_text,
    meanwhile,
    to_text,
    unread,
    with_seen,
    with_tags,
)
from controller.model.estimate import Rejection
from controller.model.policy import Bounds
from controller.model.sagemaker import Autoscaling, ScalableTarget
from controller.model.size import RealtimeSize

SIX = RealtimeSize("ml.c5.xlarge", 2, 6, 3000.0)
FEWER = replace(SIX, min_instances=1)
OTHER = replace(SIX, instance_type="ml.c5.4xlarge")


def test_another_type_would_lose_them_and_other_bounds_would_not() -> None:
    for tags, out in (((), set()), ((("team", "a"),), set()), (None, {OTHER})):
        kept = Autoscaling(ScalableTarget(1, 6, tags=tags))
        live = replace(a_live(SIX), autoscaling=kept)
        found = barred([SIX, FEWER, OTHER], SIX, Bounds(), a_demand(), live)
        assert set(found) == out
        for rejection, detail in found.values():
            assert rejection is Rejection.NOT_ALLOWED
            assert "ListTagsForResource" in detail
        assert (unread(from_text(to_text(kept))) is None) == (tags is not None)


def test_tags_that_could_be_read_before_are_kept_when_they_cannot_any_more() -> None:
    before = Autoscaling(ScalableTarget(1, 6, tags=(("team", "a"),)))
    unread_now = Autoscaling(ScalableTarget(2, 5, tags=None))
    for kept in (
        with_tags(unread_now, before),
        with_seen(before, unread_now),
        meanwhile(before, before, unread_now, whole=True),
    ):
        assert kept.target is not None
        assert kept.target.tags == (("team", "a"),)
