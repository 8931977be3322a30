"""Policies together: defaults merged in, limits, unique names, one owner for each endpoint."""

from dataclasses import replace

from policy_texts import POLICY, defaults, joined, limits, loaded, policy, refused, warnings

from controller.model.policy import (
    Bounds,
    Cadence,
    FleetLimits,
    Mode,
    Policy,
    Rollout,
    Slo,
)


def only(*documents: str) -> Policy:
    (found,) = loaded(*documents).policies
    return found


def test_what_is_left_out_takes_the_models_defaults() -> None:
    found = only(POLICY)
    assert found == Policy(
        name="ocr",
        target=found.target,
        slo=Slo(threshold_ms=400.0),
        source=found.source,
        generation=found.generation,
    )
    assert (found.cadence, found.rollout, found.bounds) == (Cadence(), Rollout(), Bounds())
    assert str(found.source) == "<stdin>:1:1"


def test_everything_that_is_written_is_taken() -> None:
    text = POLICY.replace(
        "{latency: {threshold: 400ms}}",
        "{latency: {percentile: p99.9, threshold: 1s500ms}, errorRate: 1%, window: 2h}",
    )
    found = only(
        text
        + "  mode: Enforce\n"
        + "  budget: {perMonth: 120.50 USD}\n"
        + "  bounds: {minMemory: 256Mi, maxMemory: 3Gi, memory: [1Gi, 512Mi]}\n"
        + "  cadence: {interval: 10m, cooldownUp: 1m, cooldownDown: 2d, stabilization: 7d, "
        + "minimumSaving: 10%}\n"
        + "  changeWindows: [{days: [Sun, Mon], start: '22:00', end: '24:00', "
        + "timezone: Europe/Berlin}, {start: '00:00', end: '06:30'}]\n"
        + "  rollout: {canaryShare: 0.05, bake: 1h, maximumBake: 1d, minimumRequests: 7}\n"
        + "  confidence: 99%\n  onConflict: budget\n"
    )
    assert found.slo == Slo(1500.0, 0.999, 0.01, 7200.0)
    assert found.mode is Mode.ENFORCE
    assert found.budget_usd_per_month == 120.5
    assert found.bounds == Bounds(256, 3072, (512, 1024))
    assert found.cadence == Cadence(600.0, 60.0, 172_800.0, 604_800.0, 0.1)
    assert found.rollout == Rollout(0.05, 3600.0, 86_400.0, 7)
    first, second = found.change_windows
    assert (first.days, first.start_minute, first.end_minute) == ((0, 6), 1320, 0)
    assert first.timezone == "Europe/Berlin"
    assert second.days == (0, 1, 2, 3, 4, 5, 6)
    assert (second.start_minute, second.end_minute, second.timezone) == (0, 390, "UTC")
    assert (found.confidence, found.on_conflict.value) == (0.99, "budget")


def test_the_account_is_the_roles_where_none_is_given() -> None:
    role = "arn:aws:iam::210987654321:role/r"
    found = only(policy("a", f"name: a, roleArn: '{role}', externalId: x9"))
    scope = found.target.scope
    assert (scope.account, scope.role_arn, scope.external_id) == ("210987654321", role, "x9")


def test_defaults_lie_under_every_policy_field_by_field() -> None:
    base = defaults(
        "{mode: Enforce, target: {account: '111111111111'}, budget: {perMonth: 9 USD}, "
        "cadence: {interval: 10m, cooldownUp: 5m}, slo: {window: 2h}, "
        "changeWindows: [{start: '09:00', end: '10:00'}]}"
    )
    extra = "  mode: Observe\n  cadence: {interval: 15m}\n  changeWindows: []\n"
    first, second = loaded(policy("a", "name: a", extra), base, policy("b", "name: b")).policies
    assert (first.mode, second.mode) == (Mode.OBSERVE, Mode.ENFORCE)
    assert (first.cadence.interval_s, second.cadence.interval_s) == (900.0, 600.0)
    assert first.cadence.cooldown_up_s == second.cadence.cooldown_up_s == 300.0
    assert (first.slo.window_s, first.slo.threshold_ms) == (7200.0, 400.0)
    assert first.target.scope.account == "111111111111"
    assert first.budget_usd_per_month == 9.0
    assert (first.change_windows, len(second.change_windows)) == ((), 1)


def test_a_default_budget_can_be_lifted() -> None:
    base = defaults("{budget: {perMonth: 9 USD}}")
    lifted = policy("a", "name: a", "  budget: {perMonth: unlimited}\n")
    assert only(base, lifted).budget_usd_per_month is None


def test_defaults_can_supply_what_is_required() -> None:
    base = defaults(
        "{target: {kind: lambda_function, region: eu-west-1}, slo: {latency: {threshold: 2s}}}"
    )
    bare = (
        "apiVersion: rightsizer.dev/v1alpha1\nkind: RightsizingPolicy\n"
        "metadata: {name: a}\nspec: {target: {name: a}}\n"
    )
    assert only(base, bare).slo.threshold_ms == 2000.0


def test_contradictions_are_shown_where_they_were_written() -> None:
    base = defaults("{cadence: {cooldownDown: 1m}, bounds: {maxMemory: 1Gi}}")
    said = refused(base, policy("a", "name: a", "  bounds: {minMemory: 2Gi}\n"))
    assert said == [
        "4:32: spec.cadence.cooldownDown: cooldownUp 10m (the default) is longer than "
        "cadence.cooldownDown 1m: an increase must not wait longer than a decrease",
        "12:23: spec.bounds.minMemory: 2Gi is more than maxMemory 1Gi: no size satisfies both; "
        "swap them?",
    ]


def test_errors_in_the_defaults_are_told_once() -> None:
    base = defaults("{cadence: {interval: 2h}, slo: {latency: {threshold: 400}}}")
    said = refused(base, policy("a", "name: a"), policy("b", "name: b"))
    assert said == [
        "4:28: spec.cadence.interval: interval 2h is longer than slo.window 1h (the default): "
        "requests between two looks would never be judged",
        "4:60: spec.slo.latency.threshold: 400 has no unit; did you mean 400ms?",
    ]


def test_what_broken_defaults_might_have_given_is_not_said_to_be_missing() -> None:
    base = defaults("{target: {region: 7}}")
    bare = (
        "apiVersion: rightsizer.dev/v1alpha1\nkind: RightsizingPolicy\n"
        "metadata: {name: a}\nspec: {target: {name: a}}\n"
    )
    assert refused(base, bare) == ['4:25: spec.target.region: 7 is not text; put it in quotes: "7"']


def test_a_set_has_one_defaults_and_one_limits_document() -> None:
    said = refused(defaults("{}"), defaults("{}", "other"), limits("{}"), limits("{}"), POLICY)
    assert said == [
        "7:7: kind: a set has one PolicyDefaults, and there is one at <stdin>:1:1; merge the two",
        "17:7: kind: a set has one FleetLimits, and there is one at <stdin>:11:1; merge the two",
    ]


def test_limits_of_the_fleet() -> None:
    assert loaded(POLICY).limits == FleetLimits()
    spec = "{maxConcurrentChanges: 0, maxChangesPerHour: unlimited, budget: {perMonth: 9 USD}}"
    assert loaded(limits(spec)).limits == replace(
        FleetLimits(), max_concurrent_changes=0, max_changes_per_hour=None, budget_usd_per_month=9.0
    )


def test_names_are_unique_per_kind() -> None:
    assert refused(policy("a", "name: x"), policy("a", "name: y")) == [
        '10:18: metadata.name: "a" is taken by the RightsizingPolicy at <stdin>:1:1'
    ]
    assert len(loaded(policy("a"), defaults("{}", "a"), limits("{}", "a")).policies) == 1


def test_an_endpoint_has_one_owner() -> None:
    assert refused(policy("a"), policy("b")) == [
        '5:41: spec.target.name: "ocr" in eu-west-1 is claimed by policy b at <stdin>:8:1; '
        "every endpoint has one policy",
        '12:41: spec.target.name: "ocr" in eu-west-1 is claimed by policy a at <stdin>:1:1; '
        "every endpoint has one policy",
    ]


def test_two_aliases_of_a_function_are_one_endpoint() -> None:
    said = refused(policy("a", "name: x, qualifier: live"), policy("b", "name: x, qualifier: beta"))
    assert said[0].startswith('5:41: spec.target.name: "x" in eu-west-1 is claimed by policy b at')
    assert said[1:] == [
        '12:41: spec.target.name: "x" in eu-west-1 is claimed by policy a at <stdin>:1:1; '
        "beta and live all take their memory from the one $LATEST and cannot be sized apart"
    ]


def test_one_account_reached_through_two_roles_is_one_place() -> None:
    one, other = (
        policy(name, f"name: x, roleArn: 'arn:aws:iam::111111111111:role/{name}'")
        for name in ("a", "b")
    )
    assert len(refused(one, other)) == 2, "each of them is told"


def test_the_same_name_elsewhere_is_another_endpoint() -> None:
    here = policy("a", "name: x, account: '111111111111'")
    there = policy("b", "name: x, account: '222222222222'")
    moved = policy("c", "name: x, account: '111111111111'").replace("eu-west-1", "us-east-1")
    assert len(loaded(here, there, moved).policies) == 3


def test_a_selector_that_is_sure_to_meet_a_name() -> None:
    said = refused(policy("a", "name: ocr-1"), policy("b", "selector: {namePattern: ocr-*}"))
    assert said == [
        '5:41: spec.target.name: "ocr-1" is selected by policy b at <stdin>:8:1; '
        "every endpoint has one policy",
        '12:35: spec.target.selector: selects "ocr-1", which policy a at <stdin>:1:1 names; '
        "every endpoint has one policy",
    ]
    tagged = "selector: {namePattern: ocr-*, tags: {a: b}}"
    assert len(loaded(policy("a", "name: ocr-1"), policy("b", tagged)).policies) == 2


def test_two_equal_selectors() -> None:
    tagged = "selector: {tags: {team: search}}"
    assert refused(policy("a", tagged), policy("b", tagged)) == [
        "5:35: spec.target.selector: selects the same endpoints as policy b at <stdin>:8:1; "
        "every endpoint has one policy",
        "12:35: spec.target.selector: selects the same endpoints as policy a at <stdin>:1:1; "
        "every endpoint has one policy",
    ]


def test_what_was_hardly_meant_is_a_warning() -> None:
    assert warnings(policy("a", "name: a, qualifier: latest")) == [
        '5:55: spec.target.qualifier: "latest" is taken for an alias of that name; '
        'did you mean "$LATEST"?'
    ]
    assert warnings(policy("a").replace("eu-west-1", "eu-wst-1")) == [
        '5:54: spec.target.region: "eu-wst-1" is not a region that this version knows; '
        'did you mean "eu-west-1"?'
    ]
    assert warnings(policy("a", extra="  bounds: {memory: [1Gi, 2Gi], maxMemory: 1Gi}\n")) == [
        "7:26: spec.bounds.memory[1]: 2Gi is outside of minMemory and maxMemory: never chosen"
    ]
    window = "  changeWindows: [{start: '09:00', end: '09:00'}]\n"
    assert warnings(policy("a", extra=window)) == [
        "7:41: spec.changeWindows[0].end: ends when it starts, so each opening lasts 24 hours"
    ]
    assert warnings(defaults("{}")) == ["holds no RightsizingPolicy, so nothing is looked after"]


def test_settings_of_a_canary_without_an_alias_are_no_mistake() -> None:
    assert (
        warnings(policy("a", "name: a, qualifier: $LATEST", "  rollout: {canaryShare: 5%}\n")) == []
    )


def test_order_and_place_of_documents_mean_nothing() -> None:
    one, two = policy("a", "name: a"), policy("b", "name: b")
    forth, back = loaded(one, two), loaded("# moved\n" + two, defaults("{}"), one)
    assert forth.digest == back.digest
    assert [p.generation for p in forth.policies] == [p.generation for p in back.policies]
    assert joined(one, two) != joined(two, one)
