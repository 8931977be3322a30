"""Copies of Lambda functions: a function of its own, made from the same code.

A published version with another memory size would need no second function, but publishing it
means giving `$LATEST` that size for a while, which is what traffic, or the next release, uses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.aws.endpoint_configs import OWNER, OWNER_TAG
from controller.aws.errors import translated
from controller.aws.memory_limit import memory_refused
from controller.aws.sessions import Sessions
from controller.core.shadows import is_shadow
from controller.model.endpoint import LATEST, EndpointState, Kind
from controller.model.errors import AccessDenied, Conflict, NotFound, Terminal
from controller.model.missing import Maybe
from controller.model.policy import Scope
from controller.model.probe import Shadow, ShadowPhase
from controller.model.size import LambdaSize, Size
from controller.probes.function_code import FetchCode, checked, fetch_code
from controller.probes.function_copy import Document, creation, reserved
from controller.probes.log_groups import FUNCTIONS, delete_log_group, groups_left
from controller.probes.shadow_tags import found_shadow, is_ours, marks, overdue


class FunctionShadows:
    """Satisfies `controller.ports.ShadowMaker` for Lambda functions; shared by threads."""

    def __init__(self, sessions: Sessions, fetch: FetchCode = fetch_code) -> None:
        self._sessions = sessions
        self._fetch = fetch

    def make(self, shadow: Shadow, state: EndpointState) -> Shadow:
        """At most one call that changes something; READY once the copy takes requests.

        Raises Terminal where it cannot be made, or AWS failed to.
        """
        made = self._seen(shadow)
        source: Document | None = None
        if made is None:
            source = self._source(shadow, state)
            self._create(shadow, source)
            return _noted(shadow, source)
        if "reserved" not in shadow.resources:
            shadow = _noted(shadow, self._source(shadow, state))
        config = made["Configuration"]
        if config.get("State") == "Failed":
            raise Terminal(
                f"Lambda could not make a copy of {shadow.key.name}: "
                f"{config.get('StateReason', 'it does not say why')}."
            )
        if config.get("State") == "Pending":
            return shadow
        if _lacks_limit(shadow, made):
            self._limit(shadow)
            return shadow
        return replace(shadow, phase=ShadowPhase.READY)

    def target_name(self, shadow: Shadow) -> str:
        """The copy's own name; its `$LATEST` is called."""
        return shadow.id

    def remove(self, shadow: Shadow) -> bool:
        """Delete the function; once it is gone, the log group that its first request made."""
        seen = self._seen(shadow)
        if seen is None:
            delete_log_group(self._sessions, shadow.scope, f"{FUNCTIONS}{shadow.id}")
            return True
        try:
            with translated("lambda", "DeleteFunction", shadow.scope, f"function {shadow.id}"):
                self._sessions.lambda_writes(shadow.scope).delete_function(FunctionName=shadow.id)
        except (Conflict, NotFound):
            pass  # it is being made or deleted: the next look shows
        return False

    def strays(self, scope: Scope, now_s: float) -> Sequence[Shadow]:
        """Expired copies in a region, found by their tags; then log groups without a copy."""
        strays = []
        for name, tags in self._tagged(scope):
            found = marks(name, tags)
            if found is not None and overdue(found, Kind.LAMBDA_FUNCTION, now_s):
                size = self._size(scope, name)
                if size is not None:
                    strays.append(found_shadow(name, found, scope, size))
        kind, size = Kind.LAMBDA_FUNCTION, LambdaSize(128)
        return [*strays, *groups_left(self._sessions, scope, kind, self._stands, size)]

    def usd_per_hour(self, region: str, size: Size) -> Maybe[float]:
        """An idle function costs nothing."""
        return 0.0

    def _seen(self, shadow: Shadow) -> Document | None:
        """The copy as it is; None where there is none. Raises Terminal where it is not ours."""
        try:
            seen = self._function(shadow.scope, shadow.id)
        except NotFound:
            return None
        tags = seen.get("Tags") or {}
        if not is_ours(shadow.id, tags):
            _check_tags_read(shadow.scope, seen)
            raise Terminal(
                f"Function {shadow.id} in {shadow.scope.region} is not one that we made: it is "
                "left alone."
            )
        return seen

    def _source(self, shadow: Shadow, state: EndpointState) -> Document:
        """The version that traffic uses, with what belongs to the function as a whole."""
        version, name = state.function.serving.version, shadow.key.name
        source = self._function(shadow.scope, name, version)
        if version != LATEST:
            whole = self._function(shadow.scope, name)
            source = {**source, **{one: whole.get(one) for one in ("Tags", "Concurrency")}}
        found = source["Configuration"]["CodeSha256"]
        if found != state.function.serving.code_sha256:
            raise Conflict(f"Function {shadow.key.name} got other code just now: look again.")
        return source

    def _function(self, scope: Scope, name: str, version: str | None = None) -> Document:
        more = {} if version is None else {"Qualifier": version}
        with translated("lambda", "GetFunction", scope, f"function {name}"):
            answer: Any = self._sessions.lambda_reads(scope).get_function(FunctionName=name, **more)
        document: Document = answer
        return document

    def _create(self, shadow: Shadow, source: Document) -> None:
        wanted = creation(shadow, source)
        wanted["Code"] = self._code(shadow, source)
        try:
            with translated("lambda", "CreateFunction", shadow.scope, f"function {shadow.id}"):
                self._sessions.lambda_writes(shadow.scope).create_function(**wanted)
        except Terminal as error:
            raise memory_refused(error) from None
        except Conflict:
            return  # an answer that was lost: it is there, as the next look shows

    def _code(self, shadow: Shadow, source: Document) -> dict[str, Any]:
        code, config = source["Code"], source["Configuration"]
        if config.get("PackageType") == "Image":
            # by digest: a tag may have been moved to another image since
            return {"ImageUri": code.get("ResolvedImageUri") or code["ImageUri"]}
        content = self._fetch(code["Location"])
        return {"ZipFile": checked(content, config["CodeSha256"], f"function {shadow.key.name}")}

    def _limit(self, shadow: Shadow) -> None:
        with translated("lambda", "PutFunctionConcurrency", shadow.scope, f"function {shadow.id}"):
            self._sessions.lambda_writes(shadow.scope).put_function_concurrency(
                FunctionName=shadow.id,
                ReservedConcurrentExecutions=int(shadow.resources["reserved"]),
            )

    def _tagged(self, scope: Scope) -> Iterator[tuple[str, Mapping[str, str]]]:
        token = ""
        while True:
            with translated("resourcegroupstaggingapi", "GetResources", scope):
                page = self._sessions.tagging(scope).get_resources(
                    ResourceTypeFilters=["lambda:function"],
                    TagFilters=[{"Key": OWNER_TAG, "Values": [OWNER]}],
                    ResourcesPerPage=100,
                    PaginationToken=token,
                )
            for one in page["ResourceTagMappingList"]:
                name = one["ResourceARN"].split(":")[6]
                if is_shadow(name):
                    yield name, {tag["Key"]: tag["Value"] for tag in one["Tags"]}
            token = page.get("PaginationToken", "")
            if not token:
                return

    def _stands(self, scope: Scope, name: str) -> bool:
        return self._size(scope, name) is not None

    def _size(self, scope: Scope, name: str) -> Size | None:
        """None where it is gone: the Tagging API remembers what was deleted a while ago."""
        try:
            return LambdaSize(self._function(scope, name)["Configuration"]["MemorySize"])
        except NotFound:
            return None


def _noted(shadow: Shadow, source: Document) -> Shadow:
    """With what exists, and the limit that the copy is to have ("" for none)."""
    limit = reserved(source)
    resources = {"function": shadow.id, "reserved": "" if limit is None else str(limit)}
    return replace(shadow, resources=resources)


def _lacks_limit(shadow: Shadow, made: Document) -> bool:
    limit = reserved(made)
    return shadow.resources["reserved"] not in {"", str(limit)}


def _check_tags_read(scope: Scope, seen: Document) -> None:
    if seen.get("TagsError") or "Tags" not in seen:
        name = seen["Configuration"]["FunctionName"]
        raise AccessDenied(
            f"The tags of function {name} in {scope.region} were not shown: allow "
            "lambda:ListTags, without which we cannot know that the copy is ours.",
            operation="GetFunction",
        )
