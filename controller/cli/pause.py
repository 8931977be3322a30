"""`rightsizer pause` and `rightsizer resume`: a person's stop, and its end."""

from datetime import datetime

import click

from controller.cli.endpoints import complete, journalled, pick
from controller.cli.exits import CommandError
from controller.cli.options import Verb
from controller.cli.session import Session, pass_session
from controller.cli.words import when
from controller.core.sentence import counted
from controller.model.condition import Pause
from controller.model.endpoint import EndpointKey
from controller.store.opened import Journal

FLEET = "*"


@click.command(cls=Verb)
@click.argument("endpoint", required=False, shell_complete=complete)
@click.option("--all", "everything", is_flag=True, help="The whole fleet.")
@click.option(
    "--for", "duration", metavar="DURATION", help="How long, e.g. 2h; else until resumed."
)
@click.option("--until", metavar="TIME", help="Until when, e.g. 2026-11-30T08:00:00Z.")
@click.option("--reason", required=True, help="Why; shown wherever the pause is.")
@pass_session
def pause(
    session: Session,
    *,
    endpoint: str | None,
    everything: bool,
    duration: str | None,
    until: str | None,
    reason: str,
) -> None:
    """Stop changing an endpoint, or all of them.

    It is still looked at and judged. A change under way is taken back, unless all of its
    traffic has moved already. An earlier pause of the same endpoint is replaced.
    """
    from controller.cli.journal import writing

    _one_of(endpoint, everything)
    until_s = _until_s(session, duration, until)
    with writing(session) as store:
        scope = FLEET if endpoint is None else str(_known(store, endpoint))
        now_s = session.clock.now_s()
        actor = f"cli:{session.environment.user}"
        store.pause(Pause(scope, now_s, until_s, reason, actor))
    what = "the fleet" if scope == FLEET else scope
    end = "until it is resumed" if until_s is None else f"until {when(until_s)}"
    session.write(f"paused: {what} {end}: {reason}\n")


@click.command(cls=Verb)
@click.argument("endpoint", required=False, shell_complete=complete)
@click.option("--all", "everything", is_flag=True, help="The fleet's pause and every endpoint's.")
@click.option("--accept", is_flag=True, help="With --all: accept every present size as well.")
@pass_session
def resume(session: Session, *, endpoint: str | None, everything: bool, accept: bool) -> None:
    """Lift a pause and accept the present size.

    With a size accepted, whatever somebody else did to the endpoint before now is no longer
    held against anybody: this also ends the holds Drifted and OwnerConflict. But --all lifts
    pauses only, unless --accept is given too.
    """
    from controller.cli.journal import writing

    _one_of(endpoint, everything)
    with writing(session) as store:
        if endpoint is None:
            _resume_all(session, store, accept)
        else:
            _resume_one(session, store, _known(store, endpoint))


def _resume_one(session: Session, store: Journal, key: EndpointKey) -> None:
    paused = store.resume(str(key))
    _accept(session, store, key)
    was = "resumed" if paused else "was not paused"
    session.write(f"{was}: {key}; its present size is accepted\n")
    if any(pause.scope == FLEET and _live(session, pause) for pause in store.pauses()):
        session.say("warning: the whole fleet is paused still: rightsizer resume --all")


def _resume_all(session: Session, store: Journal, accept: bool) -> None:
    keys = sorted(journalled(store)) if accept else []
    pauses = store.pauses()
    for pause_ in pauses:
        store.resume(pause_.scope)
    for key in keys:
        _accept(session, store, key)
    accepted = f"; the present size of {counted(len(keys), 'endpoint')} is accepted"
    lifted = f"resumed: {counted(len(pauses), 'pause')} lifted"
    session.write(f"{lifted}{accepted if accept else ''}\n")


def _accept(session: Session, store: Journal, key: EndpointKey) -> None:
    store.put_checkpoint(f"accepted:{key}", repr(session.clock.now_s()))


def _live(session: Session, pause_: Pause) -> bool:
    return pause_.until_s is None or pause_.until_s > session.clock.now_s()


def _known(store: Journal, endpoint: str) -> EndpointKey:
    paused = {EndpointKey.parse(p.scope) for p in store.pauses() if p.scope != FLEET}
    return pick(endpoint, journalled(store) | paused, f"in the journal {store.path}")


def _one_of(endpoint: str | None, everything: bool) -> None:
    if (endpoint is None) == (not everything):
        raise click.UsageError("Give either an ENDPOINT or --all.")


def _until_s(session: Session, duration: str | None, until: str | None) -> float | None:
    now_s = session.clock.now_s()
    if duration is not None and until is not None:
        raise click.UsageError("Give either --for or --until, not both.")
    if duration is not None:
        return now_s + _duration_s(duration)
    if until is None:
        return None
    try:
        instant = datetime.fromisoformat(until)
    except ValueError:
        raise click.UsageError(
            f"{until!r} is not a time; write it as 2026-11-30T08:00:00Z."
        ) from None
    if instant.tzinfo is None:
        raise click.UsageError(f"{until!r} has no time zone; write it as {until}Z for UTC.")
    if instant.timestamp() <= now_s:
        raise CommandError(f"{until} is not in the future: it is {when(now_s)}")
    return instant.timestamp()


def _duration_s(text: str) -> float:
    from controller.policy.durations import parse_duration_s
    from controller.policy.problems import SpecValueError

    try:
        seconds = parse_duration_s(text)
    except SpecValueError as error:
        hint = f"; {error.hint}" if error.hint else ""
        raise click.UsageError(f"--for: {error.message}{hint}.") from None
    if seconds <= 0.0:
        raise click.UsageError("--for: a pause lasts longer than nothing.")
    return seconds
