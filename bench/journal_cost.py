"""What a journal in DynamoDB costs a month: units of capacity counted over days of a small fleet.

    python -m bench.journal_cost --functions 2 --hours 24

The real controller works in the simulated account under virtual time, its journal in moto's
DynamoDB. Units are reckoned from the sizes of what was written and read, as AWS bills them
(https://aws.amazon.com/dynamodb/pricing/on-demand/), for moto does not count them. The first
day, in which evidence of two weeks is learnt and every function is changed, is left out.
"""

import argparse
import json
import logging
import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import structlog
from moto.server import ThreadedMotoServer

from controller.store.dynamodb import connect
from controller.store.dynamodb.connect import Table
from controller.store.dynamodb.store import DynamoStore
from controller.store.dynamodb.table import Rows

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "simulation"))
from virtual_account import DAY_S, HOUR_S, Account, function, policy

USD_PER_WRITE, USD_PER_READ = 0.625e-6, 0.125e-6
"""us-east-1, on demand, since November 2024."""
LEASE_S = 2.0
MONTH_S = 30 * DAY_S


def size(item: Any) -> int:
    """Bytes of an item, or of a key: names and values, as AWS counts them, to a few percent."""
    total = 0
    for name, typed in item.items():
        ((_, value),) = typed.items()
        total += len(name) + len(value if isinstance(value, bytes) else str(value).encode())
    return total


class Meter:
    """Counts units by operation, from the events of a client."""

    def __init__(self, client: Any) -> None:
        self.writes: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        client.meta.events.register("provide-client-params.dynamodb.*", self.asked)
        client.meta.events.register("after-call.dynamodb.*", self.answered)

    def asked(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params
        self.calls[model.name] += 1
        if model.name == "BatchWriteItem":
            for requests in params["RequestItems"].values():
                for request in requests:
                    ((verb, what),) = request.items()
                    self.writes[model.name] += _kilobytes(what["Item"]) if verb[0] == "P" else 1
        if model.name == "TransactWriteItems":
            for step in params["TransactItems"]:
                ((_, what),) = step.items()
                self.writes[model.name] += 2 * _kilobytes(what.get("Item", {}))

    def answered(self, parsed: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        asked = context.get("asked", {})
        whole = 1.0 if asked.get("ConsistentRead") else 0.5
        if model.name == "GetItem":
            self.reads[model.name] += whole * _blocks(size(parsed.get("Item", {})))
        elif model.name == "Query":
            read = sum(size(item) for item in parsed["Items"])
            self.reads[model.name] += whole * _blocks(read)
        elif model.name == "BatchGetItem":
            for items in parsed["Responses"].values():
                self.reads[model.name] += sum(0.5 * _blocks(size(item)) for item in items)

    def clear(self) -> None:
        for one in (self.writes, self.reads, self.calls):
            one.clear()


def _kilobytes(item: Any) -> int:
    return max(1, math.ceil(size(item) / 1024))


def _blocks(size_bytes: int) -> int:
    return max(1, math.ceil(size_bytes / 4096))


def measured(functions: int, hours: float) -> dict[str, Any]:
    """Units of some hours, and dollars a month for a thousand endpoints."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        table = Table("journal", "eu-west-1", f"http://{host}:{port}")
        client = connect.client_of(table)
        connect.create(client, table)
        meter = Meter(client)
        names = [f"f{number}" for number in range(functions)]
        account = Account(
            [function(name, 2048) for name in names],
            [policy(name, 400.0) for name in names],
            wrap_store=lambda _: DynamoStore(Rows(client, table), time.monotonic),
        )
        account.run(DAY_S)
        meter.clear()
        account.run(hours * HOUR_S)
    finally:
        server.stop()
    per_endpoint = MONTH_S / (hours * HOUR_S) / functions
    leases = MONTH_S / LEASE_S * (USD_PER_WRITE + USD_PER_READ)
    writes, reads = sum(meter.writes.values()), sum(meter.reads.values())
    return {
        "functions": functions,
        "hours": hours,
        "write_units": dict(meter.writes),
        "read_units": dict(meter.reads),
        "calls": dict(meter.calls),
        "units_per_endpoint_month": [round(writes * per_endpoint), round(reads * per_endpoint)],
        "usd_per_month_of_1000_endpoints": round(
            1000.0 * per_endpoint * (writes * USD_PER_WRITE + reads * USD_PER_READ), 2
        ),
        "usd_per_month_of_the_lease": round(leases, 2),
    }


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--functions", type=int, default=2)
    parser.add_argument("--hours", type=float, default=24.0)
    given = parser.parse_args()
    print(json.dumps(measured(given.functions, given.hours), indent=2))


if __name__ == "__main__":
    main()
