"""Sort the words of a line into places, options, text and Terraform arguments."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.commands.line import Unbalanced, Word, next_word, quote
from bot.domain.commands.spec import CommandSpec, Problem
from bot.domain.commands.terraform_arguments import parse_arguments, shown
from bot.domain.core.refusals import Reason, Refusal

PROJECT = "--project"


@dataclass(slots=True, kw_only=True)
class Parts:
    """The words of a line, sorted but not yet checked."""

    words: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    text: str = ""
    arguments: tuple[str, ...] = ()


def read(line: str, at: int, spec: CommandSpec) -> Parts | Problem:
    """Sort the words from `at` on; a Problem for quotes, options and arguments that cannot be."""
    parts = Parts()
    options = _options(spec)
    room = spec.words_before_text
    while True:
        word = next_word(line, at)
        if room is not None and len(parts.words) >= room and not _is_option(word, options):
            parts.text = line[at:].strip()
            return parts
        if word is None:
            return parts
        if isinstance(word, Unbalanced):
            return misuse(spec, f"A quote (`{shown(word.mark)}`) is opened and not closed")
        at = word.end
        if word.text == "--" and not word.quoted:
            return _with_arguments(parts, line, at, spec)
        if _is_option(word, options):
            after = _take_option(parts, line, word, options, spec)
            if isinstance(after, Problem):
                return after
            at = after
        elif word.text.startswith("-") and not word.quoted:
            return _unknown_option(line, word, spec)
        else:
            parts.words.append(word.text)


def misuse(spec: CommandSpec, sentence: str, reason: Reason = Reason.USAGE) -> Problem:
    """Return a Problem that ends with the command's usage."""
    return Problem(
        reason=reason, sentence=f"{sentence}. Usage: `{spec.usage}`.", next_command=f"/help {spec.name}"
    )


def _options(spec: CommandSpec) -> dict[str, str]:
    """Return what may be typed -> the option it means."""
    options = {parameter.option: parameter.option for parameter in spec.parameters if parameter.option}
    if spec.takes_project:
        options |= {"-p": PROJECT, PROJECT: PROJECT}
    return options


def _is_option(word: Word | Unbalanced | None, options: dict[str, str]) -> bool:
    if not isinstance(word, Word) or word.quoted:
        return False
    return _split(word.text)[0] in options


def _split(text: str) -> tuple[str, str | None]:
    """Return an option's name and the value joined to it by `=`, None without one."""
    if not text.startswith("-"):
        return text.lower(), None
    name, joined, value = text.partition("=")
    return name.lower(), value if joined else None


def _take_option(
    parts: Parts, line: str, word: Word, options: dict[str, str], spec: CommandSpec
) -> int | Problem:
    """Record an option; returns the offset behind its value."""
    typed, value = _split(word.text)
    name, end = options[typed], word.end
    if value is None:
        following = next_word(line, end)
        if isinstance(following, Word) and (following.quoted or not following.text.startswith("-")):
            value, end = following.text, following.end
    if not value:
        return misuse(spec, f"`{typed}` needs a value behind it")
    if name in parts.options:
        return misuse(spec, f"`{typed}` was given twice")
    parts.options[name] = value
    return end


def _with_arguments(parts: Parts, line: str, at: int, spec: CommandSpec) -> Parts | Problem:
    words = _remaining(line, at)
    if words is None:
        return misuse(spec, "A quote behind `--` is opened and not closed")
    if not spec.accepts_terraform_arguments:
        return _no_arguments(spec)
    found = parse_arguments(words)
    if isinstance(found, Refusal):
        return Problem(reason=found.reason, sentence=found.sentence, next_command=f"/help {spec.name}")
    parts.arguments = found
    return parts


def _remaining(line: str, at: int) -> list[str] | None:
    words = []
    while (word := next_word(line, at)) is not None:
        if isinstance(word, Unbalanced):
            return None
        words.append(word.text)
        at = word.end
    return words


def _unknown_option(line: str, word: Word, spec: CommandSpec) -> Problem:
    words = _remaining(line, word.start)
    found = parse_arguments(words or [word.text])
    if isinstance(found, Refusal):
        return misuse(spec, f"`{shown(word.text)}` is not an option of `/{spec.name}`")
    if not spec.accepts_terraform_arguments:
        return _no_arguments(spec)
    # The words before it may still be wrong; the corrected line is then answered in its turn.
    corrected = " ".join([line[: word.start].rstrip(), "--", *map(quote, found)])
    return Problem(
        reason=Reason.ARGUMENT,
        sentence=f"Terraform arguments such as `{shown(word.text)}` are written after `--`.",
        next_command=corrected,
    )


def _no_arguments(spec: CommandSpec) -> Problem:
    return Problem(
        reason=Reason.ARGUMENT,
        sentence=f"`/{spec.name}` takes no Terraform arguments: they belong to `/plan`, and what is applied "
        "is exactly what was planned.",
        next_command="/help plan",
    )
