"""Endpoint configurations that carry our tags: what a change may have left behind."""

import threading
from collections.abc import Iterator, Mapping

from controller.aws.endpoint_configs import ENDPOINT_TAG, SOURCE_TAG, is_ours
from controller.aws.endpoints import config_tags
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.core.shadows import is_shadow
from controller.model.errors import NotFound
from controller.model.policy import Scope
from controller.ports import Clock

DAY_S = 86_400.0
PREFIX = "rightsizer-"

_Made = dict[str, dict[str, str]]
"""Sources by name of configuration, by endpoint."""


class OwnConfigs:
    """Lists a place's configurations once a day; shared by threads."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._lock = threading.Lock()
        self._listed: dict[Scope, tuple[float, _Made]] = {}

    def of_endpoint(self, scope: Scope, name: str) -> Mapping[str, str]:
        """Configurations made for an endpoint, and what each was copied from, as they were
        at most a day ago. Raises AdapterError."""
        with self._lock:
            at_s, made = self._listed.get(scope, (-DAY_S, {}))
            if self._clock.now_s() - at_s >= DAY_S:
                made = self._list(scope)
                self._listed[scope] = (self._clock.now_s(), made)
        return made.get(name, {})

    def _list(self, scope: Scope) -> _Made:
        made: _Made = {}
        for config, arn in self._named(scope):
            try:
                tags = config_tags(self._sessions, scope, config, arn)
            except NotFound:
                continue  # deleted since it was listed
            if is_ours(config, tags):
                made.setdefault(tags.get(ENDPOINT_TAG, ""), {})[config] = tags.get(SOURCE_TAG, "")
        return made

    def _named(self, scope: Scope) -> Iterator[tuple[str, str]]:
        """(name, ARN) of those that bear our prefix; probes see to their copies themselves."""
        more: dict[str, str] = {}
        while True:
            with translated("sagemaker", "ListEndpointConfigs", scope):
                page = self._sessions.sagemaker_reads(scope).list_endpoint_configs(
                    NameContains=PREFIX, MaxResults=100, **more
                )
            for one in page["EndpointConfigs"]:
                name = one["EndpointConfigName"]
                if name.startswith(PREFIX) and not is_shadow(name):
                    yield name, one["EndpointConfigArn"]
            token = page.get("NextToken")
            if not token:
                return
            more = {"NextToken": token}
