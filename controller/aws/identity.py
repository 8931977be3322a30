"""Who we are: the port `Identity`, over STS."""

import threading

from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.errors import Terminal
from controller.model.policy import Scope


class StsIdentity:
    """Asks STS once per role (or once for the credentials in use) and remembers."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._accounts: dict[tuple[str | None, str | None], str] = {}
        self._lock = threading.Lock()

    def account(self, scope: Scope) -> str:
        """The twelve-digit account that calls in this scope act on.

        Raises Terminal where the scope names another account than the credentials belong to:
        acting on the wrong account is the one mistake that nothing later would notice.
        """
        key = (scope.role_arn, scope.external_id)
        with self._lock:
            account = self._accounts.get(key)
        if account is None:
            with translated("sts", "GetCallerIdentity", scope):
                account = self._sessions.sts(scope).get_caller_identity()["Account"]
            with self._lock:
                self._accounts[key] = account
        if scope.account is not None and scope.account != account:
            who = "the credentials in use" if scope.role_arn is None else scope.role_arn
            raise Terminal(
                f"The policy is for account {scope.account}, but {who} acts on {account}: "
                "give the role to assume in that account.",
                operation="GetCallerIdentity",
                code="WrongAccount",
            )
        return account
