"""What a full CloudWatch read costs: calls a second and CPU time of 500 series of 10 points.

Run it as `python -m bench.cloudwatch_read` or directly. A server in a process of its own
answers with one canned page, so that the figures are the client's. Compared are the reader as
it is, the same with what it leaves out switched on again, and boto3 as it comes; then the
memory that further accounts take. A table goes to stderr, JSON to stdout.
"""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

SERIES = 500
POINTS = 10
PERIOD_S = 300
NOW_S = 1_790_000_000.0
CALLS = 60


def answer() -> bytes:
    """One page: every series complete."""
    end_s = NOW_S - NOW_S % PERIOD_S
    times = [end_s - PERIOD_S * n for n in range(POINTS, 0, -1)]
    results = [
        {
            "Id": f"q{n}",
            "Label": "Duration",
            "Timestamps": times,
            "Values": [n + 0.25 * point for point in range(POINTS)],
            "StatusCode": "Complete",
        }
        for n in range(SERIES)
    ]
    return json.dumps({"MetricDataResults": results, "Messages": []}).encode()


def serve(pipe: "Pipe") -> None:
    """Answer every POST with the same page; tell the parent the port first."""
    page = answer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


@contextmanager
def serving() -> Iterator[str]:
    """The server's address, while it runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def timed(call: Callable[[], object]) -> dict[str, float]:
    """Wall and CPU time of a call, after a few to warm up."""
    for _ in range(3):
        call()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"calls_per_s": round(CALLS / wall, 1), "cpu_ms_per_call": round(1e3 * cpu / CALLS, 2)}


class StillClock:
    """The bench's clock."""

    def now_s(self) -> float:
        return NOW_S

    def monotonic_s(self) -> float:
        return time.monotonic()


def reads(url: str) -> dict[str, dict[str, float]]:
    """The variants, by name."""
    import boto3
    from botocore.config import Config

    from controller.aws.calls import CallWatch
    from controller.aws.cloudwatch import CloudWatchReader
    from controller.aws.sessions import Connection, Sessions
    from controller.model.policy import Scope
    from controller.model.window import SeriesQuery

    clock = StillClock()
    scope = Scope("us-east-1")
    end_s = NOW_S - NOW_S % PERIOD_S
    queries = [
        SeriesQuery(
            "AWS/Lambda",
            "Duration",
            (("FunctionName", f"function-{n}"), ("Resource", f"function-{n}:live")),
            "p95",
            PERIOD_S,
            end_s - PERIOD_S * POINTS,
            end_s,
        )
        for n in range(SERIES)
    ]
    sessions = Sessions(clock, Connection(endpoint_url=url), watch=CallWatch(clock))
    reader = CloudWatchReader(sessions, clock)

    sent: list[dict[str, Any]] = []
    recorder = sessions.cloudwatch(scope).meta.events
    recorder.register("provide-client-params", lambda params, **_: sent.append(params))
    reader.read(scope, queries)
    recorder.unregister("provide-client-params")

    def boto(**config: Any) -> Callable[[], object]:
        client = boto3.Session().client(
            "cloudwatch", region_name="us-east-1", endpoint_url=url, config=Config(**config)
        )
        return lambda: client.get_metric_data(**sent[0])

    return {
        "reader": timed(lambda: reader.read(scope, queries)),
        "its client alone": timed(lambda: sessions.cloudwatch(scope).get_metric_data(**sent[0])),
        "boto3 without validation": timed(boto(parameter_validation=False)),
        "boto3 as it comes": timed(boto()),
    }


def rss_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def memory(url: str) -> dict[str, float]:
    """Megabytes of one account in one region, and of each further one."""
    before = rss_mb()
    from controller.aws.sessions import Connection, Sessions
    from controller.model.policy import Scope

    imported = rss_mb()
    sessions = Sessions(StillClock(), Connection(endpoint_url=url))

    def connect(scope: Scope) -> None:
        for make in (sessions.cloudwatch, sessions.lambda_reads, sessions.lambda_writes):
            make(scope)
        sessions.logs(scope)
        sessions.sts(scope)
        sessions.tagging(scope)

    connect(Scope("us-east-1"))
    first = rss_mb()
    for n in range(20):
        connect(Scope("us-east-1", role_arn=f"arn:aws:iam::{n:012d}:role/tuner"))
    return {
        "interpreter_mb": round(before, 1),
        "import_mb": round(imported - before, 1),
        "first_account_mb": round(first - imported, 1),
        "further_account_mb": round((rss_mb() - first) / 20, 2),
    }


def main() -> None:
    """Measure, print."""
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "bench")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "bench")
    with serving() as url:
        result = {"memory": memory(url), "reads": reads(url)}
    for name, figures in result["reads"].items():
        row = f"{name:<26}{figures['calls_per_s']:>8} calls/s{figures['cpu_ms_per_call']:>8} ms CPU"
        print(row, file=sys.stderr)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
