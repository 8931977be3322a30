"""A function's aliases, and the region of whoever names none: what a first policy is made of."""

from collections.abc import Mapping

from botocore.session import Session as BotocoreSession

from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.policy import Scope


def function_aliases(sessions: Sessions, scope: Scope, function: str) -> Mapping[str, str]:
    """Names of a function's aliases and the version each points to, by name.

    Raises NotFound where there is no such function.
    """
    found: dict[str, str] = {}
    more: dict[str, str] = {}
    while True:
        with translated("lambda", "ListAliases", scope, f"function {function}"):
            page = sessions.lambda_reads(scope).list_aliases(
                FunctionName=function,
                **more,  # type: ignore[arg-type]
            )
        found |= {alias["Name"]: alias["FunctionVersion"] for alias in page["Aliases"]}
        marker = page.get("NextMarker")
        if not marker:
            return dict(sorted(found.items()))
        more = {"Marker": marker}


def configured_region() -> str | None:
    """The region in the AWS configuration's profile; None where it has none."""
    with translated("configuration", "reading"):
        region: str | None = BotocoreSession().get_config_variable("region")
    return region
