"""Measures how the code is laid out and worded.

    python -m tests.docs.structure [PATH] [--before PATH]

prints a table for the checkout at PATH (default: this one), beside another one if there is `--before`. Nothing of a
checkout is imported, so an older one can be measured as well.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from tests.docs.call_path import Calls
from tests.docs.import_circles import import_circles
from tests.docs.source_tree import Module, modules

ROOT: Final = Path(__file__).parents[2]
BANNED_PHRASES: Final = (
    "anew",
    "by itself",
    "by themselves",
    "whoever",
    "somebody",
    "is told",
    "are told",
    "take back",
    "takes back",
    "taken back",
    "gives up",
    "given up",
    "brings about",
    "bring about",
    "is settled",
)
"""Phrases that read as translated; each has a plain word."""
BANNED_NAMES: Final = frozenset(
    """
    beginnings endings losses strays unfinished interruptions voiding outdating catching_up caretaking ticking
    persistence queueing following bundles tenancy changing told bells outside beside
    """.split()  # noqa: SIM905 - shorter than a literal
)
"""Names of modules that the field has other words for."""
_BANNED: Final = re.compile(rf"\b({'|'.join(BANNED_PHRASES)})\b", re.IGNORECASE)
LONGEST_FIRST_LINE: Final = 90
LARGEST_FOLDER: Final = 25
LONGEST_FUNCTION: Final = 30
LONGEST_MODULE: Final = 250


@dataclass(frozen=True, kw_only=True)
class Structure:
    """What is measured of a checkout."""

    root: Path

    @cached_property
    def modules(self) -> list[Module]:
        """The modules of the program."""
        return modules(self.root)

    @cached_property
    def pages(self) -> dict[str, str]:
        """The text of each page of the documentation."""
        paths = [*self.root.glob("*.md"), *sorted((self.root / "docs").glob("*.md"))]
        return {str(path.relative_to(self.root)): path.read_text(encoding="utf-8") for path in paths}

    def naming(self, name: str) -> list[str]:
        """Return the files that name a command or a gate, as they would name a new one.

        In Python: an identifier, an imported module or a string that is this name; in pyproject.toml: the word.
        """
        settings = (self.root / "pyproject.toml").read_text(encoding="utf-8")
        in_settings = re.search(rf"\b{name}\b", settings) is not None
        return [
            *(module.path for module in self.modules if name in module.names),
            *(["pyproject.toml"] if in_settings else []),
        ]

    def of_kind(self, kind: str) -> list[str]:
        """Return the files that name a kind of run: what it is defined by, and each `RunKind.KIND`."""
        named = re.compile(rf"RunKind\.{kind}\b|^class RunKind\b", re.MULTILINE)
        return [module.path for module in self.modules if named.search(module.text)]

    @cached_property
    def folders(self) -> Counter[str]:
        """Folder -> number of its modules, without `__init__`."""
        return Counter(module.folder for module in self.modules if not module.path.endswith("__init__.py"))

    @cached_property
    def function_lengths(self) -> list[int]:
        """The length in lines of each function, the shortest first."""
        functions = [node for module in self.modules for node in module.functions]
        return sorted((node.end_lineno or node.lineno) - node.lineno + 1 for node in functions)

    @cached_property
    def module_lengths(self) -> list[int]:
        """The number of lines of each module, without blank ones, the shortest first."""
        return sorted(module.lines for module in self.modules)

    @property
    def comment_share(self) -> float:
        """The share of lines with a comment for people."""
        return sum(module.comments for module in self.modules) / sum(self.module_lengths)

    @cached_property
    def first_lines(self) -> list[int]:
        """The length of the first line of each docstring, the shortest first."""
        return sorted(len(line) for module in self.modules for line in module.docstring_lines)

    def banned(self, texts: Mapping[str, str]) -> list[str]:
        """Return each banned phrase in these texts, as `file: phrase`."""
        return [
            f"{name}: {found[0].lower()}"
            for name, text in texts.items()
            for found in _BANNED.finditer(" ".join(text.split()))
        ]

    @property
    def banned_in_code(self) -> list[str]:
        """The banned phrases in the program."""
        return self.banned({module.path: module.text for module in self.modules})

    @property
    def banned_in_pages(self) -> list[str]:
        """The banned phrases in the documentation."""
        return self.banned(self.pages)

    @property
    def banned_modules(self) -> list[str]:
        """The modules whose names are banned."""
        return [module.path for module in self.modules if Path(module.path).stem in BANNED_NAMES]

    @cached_property
    def circles(self) -> list[tuple[str, ...]]:
        """The groups of modules that import one another."""
        return import_circles(self.modules)

    @cached_property
    def apply_path(self) -> dict[tuple[str, str], int]:
        """Function -> calls until it, for all that `/apply` and the run that it starts may call."""
        calls = Calls(self.modules)
        handlers = [
            place for place in calls.find("handle", package="handlers") if place[0].endswith(".apply")
        ]
        return calls.hops([*handlers, *calls.find("Applying.execute")])

    @property
    def apply_files(self) -> set[str]:
        """The modules of `/apply`, ports, policy, comments and domain included."""
        return {module for module, _ in self.apply_path}

    @property
    def apply_sequence(self) -> set[str]:
        """The modules of `/apply` that do something: handlers and services."""
        return {name for name in self.apply_files if name.startswith(("handlers", "bot.services"))}

    @cached_property
    def rows(self) -> dict[str, str]:
        """Return measure -> figure."""
        functions, long_modules, first = self.function_lengths, self.module_lengths, self.first_lines
        largest, count = self.folders.most_common(1)[0]
        crowded = [folder for folder, size in self.folders.items() if size > LARGEST_FOLDER]
        return {
            "files that name the command `smoke`": str(len(self.naming("smoke"))),
            "files that name the gate `undiverged`": str(len(self.naming("undiverged"))),
            "files that name the run kind `verify`": str(len(self.of_kind("VERIFY"))),
            "modules": str(len(self.modules)),
            "largest folder": f"{count} in {largest}",
            f"folders with more than {LARGEST_FOLDER} modules": str(len(crowded)),
            "functions: median, 90 %, longest": f"{_spread(functions)}",
            f"functions longer than {LONGEST_FUNCTION} lines": str(_longer(functions, LONGEST_FUNCTION)),
            "modules: median, 90 %, longest": f"{_spread(long_modules)}",
            f"modules longer than {LONGEST_MODULE} lines": str(_longer(long_modules, LONGEST_MODULE)),
            "comment share": f"{self.comment_share:.1%}",
            "longest first docstring line": str(first[-1]),
            f"first docstring lines over {LONGEST_FIRST_LINE}": str(_longer(first, LONGEST_FIRST_LINE)),
            "banned phrases in code": str(len(self.banned_in_code)),
            "banned phrases in pages": str(len(self.banned_in_pages)),
            "modules with banned names": str(len(self.banned_modules)),
            "import circles": str(len(self.circles)),
            "`/apply`: files of handlers and services": str(len(self.apply_sequence)),
            "`/apply`: all files": str(len(self.apply_files)),
            "`/apply`: hops": str(max(self.apply_path.values(), default=0)),
        }


def _spread(values: Sequence[int]) -> str:
    """Return median, 90th percentile and maximum of sorted values."""
    return f"{statistics.median(values):g}, {values[int(len(values) * 0.9)]}, {values[-1]}"


def _longer(values: Iterable[int], limit: int) -> int:
    return sum(value > limit for value in values)


def table(now: Structure, before: Structure | None) -> str:
    """Return the measures as a Markdown table."""
    columns = [each.rows for each in (before, now) if each is not None]
    titles = ["measure", *(["before"] if before is not None else []), "now"]
    rows = [[name, *(column[name] for column in columns)] for name in columns[-1]]
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure how the code is laid out and worded.")
    parser.add_argument("path", nargs="?", type=Path, default=ROOT, help="checkout to measure")
    parser.add_argument("--before", type=Path, help="checkout to compare with")
    parser.add_argument("--list", action="store_true", help="also list what exceeds a limit")
    wanted = parser.parse_args()
    now = Structure(root=wanted.path)
    before = Structure(root=wanted.before) if wanted.before else None
    lines = [table(now, before)]
    if wanted.list:
        lines += [*now.banned_in_code, *now.banned_in_pages, *now.banned_modules, *map(str, now.circles)]
        lines += [
            f"{module.path}: {line}"
            for module in now.modules
            for line in module.docstring_lines
            if len(line) > LONGEST_FIRST_LINE
        ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
