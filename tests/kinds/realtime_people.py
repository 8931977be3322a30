"""Somebody else at work on a real-time endpoint, who believes what they have registered."""

from dataclasses import dataclass, field

from realtime_variant import FIRST, FOREIGN, Refused, Variant, action, custom, tracking

from controller.model.sagemaker import (
    Autoscaling,
    ScalableTarget,
    ScalingPolicy,
    ScheduledAction,
)

DEEDS = (
    "deploy",
    "deploy before",
    "bounds",
    "value",
    "drop policy",
    "add policy",
    "add action",
    "drop action",
    "reapply",
    "register",
    "maintenance",
    "count",
    "deregister",
)


@dataclass
class User:
    """Whoever owns the endpoint, and what they believe to have registered."""

    policies: dict[str, ScalingPolicy]
    actions: dict[str, ScheduledAction]
    touched: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, scaling: Autoscaling) -> "User":
        """The owner of what is registered."""
        policies = {one.name: one for one in scaling.policies}
        return cls(policies, {one.name: one for one in scaling.actions})

    def act(self, variant: Variant, deed: str, now_s: float) -> None:
        """One deed, as far as AWS lets them."""
        try:
            self._act(variant, deed, now_s)
        except Refused:
            return
        self.done.append(deed)

    def _act(self, variant: Variant, deed: str, now_s: float) -> None:
        registered = variant.scaling.target is not None
        match deed:
            case "deploy":
                variant.configs.setdefault(FOREIGN, (variant.type, 3))
                variant.deploy(now_s, FOREIGN, True)
            case "deploy before":
                variant.deploy(now_s, FIRST, True)
            case "maintenance":
                variant.busy(now_s, 900.0, "SystemUpdating")
            case "count":
                variant.count(now_s, 5) if not registered else None
            case "deregister" if registered:
                variant.scaling = Autoscaling()
                self.policies, self.actions = {}, {}
            case "register" if not registered:
                variant.register(now_s, ScalableTarget(2, 6))
            case "reapply" if self.policies or self.actions:
                # Terraform finds everything missing, and makes it again.
                if not registered:
                    variant.register(now_s, ScalableTarget(2, 6))
                    for item in (*self.policies.values(), *self.actions.values()):
                        variant.put(item)
            case _ if registered:
                self._change(variant, deed, now_s)

    def _change(self, variant: Variant, deed: str, now_s: float) -> None:
        live = {one.name: one for one in variant.scaling.policies}
        if deed == "bounds":
            variant.register(now_s, ScalableTarget(1, 9))
        elif deed == "value" and "tt" in live:
            self._put(variant, tracking("tt", 555.0))
        elif deed == "add policy":
            self._put(variant, custom("cpu-2", 33.0))
        elif deed == "drop policy" and "tt" in live:
            variant.drop("tt")
            self.policies.pop("tt", None)
        elif deed == "add action":
            variant.put(action("evening", 1))
            self.actions["evening"] = action("evening", 1)
        elif deed == "drop action" and any(o.name == "morning" for o in variant.scaling.actions):
            variant.drop("morning")
            self.actions.pop("morning", None)

    def _put(self, variant: Variant, policy: ScalingPolicy) -> None:
        variant.put(policy)
        self.policies[policy.name] = policy
        self.touched.add(policy.name)
