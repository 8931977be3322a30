"""What single fields cannot show: missing, contradictory or impossible settings.

Each check is a generator of problems over one merged policy. `required` comes first:
the others need a resolved policy.
"""

from collections.abc import Callable, Iterator

from controller.model.endpoint import LATEST, Kind
from controller.model.policy import Covers, Policy, Target
from controller.policy.checks_bounds import BOUNDS_CHECKS
from controller.policy.checks_probe import PROBE_CHECKS
from controller.policy.durations import format_duration_ms, format_duration_s
from controller.policy.merging import MergedPolicy
from controller.policy.names import (
    KNOWN_REGIONS,
    role_account,
    wrong_endpoint_name,
    wrong_qualifier,
)
from controller.policy.problems import PolicyProblem, did_you_mean, shown
from controller.policy.yaml_tree import Location

Check = Callable[[MergedPolicy, Policy], Iterator[PolicyProblem]]


LONGEST_MS = {
    Kind.LAMBDA_FUNCTION: ("Lambda", 900_000.0),
    Kind.SERVERLESS_ENDPOINT: ("SageMaker", 60_000.0),
    Kind.REALTIME_ENDPOINT: ("SageMaker", 60_000.0),
}
"""Longest that a request may take: Lambda's time-out, and a container's time to answer."""


def required(merged: MergedPolicy) -> Iterator[PolicyProblem]:
    """Fields that either the policy or the defaults must give."""
    target, slo = merged.spec.target, merged.spec.slo
    latency = slo.latency if slo else None
    wanted: tuple[tuple[Location, object, str], ...] = (
        (("spec", "target", "kind"), target.kind, "kind: lambda_function"),
        (("spec", "target", "region"), target.region, "region: eu-west-1"),
        (
            ("spec", "slo", "latency", "threshold"),
            latency.threshold if latency else None,
            "threshold: 400ms",
        ),
    )
    for location, value, example in wanted:
        if value is None:
            message = "required, but given neither here nor in PolicyDefaults"
            yield merged.problem(location, message, f"for example {example}")
    if (target.name is None) == (target.selector is None):
        message = "needs either a name or a selector"
        if target.name is not None:
            message = "has both a name and a selector; keep one"
        yield merged.problem(("spec", "target"), message)


def check_target(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """Account, role and region that fit together; a selector that selects."""
    spec, scope = merged.spec.target, policy.target.scope
    at: Location = ("spec", "target")
    if spec.external_id and not spec.role_arn and not merged.lost((*at, "roleArn")):
        message = "has no use without roleArn"
        yield merged.problem((*at, "externalId"), message)
    if spec.account and spec.role_arn and role_account(spec.role_arn) != spec.account:
        yield merged.contradiction(
            (*at, "roleArn"),
            f"the role is of account {role_account(spec.role_arn)}, not of {spec.account}",
            (*at, "account"),
        )
    if scope.region not in KNOWN_REGIONS:
        message = f"{shown(scope.region)} is not a region that this version knows"
        hint = did_you_mean(scope.region, KNOWN_REGIONS)
        yield merged.problem((*at, "region"), message, hint, "warning")
    selector = policy.target.selector
    nothing = selector is not None and selector.name_pattern is None and not selector.tags
    if nothing and not merged.lost((*at, "selector")):
        message = "selects nothing: give namePattern, tags or both"
        yield merged.problem((*at, "selector"), message, 'namePattern: "*" selects all')
    yield from _check_names(merged, policy.target)


def _check_names(merged: MergedPolicy, target: Target) -> Iterator[PolicyProblem]:
    """Name and qualifier as the kind has them."""
    at: Location = ("spec", "target")
    written, several = merged.spec.target.qualifier, bool(target.more_kinds)
    if several and target.name is not None:
        message = "one name is of one endpoint, so its kind must be given"
        yield merged.problem((*at, "kind"), message, "kinds may be mixed with a selector")
    if several and written is not None:
        message = "what traffic calls differs between the kinds: an alias, or a variant"
        yield merged.problem((*at, "qualifier"), message, "remove it, or name one kind")
    if several:
        return
    wrong = None
    if target.name is not None and target.kind is not Kind.LAMBDA_FUNCTION:
        wrong = wrong_endpoint_name(target.name, "an endpoint")
    if wrong is not None:
        yield merged.problem((*at, "name"), *wrong)
    wrong = None if written is None else wrong_qualifier(written, target.kind)
    if wrong is not None:
        yield merged.problem((*at, "qualifier"), *wrong)
    elif written is not None and written.upper() == LATEST[1:]:
        message = f"{shown(written)} is taken for an alias of that name"
        hint = f'did you mean "{LATEST}"?'
        yield merged.problem((*at, "qualifier"), message, hint, "warning")


def check_slo(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """A threshold that a request can reach."""
    noun, longest_ms = max((LONGEST_MS[k] for k in policy.target.kinds), key=lambda item: item[1])
    if policy.slo.threshold_ms > longest_ms:
        yield merged.problem(
            ("spec", "slo", "latency", "threshold"),
            f"{noun} ends every request after {format_duration_ms(longest_ms)}, "
            f"so {format_duration_ms(policy.slo.threshold_ms)} can never be exceeded",
        )


def check_covers(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """An objective that no metric of AWS can tell."""
    at: Location = ("spec", "slo", "latency", "covers")
    measured = policy.probe is not None and policy.probe.live is not None
    ours = merged.written(at) is merged.document
    if policy.slo.covers is Covers.CLIENT and ours and not measured:
        message = "only a probe can measure what a client sees: until then nothing is changed"
        hint = "give probe.live, or let it cover total, which AWS can measure"
        yield merged.problem(at, message, hint, "warning")


def check_times(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """Times that leave room for each other."""
    cadence, rollout = policy.cadence, policy.rollout
    pairs: tuple[tuple[Location, float, Location, float, str], ...] = (
        (
            ("spec", "cadence", "interval"),
            cadence.interval_s,
            ("spec", "slo", "window"),
            policy.slo.window_s,
            "requests between two looks would never be judged",
        ),
        (
            ("spec", "cadence", "cooldownUp"),
            cadence.cooldown_up_s,
            ("spec", "cadence", "cooldownDown"),
            cadence.cooldown_down_s,
            "an increase must not wait longer than a decrease",
        ),
        (
            ("spec", "rollout", "bake"),
            rollout.bake_s,
            ("spec", "rollout", "maximumBake"),
            rollout.max_bake_s,
            "a change would be rolled back before it may be judged",
        ),
    )
    for shorter, short_s, longer, long_s, why in pairs:
        if short_s > long_s and not merged.lost(shorter) and not merged.lost(longer):
            name = ".".join(str(step) for step in longer[1:])
            yield merged.contradiction(
                shorter,
                f"{shorter[-1]} {format_duration_s(short_s)}{{first}} is longer than "
                f"{name} {format_duration_s(long_s)}{{second}}: {why}",
                longer,
            )


def check_change_windows(merged: MergedPolicy, policy: Policy) -> Iterator[PolicyProblem]:
    """Windows that open, and on the days they were meant for."""
    for index, window in enumerate(merged.spec.change_windows or ()):
        at: Location = ("spec", "changeWindows", index)
        days = window.days
        if days is not None and not days:
            yield merged.problem((*at, "days"), "no days: the window never opens")
        for i, day in enumerate(days or ()):
            if day in (days or ())[:i]:
                yield merged.problem((*at, "days", i), "the day is listed twice")
        if window.start == 24 * 60:
            yield merged.problem((*at, "start"), "a window cannot begin at 24:00", "write 00:00")
        elif window.start == window.end and window.start != 0:
            message = "ends when it starts, so each opening lasts 24 hours"
            yield merged.problem((*at, "end"), message, None, "warning")


CHECKS: tuple[Check, ...] = (
    check_target,
    check_slo,
    check_covers,
    *BOUNDS_CHECKS,
    check_times,
    check_change_windows,
    *PROBE_CHECKS,
)
