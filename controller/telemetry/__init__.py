"""What the controller tells of itself: Prometheus metrics and structured logs.

`metric` says what a metric is and `catalogue` lists all of them as a literal table;
`registry` makes prometheus-client objects of it; `snapshot` exports one set of gauges per
endpoint from what is known now; `metrics.Telemetry` is what the runtime calls; `reference`
writes `docs/metrics.md`. `logging` sets structlog up, and `redaction` keeps credentials
out of it.
"""
