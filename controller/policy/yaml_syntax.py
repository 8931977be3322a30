"""The YAML parser's complaints, in words for somebody who did not write a YAML parser."""

import re

from ruamel.yaml.error import MarkedYAMLError

from controller.policy.problems import shown
from controller.policy.yaml_tree import Mark

_INDENT = "check the indentation of this line and of the one above"
_KNOWN: tuple[tuple[str, str, str | None], ...] = (
    (r"found character '\\t'", "a tab stands where YAML wants spaces", "indent with spaces"),
    (
        r"found character '(?P<it>.)' that cannot start any token",
        "a value cannot begin with {it}",
        "put the value in quotes",
    ),
    (
        r"mapping values are not allowed here",
        "a colon is not expected here",
        f'{_INDENT}; text with ": " in it needs quotes',
    ),
    (r"could not find expected ':'", "the key before this has no colon", _INDENT),
    (r"expected ',' or '(?P<it>[\]}])'", "a comma or {it} is missing", None),
    (r"expected <block end>", "this line does not fit the lines above it", _INDENT),
    (r"expected the node content, but found '<stream end>'", "a [ or {{ is not closed", None),
    (r"expected the node content", "a value is missing here", None),
    (r"expected '<document start>'", "one document ends here and no other begins", "write ---"),
    (r"found undefined tag handle|found unknown tag", "tags are refused", "remove it"),
)


def in_plain_words(error: MarkedYAMLError) -> tuple[Mark, str, str | None]:
    """Position, message and hint for a syntax error."""
    problem = str(error.problem or error.context or "this is not YAML")
    context = str(error.context or "")
    if "quoted scalar" in context and ("end of stream" in problem or "document sep" in problem):
        return _mark(error.context_mark), "the text that begins here has no closing quote", None
    mark = _mark(error.problem_mark or error.context_mark)
    if "unexpected end of stream" in problem:
        return mark, "the file ends in the middle of something", None
    for pattern, message, hint in _KNOWN:
        match = re.search(pattern, problem.replace("\t", r"\t"), re.DOTALL)
        if match:
            return mark, message.format(**match.groupdict()), hint
    return mark, f"cannot be read as YAML: {shown(problem).strip(chr(34))}", None


def _mark(mark: object) -> Mark:
    """ruamel counts from 0; errors without a position are at the beginning."""
    line, column = getattr(mark, "line", 0), getattr(mark, "column", 0)
    return Mark(line + 1, column + 1)
