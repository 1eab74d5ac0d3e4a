"""The allow list of Terraform arguments after `--` on `/plan`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain.core.refusals import Reason, Refusal

ALLOWED = ("-target=ADDRESS", "-replace=ADDRESS", "-refresh=false", "-parallelism=N")
MAX_ADDRESS = 500
MAX_ARGUMENTS = 50
MAX_PARALLELISM = 50

_NAME = r"[A-Za-z_][A-Za-z0-9_-]*+"
_INDEX = r"""\[(?:[0-9]{1,9}|"(?:[^"\\]|\\["\\])*+")\]"""
_MODULES = rf"module\.{_NAME}(?:{_INDEX})?(?:\.module\.{_NAME}(?:{_INDEX})?)*+"
_RESOURCE = rf"(?:data\.)?(?!(?:module|data)\.){_NAME}\.{_NAME}(?:{_INDEX})?"
_ADDRESS = re.compile(rf"{_MODULES}(?:\.(?P<inner>{_RESOURCE}))?|(?P<outer>{_RESOURCE})")

_WHY_REFUSED = {
    "backend-config": "the bot alone decides where state lives",
    "chdir": "the project's directory comes from `gatewright.yaml`",
    "destroy": "nothing is destroyed as a whole by comment",
    "lock": "the state lock always stays on",
    "lock-timeout": "the bot waits for the lock itself",
    "out": "the bot alone decides where plan files are kept",
    "refresh-only": "`/drift ENV` does that",
    "state": "the bot alone decides where state lives",
    "var": "values belong into the environment's var file, where they are reviewed",
    "var-file": "the var file comes from `gatewright.yaml`",
}


def parse_arguments(words: Sequence[str]) -> tuple[str, ...] | Refusal:
    """Return the arguments as `-name=value` without duplicates, or a refusal."""
    if len(words) > 2 * MAX_ARGUMENTS:
        return _refused(f"More than {MAX_ARGUMENTS} Terraform arguments were given")
    found: dict[str, None] = {}
    at = 0
    while at < len(words):
        name, joined, value = words[at].partition("=")
        at += 1
        name = _bare(name)
        if name in {"target", "replace"} and not joined and at < len(words):
            value, at = words[at], at + 1
        argument = _argument(name, value, words[at - 1])
        if isinstance(argument, Refusal):
            return argument
        found[argument] = None
    if sum(argument.startswith("-parallelism=") for argument in found) > 1:
        return _refused("`-parallelism` was given twice with different values")
    return tuple(found)


def is_partial(arguments: Sequence[str]) -> bool:
    """Whether a plan with these arguments leaves something out, so that it promotes nothing."""
    return any(argument.startswith("-target=") or argument == "-refresh=false" for argument in arguments)


def is_address(text: str) -> bool:
    """Whether the text is a resource or module address, by a strict grammar.

    Names are ASCII, keys hold no templates and no control characters, and nothing is longer than MAX_ADDRESS.
    """
    return _match(text) is not None


def is_resource_address(text: str) -> bool:
    """Whether the text is the address of one managed resource."""
    match = _match(text)
    resource = match and (match["inner"] or match["outer"])
    return bool(resource) and not str(resource).startswith("data.")


def is_managed_address(text: str) -> bool:
    """Whether the text is the address of a managed resource or module, or of an instance."""
    match = _match(text)
    return match is not None and (is_resource_address(text) or resource_type(text) is None)


def resource_type(address: str) -> str | None:
    """Return the type in a resource's address; None for a module's, and for what is no address."""
    match = _match(address)
    resource = match and (match["inner"] or match["outer"])
    return resource.partition(".")[0] if resource else None


def _match(text: str) -> re.Match[str] | None:
    if len(text) > MAX_ADDRESS or not text.isprintable() or "${" in text or "%{" in text:
        return None
    return _ADDRESS.fullmatch(text)


def _bare(name: str) -> str:
    """Return an argument's name without dashes, empty for what is no argument."""
    stripped = name[2:] if name.startswith("--") else name[1:]
    return stripped if name.startswith("-") and not stripped.startswith("-") else ""


def _argument(name: str, value: str, word: str) -> str | Refusal:
    match name:
        case "target":
            return f"-target={value}" if is_address(value) else _bad_address(name, value)
        case "replace":
            return f"-replace={value}" if is_resource_address(value) else _bad_address(name, value)
        case "refresh":
            return "-refresh=false" if value == "false" else _refused("Only `-refresh=false` can be given")
        case "parallelism":
            return _parallelism(value)
        case "":
            return _refused(f"`{shown(word)}` is not a Terraform argument")
        case _:
            why = _WHY_REFUSED.get(name)
            return _refused(f"`-{shown(name)}` is not allowed" + (f": {why}" if why else ""))


def _parallelism(value: str) -> str | Refusal:
    number = int(value) if re.fullmatch("[0-9]{1,4}", value) else 0
    if 1 <= number <= MAX_PARALLELISM:
        return f"-parallelism={number}"
    return _refused(f"`-parallelism` takes a number from 1 to {MAX_PARALLELISM}")


def _bad_address(name: str, value: str) -> Refusal:
    if not value:
        return _refused(f"`-{name}` needs a resource address")
    kind = "a managed resource's address" if name == "replace" else "a resource or module address"
    return _refused(f"`{shown(value)}` is not {kind} (`-{name}`)")


def _refused(sentence: str) -> Refusal:
    allowed = ", ".join(f"`{argument}`" for argument in ALLOWED)
    return Refusal(reason=Reason.ARGUMENT, sentence=f"{sentence}. Allowed after `--`: {allowed}.")


def shown(text: str, limit: int = 60) -> str:
    """Return typed text, shortened and without backticks, for a code span."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return cut.replace("`", "'")
