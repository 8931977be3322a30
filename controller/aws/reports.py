"""Memory actually used, from Lambda's REPORT lines: the port `ReportReader`.

No CloudWatch metric of Lambda says how much memory a function used; the REPORT line that ends
every invocation does, and Logs Insights reads it. A query takes seconds to minutes, so it is
started in one tick and asked after in later ones. Its answer does not repeat the interval; the
id that we hand out therefore carries it, so that a restarted process can still use it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from controller.aws.calls import CallListener, NoListener
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.errors import Retryable, Terminal
from controller.model.missing import Maybe, Missing
from controller.model.policy import Scope
from controller.model.window import MemoryUse

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import ResultFieldTypeDef

QUERY = (
    'filter @type = "REPORT" '
    "| stats max(@maxMemoryUsed) as maxUsed, count(*) as n, count(@initDuration) as cold, "
    "avg(@initDuration) as initMean, pct(@initDuration, 95) as initP95 by @memorySize"
)

_BYTES_PER_MB = 1_000_000
"""Insights gives @memorySize and @maxMemoryUsed as the REPORT line's MB times 1000 x 1000."""

_UNDER_WAY = frozenset({"Scheduled", "Running"})


class InsightsReportReader:
    """Reads REPORT lines with CloudWatch Logs Insights, without ever waiting."""

    def __init__(self, sessions: Sessions, listener: CallListener | None = None) -> None:
        """`listener` hears how many bytes CloudWatch Logs bills."""
        self._sessions = sessions
        self._listener: CallListener = NoListener() if listener is None else listener

    def start(self, scope: Scope, log_group: str, start_s: float, end_s: float) -> str:
        """Start a query over [start_s, end_s), in whole seconds; returns what `poll` wants.

        Raises NotFound where the function has never logged into `log_group`, Throttled where
        too many queries run at once.
        """
        first_s, last_s = int(start_s), int(end_s) - 1
        if last_s < first_s:
            raise ValueError(f"nothing between {start_s} and {end_s}")
        with translated("logs", "StartQuery", scope, f"log group {log_group}"):
            answer = self._sessions.logs(scope).start_query(
                logGroupName=log_group,
                startTime=first_s,
                endTime=last_s,  # inclusive, unlike everywhere else in AWS
                queryString=QUERY,
            )
        return f"{answer['queryId']} {first_s} {last_s + 1}"

    def poll(self, scope: Scope, query_id: str) -> tuple[MemoryUse, ...] | None:
        """Rows by memory size, smallest first; None while it runs; () where nothing was logged.

        Raises Retryable where the query failed, was cancelled or took too long (start anew),
        NotFound where AWS no longer knows it.
        """
        aws_id, start_s, end_s = query_id.split(" ")
        with translated("logs", "GetQueryResults", scope):
            answer = self._sessions.logs(scope).get_query_results(queryId=aws_id)
        status = answer["status"]
        if status in _UNDER_WAY:
            return None
        if status != "Complete":
            raise Retryable(
                f"The Logs Insights query for memory use ended as {status} in {scope.region}: "
                "it is started again later.",
                operation="GetQueryResults",
                code=status,
            )
        self._listener.on_bytes_scanned(answer.get("statistics", {}).get("bytesScanned", 0.0))
        rows = [_fields(row) for row in answer["results"]]
        uses = [_memory_use(row, float(start_s), float(end_s)) for row in rows]
        return tuple(sorted(uses, key=lambda use: use.memory_mb))


def _fields(row: "list[ResultFieldTypeDef]") -> dict[str, str]:
    return {cell.get("field", ""): cell.get("value", "") for cell in row}


def _memory_use(row: Mapping[str, str], start_s: float, end_s: float) -> MemoryUse:
    try:
        return MemoryUse(
            start_s=start_s,
            end_s=end_s,
            memory_mb=_mb(row["@memorySize"]),
            max_used_mb=_mb(row["maxUsed"]),
            invocations=int(float(row["n"])),
            cold_starts=int(float(row.get("cold") or 0)),
            init_p95_ms=_ms(row.get("initP95")),
            init_mean_ms=_ms(row.get("initMean")),
        )
    except (KeyError, ValueError) as error:
        raise Terminal(
            f"A row of the Logs Insights answer about memory use cannot be read: {error}.",
            operation="GetQueryResults",
        ) from None


def _mb(text: str) -> int:
    return round(float(text) / _BYTES_PER_MB)


def _ms(text: str | None) -> Maybe[float]:
    return float(text) if text else Missing("no cold start in the interval")
