"""The forms that one value of a command line may have."""

from __future__ import annotations

import re
from enum import StrEnum

from bot.domain.commands.terraform_arguments import is_address

NAME = r"[a-z0-9][a-z0-9_-]{0,39}"
"""Names of environments and projects, as a regular expression."""
_PLAN = "p[a-z0-9]{7}"
_RUN = "[a-z0-9]{16}"
_MAX_ID = 500


class ParameterKind(StrEnum):
    """What a parameter takes; the value is how usage lines write it."""

    ENV = "ENV"
    PLAN = "PLAN"
    RUN = "RUN"
    RUN_OR_PLAN = "RUN|PLAN"
    RELEASE = "RELEASE"
    """A plan, a run or a commit (seven characters or more) that was applied."""
    SHA = "SHA"
    """All 40 characters: a prefix could be made to fit another commit."""
    GATE = "GATE"
    ADDRESS = "ADDRESS"
    """A resource or module address."""
    ID = "ID"
    """What a provider calls an existing object; any printable word."""
    SERIAL = "SERIAL"
    COUNT = "N"
    CHOICE = "CHOICE"
    """One of the parameter's `choices`."""
    TEXT = "TEXT"
    """The rest of the line as it stands, quotes included; always the last parameter."""


_FORMS = {
    ParameterKind.ENV: (NAME, "lower-case letters, digits, `-` and `_`, at most 40"),
    ParameterKind.PLAN: (_PLAN, "`p` and seven letters or digits, as in the plan's comment"),
    ParameterKind.RUN: (_RUN, "sixteen letters and digits, as in the run's link"),
    ParameterKind.RUN_OR_PLAN: (f"{_RUN}|{_PLAN}", "a run's sixteen characters or a plan's eight"),
    ParameterKind.RELEASE: (f"{_PLAN}|{_RUN}|[0-9a-f]{{7,40}}", "a plan, a run or a commit that was applied"),
    ParameterKind.SHA: ("[0-9a-f]{40}", "all 40 characters of the commit"),
    ParameterKind.GATE: ("[a-z][a-z0-9_-]{0,39}", "a gate's name as `/gates` shows it"),
    ParameterKind.SERIAL: ("[0-9]{1,15}", "a whole number"),
    ParameterKind.COUNT: ("[0-9]{1,15}", "a whole number"),
}
_COMPILED = {kind: re.compile(pattern) for kind, (pattern, _) in _FORMS.items()}


def is_name(text: str) -> bool:
    """Whether an environment or a project may be called so."""
    return re.fullmatch(NAME, text) is not None


def normalised(kind: ParameterKind, word: str, choices: tuple[str, ...] = ()) -> str | None:
    """Return the normalised value (codes in lower case), None for a malformed one."""
    if kind is ParameterKind.CHOICE:
        return next((choice for choice in choices if choice.casefold() == word.casefold()), None)
    if kind is ParameterKind.ADDRESS:
        return word if is_address(word) else None
    if kind is ParameterKind.ID:
        return word if 0 < len(word) <= _MAX_ID and word.isprintable() and word[0] != "-" else None
    if kind is ParameterKind.TEXT:
        return word or None
    # The case is folded only after the check for ASCII, since other alphabets have letters that fold to ours.
    folded = word.lower() if word.isascii() else ""
    return folded if _COMPILED[kind].fullmatch(folded) else None


def form(kind: ParameterKind, choices: tuple[str, ...] = ()) -> str:
    """Say in words what a parameter of this kind takes."""
    if kind is ParameterKind.CHOICE:
        return " or ".join(f"`{choice}`" for choice in choices)
    if kind is ParameterKind.ADDRESS:
        return "a resource or module address such as `aws_instance.web`"
    if kind is ParameterKind.TEXT:
        return "in your own words"
    return _FORMS[kind][1] if kind in _FORMS else "a word"
