"""The source of a checkout, read without importing it, so that an older checkout can be read as well."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

PACKAGES: Final = ("bot", "handlers")
_DIRECTIVE: Final = re.compile(r"#\s*(noqa|type:|pragma|fmt:|pyright:)")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True)
class Module:
    """A Python file."""

    path: str
    """Relative to the checkout."""
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        """The dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def folder(self) -> str:
        """The folder in which the file is."""
        return self.path.rpartition("/")[0]

    @property
    def lines(self) -> int:
        """The number of lines that are not blank."""
        return sum(bool(line.strip()) for line in self.text.splitlines())

    @cached_property
    def functions(self) -> tuple[_Function, ...]:
        """All functions and methods."""
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, _Function))

    @cached_property
    def docstring_lines(self) -> tuple[str, ...]:
        """The first line of each docstring."""
        nodes = [node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef | _Function)]
        found = (ast.get_docstring(node) for node in (self.tree, *nodes))
        return tuple(text.partition("\n")[0] for text in found if text)

    @cached_property
    def comments(self) -> int:
        """The number of lines with a comment that is written for people."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return sum(token.type == tokenize.COMMENT and not _DIRECTIVE.match(token.string) for token in tokens)

    @cached_property
    def imports(self) -> frozenset[str]:
        """The dotted names that the module imports outside functions: modules, and names in modules."""
        return frozenset(name for node in _statements(self.tree) for name in _imported(node, self))

    @cached_property
    def names(self) -> frozenset[str]:
        """Identifiers and short string constants, in lower case: what a file calls things."""
        return frozenset(name.strip("_").lower() for node in ast.walk(self.tree) for name in _named(node))


def modules(root: Path) -> list[Module]:
    """Return every module of the program below a checkout's root."""
    return [
        Module(path=str(path.relative_to(root)), text=path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    ]


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements of a module outside functions and classes, `if TYPE_CHECKING` included."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If):
            waiting += [*node.body, *node.orelse]
        if isinstance(node, ast.Try):
            waiting += [*node.body, *node.orelse, *node.finalbody]


def _imported(node: ast.stmt, module: Module) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        parts = module.name.split(".")
        # A package is its own first level.
        own = parts if module.path.endswith("/__init__.py") else parts[:-1]
        start = own[: len(own) - node.level + 1] if node.level else []
        source = ".".join([*start, *([node.module] if node.module else [])])
        yield from (f"{source}.{alias.name}" for alias in node.names)


def _named(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.keyword(arg=str(name)):
            yield name
        case ast.alias(name=name):
            yield from name.split(".")
        case ast.ImportFrom(module=str(name)):
            yield from name.split(".")
        case ast.Constant(value=str(name)):
            yield name.removeprefix("/").partition(" ")[0] if name.startswith("/") else name
        case _:
            pass
