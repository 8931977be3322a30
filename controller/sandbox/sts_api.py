"""STS: who am I, and may I be somebody else for a while?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of
from controller.sandbox.principals import Principal, Principals, user_id_of
from controller.sandbox.wire.contract import AwsError, Handler, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:[\w+=,.@/-]*/)?([\w+=,.@-]+)")
_DEFAULT_DURATION_S = 3600


@dataclass(frozen=True, slots=True)
class Role:
    """A role somebody may assume.

    external_id: what the trust policy demands, or None; trusted_accounts: who may assume
    it (empty: anybody); max_session_s: the role's maximum session duration.
    """

    arn: str
    external_id: str | None = None
    trusted_accounts: frozenset[str] = frozenset()
    max_session_s: int = 3600


class StsState:
    """The roles of a world. While none is listed, every role exists and trusts everybody."""

    def __init__(self) -> None:
        self.roles: dict[str, Role] = {}

    def add(self, role: Role) -> None:
        """List a role; from now on roles that are not listed are denied."""
        self.roles[role.arn] = role


def get_caller_identity(
    world: World, ctx: RequestContext, params: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The account and ARN behind the credentials; no permission is needed for it."""
    user_id = user_id_of(Principal(ctx.account, ctx.principal))
    return {"UserId": user_id, "Account": ctx.account, "Arn": ctx.principal}


def assume_role(world: World, ctx: RequestContext, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Temporary credentials of the role's account.

    Raises AccessDenied where the role does not exist or does not trust the caller or the
    external id; AWS does not tell these apart.
    """
    arn, session = params["RoleArn"], params["RoleSessionName"]
    parts = _ROLE_ARN.fullmatch(arn)
    if parts is None:
        raise AwsError("ValidationError", f"{arn} is invalid")
    role = _trusting_role(world, ctx, arn, params.get("ExternalId"))
    duration_s = params.get("DurationSeconds", _DEFAULT_DURATION_S)
    if duration_s > role.max_session_s:
        text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsError("ValidationError", text)
    account, name = parts[1], parts[2]
    principal = Principal(account, f"arn:aws:sts::{account}:assumed-role/{name}/{session}")
    key = state_of(world, Principals).issue(principal, ctx.now_s + duration_s)
    return {
        "Credentials": {
            "AccessKeyId": key.access_key,
            "SecretAccessKey": key.secret_key,
            "SessionToken": key.session_token,
            "Expiration": datetime.fromtimestamp(key.expires_at_s, UTC),
        },
        "AssumedRoleUser": {"AssumedRoleId": user_id_of(principal), "Arn": principal.arn},
        "PackedPolicySize": 0,
    }


def _trusting_role(world: World, ctx: RequestContext, arn: str, external_id: str | None) -> Role:
    roles = state_of(world, StsState).roles
    role = roles.get(arn)
    if role is None and not roles:
        role = Role(arn, max_session_s=43_200)
    trusted = role is not None and (
        (not role.trusted_accounts or ctx.account in role.trusted_accounts)
        and (role.external_id is None or role.external_id == external_id)
    )
    if role is None or not trusted:
        raise AwsError(
            "AccessDenied",
            f"User: {ctx.principal} is not authorized to perform: sts:AssumeRole "
            f"on resource: {arn}",
            403,
        )
    return role


HANDLERS: Mapping[str, Handler] = {
    "GetCallerIdentity": get_caller_identity,
    "AssumeRole": assume_role,
}
