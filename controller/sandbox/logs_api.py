"""CloudWatch Logs: Insights' StartQuery, GetQueryResults, StopQuery, and log groups.

Facts: a query is Scheduled, then Running, then Complete, for seconds; `endTime` is
inclusive; a query that cannot be read is MalformedQueryException; a log group exists once
its function has been; at most 30 queries run at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.sandbox import draws
from controller.sandbox.extensions import state_of
from controller.sandbox.lambda_common import locked
from controller.sandbox.log_language import Command, QuerySyntaxError, parse_query
from controller.sandbox.log_query import MOST_ROWS, run
from controller.sandbox.log_records import Block, lines
from controller.sandbox.region import Region
from controller.sandbox.wire.contract import AwsError, Handler, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]

SCHEDULED_S = 0.5
SHORTEST_S, LONGEST_S = 1.5, 4.0
KEPT_S = 7 * 86_400.0
MOST_AT_ONCE = 30
INGESTION_S = 15.0
BYTES_PER_LINE = 130


@dataclass(slots=True)
class Query:
    """A query under way, or done."""

    id: str
    place: tuple[str, str]
    started_s: float
    ends_s: float
    rows: list[dict[str, str]]
    matched: int
    scanned: int
    cancelled: bool = False

    def status(self, now_s: float) -> str:
        """Scheduled, Running, Complete or Cancelled."""
        if self.cancelled:
            return "Cancelled"
        if now_s < self.started_s + SCHEDULED_S:
            return "Scheduled"
        return "Running" if now_s < self.ends_s else "Complete"


@dataclass(slots=True)
class Queries:
    """All queries of a world."""

    by_id: dict[str, Query] = field(default_factory=dict)


def start_query(world: World, ctx: RequestContext, params: Params) -> Answer:
    """StartQuery over one or several log groups."""
    region = world.region(ctx.account, ctx.region)
    queries = state_of(world, Queries).by_id
    for old in [q for q in queries.values() if q.ends_s + KEPT_S < ctx.now_s]:
        del queries[old.id]
    place = (ctx.account, ctx.region)
    active = [q for q in queries.values()
              if q.place == place and q.status(ctx.now_s) in ("Scheduled", "Running")]  # fmt: skip
    if len(active) >= MOST_AT_ONCE:
        raise AwsError("LimitExceededException", "Account maximum query concurrency limit reached.")
    groups = _groups(region, params)
    start_s, end_s = _seconds(params["startTime"]), _seconds(params["endTime"])
    if start_s > end_s:
        raise AwsError("InvalidParameterException", "startTime must not be after endTime.")
    limit = int(params.get("limit") or MOST_ROWS)
    if not 1 <= limit <= MOST_ROWS:
        raise AwsError("InvalidParameterException", f"limit must be from 1 to {MOST_ROWS}.")
    commands = _commands(str(params["queryString"]))
    end_s = min(end_s, ctx.now_s - INGESTION_S)
    blocks: list[Block] = []
    for group in groups:
        blocks += lines(world, region, group, start_s, end_s)
    rows = _rows(commands, blocks, limit, params)
    scanned = int(sum(block.counts.sum() for block in blocks))
    query_id = region.new_id("query")
    share = draws.uniform(region.seed, query_id)
    queries[query_id] = Query(
        query_id,
        place,
        ctx.now_s,
        ctx.now_s + SHORTEST_S + (LONGEST_S - SHORTEST_S) * share,
        rows,
        matched=scanned // 3,
        scanned=scanned,
    )
    return {"queryId": query_id}


def _groups(region: Region, params: Params) -> Sequence[str]:
    """Log groups of a query; ARNs are cut to names. Raises 400 for one that is not there."""
    given = params.get("logGroupNames") or params.get("logGroupIdentifiers") or []
    names = [*([params["logGroupName"]] if params.get("logGroupName") else []), *given]
    names = [str(name).partition(":log-group:")[2] or str(name) for name in names]
    if not names:
        raise AwsError("InvalidParameterException", "A log group is needed.")
    for name in names:
        if name not in region.log_groups:
            raise AwsError(
                "ResourceNotFoundException",
                f"Log group '{name}' does not exist for account ID '{region.account}'",
            )
    return names


def _seconds(given: int) -> float:
    """Seconds since the epoch; milliseconds are recognised by their size, as AWS does."""
    return given / 1000.0 if given > 10**11 else float(given)


def _commands(text: str) -> list[Command]:
    try:
        return parse_query(text)
    except QuerySyntaxError as problem:
        raise _malformed(problem) from problem


def _rows(
    commands: Sequence[Command], blocks: Sequence[Block], limit: int, params: Params
) -> list[dict[str, str]]:
    try:
        return run(commands, blocks, limit)
    except QuerySyntaxError as problem:
        raise _malformed(problem) from problem


def _malformed(problem: QuerySyntaxError) -> AwsError:
    where = {"startCharOffset": problem.start, "endCharOffset": problem.end}
    return AwsError(
        "MalformedQueryException",
        f"{problem} at line 1 and position {problem.start}",
        queryCompileError={"location": where, "message": str(problem)},
    )


def _find(world: World, ctx: RequestContext, params: Params) -> Query:
    query = state_of(world, Queries).by_id.get(str(params["queryId"]))
    if query is None or query.place != (ctx.account, ctx.region):
        raise AwsError("ResourceNotFoundException", "Query does not exist.")
    return query


def get_query_results(world: World, ctx: RequestContext, params: Params) -> Answer:
    """GetQueryResults: rows only once Complete."""
    query = _find(world, ctx, params)
    status = query.status(ctx.now_s)
    done = status == "Complete"
    rows = [
        [{"field": name, "value": value} for name, value in row.items()]
        for row in (query.rows if done else ())
    ]
    return {
        "results": rows,
        "status": status,
        "statistics": {
            "recordsMatched": float(query.matched if done else 0),
            "recordsScanned": float(query.scanned if done else 0),
            "bytesScanned": float(query.scanned * BYTES_PER_LINE if done else 0),
        },
    }


def stop_query(world: World, ctx: RequestContext, params: Params) -> Answer:
    """StopQuery: one that has ended cannot be stopped."""
    query = _find(world, ctx, params)
    if query.status(ctx.now_s) not in ("Scheduled", "Running"):
        raise AwsError("InvalidParameterException", "Provided query ID is already ended.")
    query.cancelled = True
    return {"success": True}


def describe_log_groups(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeLogGroups by prefix; all of them on one page."""
    prefix = str(params.get("logGroupNamePrefix") or "")
    names = sorted(world.region(ctx.account, ctx.region).log_groups)
    head = f"arn:aws:logs:{ctx.region}:{ctx.account}:log-group"
    return {
        "logGroups": [
            {"logGroupName": name, "arn": f"{head}:{name}:*", "storedBytes": 0}
            for name in names
            if name.startswith(prefix)
        ]
    }


def delete_log_group(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteLogGroup."""
    groups = world.region(ctx.account, ctx.region).log_groups
    name = str(params["logGroupName"])
    if name not in groups:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    groups.discard(name)
    return {}


HANDLERS: Mapping[str, Handler] = {
    "DescribeLogGroups": locked(describe_log_groups),
    "DeleteLogGroup": locked(delete_log_group),
    "StartQuery": locked(start_query),
    "GetQueryResults": locked(get_query_results),
    "StopQuery": locked(stop_query),
}
