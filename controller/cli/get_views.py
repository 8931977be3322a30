"""Rows of `rightsizer get`, from the documents that the journal and `-o json` hold.

An assessment may have been written by an older version: what is not in it is shown empty.
"""

from collections.abc import Mapping
from typing import Any

from controller.cli.output import Cell, Row, show_table
from controller.cli.session import Session
from controller.cli.size_words import size_arrow
from controller.cli.words import arrow, number, percent, usd
from controller.model.endpoint import Kind, default_qualifier
from controller.model.policy import Policy
from controller.policy.durations import format_duration_ms
from controller.runtime.size_documents import size_from

POLICY_COLUMNS = ("NAME", "MODE", "TARGET", "SLO", ">BUDGET")
POLICY_WIDE = (*POLICY_COLUMNS, "CONFIDENCE", "GENERATION", "SOURCE")
ENDPOINT_COLUMNS = ("ENDPOINT", "~POLICY", "SIZE", "SLO", "~>P95 MS", ">USD/MONTH", "REASON")
ENDPOINT_WIDE = (*(c.removeprefix("~") for c in ENDPOINT_COLUMNS[:-1]), "AT", "REASON", "MESSAGE")
CHANGE_COLUMNS = (">ID", "ENDPOINT", "CHANGE", "PHASE", "REASON", "~ACTOR", "~PLANNED")
CHANGE_WIDE = (*(c.removeprefix("~") for c in CHANGE_COLUMNS), "UPDATED", "VERDICT")
ADVICE_COLUMNS = ("ENDPOINT", "REASON", ">USD/MONTH", "ADVICE")
CONDITION_COLUMNS = ("ENDPOINT", "TYPE", "STATUS", "~REASON", "~SINCE", "MESSAGE")
PAUSE_COLUMNS = ("SCOPE", "UNTIL", "BY", "~SINCE", "REASON")

Document = Mapping[str, Any]


def policy_row(policy: Policy, *, wide: bool) -> Row:
    """One policy."""
    slo, budget = policy.slo, policy.budget_usd_per_month
    threshold = format_duration_ms(slo.threshold_ms)
    row = (
        policy.name,
        policy.mode.value,
        _target(policy),
        f"p{slo.percentile * 100:g} <= {threshold}",
        "" if budget is None else f"{usd(budget)} USD",
    )
    if not wide:
        return row
    return (*row, percent(policy.confidence), policy.generation, str(policy.source))


def _target(policy: Policy) -> str:
    """`lambda eu-west-1/ocr:live`, `any us-east-1/{fraud-*, team=fraud}`."""
    target = policy.target
    kinds = [
        kind.value.removesuffix("_function").removesuffix("_endpoint") for kind in target.kinds
    ]
    kind = "any" if len(kinds) == len(Kind) else "+".join(kinds)
    qualifier = "" if target.more_kinds else f":{target.qualifier_of(target.kind)}"
    if target.name is not None:
        return f"{kind} {target.scope.region}/{target.name}{qualifier}"
    selector = target.selector
    parts = [] if selector is None else [f"{k}={v}" for k, v in sorted(selector.tags.items())]
    if selector is not None and selector.name_pattern is not None:
        parts.insert(0, selector.name_pattern)
    return f"{kind} {target.scope.region}/{{{', '.join(parts)}}}{qualifier}"


def endpoint_cell(item: Document) -> Cell:
    """The whole key; where there is no room, what tells most and is understood as well."""
    return _key_cell(str(item["endpoint"]["key"]))


def _key_cell(key: str) -> Cell:
    """`lambda_function/123456789012/eu-west-1/ocr:live`, in short `eu-west-1/ocr:live`."""
    kind = Kind(key.partition("/")[0]) if "/" in key else Kind.LAMBDA_FUNCTION
    return Cell(key, brief=key.split("/", 2)[-1].removesuffix(f":{default_qualifier(kind)}"))


def endpoint_row(item: Document, *, wide: bool) -> Row:
    """One endpoint as last judged."""
    slo = item.get("slo") or {}
    attainment = str(slo.get("attainment", ""))
    styles = {"Met": "green", "Breached": "red"}
    reason = f"{item.get('reason', '')}{' (paused)' if item.get('paused') else ''}"
    row = (
        endpoint_cell(item),
        str(item.get("policy", "")),
        _sizes(item.get("currentSize"), item.get("desiredSize")),
        Cell(attainment, styles.get(attainment, "")),
        _number(slo.get("p95Ms")),
        _cost(item),
    )
    if not wide:
        return (*row, reason)
    return (*row, str(item.get("at") or ""), reason, str(item.get("message", "")))


def _sizes(before: Any, after: Any) -> str:
    """`3008 -> 2048 MB`; nothing where a size is not there, or of another time."""
    try:
        return size_arrow(size_from(before), size_from(after))
    except (ValueError, KeyError, TypeError):
        return ""


def _number(value: Any) -> str:
    return number(float(value)) if isinstance(value, int | float) else ""


def _cost(item: Document) -> str:
    """Of the present size, and of the one that is wanted."""
    current = item.get("currentSize")
    found = [c for c in item.get("candidates", ()) if c.get("size") == current]
    here = found[0].get("usdPerMonth", {}) if found else {}
    if "mid" not in here:
        return ""
    after = (item.get("wanted") or {}).get("usdPerMonthAfter", here)
    return arrow(usd(float(here["mid"])), usd(float(after["mid"])))


def change_row(item: Document, *, wide: bool) -> Row:
    """One change."""
    row = (
        str(item["id"]),
        endpoint_cell(item),
        # a mirrored probe leaves the size as it is: its message says what it measures
        str(item["message"])
        if item["reason"] == "Probing"
        else _sizes(item["before"], item["target"]),
        _phase(item),
        str(item["reason"]),
        str(item["actor"]),
        str(item["plannedAt"]),
    )
    if not wide:
        return row
    verdict = item.get("verdict")
    words = f"{verdict['kind']} {verdict['reason']}: {verdict['message']}" if verdict else ""
    return (*row, str(item["updatedAt"]), words)


def _phase(item: Document) -> Cell:
    styles = {"Verified": "green", "RolledBack": "red", "Failed": "red"}
    phase = str(item["phase"])
    return Cell(phase, styles.get(phase, "yellow"))


def show_change(session: Session, item: Document) -> None:
    """One change with everything that happened to it."""
    show_table(session, CHANGE_WIDE, [change_row(item, wide=True)])
    session.write(f"\n{item['message']}\n\n")
    rows = [
        (str(event["at"]), str(event["phase"]), str(event["what"]), str(event["message"]))
        for event in item.get("events", ())
    ]
    show_table(session, ("AT", "PHASE", "WHAT", "MESSAGE"), rows)


def condition_row(item: Document) -> Row:
    """One condition."""
    return (
        endpoint_cell(item),
        str(item["type"]),
        str(item["status"]),
        str(item["reason"]),
        str(item["lastTransitionTime"]),
        str(item["message"]),
    )


def advice_row(item: Document) -> Row:
    """One piece of advice, with what following it would save."""
    saves = item.get("savesUsdPerMonth") or {}
    return (
        endpoint_cell(item),
        str(item["reason"]),
        usd(float(saves["mid"])) if "mid" in saves else "",
        str(item["message"]),
    )


def pause_row(item: Document) -> Row:
    """One pause."""
    until = item["until"]
    over = Cell("over", "dim") if item["over"] else Cell(until or "resumed", "yellow")
    return (
        _key_cell(str(item["scope"])),
        over,
        str(item["actor"]),
        str(item["since"]),
        str(item["reason"]),
    )
