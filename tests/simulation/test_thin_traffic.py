"""Climbs out of a breach where requests are few: the SLO is mended, and nothing is made up."""

import pytest
from virtual_account import HOUR_S, Account, function, policy

from controller.model.change import ChangePhase, VerdictKind
from controller.model.reason import Reason


def _breaching(requests_per_hour: float, alias: str | None) -> Account:
    """A function at a quarter of the memory that its SLO needs."""
    account = Account(
        [function("f", 256, rps=requests_per_hour / HOUR_S, ms_at_vcpu=80.0, alias=alias)],
        [policy("f", 350.0, alias=alias)],
    )
    account.run(16 * HOUR_S, lambda: _ended(account))
    return account


def _ended(account: Account) -> bool:
    changes = account.app.store.changes()
    return bool(changes) and not changes[0].phase.open


@pytest.mark.slow
def test_sixty_requests_an_hour_are_enough_to_leave_a_breach() -> None:
    account = _breaching(60.0, "live")
    (change,) = account.app.store.changes()
    told = [event.what for event in account.app.store.events(change.id)]
    assert change.phase is ChangePhase.VERIFIED, change.verdict
    assert change.verdict is not None
    assert change.verdict.kind is VerdictKind.PASS
    assert "promote" in told
    assert account.memory_mb("f") > 256


@pytest.mark.slow
@pytest.mark.parametrize("alias", ["live", None])
def test_what_was_never_measured_is_kept_and_said_to_be_so(alias: str | None) -> None:
    account = _breaching(24.0, alias)
    (change,) = account.app.store.changes()
    assert change.phase is ChangePhase.UNVERIFIED, change.verdict
    assert change.verdict is not None
    assert change.verdict.kind is VerdictKind.INCONCLUSIVE
    assert change.verdict.reason is Reason.UNVERIFIED
    assert account.memory_mb("f", alias) > 256
