"""The project's own files, parsed once, for the tests that keep the house."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Module:
    """One Python file of the package."""

    path: str
    text: str
    tree: ast.Module

    def calls(self) -> Iterator[tuple[str, int]]:
        """Every call by dotted name as it resolves through this file's imports, with its line."""
        names = self._imported()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call | ast.Subscript):
                target = node.func if isinstance(node, ast.Call) else node.value
                dotted = _dotted(target)
                if dotted:
                    head, _, rest = dotted.partition(".")
                    full = names.get(head, head)
                    yield (f"{full}.{rest}" if rest else full), node.lineno

    def _imported(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    names[alias.asname or alias.name] = alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return names


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else None
    return None


@cache
def modules() -> tuple[Module, ...]:
    """All modules of `controller`, by path."""
    found = sorted((REPOSITORY / "controller").rglob("*.py"))
    return tuple(
        Module(str(p.relative_to(REPOSITORY)), text, ast.parse(text, str(p)))
        for p in found
        for text in [p.read_text("utf-8")]
    )


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    names = listed.stdout.decode().split("\0")
    return tuple(p for n in names if n and (p := REPOSITORY / n).is_file())
