"""What the controller really calls on endpoints is what the shipped permissions allow."""

import json
from pathlib import Path

import pytest
from realtime_account import LARGE, Shop, asked_sizes, endpoint, policy, scaled
from virtual_account import HOUR_S, OURS

from controller.aws.errors import iam_action
from controller.model.policy import Rollout, Slo
from controller.model.size import RealtimeSize, ScheduledBounds

__all__ = ["asked_sizes"]
pytestmark = pytest.mark.slow

IAM = Path(__file__).resolve().parents[2] / "deploy" / "iam"
SCHEDULE = (ScheduledBounds("cron(0 7 ? * * *)", "UTC", 3, 8),)
RETYPED = RealtimeSize(LARGE, 2, 6, 1800.0)
BOUNDS = RealtimeSize("ml.c5.large", 1, 8, 700.0, SCHEDULE)


def _granted(*names: str) -> set[str]:
    found: set[str] = set()
    for name in names:
        for statement in json.loads((IAM / f"{name}.json").read_text("utf-8"))["Statement"]:
            listed = statement["Action"]
            found |= {listed} if isinstance(listed, str) else set(listed)
    return found


@pytest.mark.parametrize("target", [RETYPED, BOUNDS], ids=["another type", "bounds"])
@pytest.mark.parametrize("threshold_ms", [150.0, 1.0], ids=["passes", "goes back"])
def test_every_call_of_a_change_is_granted(target: RealtimeSize, threshold_ms: float) -> None:
    rollout = Rollout(canary_share=0.5, bake_s=240.0, max_bake_s=1200.0, min_requests=100)
    shop = Shop(
        {"endpoints": [endpoint()], "scalable_targets": [scaled()]},
        policy_=policy(rollout=rollout, slo=Slo(threshold_ms)),
    )
    shop.app.engine.resync()
    shop.ask(target)
    shop.run(4 * HOUR_S, lambda: shop.settled)
    assert shop.settled
    made = [c for c in shop.calls.calls() if c.principal == OURS]
    called = {iam_action(c.service, c.operation) for c in made}
    assert {"application-autoscaling:RegisterScalableTarget"} < called
    assert called - _granted("sagemaker-read", "sagemaker-enforce") == set()
