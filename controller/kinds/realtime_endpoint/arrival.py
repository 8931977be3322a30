"""Whether the instances that a change wants are there: judging begins when they are.

A new instance takes some five minutes, and target tracking asks for it only after three
minutes over its value. Until then the requests show what was too small before, not the
change. So a change is watched from the moment at which as many instances run as are wanted,
and, where more may be had in place, from when autoscaling has stopped asking for further ones.
"""

from controller.core.history import is_decrease
from controller.kinds.realtime_endpoint.moves import POLL_S, remember, wait
from controller.kinds.realtime_endpoint.view import View
from controller.model.change import Step
from controller.model.reason import Reason

STEADY_S = 420.0
"""Three minutes over the value, the metrics' delay and a cooldown lie between two steps of
target tracking: when it has been quiet for longer, it has what it wants."""
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
    if is_decrease(view.change) or view.retyped or view.goal.target is None:
        return _arrived(view, f"{running} instances are there")
    if view.told("steady") != str(wanted):
        news = {"steady": str(wanted), "steady_since_s": repr(view.now_s)}
        return remember(view, "arriving", f"{running} instances are there", news)
    left_s = float(view.told("steady_since_s")) + STEADY_S - view.now_s
    if left_s > 0.0:
        detail = f"{running} instances are there; autoscaling may want more of them"
        return wait(view, min(POLL_S, left_s), Reason.BAKING, detail)
    return _arrived(view, f"{running} instances are there, and no more are wanted")


def _arrived(view: View, message: str) -> Step:
    return remember(view, "arrived", message, {"arrived_s": repr(view.now_s)})
