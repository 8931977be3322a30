"""Policies as text, and what the loader says of them."""

import io
from pathlib import Path

from controller.model.policy import PolicySet
from controller.policy import PolicyInvalid, PolicyProblem, load, load_with_warnings

HEAD = "apiVersion: rightsizer.dev/v1alpha1\nkind: RightsizingPolicy\n"
TARGET = "  target: {kind: lambda_function, name: ocr, region: eu-west-1}\n"
SLO = "  slo: {latency: {threshold: 400ms}}\n"

POLICY = HEAD + "metadata: {name: ocr}\nspec:\n" + TARGET + SLO
"""Six lines; further fields of the spec begin on line 7 when appended with two spaces."""


def policy(name: str, target: str = "name: ocr", extra: str = "") -> str:
    """A policy with another name or target, and more fields in its spec."""
    return (
        HEAD
        + f"metadata: {{name: {name}}}\nspec:\n"
        + f"  target: {{kind: lambda_function, {target}, region: eu-west-1}}\n"
        + SLO
        + extra
    )


def defaults(spec: str, name: str = "defaults") -> str:
    """A PolicyDefaults document with the given spec in flow style."""
    return (
        "apiVersion: rightsizer.dev/v1alpha1\nkind: PolicyDefaults\n"
        f"metadata: {{name: {name}}}\nspec: {spec}\n"
    )


def limits(spec: str, name: str = "fleet") -> str:
    """A FleetLimits document with the given spec in flow style."""
    return (
        "apiVersion: rightsizer.dev/v1alpha1\nkind: FleetLimits\n"
        f"metadata: {{name: {name}}}\nspec: {spec}\n"
    )


def joined(*documents: str) -> str:
    """Several documents in one text."""
    return "---\n".join(documents)


def loaded(*documents: str) -> PolicySet:
    """The set in these documents, read from standard input."""
    return load(["-"], io.StringIO(joined(*documents)))


def warnings(*documents: str) -> list[str]:
    """What is said of a valid set."""
    found = load_with_warnings(["-"], io.StringIO(joined(*documents)))[1]
    assert all(problem.severity == "warning" for problem in found)
    return [spoken(problem) for problem in found]


def refused(*documents: str) -> list[str]:
    """Every problem of an invalid set, as text, without the name of the file."""
    return [spoken(problem) for problem in problems(*documents)]


def problems(*documents: str) -> tuple[PolicyProblem, ...]:
    """Every problem of an invalid set."""
    try:
        load(["-"], io.StringIO(joined(*documents)))
    except PolicyInvalid as invalid:
        return invalid.problems
    raise AssertionError("the set was found valid")


def refused_file(path: Path, *paths: Path) -> list[str]:
    """Every problem of an invalid set in files."""
    try:
        load([path, *paths])
    except PolicyInvalid as invalid:
        return [str(problem) for problem in invalid.problems]
    raise AssertionError("the set was found valid")


def spoken(problem: PolicyProblem) -> str:
    """The problem as it is printed, without `<stdin>:`."""
    return str(problem).removeprefix("<stdin>:").strip()
