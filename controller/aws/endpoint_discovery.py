"""Which SageMaker endpoints a selector means, of one kind."""

import re
import threading
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from controller.aws.endpoint_configs import Document
from controller.aws.endpoints import describe_config, kind_of_variant
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.core.shadows import is_shadow
from controller.model.endpoint import Kind
from controller.model.errors import NotFound
from controller.model.policy import Scope, Selector

Tags = Mapping[str, str]


class EndpointFinder:
    """Lists endpoints; remembers of which kind each is, for the list does not say."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._kinds: dict[str, tuple[object, Kind]] = {}
        self._lock = threading.Lock()

    def find(self, scope: Scope, selector: Selector, kind: Kind) -> dict[str, Tags]:
        """Names of the endpoints of a kind that match both pattern and tags, with their tags.

        ListEndpoints gives the names, for the Tagging API writes them in lower case and knows
        nothing of an endpoint without tags. Which kind one is costs a DescribeEndpoint once,
        and once more after each change: serverless may become real-time, never the reverse.
        Copies that we make for probes are none of them.
        """
        tagged = dict(self._tagged(scope, selector.tags))
        found: dict[str, Tags] = {}
        for row in self._listed(scope, selector.name_pattern):
            arn = row["EndpointArn"]
            if (selector.tags and arn not in tagged) or is_shadow(row["EndpointName"]):
                continue
            if self._kind(scope, row) is kind:
                found[row["EndpointName"]] = tagged.get(arn, {})
        return dict(sorted(found.items()))

    def names(self, scope: Scope, kind: Kind, *, most: int) -> list[str] | None:
        """Names of all endpoints of a kind; None where a region has more than `most` of any."""
        rows = list(islice(self._listed(scope, None), most + 1))
        if len(rows) > most:
            return None
        return [row["EndpointName"] for row in rows if self._kind(scope, row) is kind]

    def _kind(self, scope: Scope, row: Document) -> Kind | None:
        arn, name = row["EndpointArn"], row["EndpointName"]
        as_of = (row["CreationTime"], row["LastModifiedTime"])
        with self._lock:
            kept = self._kinds.get(arn)
        if kept is not None and kept[0] == as_of:
            return kept[1]
        kind = self._asked_kind(scope, name)
        if kind is not None:
            with self._lock:
                self._kinds[arn] = (as_of, kind)
        return kind

    def _asked_kind(self, scope: Scope, name: str) -> Kind | None:
        """None where it was deleted meanwhile."""
        try:
            with translated("sagemaker", "DescribeEndpoint", scope, f"endpoint {name}"):
                shown = self._sessions.sagemaker_reads(scope).describe_endpoint(EndpointName=name)
            variants = shown.get("ProductionVariants")
            if not variants:
                config = describe_config(self._sessions, scope, shown["EndpointConfigName"])
                variants = config["ProductionVariants"]
        except NotFound:
            return None
        return kind_of_variant(variants[0])

    def _tagged(self, scope: Scope, tags: Tags) -> Iterator[tuple[str, Tags]]:
        filters = [{"Key": key, "Values": [value]} for key, value in sorted(tags.items())]
        token = ""
        while True:
            with translated("resourcegroupstaggingapi", "GetResources", scope):
                page = self._sessions.tagging(scope).get_resources(
                    ResourceTypeFilters=["sagemaker:endpoint"],
                    TagFilters=filters,  # type: ignore[arg-type]
                    ResourcesPerPage=100,
                    PaginationToken=token,
                )
            for resource in page["ResourceTagMappingList"]:
                yield (
                    resource["ResourceARN"],
                    {tag["Key"]: tag["Value"] for tag in resource["Tags"]},
                )
            token = page.get("PaginationToken", "")
            if not token:
                return

    def _listed(self, scope: Scope, pattern: str | None) -> Iterator[Document]:
        more: dict[str, Any] = {}
        if pattern is not None and (text := _longest_text(pattern)):
            more["NameContains"] = text
        while True:
            with translated("sagemaker", "ListEndpoints", scope):
                page = self._sessions.sagemaker_reads(scope).list_endpoints(MaxResults=100, **more)
            for row in page["Endpoints"]:
                if pattern is None or fnmatchcase(row["EndpointName"], pattern):
                    yield row
            token = page.get("NextToken")
            if not token:
                return
            more["NextToken"] = token


def _longest_text(pattern: str) -> str:
    """The longest part of a shell pattern that stands for itself; may be empty."""
    plain = re.split(r"\[.*?\]|[*?\[\]]", pattern)
    return max((p for p in plain if re.fullmatch(r"[a-zA-Z0-9-]*", p)), key=len, default="")
