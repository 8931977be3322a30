"""CloudWatch's operations on alarms, by name.

Facts: PutMetricAlarm creates or overwrites, and an overwritten alarm keeps its state; deleting
names that do not exist is no error; a state set by hand lasts until the next evaluation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.sandbox.alarms_clock import catch_up, introduce, set_state
from controller.sandbox.alarms_request import rule_of
from controller.sandbox.alarms_state import HISTORY_KEPT_S, Alarm, AlarmPlace, alarms_of
from controller.sandbox.extensions import state_of
from controller.sandbox.pages import BadTokenError, page_of
from controller.sandbox.sagemaker_neighbours import Neighbours
from controller.sandbox.wire.contract import AwsError, Handler, RequestContext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]

MOST_ALARMS = 5000
PER_PAGE = 50
_NOT_SHOWN = {"ActionsEnabled", "Tags"}


def put_metric_alarm(world: World, ctx: RequestContext, params: Params) -> Answer:
    """PutMetricAlarm."""
    introduce(world, state_of(world, Neighbours))
    rule = rule_of(params)
    place = alarms_of(world, ctx.account, ctx.region)
    name, now_s = str(params["AlarmName"]), ctx.now_s
    members = {key: value for key, value in params.items() if key not in _NOT_SHOWN}
    enabled = bool(params.get("ActionsEnabled", True))
    present = place.alarms.get(name)
    if present is None:
        if len(place.alarms) >= MOST_ALARMS:
            raise AwsError("LimitExceeded", "The quota for alarms for this customer is reached.")
        tags = {str(tag["Key"]): str(tag["Value"]) for tag in params.get("Tags", ())}
        place.alarms[name] = Alarm(
            name, place.arn(name), rule, members, now_s, now_s, now_s, now_s, enabled, tags=tags
        )
        note_configuration(place, name, "created", now_s)
        return {}
    catch_up(world, place, [present])
    present.rule, present.members, present.enabled = rule, members, enabled
    present.configured_s, present.judged_to_s = now_s, None
    note_configuration(place, name, "updated", now_s)
    return {}


def note_configuration(place: AlarmPlace, name: str, what: str, now_s: float) -> None:
    """A line of history: the alarm was created, updated or deleted."""
    kind = {"created": "Create", "updated": "Update", "deleted": "Delete"}[what]
    data = json.dumps({"version": "1.0", "type": kind})
    place.note(now_s, name, "ConfigurationUpdate", f'Alarm "{name}" {what}', data)


def delete_alarms(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteAlarms: those that exist; the others are passed over."""
    place = alarms_of(world, ctx.account, ctx.region)
    for name in params["AlarmNames"]:
        delete_alarm(world, place, str(name))
    return {}


def delete_alarm(world: World, place: AlarmPlace, name: str) -> None:
    """Delete an alarm if there is one; its history stays."""
    alarm = place.alarms.get(name)
    if alarm is not None:
        catch_up(world, place, [alarm])
        del place.alarms[name]
        note_configuration(place, name, "deleted", world.now_s())


def describe_alarms(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeAlarms: metric alarms by name, prefix, state or prefix of an action."""
    if "AlarmNames" in params and "AlarmNamePrefix" in params:
        raise AwsError("InvalidParameterCombination",
                       "AlarmNames and AlarmNamePrefix must not be given together.")  # fmt: skip
    place = alarms_of(world, ctx.account, ctx.region)
    found = [place.alarms[name] for name in sorted(place.alarms) if _named(name, params)]
    if "AlarmTypes" in params and "MetricAlarm" not in params["AlarmTypes"]:
        found = []
    if "ActionPrefix" in params:
        prefix = str(params["ActionPrefix"])
        found = [a for a in found if any(arn.startswith(prefix) for arn in _all_actions(a))]
    if "StateValue" in params:
        for alarm in found:
            catch_up(world, place, [alarm])
        found = [alarm for alarm in found if alarm.state == params["StateValue"]]
    shown, following = _page(found, params, "alarms")
    answer: dict[str, Any] = {
        "MetricAlarms": [_view(world, place, alarm) for alarm in shown],
        "CompositeAlarms": [],
    }
    return answer | ({"NextToken": following} if following is not None else {})


def _named(name: str, params: Params) -> bool:
    if "AlarmNames" in params:
        return name in params["AlarmNames"]
    return name.startswith(str(params.get("AlarmNamePrefix", "")))


def _all_actions(alarm: Alarm) -> list[str]:
    kinds = ("OKActions", "AlarmActions", "InsufficientDataActions")
    return [str(arn) for kind in kinds for arn in alarm.members.get(kind, ())]


def _page(items: Sequence[Any], params: Params, listing: str) -> tuple[Sequence[Any], str | None]:
    size = int(params.get("MaxRecords") or PER_PAGE)
    try:
        return page_of(items, params.get("NextToken"), size, listing)
    except BadTokenError as problem:
        raise AwsError("InvalidNextToken", "The next token is invalid.") from problem


def describe_alarms_for_metric(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeAlarmsForMetric: alarms on exactly this metric, these dimensions."""
    place = alarms_of(world, ctx.account, ctx.region)
    asked = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit")
    wanted = _dimensions(params)
    found = [
        alarm
        for _, alarm in sorted(place.alarms.items())
        if all(alarm.members.get(k) == params[k] for k in asked if k in params)
        and _dimensions(alarm.members) == wanted
    ]
    return {"MetricAlarms": [_view(world, place, alarm) for alarm in found]}


def _dimensions(members: Params) -> set[tuple[str, str]]:
    return {(one["Name"], one["Value"]) for one in members.get("Dimensions", ())}


def _view(world: World, place: AlarmPlace, alarm: Alarm) -> dict[str, Any]:
    catch_up(world, place, [alarm])
    view: dict[str, Any] = {
        "OKActions": [], "AlarmActions": [], "InsufficientDataActions": [], "Dimensions": [],
        **alarm.members,
        "AlarmArn": alarm.arn,
        "ActionsEnabled": alarm.enabled,
        "AlarmConfigurationUpdatedTimestamp": _time(alarm.configured_s),
        "StateValue": alarm.state,
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": _time(alarm.updated_s),
        "StateTransitionedTimestamp": _time(alarm.transitioned_s),
    }  # fmt: skip
    if alarm.reason_data is not None:
        view["StateReasonData"] = alarm.reason_data
    return view


def _time(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def set_alarm_state(world: World, ctx: RequestContext, params: Params) -> Answer:
    """SetAlarmState: until the next evaluation, which is at the next minute."""
    place = alarms_of(world, ctx.account, ctx.region)
    alarm = place.alarms.get(str(params["AlarmName"]))
    if alarm is None:
        raise AwsError("ResourceNotFound", "Unknown alarm.", 404)
    data = params.get("StateReasonData")
    if data is not None:
        try:
            json.loads(data)
        except ValueError as problem:
            raise AwsError("InvalidFormat", "StateReasonData is not valid JSON.") from problem
    catch_up(world, place, [alarm])
    why = (str(params["StateReason"]), data)
    set_state(place, alarm, str(params["StateValue"]), why, ctx.now_s)
    alarm.judged_to_s = None
    return {}


def enable_alarm_actions(world: World, ctx: RequestContext, params: Params) -> Answer:
    """EnableAlarmActions."""
    return _enable(world, ctx, params, True)


def disable_alarm_actions(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DisableAlarmActions."""
    return _enable(world, ctx, params, False)


def _enable(world: World, ctx: RequestContext, params: Params, enabled: bool) -> Answer:
    place = alarms_of(world, ctx.account, ctx.region)
    for name in params["AlarmNames"]:
        alarm = place.alarms.get(str(name))
        if alarm is not None and alarm.enabled != enabled:
            alarm.enabled, alarm.configured_s = enabled, ctx.now_s
            note_configuration(place, alarm.name, "updated", ctx.now_s)
    return {}


def describe_alarm_history(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeAlarmHistory: newest first unless asked otherwise; kept for thirty days."""
    place = alarms_of(world, ctx.account, ctx.region)
    asked = params.get("AlarmName")
    for name, alarm in place.alarms.items():
        if asked in (None, name):
            catch_up(world, place, [alarm])
    since_s = ctx.now_s - HISTORY_KEPT_S
    from_s = params["StartDate"].timestamp() if "StartDate" in params else since_s
    to_s = params["EndDate"].timestamp() if "EndDate" in params else ctx.now_s
    items = [
        item
        for item in place.history
        if asked in (None, item.alarm)
        and params.get("HistoryItemType") in (None, item.kind)
        and max(from_s, since_s) <= item.at_s <= to_s
    ]
    items.sort(key=lambda item: item.at_s)
    if params.get("ScanBy") != "TimestampAscending":
        items.reverse()
    shown, following = _page(items, params, "history")
    views = [
        {
            "AlarmName": item.alarm,
            "AlarmType": "MetricAlarm",
            "Timestamp": _time(item.at_s),
            "HistoryItemType": item.kind,
            "HistorySummary": item.summary[:255],
            "HistoryData": item.data,
        }
        for item in shown
    ]
    answer: dict[str, Any] = {"AlarmHistoryItems": views}
    return answer | ({"NextToken": following} if following is not None else {})


HANDLERS: Mapping[str, Handler] = {
    "PutMetricAlarm": put_metric_alarm,
    "DeleteAlarms": delete_alarms,
    "DescribeAlarms": describe_alarms,
    "DescribeAlarmsForMetric": describe_alarms_for_metric,
    "DescribeAlarmHistory": describe_alarm_history,
    "SetAlarmState": set_alarm_state,
    "EnableAlarmActions": enable_alarm_actions,
    "DisableAlarmActions": disable_alarm_actions,
}
