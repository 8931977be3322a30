"""The command `rightsizer`: its commands, and the one place where errors become exit codes."""

import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import TextIOWrapper

import click

from controller import __version__
from controller.cli.exits import CommandError, ExitCode
from controller.cli.lazy import Lazy, LazyGroup
from controller.cli.session import Session
from controller.settings import ENV_PREFIX

PROGRAM = "rightsizer"
COMPLETE = "_RIGHTSIZER_COMPLETE"
"""The variable by which a shell asks for completions."""

COMMANDS = {
    "run": Lazy("controller.cli.run:run", "Keep endpoints at the right size until told to stop."),
    "plan": Lazy("controller.cli.plan:plan", "Show what would be changed and why; change nothing."),
    "apply": Lazy("controller.cli.apply:apply", "Carry out a saved plan."),
    "explain": Lazy("controller.cli.explain:explain", "Show why one endpoint has its size."),
    "get": Lazy(
        "controller.cli.get:get",
        "List policies, endpoints, changes, conditions, advice, pauses or probes.",
    ),
    "probe": Lazy(
        "controller.cli.probe:probe", "Measure an endpoint, or a copy with another size."
    ),
    "tune": Lazy("controller.cli.tune:tune", "Search for the best size with copies."),
    "pause": Lazy("controller.cli.pause:pause", "Stop changing an endpoint, or all of them."),
    "resume": Lazy("controller.cli.pause:resume", "Lift a pause and accept the present size."),
    "rollback": Lazy("controller.cli.rollback:rollback", "Undo an endpoint's last change."),
    "validate": Lazy("controller.cli.validate:validate", "Check policy files."),
    "init": Lazy("controller.cli.init:init", "Write a starter policy for a live endpoint."),
    "rules": Lazy("controller.cli.rules:rules", "Print Prometheus rules made from policies."),
    "iam-policy": Lazy(
        "controller.cli.iam_policy:iam_policy", "Print the least IAM permissions for policies."
    ),
    "schema": Lazy("controller.cli.schema:schema", "Print the JSON Schema of policies."),
    "doctor": Lazy(
        "controller.cli.doctor:doctor", "Check credentials, permissions, clock, prices, journal."
    ),
    "config": Lazy("controller.cli.config:config", "Show the settings in effect."),
    "export": Lazy("controller.cli.export:export", "Write the whole journal as JSON lines."),
    "store": Lazy("controller.cli.store:store", "Look after the journal."),
    "demo": Lazy("controller.cli.demo:demo", "Watch the whole loop at work in an embedded AWS."),
    "sandbox": Lazy("controller.cli.sandbox:sandbox", "Serve an AWS that fits in a process."),
    "completion": Lazy("controller.cli.completion:completion", "Print a shell's completion code."),
    "version": Lazy("controller.cli.version:version", "Print the version."),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    name=PROGRAM,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        # every option of every command: RIGHTSIZER_PLAN_OUTPUT is `plan --output`
        "auto_envvar_prefix": ENV_PREFIX.rstrip("_"),
    },
    epilog="Every option above may also stand after the command.",
)
@click.version_option(__version__, "--version", prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli() -> None:
    """Keep every AWS inference endpoint at the cheapest size that meets its SLO."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script. Returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # a terminal that cannot show a character gets its number, not a traceback
            stream.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if arguments is None else arguments
    code = execute(given, Session.of_process())
    if code == ExitCode.PIPE_CLOSED:
        _forget_stdout()
    return int(code)


def execute(arguments: Sequence[str], session: Session) -> int:
    """Run one command line; everything that is raised ends here, as a sentence and a code."""
    try:
        code = _invoke(arguments, session)
        session.out.flush()
        return code
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.Abort):
        session.say("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return ExitCode.PIPE_CLOSED
    except Exception as error:
        return _report(error, session)


def _invoke(arguments: Sequence[str], session: Session) -> int:
    instruction = session.environment.variables.get(COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(cli, {"obj": session}, PROGRAM, COMPLETE, instruction)
    # click writes helps and versions by itself
    with (
        redirect_stdout(session.out),
        redirect_stderr(session.err),
        cli.make_context(PROGRAM, list(arguments), obj=session) as context,
    ):
        cli.invoke(context)
    return ExitCode.OK


def _report(error: Exception, session: Session) -> ExitCode:
    """Tell what went wrong."""
    from controller.model.errors import AdapterError
    from controller.policy.problems import PolicyInvalid

    if session.debug:
        session.err.write("".join(traceback.format_exception(error)))
    match error:
        case click.exceptions.NoArgsIsHelpError():
            session.say(error.format_message())
            return ExitCode.USAGE
        case click.UsageError():
            where = PROGRAM if error.ctx is None else error.ctx.command_path
            _tell(session, error.format_message())
            session.say(f"see: {where} --help")
            return ExitCode.USAGE
        case click.ClickException():
            _tell(session, error.format_message())
        case CommandError():
            _tell(session, str(error))
            return error.code
        case PolicyInvalid():
            for problem in error.problems:
                _tell(session, str(problem))
            return ExitCode.INVALID
        case AdapterError():
            _tell(session, str(error))
        case OSError():
            name = f"{error.filename}: " if error.filename else ""
            _tell(session, f"{name}{(error.strerror or str(error)).lower()}")
        case _:
            kind = type(error).__name__
            _tell(session, f"an unexpected {kind}; run with --debug for the traceback")
    return ExitCode.ERROR


def _tell(session: Session, sentence: str) -> None:
    session.say(f"error: {sentence.rstrip('.')}")


def _forget_stdout() -> None:
    """Let the interpreter's own flush at the end go nowhere."""
    import os

    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
