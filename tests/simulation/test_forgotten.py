"""An endpoint that no policy claims any more leaves nothing behind, whatever was under way."""

from virtual_account import OURS, REGION, Account, function, key_of, policy

from controller.model.policy import FleetLimits, Mode, PolicySet, Scope
from controller.sandbox.wire.contract import RequestContext


def test_forgotten_while_its_tick_runs_it_leaves_no_series_and_no_rows() -> None:
    account = Account([function("f", 1024)], [policy("f", 400.0, mode=Mode.RECOMMEND)])
    account.run(900.0)
    engine, store = account.app.engine, account.app.store
    assert 'name="f"' in account.app.telemetry.render()[0].decode()
    engine.sample(Scope(REGION), engine.entries())
    account.clock.advance_to(account.clock.now_s() + 1800.0)

    def reloaded(moment: str, ctx: RequestContext) -> None:
        if moment == "after" and ctx.operation == "GetAlias" and ctx.principal == OURS:
            engine.use(PolicySet((), FleetLimits(), "none"))
            engine.resync()

    account.faults.hooks.append(reloaded)
    engine.work(key_of("f"))
    assert not engine.entries(), "it was forgotten half way through"
    assert not store.conditions()
    assert not store.assessments()
    assert 'name="f"' not in account.app.telemetry.render()[0].decode()
