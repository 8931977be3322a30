"""What `rightsizer iam-policy` prints is what the controller calls: no more, and no less.

The sandbox enforces the generated document; a call that it does not grant fails the test, and
so does a grant that no life of the controller needed.
"""

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from permitted import actions, denials, permit, unused
from realtime_account import LARGE, SMALL, Shop, endpoint, policy, scaled, use_asked_sizes
from serverless_account import endpoint as serverless
from serverless_account import serverless_policy
from virtual_account import DAY_S, HOUR_S, REGION, Account, function, key_of
from virtual_account import policy as function_policy

from controller.core.permissions.grant import Access
from controller.core.permissions.needs import Features
from controller.model.change import RemoveVersion
from controller.model.endpoint import Kind
from controller.model.policy import Cadence, Mode, Policy, Rollout, Scope, Selector, Slo, Target
from controller.model.probe import ProbeOutcome
from controller.model.probing import PayloadSource, Probing
from controller.model.size import RealtimeSize, ScheduledBounds
from controller.sandbox.iam.guard import Guard

pytestmark = pytest.mark.slow

SCHEDULE = (ScheduledBounds("cron(0 7 ? * * *)", "UTC", 3, 8),)
RETYPED = RealtimeSize(LARGE, 2, 6, 1800.0)
BOUNDS = RealtimeSize("ml.c5.large", 1, 8, 700.0, SCHEDULE)
SOON = Cadence(cooldown_up_s=6 * HOUR_S, cooldown_down_s=6 * HOUR_S, stabilization_s=6 * HOUR_S)
KEY = f"arn:aws:kms:{REGION}:123456789012:key/1234abcd"
FAST = Rollout(bake_s=300.0, max_bake_s=3600.0, min_requests=100)


def _selecting(name: str, kind: Kind, selector: Selector, **changes: Any) -> Policy:
    target = Target(kind, Scope(REGION), selector=selector)
    return replace(function_policy(name, 400.0, **changes), target=target)


def _fleet(mode: Mode) -> Account:
    """One endpoint of every way to be found, of every kind."""
    functions = [
        function("named", 1024),
        {**function("tagged", 1024, alias=None), "tags": {"team": "ml"}},
        function("like-this", 1024, alias=None),
    ]
    warm = serverless("warm", 2048, seed={"provisioned_concurrency": 2})
    left = {"name": "rightsizer-left", "memory_mb": 2048, "max_concurrency": 5}
    extra = {
        "endpoints": [warm, endpoint(tags={"team": "ml"})],
        "scalable_targets": [scaled()],
        "endpoint_configs": [left],
    }
    policies = [
        function_policy("named", 400.0, mode=mode),
        _selecting("t", Kind.LAMBDA_FUNCTION, Selector(tags={"team": "ml"}), mode=mode),
        _selecting("l", Kind.LAMBDA_FUNCTION, Selector("like-*"), mode=mode),
        serverless_policy("warm", 900.0, mode=mode),
        _selecting("r", Kind.REALTIME_ENDPOINT, Selector(tags={"team": "ml"}), mode=mode),
    ]
    return Account(functions, policies, extra=extra)


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.RECOMMEND])
def test_a_fleet_that_is_only_looked_at(mode: Mode) -> None:
    account = _fleet(mode)
    guard = permit(account)
    account.run(2 * HOUR_S, lambda: not unused(guard))
    assert len(account.app.roster.entries()) == 5
    assert denials(guard) == []
    assert unused(guard) == set()
    writing = ("Update", "Create", "Delete", "Put", "Register", "Deregister", "Publish", "Add")
    assert not [a for a in actions(guard) if a.rpartition(":")[2].startswith(writing)]


def test_functions_that_are_changed() -> None:
    account = Account(
        [function("over", 3008), function("direct", 3008, alias=None)],
        [
            function_policy("over", 400.0, cadence=SOON, rollout=FAST),
            function_policy("direct", 400.0, alias=None, cadence=SOON),
        ],
    )
    guard = permit(account)
    account.run(4 * DAY_S, lambda: not unused(guard))
    assert denials(guard) == []
    assert unused(guard) == set()


def test_versions_may_be_removed_and_functions_never() -> None:
    account = Account(
        [{**function("f", 1024), "versions": 2, "aliases": {"live": 2}}],
        [function_policy("f", 400.0)],
    )
    guard = permit(account, Features(keep_versions=True))
    scope, key = Scope(REGION), key_of("f")
    account.app.adapters[key.kind].execute(scope, key, RemoveVersion("1", 0.0))
    assert account.calls.counts["lambda", "DeleteFunction", "ok"] == 1
    assert denials(guard) == []
    client = account.app.sessions.lambda_writes(scope)
    with pytest.raises(ClientError, match="not authorized"):
        client.delete_function(FunctionName="f")


def test_serverless_endpoints_that_are_changed() -> None:
    busy = serverless("busy", 2048, max_concurrency=3, rps=12.0, fixed_ms=60.0, work=400_000.0)
    slow = serverless("slow", 1024, work=400_000.0, saturation_mb=6144.0)
    policies = [serverless_policy("busy", 900.0), serverless_policy("slow", 250.0, rollout=FAST)]
    account = Account([], policies, extra={"endpoints": [busy, slow]})
    guard = permit(account)
    account.run(1 * DAY_S, lambda: not unused(guard))
    assert denials(guard) == []
    # only provisioned concurrency can be scaled; deleting is for what a rollback leaves
    assert {action for _, action in unused(guard)} <= {
        "application-autoscaling:DescribeScalableTargets",
        "sagemaker:DeleteEndpointConfig",
    }


def test_real_time_endpoints_that_are_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    use_asked_sizes(monkeypatch)
    alone = {"scalable_targets": [scaled(policies=[], scheduled_actions=[])]}
    guards = [
        _lived(RETYPED, 150.0, {"scalable_targets": [scaled()]}, key=KEY),
        _lived(RETYPED, 1.0, {"scalable_targets": [scaled()]}),
        _lived(BOUNDS, 150.0, {"scalable_targets": [scaled()]}),
        _lived(BOUNDS, 1.0, alone),
        _lived(RealtimeSize(SMALL, 3, 3), 150.0, {}),
    ]
    listing = {("ListConfigurations", "sagemaker:ListEndpointConfigs")}
    assert unused(*guards) == listing, "these controllers advise on nothing"
    assert {"kms:CreateGrant", "kms:DescribeKey"} < actions(guards[0])
    assert not any(action.startswith("kms:") for guard in guards[1:] for action in actions(guard))


def _lived(
    target: RealtimeSize, threshold_ms: float, extra: dict[str, Any], key: str | None = None
) -> Guard:
    """One change to the target, which passes or (of 1 ms) goes back; `key`: of its volumes."""
    rollout = Rollout(canary_share=0.5, bake_s=240.0, max_bake_s=1200.0, min_requests=100)
    shop = Shop(
        {"endpoints": [endpoint(**({"config": {"KmsKeyId": key}} if key else {}))], **extra},
        policy_=policy(rollout=rollout, slo=Slo(threshold_ms)),
    )
    guard = permit(shop, Features(volume_keys=() if key is None else (key,)))
    shop.app.engine.resync()
    shop.ask(target)
    shop.run(4 * HOUR_S, lambda: shop.settled)
    assert shop.settled
    assert denials(guard) == []
    return guard


def test_functions_that_are_probed_with_copies() -> None:
    probing = Probing((PayloadSource(inline="{}"),), shadows=True)
    account = Account(
        [function("busy", 1024, rps=8.0, ms_at_vcpu=12.5, memory_used_mb=180.0)],
        [function_policy("busy", 60.0, probe=probing)],
        probing=True,
    )
    guard = permit(account)
    key = key_of("busy")

    def probed() -> bool:
        runs = account.app.store.probes(key)
        return any(run.outcome is ProbeOutcome.SUCCEEDED for run in runs)

    account.run(4 * HOUR_S, probed)
    assert probed()
    assert denials(guard) == []
    assert {"lambda:CreateFunction", "lambda:TagResource", "iam:PassRole"} < actions(guard)


def test_what_is_not_granted_is_denied_and_said() -> None:
    account = Account([function("over", 3008)], [function_policy("over", 400.0)])
    guard = permit(account, asked=Access.RECOMMEND)
    account.run(2 * DAY_S, lambda: bool(guard.denied))
    assert denials(guard)[0] == (
        "lambda:UpdateFunctionConfiguration",
        f"arn:aws:lambda:{REGION}:123456789012:function:over",
    )
    assert account.memory_mb("over") == 3008
