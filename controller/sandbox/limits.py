"""AWS's own rates of API calls, per account and region, as throttling faults.

They are off unless asked for. A world whose clock stands still during a tick would give
all its tokens to the first calls of the tick and none to the rest, where a real clock
spreads the same calls over seconds: switch them on where time runs, or to see how a
controller takes being throttled.
"""

from __future__ import annotations

from controller.sandbox.faults import Fault, FaultKind

_LAMBDA_DATA_PLANE = "Invoke,InvokeAsync,InvokeWithResponseStream"
# (service, operations, calls a second). Lambda's control plane shares one rate, from which
# invocations and GetFunction are exempt.
_RATES = (
    ("lambda", f"!GetFunction,GetPolicy,{_LAMBDA_DATA_PLANE}", 15.0),
    ("lambda", "GetFunction", 100.0),
    ("cloudwatch", "GetMetricData", 50.0),
    ("cloudwatch", "GetMetricStatistics", 400.0),
    ("cloudwatch", "ListMetrics", 25.0),
    ("cloudwatch", "DescribeAlarms", 9.0),
    ("cloudwatch", "PutMetricAlarm", 3.0),
    ("logs", "StartQuery", 5.0),
    ("logs", "GetQueryResults", 5.0),
    ("pricing", "!", 10.0),
    ("resourcegroupstaggingapi", "GetResources", 15.0),
)


def aws_limits() -> tuple[Fault, ...]:
    """One fault per rate, with room for a second's worth of calls at once."""
    return tuple(
        Fault(
            FaultKind.THROTTLE,
            service=service,
            operation=operations,
            rate_per_s=rate_per_s,
            burst=rate_per_s,
        )
        for service, operations, rate_per_s in _RATES
    )
