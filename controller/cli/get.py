"""`rightsizer get`: policies from files, and everything else from the journal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from controller.cli.connect import load_policies
from controller.cli.endpoints import (
    KEY_LABELS,
    complete,
    journalled,
    labels,
    pick,
    selected,
    why_none,
)
from controller.cli.exits import CommandError
from controller.cli.lazy import Lazy, LazyGroup
from controller.cli.options import Verb, output_option, policies_option, selector_option
from controller.cli.output import Document, listing, show_document, show_names, show_table
from controller.cli.session import Session, pass_session
from controller.model.endpoint import EndpointKey

FORMS = ("table", "wide", "json", "yaml", "name")

LISTS = {
    "policies": Lazy("controller.cli.get:policies", "Policies with defaults merged in."),
    "endpoints": Lazy("controller.cli.get:endpoints", "Endpoints, as last judged."),
    "changes": Lazy("controller.cli.get:changes", "Changes, newest first; one with its history."),
    "advice": Lazy("controller.cli.get_advice:advice", "What a person might do to save money."),
    "conditions": Lazy("controller.cli.get:conditions", "What holds now, since when, and why."),
    "pauses": Lazy("controller.cli.get_pauses:pauses", "Who paused what, until when, and why."),
    "probes": Lazy("controller.cli.get_probes:probes", "Probes: what they found and cost."),
}


@click.group(cls=LazyGroup, lazy=LISTS)
def get() -> None:
    """List policies, endpoints, changes, conditions, advice, pauses or probes.

    Policies come from files, all else from the journal: no call to AWS is made.
    """


@click.command(cls=Verb, name="policies")
@policies_option()
@selector_option()
@output_option(*FORMS)
@pass_session
def policies(
    session: Session, *, policies: tuple[str, ...], selectors: Mapping[str, str], output: str
) -> None:
    """Policies with defaults merged in.

    -l asks for labels of their metadata. The forms json and yaml show every field.
    """
    from controller.cli.get_views import POLICY_COLUMNS, POLICY_WIDE, policy_row
    from controller.policy import resolved_document

    loaded = load_policies(session, policies).policies
    chosen = [policy for policy in loaded if selected(selectors, policy.labels)]
    if output == "name":
        show_names(session, [policy.name for policy in chosen])
    elif output in {"json", "yaml"}:
        items = [
            {**resolved_document(policy), "generation": policy.generation} for policy in chosen
        ]
        show_document(session, output, listing("PolicyList", items))
    else:
        wide = output == "wide"
        rows = [policy_row(policy, wide=wide) for policy in chosen]
        if rows:
            show_table(session, POLICY_WIDE if wide else POLICY_COLUMNS, rows)
        else:
            session.say(why_none(selectors, [policy.labels for policy in loaded]))


@click.command(cls=Verb, name="endpoints")
@click.argument("endpoint", required=False, shell_complete=complete)
@selector_option(*KEY_LABELS, "policy", "decision", "reason")
@output_option(*FORMS)
@pass_session
def endpoints(
    session: Session, *, endpoint: str | None, selectors: Mapping[str, str], output: str
) -> None:
    """Endpoints, as last judged.

    -l asks for kind, account, region, name, qualifier, policy, decision or reason.
    """
    from controller.cli.get_views import ENDPOINT_COLUMNS, ENDPOINT_WIDE, endpoint_row
    from controller.cli.journal import reading

    with reading(session) as store:
        known = store.assessments()
        if endpoint is not None:
            key = pick(endpoint, known, f"in the journal {store.path}")
            known = {key: known[key]}
        paused = {pause.scope for pause in store.pauses() if _live(session, pause.until_s)}
        items = [
            {**document, "paused": bool({"*", str(key)} & paused)}
            for key, document in known.items()
            if selected(selectors, _endpoint_labels(key, document))
        ]
    wide = output == "wide"
    columns = ENDPOINT_WIDE if wide else ENDPOINT_COLUMNS
    rows = (endpoint_row(item, wide=wide) for item in items)
    _show(session, output, ("EndpointList", "endpoint"), items, (columns, rows))


@click.command(cls=Verb, name="changes")
@click.argument("which", required=False, metavar="[ENDPOINT|ID]", shell_complete=complete)
@selector_option(*KEY_LABELS, "policy", "phase", "reason", "actor")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most.")
@output_option(*FORMS)
@pass_session
def changes(
    session: Session,
    *,
    which: str | None,
    selectors: Mapping[str, str],
    limit: int,
    output: str,
) -> None:
    """Changes, newest first; one with its history.

    -l asks for kind, account, region, name, qualifier, policy, phase, reason or actor.
    """
    from controller.cli.get_views import CHANGE_COLUMNS, CHANGE_WIDE, change_row, show_change
    from controller.cli.journal import reading
    from controller.runtime.documents import change_document

    with reading(session) as store:
        if which is not None and which.isdigit():
            change = store.change(int(which)) if len(which) < 19 else None
            if change is None:
                raise CommandError(f"there is no change {which} in the journal {store.path}")
            found = [change_document(change, tuple(store.events(change.id)))]
            if output in {"table", "wide"}:
                show_change(session, found[0])
                return
        else:
            key = _key(store, which)
            rows_of = (change_document(change) for change in store.changes(key))
            found = [item for item in rows_of if selected(selectors, _change_labels(item))][:limit]
    wide = output == "wide"
    rows = (change_row(item, wide=wide) for item in found)
    columns = CHANGE_WIDE if wide else CHANGE_COLUMNS
    _show(session, output, ("ChangeList", "id"), found, (columns, rows))


@click.command(cls=Verb, name="conditions")
@click.argument("endpoint", required=False, shell_complete=complete)
@selector_option(*KEY_LABELS, "type", "status", "reason")
@output_option(*FORMS)
@pass_session
def conditions(
    session: Session, *, endpoint: str | None, selectors: Mapping[str, str], output: str
) -> None:
    """What holds now, since when, and why.

    -l asks for kind, account, region, name, qualifier, type, status or reason.
    """
    from controller.cli.get_views import CONDITION_COLUMNS, condition_row
    from controller.cli.journal import reading
    from controller.runtime.documents import condition_document, key_document

    with reading(session) as store:
        items = [
            {"endpoint": key_document(key), **condition_document(condition)}
            for key, found in store.conditions(_key(store, endpoint)).items()
            for condition in found
        ]
    chosen = [item for item in items if selected(selectors, _condition_labels(item))]
    rows = (condition_row(item) for item in chosen)
    _show(session, output, ("ConditionList", "endpoint"), chosen, (CONDITION_COLUMNS, rows))


def _show(
    session: Session,
    form: str,
    named: tuple[str, str],
    items: Sequence[Document],
    table: tuple[Sequence[str], Iterable[Any]],
) -> None:
    kind, name = named
    if form == "name":
        names = [item[name]["key"] if name == "endpoint" else str(item[name]) for item in items]
        show_names(session, dict.fromkeys(names))
    elif form in {"json", "yaml"}:
        show_document(session, form, listing(kind, items))
    elif items:
        show_table(session, *table)
    else:
        session.say("nothing found")


def _key(store: Any, endpoint: str | None) -> EndpointKey | None:
    if endpoint is None:
        return None
    return pick(endpoint, journalled(store), f"in the journal {store.path}")


def _live(session: Session, until_s: float | None) -> bool:
    return until_s is None or until_s > session.clock.now_s()


def _endpoint_labels(key: EndpointKey, document: Document) -> Mapping[str, str]:
    more = {name: str(document.get(name)) for name in ("policy", "decision", "reason")}
    return labels(key, more)


def _change_labels(item: Document) -> Mapping[str, str]:
    names = ("policy", "phase", "reason", "actor")
    return labels(EndpointKey.parse(item["endpoint"]["key"]), {n: str(item[n]) for n in names})


def _condition_labels(item: Document) -> Mapping[str, str]:
    names = ("type", "status", "reason")
    return labels(EndpointKey.parse(item["endpoint"]["key"]), {n: str(item[n]) for n in names})
