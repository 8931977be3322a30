"""Amazon CloudWatch: its operations, by name."""

from __future__ import annotations

from collections.abc import Mapping

from controller.sandbox import alarms_api, alarms_tags
from controller.sandbox.cloudwatch_data_api import get_metric_data
from controller.sandbox.cloudwatch_other_api import (
    get_metric_statistics,
    list_metrics,
    put_metric_data,
)
from controller.sandbox.lambda_common import locked
from controller.sandbox.wire.contract import Handler

HANDLERS: Mapping[str, Handler] = {
    "GetMetricData": locked(get_metric_data),
    "GetMetricStatistics": locked(get_metric_statistics),
    "ListMetrics": locked(list_metrics),
    "PutMetricData": locked(put_metric_data),
    **{name: locked(handler) for name, handler in alarms_api.HANDLERS.items()},
    **{name: locked(handler) for name, handler in alarms_tags.HANDLERS.items()},
}
