"""Rules of the house that no linter knows: where clocks, environment and output live."""

import ast
import re
from collections.abc import Iterator

from sources import REPOSITORY, Module, modules, project_files

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50

ENVIRONMENT_READERS = {"controller/settings.py"}
ENVIRONMENT = {"os.environ", "os.getenv", "os.environb", "os.environ.get", "os.environ.setdefault"}

CLOCK_READERS = {
    "controller/clock.py",
    # The sandbox over HTTP is a world of its own: a call takes as long there as it says.
    "controller/sandbox/asgi.py",
    "controller/sandbox/http_door.py",
}
CLOCK = re.compile(
    r"time\.(time|monotonic|perf_counter|process_time|clock_gettime|sleep|gmtime|localtime)(_ns)?"
    r"|datetime\.(datetime|date)\.(now|utcnow|today)|asyncio\.sleep"
)

PRINTERS = ("controller/cli/",)

MACHINE_PATHS = re.compile(r"(?<![\w.}~-])/(work|root|tmp|home/[a-z]+)/\w")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".sh", ".cfg", ".txt", ""}


def at(module: Module, line: int) -> str:
    return f"{module.path}:{line}"


def test_only_settings_reads_the_environment() -> None:
    readers = {
        at(module, line)
        for module in modules()
        if module.path not in ENVIRONMENT_READERS
        for name, line in [*module.calls(), *_attributes(module)]
        if name in ENVIRONMENT
    }
    assert not readers, f"read the environment in controller/settings.py only: {sorted(readers)}"


def _attributes(module: Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}", node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            for alias in node.names:
                yield f"os.{alias.name}", node.lineno


def test_only_clocks_read_the_clock() -> None:
    readers = {
        f"{at(module, line)} {name}"
        for module in modules()
        if module.path not in CLOCK_READERS
        for name, line in module.calls()
        if CLOCK.fullmatch(name)
    }
    assert not readers, f"take time from the Clock port: {sorted(readers)}"


def test_only_the_command_line_prints() -> None:
    printers = {
        at(module, line)
        for module in modules()
        if not module.path.startswith(PRINTERS)
        for name, line in module.calls()
        if name == "print"
    }
    assert not printers, f"return it, or log it: {sorted(printers)}"


def test_files_and_functions_stay_small() -> None:
    long = {m.path for m in modules() if len(m.text.splitlines()) > MAX_FILE_LINES}
    long |= {
        f"{at(module, node.lineno)} {node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= MAX_FUNCTION_LINES
    }
    assert not long, f"split by what the parts are for: {sorted(long)}"


def test_every_module_says_what_it_is_for() -> None:
    silent = [module.path for module in modules() if not ast.get_docstring(module.tree)]
    assert not silent, f"no docstring: {silent}"


def test_nothing_is_rebound_at_module_level() -> None:
    rebinding = [
        at(module, node.lineno)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global)
    ]
    assert not rebinding, f"pass state in, do not keep it in the module: {rebinding}"


def test_no_file_knows_a_machine_or_is_unfinished() -> None:
    found = []
    for path in project_files():
        if path.suffix not in TEXT or path.name.startswith("requirements"):
            continue
        text = path.read_text("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if MACHINE_PATHS.search(line) or UNFINISHED.search(line):
                found.append(f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:80]}")
    assert not found, "\n".join(found)
