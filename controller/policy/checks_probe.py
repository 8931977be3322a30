"""Checks of `spec.probe`: payloads that can be sent, ramps that end, money that suffices."""

from collections.abc import Callable, Iterator

from controller.model.endpoint import Kind
from controller.model.policy import Mode, Policy
from controller.policy.amounts import format_money_usd
from controller.policy.durations import format_duration_s
from controller.policy.merging import MergedPolicy
from controller.policy.probe_documents import PayloadSpec
from controller.policy.problems import PolicyProblem
from controller.policy.yaml_tree import Location

_AT: Location = ("spec", "probe")
_SERVERLESS_BYTES = 4 * 1024 * 1024
"""Largest request body of a SageMaker serverless endpoint."""


def check_payloads(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """Something to send, and each of it from one place. Mirrored probes send nothing."""
    spec, at = merged.spec.probe, (*_AT, "payloads")
    if spec is None or merged.lost(at):
        return
    # Defaults may set the limits of probes for a whole fleet, whoever has payloads then.
    asked = spec.live is not None or not (policy.probe and policy.probe.mirrored)
    if not spec.payloads and asked and merged.written(_AT) is merged.document:
        message = "required, but given neither here nor in PolicyDefaults"
        yield merged.problem(at, message, "for example [{inline: '{}'}]")
    for index, payload in enumerate(spec.payloads or ()):
        yield from _payload(merged, policy, payload, (*at, index))


def _payload(
    merged: MergedPolicy, policy: Policy, payload: PayloadSpec, at: Location
) -> Iterator[PolicyProblem]:
    given = [n for n in ("inline", "file", "s3") if getattr(payload, n) is not None]
    if len(given) != 1:
        message = f"has {' and '.join(given)}; keep one" if given else "says nothing to send"
        yield merged.problem(at, message, "give inline, file or s3")
    kinds = set(policy.target.kinds)
    ours = merged.written(at) is merged.document
    if payload.accept is not None and kinds == {Kind.LAMBDA_FUNCTION} and ours:
        yield merged.problem((*at, "accept"), "is of endpoints, not of Lambda functions")
    if payload.target_model is not None and Kind.REALTIME_ENDPOINT not in kinds and ours:
        yield merged.problem((*at, "targetModel"), "is of real-time endpoints only")
    size = len((payload.inline or "").encode())
    if kinds == {Kind.SERVERLESS_ENDPOINT} and size > _SERVERLESS_BYTES:
        yield merged.problem((*at, "inline"), "is larger than the 4 MB of a serverless endpoint")


def check_ramp(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """One way to say the load, which ends before the probe is killed."""
    spec, at = merged.spec.probe, (*_AT, "shadow")
    shadow = None if spec is None else spec.shadow
    if spec is None or shadow is None or policy.probe is None:
        return
    if shadow.phases and shadow.stairs is not None:
        yield merged.contradiction(
            (*at, "stairs"), "has both phases and stairs; keep one", (*at, "phases")
        )
        return
    length_s = sum(phase.duration_s for phase in policy.probe.phases)
    if length_s >= policy.probe.time_limit_s and not merged.lost((*_AT, "timeLimit")):
        which = "stairs" if shadow.stairs is not None else "phases"
        yield merged.contradiction(
            (*at, which),
            f"they last {format_duration_s(length_s)}, and a probe is killed after timeLimit "
            f"{format_duration_s(policy.probe.time_limit_s)}{{second}}",
            (*_AT, "timeLimit"),
        )


def check_live(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """Samples that end before the next begins."""
    live = None if policy.probe is None else policy.probe.live
    at: Location = (*_AT, "live", "every")
    if live is not None and live.requests / live.rps >= live.every_s and not merged.lost(at):
        length = format_duration_s(round(live.requests / live.rps))
        yield merged.contradiction(
            at,
            f"{live.requests} requests take {length}: a sample would not end before the next",
            (*_AT, "live", "rate"),
        )


def check_mirrored(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """A deployment of the live endpoint, which only one mode makes by itself."""
    at: Location = (*_AT, "shadow", "mirrored")
    wanted = policy.probe is not None and policy.probe.mirrored
    if wanted and policy.mode is not Mode.ENFORCE and not merged.lost(at):
        by_hand = "only `rightsizer probe --mirrored` copies requests"
        message = f"mode {policy.mode} deploys nothing: {by_hand}"
        yield merged.problem(at, message, None, "warning")


def check_money(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """A day that has room for one probe."""
    budget = None if policy.probe is None else policy.probe.budget
    if budget is None or budget.usd_per_day is None or budget.usd_per_probe is None:
        return
    day, probe = budget.usd_per_day, budget.usd_per_probe
    at: Location = (*_AT, "budget")
    if probe > day and not merged.lost((*at, "perProbe")) and not merged.lost((*at, "perDay")):
        yield merged.contradiction(
            (*at, "perProbe"),
            f"{format_money_usd(probe)}{{first}} is more than perDay "
            f"{format_money_usd(day)}{{second}}",
            (*at, "perDay"),
        )


def check_idle(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """Payloads that nothing sends by itself."""
    spec = merged.spec.probe
    if spec is None or spec.live is not None or spec.shadow is not None or merged.lost(_AT):
        return
    if merged.written(_AT) is merged.document:
        message = "neither live probes nor shadows are wanted: only `rightsizer probe` sends them"
        hint = "give live: {every: 15m}, or shadow: {allowed: true}"
        yield merged.problem(_AT, message, hint, "warning")


PROBE_CHECKS: tuple[Callable[[MergedPolicy, Policy], Iterator[PolicyProblem]], ...] = (
    check_payloads,
    check_ramp,
    check_live,
    check_mirrored,
    check_money,
    check_idle,
)
