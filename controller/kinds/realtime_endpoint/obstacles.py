"""What in a real-time endpoint's live state forbids a change."""

from collections.abc import Mapping

from controller.kinds.realtime_endpoint.names import foreign_action
from controller.model.reason import Reason
from controller.model.sagemaker import Autoscaling, RealtimeLive, Speciality


def obstacles(live: RealtimeLive, change_open: bool) -> Mapping[Reason, str]:
    """Reasons to leave the endpoint alone, most telling first.

    While a change of ours is open, autoscaling is ours to put in order.
    """
    found: dict[Reason, str] = {}
    config = live.endpoint.config
    ours = change_open and config.mirrored_until_s is not None
    special = {
        kind: words
        for kind, words in config.specialities.items()
        if not (ours and kind is Speciality.SHADOW_VARIANTS)
    }
    if special:
        found[Reason.SPECIAL_ENDPOINT] = "; ".join(special[kind] for kind in sorted(special))
    if change_open:
        return found
    foreign = _foreign(live.autoscaling)
    if foreign is not None:
        found[Reason.FOREIGN_AUTOSCALING] = foreign
    return found


def _foreign(scaling: Autoscaling) -> str | None:
    """Autoscaling whose effect we cannot foresee, or that would undo what we set."""
    for policy in scaling.policies:
        if policy.kind != "TargetTrackingScaling":
            return (
                f"scaling policy {policy.name} moves the number of instances by steps; with "
                "target tracking on invocations per instance it could be sized"
            )
        if policy.target_per_instance is None:
            return f"scaling policy {policy.name} tracks another metric than invocations"
    action = foreign_action(scaling)
    if action is not None and not any(p.target_per_instance for p in scaling.policies):
        return f"scheduled action {action} alone moves the number of instances"
    target = scaling.target
    if target is not None and (
        target.suspended_in or target.suspended_out or target.suspended_schedule
    ):
        return "somebody has suspended the variant's scaling"
    return None
