"""Endpoints by the names that people use: the whole key, `name`, or `name:qualifier`."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import click
from click.shell_completion import CompletionItem

from controller.cli.exits import CommandError
from controller.cli.session import Session
from controller.model.endpoint import EndpointKey, default_qualifier
from controller.ports import Store

MOST_NAMED = 8
"""Endpoints that a message lists."""


def pick(text: str, known: Iterable[EndpointKey], where: str) -> EndpointKey:
    """The one endpoint that is meant. Raises CommandError, naming what comes near."""
    keys = sorted(set(known))
    for names in (_exact, _short, _by_name):
        found = [key for key in keys if text in names(key)]
        if len(found) == 1:
            return found[0]
        if found:
            raise CommandError(f"{text!r} may be any of {_listed(found)}; give the whole key")
    raise CommandError(f"there is no endpoint {text!r} {where}{_hint(text, keys)}")


def _exact(key: EndpointKey) -> tuple[str, ...]:
    return (str(key), str(key).removesuffix(f":{default_qualifier(key.kind)}"))


def _short(key: EndpointKey) -> tuple[str, ...]:
    place = f"{key.region}/{key.name}:{key.qualifier}"
    return (key.short, key.short.partition(" ")[2], place, f"{key.name}:{key.qualifier}")


def _by_name(key: EndpointKey) -> tuple[str, ...]:
    return (key.name,)


def _hint(text: str, keys: Sequence[EndpointKey]) -> str:
    if not keys:
        return "; there are none at all"
    by_name = {name: key for key in keys for name in (key.name, f"{key.name}:{key.qualifier}")}
    bare = text.rpartition("/")[2]
    near = get_close_matches(bare, by_name, n=3, cutoff=0.6)
    if near:
        meant = sorted({str(by_name[name]) for name in near})
        return f"; did you mean {' or '.join(meant)}?"
    return f"; there are {_listed(keys)}"


def _listed(keys: Sequence[EndpointKey]) -> str:
    shown = ", ".join(str(key) for key in keys[:MOST_NAMED])
    return shown if len(keys) <= MOST_NAMED else f"{shown} and {len(keys) - MOST_NAMED} more"


def journalled(store: Store) -> set[EndpointKey]:
    """Every endpoint that the journal knows of."""
    changed = {change.key for change in store.changes()}
    return set(store.assessments()) | set(store.conditions()) | changed


KEY_LABELS = ("kind", "account", "region", "name", "qualifier")
"""Labels that every endpoint has by its key."""


def labels(key: EndpointKey, more: Mapping[str, str]) -> Mapping[str, str]:
    """What `-l` may ask of an endpoint."""
    return {
        "kind": key.kind.value,
        "account": key.account,
        "region": key.region,
        "name": key.name,
        "qualifier": key.qualifier,
        **more,
    }


def selected(wanted: Mapping[str, str], have: Mapping[str, str]) -> bool:
    """Whether all labels asked for are there."""
    return all(have.get(label) == value for label, value in wanted.items())


def why_none(wanted: Mapping[str, str], all_labels: Sequence[Mapping[str, str]]) -> str:
    """Why nothing has the labels asked for, for one who may have mistyped one."""
    names = sorted({name for one in all_labels for name in one})
    for label in wanted:
        if label not in names:
            known = f"their labels are {', '.join(names)}" if names else "none has any label"
            return f"nothing found: no policy has a label {label!r}; {known}"
    return "nothing found"


def complete(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Keys from the journal, for the shell. Never fails: a completion that cannot is empty."""
    from controller.cli.journal import reading

    session: Any = context.find_object(Session)
    try:
        with reading(session) as store:
            keys = journalled(store)
    except Exception:
        return []
    names = sorted({str(key) for key in keys} | {key.name for key in keys})
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
