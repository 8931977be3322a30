"""The loop with mirrored requests: a type is measured beside production before it serves."""

from dataclasses import replace
from typing import Any

import pytest
from permitted import denials, permit
from virtual_account import ACCOUNT, HOUR_S, REGION, Account, policy

from controller.model.change import ChangePhase
from controller.model.endpoint import ALL_TRAFFIC, EndpointKey, Kind
from controller.model.policy import Scope, Target
from controller.model.probe import ProbeKind, ProbeOutcome
from controller.model.probing import ProbeBudget, Probing
from controller.model.reason import Reason

KEY = EndpointKey(ACCOUNT, REGION, Kind.REALTIME_ENDPOINT, "ranker", ALL_TRAFFIC)
RANKER: dict[str, Any] = {
    "name": "ranker",
    "instance_type": "ml.m5.2xlarge",
    "instance_count": 3,
    "age_days": 10,
    "unchanged_days": 10,
    "workload": {
        "machines": {"work_ms": 55.0, "fixed_ms": 3.0, "cores": 2.0},
        "traffic": {"rps": 6.0},
    },
}


@pytest.mark.slow
def test_a_type_is_measured_with_users_requests_before_it_serves() -> None:
    probing = Probing((), mirrored=True, budget=ProbeBudget(2.0, 5.0))
    target = Target(Kind.REALTIME_ENDPOINT, Scope(REGION), name="ranker", qualifier=ALL_TRAFFIC)
    wanted = replace(policy("ranker", 400.0, probe=probing), target=target)
    account = Account([], [wanted], extra={"endpoints": [RANKER]})
    guard = permit(account)
    store = account.app.store
    account.run(12 * HOUR_S, lambda: any(c.reason is Reason.CHEAPER_SIZE and not c.phase.open
                                         for c in store.changes()))  # fmt: skip
    probe, change = reversed(store.changes())
    assert (probe.reason, probe.phase) == (Reason.PROBING, ChangePhase.VERIFIED)
    assert (change.reason, change.phase) == (Reason.CHEAPER_SIZE, ChangePhase.VERIFIED)
    (record,) = store.probes(KEY)
    assert (record.kind, record.outcome) == (ProbeKind.MIRRORED, ProbeOutcome.SUCCEEDED)
    assert record.size.instance_type == change.target.instance_type
    assert change.planned_at_s - probe.planned_at_s < HOUR_S, "it waits for no cooldown"
    assert not denials(guard)
