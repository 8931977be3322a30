"""A function deleted and created anew counts its versions from 1 again: nothing old is believed."""

from virtual_account import ACCOUNT, REGION, Account, function, key_of, policy

from controller.kinds.lambda_function.live import LATEST_KEPT_S
from controller.model.endpoint import Kind, LambdaLive
from controller.model.policy import Scope
from controller.sandbox import foreign

HAND = foreign.Hand(ACCOUNT, REGION, "f", "pipeline")


def _again(account: Account, memory_mb: int) -> None:
    """The pipeline deletes the function and deploys it anew: version 1, alias `live`."""
    foreign.recreate(account.world, HAND, memory_mb, 5.0)
    account.clock.advance_to(account.clock.now_s() + 60.0)
    name = {"FunctionName": "f"}
    version = foreign.call(account.world, HAND, "PublishVersion", name)["Version"]
    foreign.call(
        account.world, HAND, "CreateAlias", {**name, "Name": "live", "FunctionVersion": version}
    )
    account.clock.advance_to(account.clock.now_s() + 60.0)


def _look(account: Account) -> LambdaLive:
    adapter = account.app.adapters[Kind.LAMBDA_FUNCTION]
    live = adapter.observe(Scope(REGION), key_of("f"), thorough=False).live
    assert isinstance(live, LambdaLive)
    return live


def test_the_new_version_1_is_not_taken_for_the_old_one() -> None:
    account = Account([function("f", 1024)], [policy("f", 400.0)])
    before = _look(account).serving
    assert (before.version, before.memory_mb) == ("1", 1024)
    _again(account, 512)
    after = _look(account).serving
    assert (after.version, after.memory_mb) == ("1", 512)
    assert after.fingerprint != before.fingerprint, "it has other code too"


def test_a_version_is_asked_for_once_and_what_nobody_is_served_by_now_and_then() -> None:
    account = Account([function("f", 1024)], [policy("f", 400.0)])
    _look(account)

    def versions_read() -> int:
        return sum(c.operation == "GetFunctionConfiguration" for c in account.calls.calls("lambda"))

    before = versions_read()
    for _ in range(3):
        _look(account)
    assert versions_read() == before, "the alias tells that both are as they were"
    account.clock.advance_to(account.clock.now_s() + LATEST_KEPT_S)
    _look(account)
    assert versions_read() - before == 1, "only $LATEST"
