"""Policies and a wired controller, as the commands that ask AWS need them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from controller import __version__
from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.app import App
    from controller.model.policy import PolicySet
    from controller.ports import ProbeRunner
    from controller.runtime.oneshot import OneShot
    from controller.store.opened import Journal


def load_policies(session: Session, paths: Sequence[str]) -> "PolicySet":
    """The policies, warnings told. Raises PolicyInvalid."""
    from controller.policy import load_with_warnings

    policies, warnings = load_with_warnings(paths, session.stdin)
    for warning in warnings:
        session.say(f"warning: {warning}")
    return policies


def tell_only_errors(session: Session) -> None:
    """Logs of a command that ends by itself: what matters it says in its own words."""
    from controller.telemetry.logging import LogForm, configure_logging

    settings = session.settings
    asked = session.flags.get("log_level")
    configure_logging(
        now_s=session.clock.now_s,
        form=LogForm(settings.log_format),
        color=settings.color,
        level=asked or ("debug" if session.debug else "critical"),
        stream=session.err,
    )


@contextmanager
def wired(
    session: Session,
    store: "Journal",
    policies: "PolicySet",
    *,
    acting: bool,
    runner: "ProbeRunner | None" = None,
    probes_of_one: int = 1,
) -> Iterator["App"]:
    """A controller without threads, on this store, which is closed with it. With a load
    generator it can probe, in the name of who is at the keyboard."""
    from controller.app import Wiring, build
    from controller.aws.sessions import Connection

    tell_only_errors(session)
    connection = Connection(
        user_agent=f"rightsizer/{__version__}", endpoint_url=session.settings.endpoint_url
    )
    app = build(
        Wiring(
            clock=session.clock,
            store=store,
            policies=policies,
            connection=connection,
            acting=acting,
            beside=True,
            wait=session.wait,
            runner=runner,
            probes_of_one=probes_of_one,
            actor=f"cli:{session.environment.user}",
        )
    )
    try:
        yield app
    finally:
        app.close()


def one_shot(session: Session, app: "App") -> "OneShot":
    """Looks once, waiting as the session waits."""
    from controller.runtime.oneshot import OneShot

    return OneShot(
        app.engine,
        app.roster,
        app.reports,
        clock=session.clock,
        wait=session.wait,
        say=session.progress,
    )


def region_words(region: str, role_arn: str | None) -> str:
    """A place as a person names it."""
    return region if role_arn is None else f"{region} as {role_arn}"
