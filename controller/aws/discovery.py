"""Which Lambda functions a selector means."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.core.shadows import is_shadow
from controller.model.policy import Scope, Selector

Tags = Mapping[str, str]


def find_functions(sessions: Sessions, scope: Scope, selector: Selector) -> dict[str, Tags]:
    """Names of the functions that match both pattern and tags, with all their tags, by name.

    With tags, the Tagging API answers alone. Without, Lambda lists the names, for the Tagging
    API knows nothing of a function that never had a tag. A selector that says nothing means
    every function of the region but the copies that we make for probes.
    """
    tagged = dict(_tagged(sessions, scope, selector.tags))
    names = tagged if selector.tags else _listed(sessions, scope)
    pattern = selector.name_pattern
    return {
        name: tagged.get(name, {})
        for name in sorted(names)
        if (pattern is None or fnmatchcase(name, pattern)) and not is_shadow(name)
    }


def _tagged(sessions: Sessions, scope: Scope, tags: Tags) -> Iterator[tuple[str, Tags]]:
    filters = [{"Key": key, "Values": [value]} for key, value in sorted(tags.items())]
    token = ""
    while True:
        with translated("resourcegroupstaggingapi", "GetResources", scope):
            page = sessions.tagging(scope).get_resources(
                ResourceTypeFilters=["lambda:function"],
                TagFilters=filters,  # type: ignore[arg-type]
                ResourcesPerPage=100,
                PaginationToken=token,
            )
        for resource in page["ResourceTagMappingList"]:
            name = _name(resource["ResourceARN"])
            yield name, {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
        token = page.get("PaginationToken", "")
        if not token:
            return


def _listed(sessions: Sessions, scope: Scope) -> Iterator[str]:
    more: dict[str, str] = {}
    while True:
        with translated("lambda", "ListFunctions", scope):
            page = sessions.lambda_reads(scope).list_functions(
                MaxItems=50,
                **more,  # type: ignore[arg-type]
            )
        for function in page["Functions"]:
            yield function["FunctionName"]
        marker = page.get("NextMarker")
        if not marker:
            return
        more = {"Marker": marker}


def _name(arn: str) -> str:
    # arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
    return arn.split(":")[6]
