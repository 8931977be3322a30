"""What policies on Lambda functions need.

Resource types and condition keys: Service Authorization Reference, "Actions, resources, and
condition keys for AWS Lambda" and "… for Amazon CloudWatch Logs". A qualified ARN is another
resource than the function's own.
"""

from collections.abc import Iterator

from controller.core.permissions.grant import ANYWHERE, Access, Grant
from controller.core.permissions.place import Place, pattern_of, tagged
from controller.model.endpoint import LATEST, Kind
from controller.model.policy import Policy


def grants(policy: Policy, place: Place, access: Access) -> Iterator[Grant]:
    """For one policy; metrics, prices and tags are asked for elsewhere."""
    yield from _seeing(policy, place)
    if access >= Access.ENFORCE:
        yield from _changing(policy, place)


def removing(policy: Policy, place: Place) -> Iterator[Grant]:
    """`--keep-versions`: published versions of ours, and never a function."""
    if _behind_alias(policy):
        yield Grant(
            "RemovePublishedVersions",
            ("lambda:DeleteFunction",),
            (place.arn("lambda", f"function:{pattern_of(policy.target)}:*"),),
            "--keep-versions removes old versions that the controller published; the ARN with a "
            "version never means the function itself",
            tagged(policy.target),
        )


def log_groups(policy: Policy, place: Place) -> tuple[str, ...]:
    """Where REPORT lines go unless a function's LoggingConfig says otherwise."""
    group = place.arn("logs", f"log-group:/aws/lambda/{pattern_of(policy.target)}")
    return (group, f"{group}:*")


def _behind_alias(policy: Policy) -> bool:
    return policy.target.qualifier_of(Kind.LAMBDA_FUNCTION) != LATEST


def _seeing(policy: Policy, place: Place) -> Iterator[Grant]:
    function = place.arn("lambda", f"function:{pattern_of(policy.target)}")
    conditions = tagged(policy.target)
    if _behind_alias(policy):
        yield Grant(
            "SeeFunctionsBehindAliases",
            (
                "lambda:GetAlias",
                "lambda:GetFunctionConfiguration",
                "lambda:GetProvisionedConcurrencyConfig",
            ),
            (function, f"{function}:*"),
            "every tick looks at the function, its alias and the versions that the alias names",
            conditions,
        )
    else:
        yield Grant(
            "SeeFunctions",
            ("lambda:GetFunctionConfiguration",),
            (function,),
            "every tick looks at the function",
            conditions,
        )
    selector = policy.target.selector
    if selector is not None and not selector.tags:
        yield Grant(
            "FindFunctionsByName",
            ("lambda:ListFunctions",),
            ANYWHERE,
            "a selector without tags finds functions by listing them",
            (place.here,),
        )


def _changing(policy: Policy, place: Place) -> Iterator[Grant]:
    actions = ["lambda:UpdateFunctionConfiguration"]
    if _behind_alias(policy):
        actions += ["lambda:PublishVersion", "lambda:UpdateAlias"]
    yield Grant(
        "ChangeMemory" + ("BehindAliases" if _behind_alias(policy) else ""),
        tuple(actions),
        (place.arn("lambda", f"function:{pattern_of(policy.target)}"),),
        "mode Enforce: set the memory, publish it as a version and move the alias",
        tagged(policy.target),
    )
