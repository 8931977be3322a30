"""From text to trees, by ruamel.yaml's event stream.

The stream is read rather than the loaded objects because it shows what loading hides:
every duplicate key, tag and alias, with its position. It is also lazy, so that nesting
and alias bombs are stopped at a limit before they cost anything. Nothing is ever
constructed from a tag.
"""

from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from controller.policy.problems import PolicyProblem, shown
from controller.policy.yaml_syntax import in_plain_words
from controller.policy.yaml_tree import (
    ListNode,
    Location,
    MapNode,
    Mark,
    Node,
    ScalarNode,
    dotted,
)

MAX_DEPTH = 32
MAX_NODES = 100_000
"""Values in one file, aliases expanded."""

_TAG_PREFIX = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Parsed:
    """The documents of one file that could be read, and what could not."""

    documents: tuple[Node, ...]
    problems: tuple[PolicyProblem, ...]


class _LimitError(Exception):
    """A limit is reached: reading on makes no sense."""


def parse(name: str, text: str) -> Parsed:
    """Every document in `text`. Raises nothing: what is wrong is in `problems`."""
    builder = _Builder(name)
    documents: list[Node] = []
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            document = builder.take(event)
            if document is not None:
                documents.append(document)
    except _LimitError:
        pass
    except MarkedYAMLError as error:
        builder.report(*in_plain_words(error), path="")
    except Exception as error:  # a slip of the parser over hostile text is the text's problem
        builder.report(Mark(1, 1), f"cannot be read as YAML: {shown(str(error))}", path="")
    return Parsed(tuple(documents), tuple(builder.problems))


@dataclass
class _Key:
    mark: Mark
    text: str
    keep: bool
    """False where the entry is refused and only its end must be found."""


@dataclass
class _Open:
    """A collection whose end has not been read yet."""

    mark: Mark
    anchor: str | None
    mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, tuple[Mark, Node]] = field(default_factory=dict)
    key: _Key | None = None
    size: int = 1
    height: int = 1

    def closed(self) -> Node:
        if self.mapping:
            return MapNode(self.mark, self.entries)
        return ListNode(self.mark, tuple(self.items))


@dataclass(frozen=True)
class _Built:
    """A complete node and what it costs when repeated."""

    node: Node
    size: int
    height: int


class _Builder:
    """Turns events into trees, one document after the other."""

    def __init__(self, name: str) -> None:
        self.problems: list[PolicyProblem] = []
        self._name = name
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Built] = {}
        self._root: Node | None = None
        self._nodes = 0

    def report(
        self, mark: Mark, message: str, hint: str | None = None, path: str | None = None
    ) -> None:
        where = dotted(self._location()) if path is None else path
        self.problems.append(
            PolicyProblem(self._name, mark.line, mark.column, where, message, hint)
        )

    def take(self, event: Event) -> Node | None:
        """Digest one event; returns the document when it is complete."""
        if isinstance(event, DocumentStartEvent):
            self._start_document(event)
        elif isinstance(event, DocumentEndEvent):
            return self._root
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, NodeEvent):
            self._begin(event)
        elif self._stack:
            self._end()
        return None

    def _start_document(self, event: DocumentStartEvent) -> None:
        self._root = None
        self._anchors = {}
        if event.version not in (None, (1, 2)):
            version = ".".join(str(part) for part in event.version)
            self.report(
                _mark(event),
                f"the file declares YAML {version}; policies are YAML 1.2",
                "remove the %YAML line",
            )

    def _begin(self, event: NodeEvent) -> None:
        mark = _mark(event)
        self._count(mark, 1)
        self._expect_key(event, mark)
        tag = getattr(event, "tag", None)
        if tag is not None:
            written = shown(str(tag).replace(_TAG_PREFIX, "!!"))
            self.report(mark, f"the tag {written} is refused: policies are plain data", "remove it")
        if isinstance(event, ScalarEvent):
            node = ScalarNode(mark, self._characters(event, mark), event.style in (None, ""))
            self._add(_Built(node, 1, 1), event.anchor)
            return
        self._limit_depth(mark, 1)
        self._stack.append(_Open(mark, event.anchor, isinstance(event, MappingStartEvent)))

    def _characters(self, event: ScalarEvent, mark: Mark) -> str:
        """The text, with characters written as two JSON escapes (`\\ud83d\\ude00`) made one."""
        text = str(event.value)
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.report(mark, "holds half of a character, written as one escape of a pair")
            return text.encode("utf-8", "replace").decode()

    def _alias(self, event: AliasEvent) -> None:
        mark = _mark(event)
        self._expect_key(event, mark)
        built = self._anchors.get(event.anchor)
        if built is None:
            inside = any(frame.anchor == event.anchor for frame in self._stack)
            what = "contains itself" if inside else "names an anchor that is not there"
            self.report(mark, f"the alias {shown('*' + event.anchor)} {what}")
            built = _Built(ScalarNode(mark, "", True), 1, 1)
        self._count(mark, built.size)
        self._limit_depth(mark, built.height)
        self._add(built, None)

    def _end(self) -> None:
        frame = self._stack.pop()
        self._add(_Built(frame.closed(), frame.size, frame.height), frame.anchor)

    def _expect_key(self, event: NodeEvent, mark: Mark) -> None:
        """Where a mapping awaits a key that cannot be one, say so and note it as refused."""
        if not self._stack:
            return
        frame = self._stack[-1]
        if frame.mapping and frame.key is None and not isinstance(event, ScalarEvent):
            self.report(mark, "a key must be plain text")
            frame.key = _Key(mark, "?", keep=False)
            frame.items.append(ScalarNode(mark, "", True))  # marks: the key itself is to come

    def _add(self, built: _Built, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = built
        if not self._stack:
            self._root = built.node
            return
        frame = self._stack[-1]
        frame.size += built.size
        frame.height = max(frame.height, built.height + 1)
        if not frame.mapping:
            frame.items.append(built.node)
        elif frame.key is None:
            self._key(frame, built.node)
        elif frame.items:
            frame.items.clear()  # this was a refused key; its value follows
        else:
            if frame.key.keep:
                frame.entries[frame.key.text] = (frame.key.mark, built.node)
            frame.key = None

    def _key(self, frame: _Open, node: Node) -> None:
        text = node.raw if isinstance(node, ScalarNode) else "?"
        first = frame.entries.get(text)
        merge = text == "<<" and isinstance(node, ScalarNode) and node.plain
        frame.key = _Key(node.mark, text, keep=first is None and not merge)
        if first is not None:
            self.report(
                node.mark, f"duplicate key: first given at line {first[0].line}", "keep one of them"
            )
        if merge:
            self.report(
                node.mark,
                "merge keys are not supported",
                "put what policies share into a PolicyDefaults document",
            )

    def _count(self, mark: Mark, size: int) -> None:
        self._nodes += size
        if self._nodes > MAX_NODES:
            self.report(mark, f"more than {MAX_NODES:,} values in one file, aliases expanded")
            raise _LimitError

    def _limit_depth(self, mark: Mark, height: int) -> None:
        if len(self._stack) + height > MAX_DEPTH:
            self.report(mark, f"nested deeper than {MAX_DEPTH} levels", path="")
            raise _LimitError

    def _location(self) -> Location:
        return tuple(
            (frame.key.text if frame.key else "") if frame.mapping else len(frame.items)
            for frame in self._stack
            if not frame.mapping or frame.key
        )


def _mark(event: Event) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)
