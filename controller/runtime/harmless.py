"""One harmless call for each permission that the controller needs of a function.

Reads are asked for little; changes are asked for with a revision that nothing has, which AWS
refuses to those who may make them and denies to all others.
"""

from collections.abc import Callable, Iterator

from controller.aws.cloudwatch import CloudWatchReader
from controller.aws.errors import translated
from controller.aws.reports import InsightsReportReader
from controller.aws.sessions import Sessions
from controller.core.periods import HOUR_S, closed_end
from controller.model.endpoint import LATEST
from controller.model.errors import NotFound
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.window import SeriesQuery
from controller.ports import Clock

NO_REVISION = "00000000-0000-0000-0000-000000000000"


class HarmlessCalls:
    """The calls about one function. Each returns what came of it, in words; raises AdapterError."""

    def __init__(
        self, sessions: Sessions, clock: Clock, scope: Scope, function: str, qualifier: str
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._scope = scope
        self._function = function
        self._alias = None if qualifier == LATEST else qualifier
        self._log_group = f"/aws/lambda/{function}"

    def reads(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Each with the IAM action that permits it."""
        yield "lambda:GetFunctionConfiguration", self._configuration
        if self._alias is not None:
            yield "lambda:GetAlias", self._get_alias
            yield "lambda:GetProvisionedConcurrencyConfig", self._provisioned
        yield "cloudwatch:GetMetricData", self._metrics
        yield "logs:StartQuery, logs:GetQueryResults", self._logs

    def changes(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Those of mode Enforce, made so that AWS must refuse them."""
        yield "lambda:UpdateFunctionConfiguration", self._update
        yield "lambda:PublishVersion", self._publish
        if self._alias is not None:
            yield "lambda:UpdateAlias", self._update_alias

    def _configuration(self) -> str:
        with translated("lambda", "GetFunctionConfiguration", self._scope, self._named):
            client = self._sessions.lambda_reads(self._scope)
            answer = client.get_function_configuration(FunctionName=self._function)
        self._log_group = answer.get("LoggingConfig", {}).get("LogGroup") or self._log_group
        return f"{self._function} has {answer['MemorySize']} MB"

    def _get_alias(self) -> str:
        with translated("lambda", "GetAlias", self._scope, self._named):
            answer = self._sessions.lambda_reads(self._scope).get_alias(
                FunctionName=self._function, Name=str(self._alias)
            )
        return f"{self._alias} points to version {answer['FunctionVersion']}"

    def _provisioned(self) -> str:
        try:
            with translated("lambda", "GetProvisionedConcurrencyConfig", self._scope, self._named):
                self._sessions.lambda_reads(self._scope).get_provisioned_concurrency_config(
                    FunctionName=self._function, Qualifier=str(self._alias)
                )
        except NotFound:
            return "none on the alias"
        return "environments are kept warm on the alias"

    def _metrics(self) -> str:
        end_s = closed_end(self._clock.now_s(), int(HOUR_S))
        query = SeriesQuery(
            namespace="AWS/Lambda",
            metric="Invocations",
            dimensions=(("FunctionName", self._function),),
            stat="Sum",
            period_s=int(HOUR_S),
            start_s=end_s - HOUR_S,
            end_s=end_s,
        )
        reader = CloudWatchReader(self._sessions, self._clock)
        (answer,) = reader.read(self._scope, [query]).values()
        if isinstance(answer, Missing):
            return answer.reason
        return f"{sum(value for _, value in answer.points):,.0f} requests in the last whole hour"

    def _logs(self) -> str:
        reader = InsightsReportReader(self._sessions)
        now_s = self._clock.now_s()
        reader.poll(self._scope, reader.start(self._scope, self._log_group, now_s - 60.0, now_s))
        return f"{self._log_group} can be queried"

    def _update(self) -> str:
        with translated("lambda", "UpdateFunctionConfiguration", self._scope, self._named):
            self._sessions.lambda_writes(self._scope).update_function_configuration(
                FunctionName=self._function, RevisionId=NO_REVISION
            )
        return ""

    def _publish(self) -> str:
        with translated("lambda", "PublishVersion", self._scope, self._named):
            self._sessions.lambda_writes(self._scope).publish_version(
                FunctionName=self._function, RevisionId=NO_REVISION
            )
        return ""

    def _update_alias(self) -> str:
        with translated("lambda", "UpdateAlias", self._scope, self._named):
            self._sessions.lambda_writes(self._scope).update_alias(
                FunctionName=self._function, Name=str(self._alias), RevisionId=NO_REVISION
            )
        return ""

    @property
    def _named(self) -> str:
        return f"function {self._function}"
