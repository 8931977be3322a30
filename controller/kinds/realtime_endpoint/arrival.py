"""Whether the instances that a change wants are there: judging begins when they are.

A new instance takes some five minutes, and target tracking asks for it only after three
minutes over its value. Until then the requests show what was too small before, not the
change. So a change is watched from the moment at which as many instances run as are wanted,
and, where autoscaling moves their number in place, from when it has come to rest. That goes
for fewer ones too: a lower bound shows nothing before the instances above it are gone, and
target tracking lets them go only after fifteen minutes under its value.
"""

from controller.core.history import is_decrease
from controller.core.sentence import counted
from controller.kinds.realtime_endpoint.moves import POLL_S, remember, wait
from controller.kinds.realtime_endpoint.view import View
from controller.model.change import Step
from controller.model.reason import Reason

STEADY_S = 420.0
"""Three minutes over the value, the metrics' delay and a cooldown lie between two steps of
target tracking: when it has been quiet for longer, it has what it wants."""
LEAVING_S = 1200.0
"""The same where instances may go: fifteen minutes, the metrics' delay and a cooldown."""
LONGEST_S = 3600.0
"""Judging begins then in any case: instances may never come, and demand may never rest."""


def arriving(view: View) -> Step | None:
    """The wait for instances; None where the target is already judged."""
    if view.told("arrived_s"):
        return None
    waited_s = view.now_s - float(view.told("full_since_s"))
    if waited_s >= LONGEST_S:
        return _arrived(view, "judged as it is: its instances did not come to rest in an hour")
    running, wanted = view.live.instances, view.live.desired_instances
    if view.busy or running != wanted:
        return wait(view, POLL_S, Reason.BAKING, f"{running} of {wanted} instances are there")
    there = f"{counted(running, 'instance is', 'instances are')} there"
    rest_s = _rest_s(view)
    if rest_s <= 0.0:
        return _arrived(view, there)
    if view.told("steady") != str(wanted):
        news = {"steady": str(wanted), "steady_since_s": repr(view.now_s)}
        return remember(view, "arriving", there, news)
    left_s = float(view.told("steady_since_s")) + rest_s - view.now_s
    if left_s > 0.0:
        detail = f"{there}; autoscaling may yet change their number"
        return wait(view, min(POLL_S, left_s), Reason.BAKING, detail)
    return _arrived(view, f"{there}, and no others are wanted")


def _rest_s(view: View) -> float:
    """How long the number of instances must have been the same to be the one wanted."""
    bounds = view.goal.target
    if view.retyped or bounds is None:
        return 0.0
    if not is_decrease(view.change):
        return STEADY_S
    return LEAVING_S if view.live.desired_instances > bounds.min_instances else 0.0


def _arrived(view: View, message: str) -> Step:
    return remember(view, "arrived", message, {"arrived_s": repr(view.now_s)})
