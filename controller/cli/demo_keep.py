"""`rightsizer demo --keep`: after the demo its controller lives on, and can be looked at."""

from typing import TYPE_CHECKING

from controller.cli.sandbox import environment
from controller.cli.session import Session
from controller.demo.stage import POLICIES, Stage

if TYPE_CHECKING:
    from controller.web.listener import Listener

PORT = 9797
"""Where the daemon's page is too; any free one where this is taken."""
STEP_S = 1.0


def stay(session: Session, stage: Stage) -> None:
    """Serve page and API in front of the sandbox, in real time, until Ctrl-C."""
    from controller.runtime.stepper import Stepper

    # what the world did not live through in the demo's hurry passes at once
    stage.clock.advance_to(session.clock.now_s())
    stage.app.store.acquire_daemon_lock()
    listener = _listener(stage)
    try:
        _tell(session, stage, listener.url)
        stepper = Stepper(stage.app.engine, stage.clock, rounds=stage.app.rounds)
        while True:
            stepper.run_until(max(session.clock.now_s(), stage.clock.now_s()))
            session.wait(STEP_S)
    except KeyboardInterrupt:
        session.say("")
    finally:
        listener.stop()


def _listener(stage: Stage) -> "Listener":
    from controller.model.errors import Terminal
    from controller.web.app import build_app
    from controller.web.checks import Check
    from controller.web.doors import Doors
    from controller.web.listener import Listener

    checks = {"demo": Check(True, "lives until Ctrl-C")}
    app = build_app(
        metrics=stage.app.telemetry.render,
        live=lambda: checks,
        ready=lambda: checks,
        site=stage.app.site,
        doors=Doors(loopback=True),
    )
    listener = Listener(app, port=PORT)
    try:
        listener.start()
    except Terminal:
        listener = Listener(app)
        listener.start()
    return listener


def _tell(session: Session, stage: Stage, url: str) -> None:
    session.say(f"the controller goes on until Ctrl-C; its page: {url}/\nin another shell:\n")
    session.err.write(
        environment(stage.url) + f"export RIGHTSIZER_STORE={stage.journal}\n"
        f"export RIGHTSIZER_POLICIES={POLICIES}\n"
        "rightsizer get changes\n"
        "rightsizer explain search-rerank\n"
        "aws lambda get-alias --function-name search-rerank --name live\n"
        f"curl {url}/metrics\n"
    )
    session.err.flush()
