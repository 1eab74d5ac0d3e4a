r"""CODEOWNERS: the owners of each path, by GitHub's documented rules.

The last rule that matches wins. Source: GitHub's page "About code owners". A line with what is not allowed there (`!`, `\#`) is skipped and reported.
`[` and `]` are plain characters, because ranges do not exist. Nothing here raises, and matching takes time proportional
to pattern times path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import merge
from itertools import takewhile
from typing import cast

from bot.domain.core.globs import fits

LOCATIONS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks, in its order; only the first file that exists counts."""
TOO_LARGE = 3 * 1024 * 1024
"""Bytes from which GitHub does not load the file, so that no path has an owner."""

_USER = re.compile(r"@[A-Za-z0-9][A-Za-z0-9_-]*")
_TEAM = re.compile(r"@[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_SPACES = " \t\r\f\v"
_ANY_TEXT, _ANY_CHARACTER = "*any", "?any"
"""Wildcards of a name; two characters and more, so that no character of a path equals them."""
_Name = str | tuple[str, ...]
"""One name of a pattern: as it must be, or its characters and wildcards."""
_DIRECTORIES: _Name = ("**",)
_ANY_NAME: _Name = (_ANY_TEXT,)


class OwnerKind(StrEnum):
    """How an owner is written."""

    USER = "user"
    TEAM = "team"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One owner of a rule; owners are compared without regard to case, by `key`."""

    kind: OwnerKind
    written: str
    """As in the file: `@login`, `@org/team` or an address."""

    @property
    def key(self) -> str:
        """`written` without its `@`, lower case."""
        return self.written.removeprefix("@").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A line that counts; without owners its paths have no owner."""

    line: int
    """From 1."""
    pattern: str
    owners: tuple[Owner, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProblem:
    """A line that is skipped, or that may mean something else than its author thinks."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOwners:
    """A CODEOWNERS file as read."""

    rules: tuple[Rule, ...] = ()
    problems: tuple[LineProblem, ...] = ()
    _index: _Index = field(default_factory=lambda: _Index.of(()), repr=False, compare=False)

    def rule(self, path: str) -> Rule | None:
        """Return the rule for a path relative to the repository; None where none matches."""
        names = path.split("/")
        found = (
            number for number in self._index.candidates(names) if _fits(names, self._index.names[number])
        )
        number = next(found, None)
        return None if number is None else self.rules[number]

    def owners(self, path: str) -> tuple[Owner, ...]:
        """Return the owners of a file; empty where it has none."""
        rule = self.rule(path)
        return () if rule is None else rule.owners


@dataclass(frozen=True, slots=True)
class _Index:
    """An index of rules by a part that a matching path must have, for large files.

    Every rule is in one of the lists; all hold numbers of rules, rising.
    """

    names: Sequence[tuple[_Name, ...]]
    """The pattern of each rule, by path component."""
    by_start: Mapping[tuple[str, ...], Sequence[int]]
    """For patterns that begin at the root: their plain names up to the first wildcard."""
    by_name: Mapping[str, Sequence[int]]
    """Rules that match a plain name anywhere."""
    by_ending: Mapping[str, Sequence[int]]
    """Rules that match a name's end anywhere, as `*.tf`."""
    ending_lengths: frozenset[int]
    others: Sequence[int]

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> _Index:
        """Sort rules into the index."""
        start: dict[tuple[str, ...], list[int]] = {}
        anywhere: dict[str, list[int]] = {}
        endings: dict[str, list[int]] = {}
        others: list[int] = []
        compiled = [_compiled(rule.pattern) for rule in rules]
        for number, names in enumerate(compiled):
            wanted = names[1] if names[0] == _DIRECTORIES else None
            plain = tuple(takewhile(lambda name: isinstance(name, str), names))
            if plain:
                start.setdefault(cast("tuple[str, ...]", plain), []).append(number)
            elif isinstance(wanted, str):
                anywhere.setdefault(wanted, []).append(number)
            elif wanted is not None and (ending := _ending(wanted)):
                endings.setdefault(ending, []).append(number)
            else:
                others.append(number)
        return cls(compiled, start, anywhere, endings, frozenset(map(len, endings)), others)

    def candidates(self, names: Sequence[str]) -> Iterator[int]:
        """Return the numbers of rules that may fit a path, the last rule first."""
        lists = [self.others]
        lists += [self.by_start.get(tuple(names[:depth]), ()) for depth in range(1, len(names) + 1)]
        lists += [self.by_name.get(name, ()) for name in set(names)]
        endings = {name[-length:] for name in names for length in self.ending_lengths if len(name) >= length}
        lists += [self.by_ending.get(ending, ()) for ending in endings]
        return merge(*(reversed(numbers) for numbers in lists if numbers), reverse=True)


def _ending(wanted: tuple[str, ...]) -> str:
    """Return the required end of a name if its only wildcard is at the start; otherwise nothing."""
    first, *rest = wanted
    plain = first == _ANY_TEXT and not {_ANY_TEXT, _ANY_CHARACTER, *_DIRECTORIES} & {*rest}
    return "".join(rest) if plain else ""


def parse(text: str) -> CodeOwners:
    """Read a CODEOWNERS file; lines that GitHub would skip are skipped and reported."""
    if len(text) >= TOO_LARGE or len(text.encode(errors="replace")) >= TOO_LARGE:
        problem = LineProblem(line=1, sentence="the file has 3 MB or more, so nobody owns anything")
        return CodeOwners(problems=(problem,))
    rules: list[Rule] = []
    problems: list[LineProblem] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        read = _line(number, line)
        if isinstance(read, Rule):
            rules.append(read)
            if "[" in read.pattern or "]" in read.pattern:
                remark = "`[` and `]` are plain characters, not a range"
                problems.append(LineProblem(line=number, sentence=remark))
        elif read is not None:
            problems.append(LineProblem(line=number, sentence=f"skipped: {read}"))
    return CodeOwners(rules=tuple(rules), problems=tuple(problems), _index=_Index.of(rules))


def matches(pattern: str, path: str) -> bool:
    """Whether a file matches a pattern, which must be one that `parse` accepts."""
    return _fits(path.split("/"), _compiled(pattern))


def _line(number: int, line: str) -> Rule | str | None:
    """Return the rule of a line, an error, or None for a line without one."""
    pattern, rest = _first_word(line.lstrip(_SPACES))
    if not pattern or pattern.startswith("#"):
        return None
    wrong = _wrong_pattern(pattern)
    if wrong is not None:
        return wrong
    owners: list[Owner] = []
    for word in rest.split():
        if word.startswith("#"):
            break
        owner = _owner(word)
        if owner is None:
            return f"`{word[:80]}` is no user, team or address"
        owners.append(owner)
    return Rule(line=number, pattern=pattern, owners=tuple(owners))


def _first_word(line: str) -> tuple[str, str]:
    """Split off the pattern; a backslash keeps the character behind it, a space for example."""
    at = 0
    while at < len(line) and line[at] not in _SPACES:
        at += 2 if line[at] == "\\" else 1
    return line[:at], line[at:]


def _wrong_pattern(pattern: str) -> str | None:
    if pattern.startswith("!"):
        return "`!` does not exist in CODEOWNERS"
    if pattern.startswith("\\#"):
        return "a pattern cannot begin with `\\#`"
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        return "the pattern ends in a backslash"
    names = pattern.removeprefix("/").removesuffix("/").split("/")
    if not all(names):
        return "the pattern has an empty name"
    if "***" in pattern:
        return "`***` is no wildcard"
    return None


def _owner(word: str) -> Owner | None:
    if _USER.fullmatch(word):
        return Owner(kind=OwnerKind.USER, written=word)
    if _TEAM.fullmatch(word):
        return Owner(kind=OwnerKind.TEAM, written=word)
    name, at, domain = word.partition("@")
    if name and at and "." in domain.strip(".") and "@" not in domain:
        return Owner(kind=OwnerKind.EMAIL, written=word)
    return None


def _compiled(pattern: str) -> tuple[_Name, ...]:
    """Return the names that a path must have from the root on."""
    inner = pattern.removeprefix("/").removesuffix("/")
    names = [_name(name) for name in inner.split("/")]
    # A slash at the start or in the middle binds a pattern to the root.
    rooted = "/" in pattern.removesuffix("/")
    last = names[-1]
    if not rooted:
        names.insert(0, _DIRECTORIES)
    if pattern.endswith("/") or last == _DIRECTORIES:
        # A directory: everything below it, but no file of that name.
        names += [_DIRECTORIES, _ANY_NAME]
    elif not (rooted and last == _ANY_NAME):
        # A file, or everything below a directory of that name; only `x/*` does not reach deeper.
        names.append(_DIRECTORIES)
    return tuple(names)


def _name(written: str) -> _Name:
    if written == "**":
        return _DIRECTORIES
    tokens: list[str] = []
    characters = iter(written)
    for character in characters:
        if character == "\\":
            tokens.append(next(characters, "\\"))
        else:
            tokens.append({"*": _ANY_TEXT, "?": _ANY_CHARACTER}.get(character, character))
    if _ANY_TEXT in tokens or _ANY_CHARACTER in tokens:
        return tuple(tokens)
    return "".join(tokens)


def _fits(names: Sequence[str], pattern: Sequence[_Name]) -> bool:
    return fits(names, pattern, _DIRECTORIES, _name_fits)


def _name_fits(name: str, wanted: _Name) -> bool:
    if isinstance(wanted, str):
        return name == wanted
    return fits(name, wanted, _ANY_TEXT, lambda character, token: token in {_ANY_CHARACTER, character})
