"""The SLO's counters: fed with what a read of CloudWatch brought, kept in the journal.

The journal is written before a scrape can see the new numbers: a counter that went back
after a crash would look like a restart to Prometheus, and be counted twice there.
"""

import json
from collections.abc import Iterable

from controller.core.slo_ledger import Ledger, Totals, budget_remaining, taken
from controller.model.endpoint import EndpointKey
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy
from controller.model.window import Window
from controller.ports import Store
from controller.runtime.samples import SampleBook, Wanted
from controller.telemetry.metrics import Telemetry

_NOT_READ = Missing("not read yet")


class SloCounting:
    """One ledger per endpoint; the places of one process never share an endpoint."""

    def __init__(self, store: Store, telemetry: Telemetry, samples: SampleBook) -> None:
        self._store = store
        self._telemetry = telemetry
        self._samples = samples
        self._ledgers: dict[EndpointKey, Ledger] = {}
        self._budgets: dict[EndpointKey, tuple[tuple[Window, ...], float, Maybe[float]]] = {}

    def take(self, wanted: Iterable[Wanted]) -> None:
        """Count what was just read of these endpoints. Raises StoreError."""
        grown: dict[EndpointKey, tuple[Policy, Ledger]] = {}
        for one in wanted:
            samples = self._samples.get(one.key)
            if samples is None:
                continue
            before = self._of(one.key)
            after = taken(before, samples.recent, one.policy.slo.threshold_ms)
            grown[one.key] = one.policy, after
        with self._store.batch():
            for key, (_, after) in grown.items():
                if self._ledgers.get(key) != after:
                    self._store.put_checkpoint(_name(key), written(after))
        for key, (policy, after) in grown.items():
            self._ledgers[key] = after
            left = self._budget_left(key, policy)
            self._telemetry.requests_counted(key, policy.name, after.total, left)

    def forget(self, key: EndpointKey) -> None:
        """Drop the working copy; the journal keeps the numbers, should it come back."""
        self._ledgers.pop(key, None)
        self._budgets.pop(key, None)

    def budget_left(self, key: EndpointKey) -> Maybe[float]:
        """Share of the slow requests allowed in two weeks that is left, as last reckoned."""
        kept = self._budgets.get(key)
        return _NOT_READ if kept is None else kept[2]

    def _of(self, key: EndpointKey) -> Ledger:
        ledger = self._ledgers.get(key)
        if ledger is None:
            text = self._store.checkpoint(_name(key))
            ledger = Ledger() if text is None else read(text)
        return ledger

    def _budget_left(self, key: EndpointKey, policy: Policy) -> Maybe[float]:
        """Of two weeks; computed when an hour has ended, not with every tick."""
        samples = self._samples.get(key)
        if samples is None:
            return _NOT_READ
        kept = self._budgets.get(key)
        percentile = policy.slo.percentile
        if kept is None or kept[0] is not samples.hourly or kept[1] != percentile:
            left = budget_remaining(samples.hourly, policy.slo)
            kept = self._budgets[key] = samples.hourly, percentile, left
        return kept[2]


def written(ledger: Ledger) -> str:
    """As kept in the journal."""
    document = {
        "total": _numbers(ledger.total),
        "threshold_ms": ledger.threshold_ms,
        "open": [[start, *_numbers(seen)] for start, seen in sorted(ledger.open.items())],
        "closed_s": ledger.closed_s,
        "end_s": ledger.end_s,
    }
    return json.dumps(document, separators=(",", ":"))


def read(text: str) -> Ledger:
    """Inverse of `written`."""
    document = json.loads(text)
    return Ledger(
        total=Totals(*document["total"]),
        threshold_ms=float(document["threshold_ms"]),
        open={float(start): Totals(*seen) for start, *seen in document["open"]},
        closed_s=float(document["closed_s"]),
        end_s=float(document["end_s"]),
    )


def _numbers(totals: Totals) -> list[int]:
    return [totals.requests, totals.slow, totals.failed]


def _name(key: EndpointKey) -> str:
    return f"slo:{key}"
