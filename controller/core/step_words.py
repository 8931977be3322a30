"""Every step of a change in words: the same in the journal, the log and `explain`."""

from controller.core.sentence import counted
from controller.model.change import (
    LambdaStep,
    Mutation,
    PointAlias,
    PublishVersion,
    RemoveVersion,
    UpdateMemory,
)
from controller.model.sagemaker_steps import (
    CreateConfig,
    DeleteConfig,
    DeleteGuardAlarms,
    DeleteScalingPolicy,
    DeleteScheduledAction,
    DeployConfig,
    DeregisterTarget,
    PutGuardAlarm,
    PutScalingPolicy,
    PutScheduledAction,
    PutScheduledBounds,
    PutTargetTracking,
    RegisterTarget,
    SageMakerStep,
    SetConcurrency,
    SetInstanceCount,
)


def describe(step: Mutation) -> str:
    """A step in words."""
    if isinstance(step, LambdaStep):
        return _function_step(step)
    return _endpoint_step(step)


def _function_step(step: LambdaStep) -> str:
    match step:
        case UpdateMemory(memory_mb=memory_mb):
            return f"set $LATEST to {memory_mb} MB"
        case RemoveVersion(version=version):
            return f"delete version {version}, which nothing uses any more"
        case PublishVersion():
            return "publish $LATEST as a version"
        case PointAlias(alias=alias, version=version, weights=weights):
            shares = ", ".join(f"{share:.0%} to version {v}" for v, share in weights.items())
            return f"point alias {alias} to version {version}" + (f", {shares}" if shares else "")


def _endpoint_step(step: SageMakerStep) -> str:
    match step:
        case CreateConfig(name=name, source=source):
            return f"copy config {source} forward as {name}, {_replaced(step)}"
        case DeployConfig(name=name):
            return f"deploy config {name}{_shifted(step)}"
        case DeleteConfig(name=name):
            return f"delete config {name}, which we made"
        case SetConcurrency(max_concurrency=most, provisioned_concurrency=warm):
            kept = "" if warm is None else f", provisioned concurrency {warm}"
            return f"set maximum concurrency {most}{kept}"
        case SetInstanceCount(instances=instances):
            return f"set {counted(instances, 'instance')}"
        case PutGuardAlarm(name=name, config=config):
            return f"put alarm {name} on the new fleet of {config}"
        case DeleteGuardAlarms(names=names):
            return f"delete {counted(len(names), 'deployment alarm')}"
        case _:
            return _scaling_step(step)


def _scaling_step(step: SageMakerStep) -> str:
    match step:
        case RegisterTarget(min_instances=low, max_instances=high):
            still = ", scaling suspended" if step.suspended_in or step.suspended_out else ""
            return f"set autoscaling bounds {low}-{high}{still}"
        case DeregisterTarget(variant=variant):
            return f"take {variant} out of autoscaling (AWS deletes its policies and actions)"
        case PutTargetTracking(name=name, target_per_instance=target):
            return f"put policy {name}: {target:g} invocations a minute per instance"
        case PutScalingPolicy(name=name, target_per_instance=target):
            scaled = "" if target is None else f" with target {target:g}"
            return f"put scaling policy {name} back{scaled}"
        case DeleteScalingPolicy(name=name):
            return f"delete scaling policy {name}"
        case PutScheduledBounds(name=name, bounds=bounds):
            times = f"{bounds.cron} {bounds.timezone}"
            return f"schedule {bounds.min_instances}-{bounds.max_instances} at {times} ({name})"
        case PutScheduledAction(name=name):
            return f"put scheduled action {name} back"
        case DeleteScheduledAction(name=name):
            return f"delete our scheduled action {name}"
        case _:
            raise TypeError(f"{type(step).__name__} has no words")


def _replaced(step: CreateConfig) -> str:
    parts = {
        "": step.instance_type,
        "instances": step.instance_count,
        "MB": step.memory_mb,
        "concurrent": step.max_concurrency,
    }
    words = [f"{value} {unit}".strip() for unit, value in parts.items() if value is not None]
    shadow = step.shadow
    if shadow is not None:
        beside = f"{shadow.instances} x {shadow.instance_type}"
        words.append(f"with a copy of {shadow.share:.0%} of the requests to {beside}")
    return ", ".join(words) or "as it is"


def _shifted(step: DeployConfig) -> str:
    shift = step.shift
    if shift.canary_percent is not None:
        return f", {shift.canary_percent} % first for {shift.wait_s} s"
    if shift.linear_percent is not None:
        return f", in steps of {shift.linear_percent} % every {shift.wait_s} s"
    return ""
