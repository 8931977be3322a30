"""`rightsizer validate`: what is wrong with policy files, all of it, and where."""

from typing import TYPE_CHECKING, Any

import click

from controller.cli.exits import ExitCode
from controller.cli.options import Verb, output_option
from controller.cli.output import document, printable, show_document
from controller.cli.session import Session, pass_session

if TYPE_CHECKING:
    from controller.model.policy import PolicySet
    from controller.policy.problems import PolicyProblem


@click.command(cls=Verb)
@click.argument("paths", nargs=-1, required=True, type=click.Path(allow_dash=True))
@output_option("table", "json", "yaml")
@pass_session
def validate(session: Session, paths: tuple[str, ...], output: str) -> None:
    """Check policy files.

    PATHS are files, directories (read recursively) or - for standard input. Every problem is
    told with its file, line and column, warnings too. Makes no call to AWS.
    """
    from controller.policy import PolicyInvalid, load_with_warnings

    policies: PolicySet | None = None
    try:
        policies, problems = load_with_warnings(paths, session.stdin)
    except PolicyInvalid as invalid:
        problems = invalid.problems
    if output == "table":
        _show(session, policies, problems)
    else:
        show_document(session, output, _report(policies, problems))
    if policies is None:
        raise click.exceptions.Exit(ExitCode.INVALID)


def _show(
    session: Session, policies: "PolicySet | None", problems: "tuple[PolicyProblem, ...]"
) -> None:
    for problem in problems:
        session.write(f"{printable(problem_line(problem))}\n")
    errors = sum(1 for problem in problems if problem.severity == "error")
    warnings = len(problems) - errors
    told = [_number(errors, "error")] if errors else []
    told += [_number(warnings, "warning")] if warnings else []
    if policies is None:
        session.say(f"not valid: {', '.join(told)}")
    else:
        count = _number(len(policies.policies), "policy", "policies")
        session.write(f"valid: {', '.join([count, *told])}\n")


def problem_line(problem: "PolicyProblem") -> str:
    """`file:line:column: error: path: message; hint`, as compilers and editors have it."""
    place = [problem.file, *(str(n) for n in (problem.line, problem.column) if n is not None)]
    rest = str(problem).removeprefix(":".join(place) + ": ")
    return f"{':'.join(place)}: {problem.severity}: {rest}"


def _report(policies: "PolicySet | None", problems: "tuple[PolicyProblem, ...]") -> dict[str, Any]:
    names = [] if policies is None else [policy.name for policy in policies.policies]
    return document(
        "ValidationReport",
        {
            "valid": policies is not None,
            "policies": names,
            "digest": None if policies is None else policies.digest,
            "problems": [_problem(problem) for problem in problems],
        },
    )


def _problem(problem: "PolicyProblem") -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
    }


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
