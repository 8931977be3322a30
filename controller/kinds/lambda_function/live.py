"""A live Lambda function: see it, and carry out one step of a change.

Published versions never change, so their configuration is read once. Every mutation is
guarded by the RevisionId that the step was decided on: somebody else's change in between
makes AWS refuse (412), and the next tick looks again.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping

from controller.aws.discovery import find_functions
from controller.aws.errors import translated
from controller.aws.memory_limit import memory_refused
from controller.aws.sessions import Sessions
from controller.kinds.lambda_function.configs import function_config
from controller.model.change import (
    Mutation,
    PointAlias,
    PublishVersion,
    RemoveVersion,
    UpdateMemory,
)
from controller.model.endpoint import (
    LATEST,
    AliasConfig,
    EndpointKey,
    EndpointState,
    FunctionConfig,
    LambdaLive,
    Phase,
)
from controller.model.errors import Conflict, NotFound, Terminal
from controller.model.policy import Scope, Selector
from controller.model.size import LambdaSize
from controller.ports import Clock

_VERSIONS_KEPT = 2000
LATEST_KEPT_S = 2.0 * 3600.0
"""Behind an alias `$LATEST` serves nobody: for a look at an endpoint at rest it is remembered so
long, while the alias is the same."""


class LambdaAdapter:
    """Satisfies `controller.ports.KindAdapter` for Lambda functions; shared by threads."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._versions: OrderedDict[tuple[EndpointKey, str, str], FunctionConfig] = OrderedDict()
        self._warm: dict[EndpointKey, int | None] = {}
        self._latest: dict[EndpointKey, tuple[FunctionConfig, str, float]] = {}
        self._lock = threading.Lock()

    def discover(self, scope: Scope, selector: Selector) -> Mapping[str, Mapping[str, str]]:
        """Names of matching functions and their tags."""
        return find_functions(self._sessions, scope, selector)

    def observe(self, scope: Scope, key: EndpointKey, *, thorough: bool = True) -> EndpointState:
        """`$LATEST`, the alias if traffic uses one, and the versions that it names.

        Provisioned concurrency is asked for by a thorough look only, and what stands behind an
        alias by that and now and then. Raises NotFound where
        the function does not exist; where only its alias is gone, the phase says Missing, for
        `$LATEST` may still hold memory that we gave it.
        """
        alias = None if key.qualifier == LATEST else self._alias(scope, key)
        latest = self._behind(scope, key, alias, thorough=thorough)
        versions: dict[str, FunctionConfig] = {}
        if alias is not None:
            for version in (alias.version, *sorted(alias.weights)):
                versions[version] = (
                    latest
                    if version == LATEST
                    else self._version(scope, key, version, alias.revision_id)
                )
        if thorough or key not in self._warm:
            self._warm[key] = self._provisioned(scope, key, alias)
        live = LambdaLive(latest, alias, versions, self._warm[key])
        return EndpointState(
            key=key,
            size=LambdaSize(live.serving.memory_mb),
            phase=_phase(key, live),
            etag=_etag(live),
            tags={},
            observed_at_s=self._clock.now_s(),
            live=live,
        )

    def execute(self, scope: Scope, key: EndpointKey, step: Mutation) -> Mapping[str, str]:
        """One mutating call. Returns what the change must remember of it.

        Raises Conflict where the function or alias is no longer the one that was seen.
        """
        if isinstance(step, UpdateMemory):
            return self._update_memory(scope, key, step)
        if isinstance(step, PublishVersion):
            return self._publish(scope, key, step)
        if isinstance(step, PointAlias):
            return self._point_alias(scope, key, step)
        if isinstance(step, RemoveVersion):
            return self._remove(scope, key, step)
        raise TypeError(f"{type(step).__name__} is no step of a Lambda function")

    def _update_memory(
        self, scope: Scope, key: EndpointKey, step: UpdateMemory
    ) -> Mapping[str, str]:
        try:
            with translated("lambda", "UpdateFunctionConfiguration", scope, f"function {key.name}"):
                self._sessions.lambda_writes(scope).update_function_configuration(
                    FunctionName=key.name, MemorySize=step.memory_mb, RevisionId=step.revision_id
                )
        except Terminal as error:
            raise memory_refused(error) from None
        return {}

    def _publish(self, scope: Scope, key: EndpointKey, step: PublishVersion) -> Mapping[str, str]:
        with translated("lambda", "PublishVersion", scope, f"function {key.name}"):
            answer = self._sessions.lambda_writes(scope).publish_version(
                FunctionName=key.name, CodeSha256=step.code_sha256, RevisionId=step.revision_id
            )
        return {"published_version": answer["Version"]}

    def _point_alias(self, scope: Scope, key: EndpointKey, step: PointAlias) -> Mapping[str, str]:
        with translated("lambda", "UpdateAlias", scope, f"alias {key.name}:{step.alias}"):
            self._sessions.lambda_writes(scope).update_alias(
                FunctionName=key.name,
                Name=step.alias,
                FunctionVersion=step.version,
                RoutingConfig={"AdditionalVersionWeights": dict(step.weights)},
                RevisionId=step.revision_id,
            )
        return {}

    def _remove(self, scope: Scope, key: EndpointKey, step: RemoveVersion) -> Mapping[str, str]:
        """Delete a published version, if it was made when we made ours.

        AWS itself refuses a version that an alias names. Gone already is as good as done.
        """
        try:
            made_s = self._configuration(scope, key, step.version).last_modified_s
            if made_s < step.made_after_s:
                raise Conflict(f"Version {step.version} of {key.name} is older than our change.")
            with translated("lambda", "DeleteFunction", scope, f"{key.name}:{step.version}"):
                self._sessions.lambda_writes(scope).delete_function(
                    FunctionName=key.name, Qualifier=step.version
                )
        except NotFound:
            pass
        return {}

    def _behind(
        self, scope: Scope, key: EndpointKey, alias: AliasConfig | None, *, thorough: bool
    ) -> FunctionConfig:
        """`$LATEST`; as it was seen a while ago where nobody is served by it and it was at rest."""
        now_s = self._clock.now_s()
        kept = self._latest.get(key)
        if kept is not None and alias is not None and not thorough:
            latest, revision, seen_s = kept
            if revision == alias.revision_id and now_s - seen_s < LATEST_KEPT_S:
                return latest
        latest = self._configuration(scope, key, LATEST)
        serves = alias is None or LATEST in {alias.version, *alias.weights}
        if serves or (latest.state, latest.update_status) != ("Active", "Successful"):
            self._latest.pop(key, None)
        else:
            assert alias is not None
            self._latest[key] = latest, alias.revision_id, now_s
        return latest

    def _configuration(self, scope: Scope, key: EndpointKey, version: str) -> FunctionConfig:
        with translated("lambda", "GetFunctionConfiguration", scope, f"function {key.name}"):
            client = self._sessions.lambda_reads(scope)
            if version == LATEST:
                answer = client.get_function_configuration(FunctionName=key.name)
            else:
                answer = client.get_function_configuration(FunctionName=key.name, Qualifier=version)
        return function_config(answer)

    def _version(
        self, scope: Scope, key: EndpointKey, version: str, alias_revision: str
    ) -> FunctionConfig:
        """A published version: immutable but for its state, which only matters when new.

        Numbers begin again at 1 when a function is created anew; its alias then has another
        revision, by which what is kept is told from its predecessor's.
        """
        place = (key, version, alias_revision)
        with self._lock:
            kept = self._versions.get(place)
            if kept is not None:
                self._versions.move_to_end(place)
                return kept
        config = self._configuration(scope, key, version)
        if config.state == "Active":
            with self._lock:
                self._versions[place] = config
                if len(self._versions) > _VERSIONS_KEPT:
                    self._versions.popitem(last=False)
        return config

    def _alias(self, scope: Scope, key: EndpointKey) -> AliasConfig | None:
        try:
            with translated("lambda", "GetAlias", scope, f"alias {key.name}:{key.qualifier}"):
                answer = self._sessions.lambda_reads(scope).get_alias(
                    FunctionName=key.name, Name=key.qualifier
                )
        except NotFound:
            return None
        routing = answer.get("RoutingConfig") or {}
        return AliasConfig(
            name=answer["Name"],
            version=answer["FunctionVersion"],
            revision_id=answer["RevisionId"],
            weights=dict(routing.get("AdditionalVersionWeights") or {}),
        )

    def _provisioned(self, scope: Scope, key: EndpointKey, alias: AliasConfig | None) -> int | None:
        """Environments kept warm on the alias; None where there are none.

        Provisioned concurrency lives on an alias or version, never on `$LATEST`.
        """
        if alias is None:
            return None
        try:
            with translated(
                "lambda", "GetProvisionedConcurrencyConfig", scope, f"alias {key.name}:{alias.name}"
            ):
                answer = self._sessions.lambda_reads(scope).get_provisioned_concurrency_config(
                    FunctionName=key.name, Qualifier=alias.name
                )
        except NotFound:
            return None
        return answer["RequestedProvisionedConcurrentExecutions"]


def _phase(key: EndpointKey, live: LambdaLive) -> Phase:
    latest = live.latest
    if live.alias is None and key.qualifier != LATEST:
        return Phase.MISSING
    if latest.state == "Failed":
        return Phase.FAILED
    if latest.update_status == "InProgress" or latest.state == "Pending":
        return Phase.UPDATING
    return Phase.STABLE


def _etag(live: LambdaLive) -> str:
    alias = "" if live.alias is None else live.alias.revision_id
    return f"{live.latest.revision_id}/{alias}"
