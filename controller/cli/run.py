"""`rightsizer run`: the controller itself, until it is told to stop."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from controller import __version__
from controller.cli.doors import doors, doors_options, exposure, tls
from controller.cli.options import EnvOption, Verb, policies_option
from controller.cli.replicas import elected, replica_options, shard_of
from controller.cli.sandbox_time import sandbox_time
from controller.cli.session import Session, pass_session
from controller.settings import (
    DEFAULT_JOURNAL_DAYS,
    DEFAULT_LISTEN,
    DEFAULT_WORKERS,
    ENV_PREFIX,
    Settings,
)

NOTIFY_GRACE_S = 5.0
PLACES_AT_ONCE = 8
PACED_TICK_S = 1.0
"""A sandbox that lives a minute in a second has endpoints due every few seconds."""

if TYPE_CHECKING:
    from controller.app import App
    from controller.model.policy import PolicySet
    from controller.policy.watch import PolicyWatch
    from controller.runtime.daemon import Daemon
    from controller.telemetry.notify.channel import Channel


@click.command(cls=Verb)
@policies_option()
@click.option(
    "--listen",
    cls=EnvOption,
    envvar=f"{ENV_PREFIX}LISTEN",
    show_envvar=True,
    default=DEFAULT_LISTEN,
    show_default=True,
    metavar="HOST:PORT",
    help="Where metrics and health are; port 0 takes any free one.",
)
@click.option(
    "--workers",
    cls=EnvOption,
    envvar=f"{ENV_PREFIX}WORKERS",
    show_envvar=True,
    type=click.IntRange(1, 64),
    default=DEFAULT_WORKERS,
    show_default=True,
    help="Threads that work on endpoints.",
)
@click.option(
    "--journal-days",
    cls=EnvOption,
    envvar=f"{ENV_PREFIX}JOURNAL_DAYS",
    show_envvar=True,
    type=click.IntRange(60),
    default=DEFAULT_JOURNAL_DAYS,
    show_default=True,
    help="Days after which a closed change leaves the journal.",
)
@click.option(
    "--keep-versions",
    cls=EnvOption,
    envvar=f"{ENV_PREFIX}KEEP_VERSIONS",
    show_envvar=True,
    type=click.IntRange(1),
    default=None,
    metavar="N",
    help="Remove published versions of ours, but the newest N and what is in use. "
    "Needs lambda:DeleteFunction. Unset: none is removed.",
)
@click.option(
    "--notify",
    cls=EnvOption,
    envvar=f"{ENV_PREFIX}NOTIFY",
    show_envvar=True,
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Channels to tell of changes and broken SLOs: Slack, webhooks, SNS. Unset: nobody is "
    "told.",
)
@doors_options
@replica_options
@click.option(
    "--pace",
    cls=EnvOption,
    envvar=f"{ENV_PREFIX}PACE",
    show_envvar=True,
    type=click.FloatRange(1.0, 3600.0),
    default=None,
    metavar="N",
    help="Live in the time of the sandbox at the endpoint URL, which goes N times faster. Unset: "
    "in real time.",
)
@pass_session
def run(
    session: Session,
    /,
    *,
    policies: tuple[str, ...],
    listen: str,
    workers: int,
    journal_days: int,
    keep_versions: int | None,
    notify: str | None,
    pace: float | None,
    **guarding: Any,
) -> None:
    """Keep endpoints at the right size until told to stop.

    Looks at every endpoint of the policies every few minutes, and changes those whose policy
    says Enforce. Policy files are read again when they change. SIGTERM or Ctrl-C ends it in
    order; a second one ends it at once, and what was under way goes on at the next start.
    SIGHUP reads the policies again.
    """
    from controller.cli.allocator import collect_less, log_without_rich, use_one_arena
    from controller.cli.signals import Signals

    use_one_arena()
    log_without_rich()
    collect_less()
    session.flags |= {"listen": listen, "workers": workers}
    session.flags |= {"journal_days": journal_days, "keep_versions": keep_versions, **guarding}
    host, port = address(listen)
    if pace is not None:
        session.clock = sandbox_time(session, pace)
    signals = Signals()
    _log(session)
    watch, loaded = _watched(session, policies)
    app = _app(session, loaded, notify)
    try:
        if app.notifier is not None:
            app.notifier.start()
        daemon = _daemon(app, watch, host, port, session.settings)
        signals.serve(stop=daemon.request_stop, reload=daemon.request_reload)
        daemon.start(loaded)
        _warn(daemon)
        daemon.wait()
        daemon.stop()
        if app.notifier is not None:
            app.notifier.stop(NOTIFY_GRACE_S)
    finally:
        app.close()


def _warn(daemon: "Daemon") -> None:
    import structlog

    words = exposure(daemon.doors, daemon.listener.url)
    if words is not None:
        structlog.get_logger("rightsizer").warning(words)


def address(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[::1]:PORT` or `:PORT` for all addresses. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise click.UsageError(f"{text!r} is not HOST:PORT, such as {DEFAULT_LISTEN}.")
    return host or "0.0.0.0", int(port)  # noqa: S104 - asked for by leaving the host out


def _log(session: Session, app: "App | None" = None) -> None:
    """Logs to stderr; once there is an app, each line is counted."""
    from controller.telemetry.logging import LogForm, configure_logging

    settings = session.settings
    asked = session.flags.get("log_level")
    configure_logging(
        now_s=session.clock.now_s,
        form=LogForm(settings.log_format),
        color=settings.color,
        level=asked or ("debug" if session.debug else settings.log_level),
        stream=session.err,
        on_message=None if app is None else app.telemetry.log_message,
    )


def _watched(session: Session, paths: Sequence[str]) -> "tuple[PolicyWatch, PolicySet]":
    """The first good set. Raises PolicyInvalid where there is none."""
    from controller.policy import PolicyInvalid, PolicyWatch

    watch = PolicyWatch(paths)
    policies = watch.poll(session.clock.now_s())
    if policies is None:
        raise PolicyInvalid(watch.problems)
    for warning in watch.warnings:
        session.say(f"warning: {warning}")
    return watch, policies


def _channels(session: Session, file: str | None) -> "tuple[Channel, ...]":
    """Raises CommandError where the file is not as it should be."""
    if file is None:
        return ()
    from pathlib import Path

    from controller.cli.exits import CommandError, ExitCode
    from controller.telemetry.notify.settings import SettingsInvalid, read_channels

    try:
        return read_channels(Path(file), session.environment.variables.get)
    except SettingsInvalid as error:
        raise CommandError(str(error), ExitCode.INVALID) from error


def _app(session: Session, policies: "PolicySet", notify: str | None = None) -> "App":
    from controller.app import Wiring, build
    from controller.aws.sessions import Connection
    from controller.cli.generator import generator
    from controller.cli.journal import opened
    from controller.model.lease import LeaseTimes

    settings = session.settings
    channels = _channels(session, notify)
    shard = shard_of(settings)
    store = opened(settings)
    try:
        lease = elected(settings, store, shard)
        if lease is None:
            store.acquire_daemon_lock()
        connection = Connection(
            user_agent=f"rightsizer/{__version__}",
            endpoint_url=settings.endpoint_url,
            write_call_s=None if lease is None else LeaseTimes().call_s,
        )
        app = build(
            Wiring(
                clock=session.clock,
                store=store,
                policies=policies,
                connection=connection,
                wait=session.wait,
                process_metrics=True,
                channels=channels,
                runner=generator(session),
                elected=lease,
                shard=shard,
                places_at_once=PLACES_AT_ONCE,
            )
        )
    except BaseException:
        store.close()
        raise
    _log(session, app)
    return app


def _daemon(app: "App", watch: "PolicyWatch", host: str, port: int, settings: Settings) -> "Daemon":
    from controller.clock import FollowedClock, SystemClock
    from controller.runtime.daemon import Daemon, DaemonParts
    from controller.runtime.housekeeping import Housekeeper, Limits
    from controller.runtime.parting import Parting

    limits = Limits(settings.journal_days, settings.keep_versions)
    housekeeper = Housekeeper(app.store, app.adapters, app.actuator, app.clock, limits)
    parts = DaemonParts(
        app.engine,
        app.store,
        app.telemetry,
        app.clock,
        watch,
        housekeeper,
        app.site,
        doors=doors(settings, host),
        tls=tls(settings),
        rounds=app.rounds,
        elected=app.elected,
        parting=None
        if app.actuator is None
        else Parting(app.engine, app.store, app.actuator, app.clock),
        refresh=app.site.refresh,
    )
    if isinstance(app.clock, FollowedClock):
        parts = replace(parts, machine=SystemClock(), tick_s=PACED_TICK_S)
    return Daemon(parts, host=host, port=port, workers=settings.workers)
