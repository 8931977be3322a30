"""`rightsizer sandbox`: an AWS that fits in a process, served over HTTP."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli.exits import CommandError, ExitCode
from controller.cli.lazy import Lazy, LazyGroup
from controller.cli.options import Verb
from controller.cli.session import Session, pass_session
from controller.extras import require
from controller.sandbox.seeding import seed_world

if TYPE_CHECKING:
    from controller.sandbox.world import World

DEMO = "demo"
REGION = "eu-west-1"


@click.group(
    cls=LazyGroup,
    lazy={"serve": Lazy("controller.cli.sandbox:serve", "Serve a sandbox until Ctrl-C.")},
)
def sandbox() -> None:
    """Serve an AWS that fits in a process.

    It has functions, traffic and bills of its own, and time that can be moved.
    """


@click.command(cls=Verb)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4566,
    show_default=True,
    help="0 takes any free one.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same world.")
@click.option(
    "--account-file",
    default=DEMO,
    show_default=True,
    metavar="FILE",
    help="A JSON document of functions and traffic; `demo` is the built-in one.",
)
@click.option(
    "--pace",
    type=click.FloatRange(0.0, 3600.0),
    default=1.0,
    show_default=True,
    help="Seconds of its time in one of ours; 0 stands still until told.",
)
@click.option(
    "--permissions",
    metavar="FILE",
    help="An IAM document, such as `rightsizer iam-policy` prints; what it does not allow is denied"
    " to every caller.",
)
@pass_session
def serve(
    session: Session,
    *,
    host: str,
    port: int,
    seed: int,
    account_file: str,
    pace: float,
    permissions: str | None,
) -> None:
    """Serve a sandbox until Ctrl-C.

    It starts at the present time with weeks of history, and prints what to put into the
    environment so that this program, boto3 or the AWS command line talk to it.
    """
    require("sandbox", "numpy", "uvicorn")
    from controller.sandbox.http_door import SandboxServer
    from controller.sandbox.world import World

    document = _account(account_file)
    allowed = None if permissions is None else _object(permissions, "permissions")
    start_s = session.clock.now_s()

    def make_world() -> World:
        world = World(seed=seed, start_s=start_s)
        try:
            seed_world(world, document)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unusable(account_file, f"{type(error).__name__}: {error}") from error
        if allowed is not None:
            _enforce(world, str(permissions), allowed)
        return world

    world = make_world()
    try:
        server = SandboxServer(world, host, port, pace=pace, make_world=make_world)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CommandError(f"cannot listen on {host} port {port}: {why}") from error
    session.write(environment(server.url))
    session.out.flush()
    session.say("serving until Ctrl-C")
    server.serve_forever()
    server.stop()


def environment(url: str) -> str:
    """Lines for a shell; the keys open no door but this one."""
    return (
        f"export AWS_ENDPOINT_URL={url}\n"
        "export AWS_ACCESS_KEY_ID=sandbox\n"
        "export AWS_SECRET_ACCESS_KEY=sandbox\n"
        f"export AWS_REGION={REGION}\n"
    )


def _account(name: str) -> dict[str, Any]:
    """The seed document. Raises CommandError."""
    if name == DEMO:
        from controller.sandbox.demo_account import demo_document

        return demo_document(endpoints=True)
    return _object(name, "an account")


def _enforce(world: "World", name: str, allowed: dict[str, Any]) -> None:
    from controller.sandbox.extensions import state_of
    from controller.sandbox.iam.document import DocumentError
    from controller.sandbox.iam.guard import EVERYBODY, Guard

    try:
        state_of(world, Guard).attach(EVERYBODY, [allowed])
    except (DocumentError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(name, str(error), "permissions") from error


def _object(name: str, what: str) -> dict[str, Any]:
    """A file that holds one JSON object, which describes `what`. Raises CommandError."""
    import json

    try:
        document = json.loads(Path(name).read_text("utf-8"))
    except OSError as error:
        raise CommandError(f"{name}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, RecursionError) as error:
        raise _unusable(name, str(error), what) from error
    if not isinstance(document, dict):
        raise _unusable(name, "it is no JSON object", what)
    return document


def _unusable(name: str, why: str, what: str = "an account") -> CommandError:
    return CommandError(f"{name} does not describe {what}: {why}", ExitCode.INVALID)
