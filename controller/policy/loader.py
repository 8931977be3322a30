"""The whole way from paths to the set of policies in force.

read files → decode → parse YAML → validate each document → merge the defaults →
check → resolve → check the policies against each other. Every step goes on past the
problems it finds, so that one run tells everything that is wrong.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from controller.model.policy import PolicySet
from controller.policy.canonical import policy_set
from controller.policy.checks import CHECKS, required
from controller.policy.envelope import DEFAULTS, LIMITS, POLICY
from controller.policy.files import SourceFile, Sources, read_sources
from controller.policy.merging import MergedPolicy
from controller.policy.problems import PolicyInvalid, PolicyProblem, ordered
from controller.policy.reading import ReadDocument, read_document
from controller.policy.resolve import resolved, resolved_limits
from controller.policy.sets import Loaded, check_claims, check_names
from controller.policy.yaml_parse import parse
from controller.policy.yaml_text import decode


def load(paths: Sequence[str | Path], stdin: TextIO | None = None) -> PolicySet:
    """The policies in `paths`: files, directories (recursively), or `-` for `stdin`.

    Raises PolicyInvalid with every error found in any of them.
    """
    return load_with_warnings(paths, stdin)[0]


def load_with_warnings(
    paths: Sequence[str | Path], stdin: TextIO | None = None
) -> tuple[PolicySet, tuple[PolicyProblem, ...]]:
    """As `load`, with what is allowed but was hardly meant. Raises PolicyInvalid."""
    return load_sources(read_sources(paths, stdin))


def load_sources(sources: Sources) -> tuple[PolicySet, tuple[PolicyProblem, ...]]:
    """The policies in files already read, and warnings. Raises PolicyInvalid."""
    problems = list(sources.problems)
    documents: list[ReadDocument] = []
    for file in sources.files:
        documents += _read(file, problems)
    problems += check_names(documents)
    defaults = _only(DEFAULTS, documents)
    limits = _only(LIMITS, documents)
    loaded = _resolve_all(documents, defaults, problems)
    problems += check_claims(loaded)
    if not problems and not loaded:
        problems.append(_nothing(sources))
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise PolicyInvalid(ordered(errors))
    policies = policy_set((item.policy for item in loaded), resolved_limits(limits))
    return policies, ordered(problems)


def _read(file: SourceFile, problems: list[PolicyProblem]) -> list[ReadDocument]:
    text = decode(file.name, file.content)
    if isinstance(text, PolicyProblem):
        problems.append(text)
        return []
    parsed = parse(file.name, text)
    found: list[PolicyProblem] = []
    documents = [read_document(file.name, root, found) for root in parsed.documents]
    # an alias that names nothing is an empty value as well: one message is enough
    told = {(problem.line, problem.column) for problem in parsed.problems}
    problems += parsed.problems
    problems += [problem for problem in found if (problem.line, problem.column) not in told]
    return [document for document in documents if document is not None]


def _only(kind: str, documents: Sequence[ReadDocument]) -> ReadDocument | None:
    return next((document for document in documents if document.kind == kind), None)


def _resolve_all(
    documents: Sequence[ReadDocument],
    defaults: ReadDocument | None,
    problems: list[PolicyProblem],
) -> list[Loaded]:
    """Every policy that can be resolved.

    What a document with errors lacks may stand in the part that has them, so nothing is
    said to be missing from it; the same goes for all where the defaults have errors.
    """
    if defaults is not None and defaults.model is None:
        return []
    loaded = []
    for document in documents:
        if document.kind != POLICY or document.model is None:
            continue
        merged = MergedPolicy.of(document, defaults)
        missing = list(required(merged))
        if not document.lost and not (defaults and defaults.lost):
            problems += missing
        if missing:
            continue
        policy = resolved(merged)
        for check in CHECKS:
            problems += check(merged, policy)
        loaded.append(Loaded(policy, document))
    return loaded


def _nothing(sources: Sources) -> PolicyProblem:
    names = [file.name for file in sources.files]
    where = names[0] if len(names) == 1 else f"{len(names)} files"
    return PolicyProblem(
        where, None, None, "", f"holds no {POLICY}, so nothing is looked after", None, "warning"
    )
