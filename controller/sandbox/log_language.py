"""The part of the Logs Insights query language that REPORT lines are asked in: its grammar.

    fields | filter | stats ... by ... | sort | limit | display

Expressions know comparison, arithmetic, `and or not`, `like` and `=~`, `in [...]`, and the
functions listed in `log_functions`. Anything else is refused with the place where reading
stopped, never ignored.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?P<unit>ms|s|m|h|d|w)?(?![A-Za-z0-9_]))"
    r"|(?P<name>@?[A-Za-z_][A-Za-z0-9_.]*|`[^`]+`)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<regex>/(?:[^/\\\n]|\\.)+/(?=\s*(?:$|\||\)|and\b|or\b|i\b)))"
    r"|(?P<symbol>=~|!=|<=|>=|[-+*/%^()\[\],=<>|]))"
)
_PRECEDENCE = (
    ("or",),
    ("and",),
    ("=", "!=", "<", "<=", ">", ">=", "like", "=~", "in"),
    ("+", "-"),
    ("*", "/", "%"),
    ("^",),
)


class QuerySyntaxError(ValueError):
    """A query that cannot be read; `start` and `end` are offsets of what is wrong."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the query and where it stands."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Node:
    """An expression. `kind`: number, text, regex, field, call, op, list, star."""

    kind: str
    value: str
    args: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """An expression and the name its result gets."""

    name: str
    node: Node


@dataclass(frozen=True, slots=True)
class Command:
    """One step of the pipeline.

    `items`: what fields, display, stats or sort name; `by`: groups of stats; `node`: the
    condition of filter; `number`: of limit; `descending`: of each item of sort.
    """

    verb: str
    items: tuple[Named, ...] = ()
    by: tuple[Named, ...] = ()
    node: Node | None = None
    number: int = 0
    descending: tuple[bool, ...] = ()


def parse_query(text: str) -> list[Command]:
    """The commands of a query. Raises QuerySyntaxError."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0

    def query(self) -> list[Command]:
        commands = []
        while True:
            while self._peek("|"):
                self._at += 1
            if self._at >= len(self._tokens):
                break
            commands.append(self._command())
            if self._at < len(self._tokens) and not self._peek("|"):
                raise self._wrong()
        if not commands:
            raise QuerySyntaxError("the query is empty", 0, len(self._text))
        return commands

    def _wrong(self) -> QuerySyntaxError:
        if self._at >= len(self._tokens):
            end = len(self._text)
            return QuerySyntaxError("unexpected end of the query", end, end)
        token = self._tokens[self._at]
        return QuerySyntaxError(f"unexpected symbol found {token.text}", token.start, token.end)

    def _peek(self, *texts: str) -> bool:
        if self._at >= len(self._tokens):
            return False
        token = self._tokens[self._at]
        return token.kind in ("symbol", "name") and token.text.lower() in texts

    def _take(self, *kinds: str) -> Token:
        if self._at >= len(self._tokens) or self._tokens[self._at].kind not in kinds:
            raise self._wrong()
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, text: str) -> None:
        if not self._peek(text):
            raise self._wrong()
        self._at += 1

    def _command(self) -> Command:
        verb = self._take("name").text.lower()
        if verb in ("fields", "display"):
            return Command(verb, items=self._named_list())
        if verb == "filter":
            return Command(verb, node=self._expression(0))
        if verb == "stats":
            items = self._named_list()
            by: tuple[Named, ...] = ()
            if self._peek("by"):
                self._at += 1
                by = self._named_list()
            return Command(verb, items=items, by=by)
        if verb == "sort":
            return self._sort()
        if verb in ("limit", "head"):
            return Command("limit", number=int(float(self._take("number").text)))
        self._at -= 1
        raise self._wrong()

    def _sort(self) -> Command:
        items, directions = [], []
        while True:
            items.append(self._named())
            directions.append(self._peek("desc"))
            if self._peek("asc", "desc"):
                self._at += 1
            if not self._peek(","):
                return Command("sort", items=tuple(items), descending=tuple(directions))
            self._at += 1

    def _named_list(self) -> tuple[Named, ...]:
        items = [self._named()]
        while self._peek(","):
            self._at += 1
            items.append(self._named())
        return tuple(items)

    def _named(self) -> Named:
        begin = self._at
        node = self._expression(0)
        name = self._text[self._tokens[begin].start : self._tokens[self._at - 1].end]
        if self._peek("as"):
            self._at += 1
            name = self._take("name").text.strip("`")
        return Named(name, node)

    def _expression(self, level: int) -> Node:
        if level == len(_PRECEDENCE):
            return self._operand()
        node = self._expression(level + 1)
        while self._peek(*_PRECEDENCE[level]):
            operator = self._take("symbol", "name").text.lower()
            node = Node("op", operator, (node, self._expression(level + 1)))
        return node

    def _operand(self) -> Node:
        if self._peek("not"):
            self._at += 1
            return Node("call", "not", (self._expression(2),))
        if self._peek("-"):
            self._at += 1
            return Node("op", "-", (Node("number", "0"), self._operand()))
        if self._peek("(", "["):
            return self._bracket()
        if self._peek("*"):
            self._at += 1
            return Node("star", "*")
        token = self._take("number", "name", "text", "regex")
        if token.kind != "name":
            return Node(token.kind, token.text)
        if not self._peek("("):
            return Node("field", token.text.strip("`"))
        self._at += 1
        return Node("call", token.text.lower(), self._arguments(")"))

    def _bracket(self) -> Node:
        opening = self._take("symbol").text
        if opening == "[":
            return Node("list", "", self._arguments("]"))
        node = self._expression(0)
        self._expect(")")
        return node

    def _arguments(self, closing: str) -> tuple[Node, ...]:
        arguments: list[Node] = []
        while not self._peek(closing):
            arguments.append(self._expression(0))
            if self._peek(","):
                self._at += 1
            elif not self._peek(closing):
                raise self._wrong()
        self._at += 1
        return tuple(arguments)


def _tokens(text: str) -> Sequence[Token]:
    found, position = [], 0
    body = text.rstrip()
    while position < len(body):
        match = _TOKEN.match(body, position)
        if match is None or match.lastgroup is None:
            raise QuerySyntaxError(
                f"unexpected symbol found {body[position:].strip()[:1]}", position, len(body)
            )
        kind = "number" if match.lastgroup == "unit" else match.lastgroup
        found.append(Token(kind, match[kind], match.start(kind), match.end(kind)))
        position = match.end()
    return found
