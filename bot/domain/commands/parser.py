"""Parse the first line of a comment into a command, and render a command as a line.

Pure and total: the result is a `Command`, a `Problem` to report, or None where the comment is no command of ours.
The time grows linearly with the comment's length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.commands.line import Word, first_line, next_word, quote
from bot.domain.commands.near_misses import near_miss
from bot.domain.commands.planned import not_available
from bot.domain.commands.reader import PROJECT, Parts, misuse, read
from bot.domain.commands.spec import (
    Command,
    CommandSpec,
    Lifetime,
    Parameter,
    Problem,
    Right,
    StackChoice,
)
from bot.domain.commands.terraform_arguments import shown
from bot.domain.commands.values import ParameterKind, form, is_name, normalised
from bot.domain.core.model import EnvName, PlanId, ProjectName, RunId, Sha
from bot.domain.core.refusals import Reason

__all__ = [
    "Command",
    "CommandSpec",
    "Lifetime",
    "Parameter",
    "ParameterKind",
    "Problem",
    "Right",
    "StackChoice",
    "parse",
    "render",
]

_LONGEST_SUSPECT = 20
_Values = Mapping[ParameterKind, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offered:
    """The environments to offer where a command lacks one."""

    usual: Sequence[str]
    own: Mapping[str, Sequence[str]]

    def to(self, spec: CommandSpec) -> Sequence[str]:
        return self.own.get(spec.name, self.usual)


def parse(
    body: str,
    specs: Sequence[CommandSpec],
    *,
    environments: Sequence[str] = (),
    own: Mapping[str, Sequence[str]] | None = None,
) -> Command | Problem | None:
    """Read the first non-blank line of a comment.

    `environments` are the names to offer where one is missing; those that may be meant, in order. `own` has those
    of commands that are for others. Names are checked for their form only.
    """
    line = first_line(body)
    if line is None or not line.startswith("/"):
        return None
    result = _understood(line, specs, _Offered(usual=environments, own=own or {}))
    return replace(result, line=line) if isinstance(result, Problem) else result


def render(command: Command, spec: CommandSpec) -> str:
    """Return the line that `parse` reads as this command, in one canonical spelling."""
    words = ["/" + spec.name]
    if command.project:
        words += ["-p", command.project]
    text = ""
    for parameter in spec.parameters:
        values = _rendered(command, parameter)
        if parameter.kind is ParameterKind.TEXT:
            text = command.text
        elif parameter.option and values:
            words += [parameter.option, *values]
        else:
            words += values
    if command.arguments:
        words += ["--", *map(quote, command.arguments)]
    return " ".join([*words, text]).rstrip()


def _understood(line: str, specs: Sequence[CommandSpec], offered: _Offered) -> Command | Problem | None:
    word = line[1:].split(" ", 1)[0]
    family = [spec for spec in specs if word.isascii() and spec.name.split()[0] == word.lower()]
    if not family:
        return not_available(word) or _suspected(line, word, specs, offered)
    found = _longest_name(line, family)
    if found is None:
        return _incomplete(word.lower(), family)
    spec, at = found
    parts = read(line, at, spec)
    return parts if isinstance(parts, Problem) else _bind(line, parts, spec, offered.to(spec))


def _longest_name(line: str, family: Sequence[CommandSpec]) -> tuple[CommandSpec, int] | None:
    """Return the spec whose whole name the line begins with, and the offset behind it."""
    for spec in sorted(family, key=lambda spec: -len(spec.name.split())):
        at, typed = 1, []
        for _ in spec.name.split():
            word = next_word(line, at)
            if isinstance(word, Word):
                typed.append(word.text.lower())
                at = word.end
        if " ".join(typed) == spec.name:
            return spec, at
    return None


def _incomplete(word: str, family: Sequence[CommandSpec]) -> Problem:
    return Problem(
        reason=Reason.USAGE,
        sentence=f"`/{word}` needs a second word.",
        next_command=f"/help {family[0].name}",
        detail=tuple(f"`{spec.usage}`: {spec.summary}" for spec in family),
    )


def _suspected(line: str, word: str, specs: Sequence[CommandSpec], offered: _Offered) -> Problem | None:
    """Return the one "did you mean" for a misspelt command; None for what is not ours."""
    if len(word) > _LONGEST_SUSPECT:
        return None
    meant = near_miss(word, (spec.name.split()[0] for spec in specs))
    if meant is None:
        return None
    corrected = _understood(f"/{meant}{line[1 + len(word) :]}", specs, offered)
    next_command = corrected.line if isinstance(corrected, Command) else None
    if isinstance(corrected, Problem):
        next_command = corrected.next_command
    return Problem(
        reason=Reason.USAGE,
        sentence=f"`/{shown(word)}` is not a command. Did you mean `/{meant}`?",
        next_command=next_command,
        suggestion=f"/{meant}",
    )


def _bind(line: str, parts: Parts, spec: CommandSpec, environments: Sequence[str]) -> Command | Problem:
    """Give each parameter its words, in order, and check their form."""
    values: dict[ParameterKind, list[str]] = {}
    words = list(reversed(parts.words))
    for parameter in spec.parameters:
        given = _given(parts, words, parameter)
        if not given and parameter.required:
            return _missing(spec, parameter, environments)
        checked = values.setdefault(parameter.kind, [])
        for word in given:
            value = normalised(parameter.kind, word, parameter.choices)
            if value is None:
                return _malformed(spec, parameter, word, render(_command(line, spec, values, parts), spec))
            checked.append(value)
    if words:
        return misuse(spec, f"`{shown(words[-1])}` is one word too many")
    project = parts.options.get(PROJECT)
    if project is not None and not is_name(project):
        return misuse(spec, f"`{shown(project)}` is not a project's name", Reason.PROJECT)
    return _command(line, spec, values, parts)


def _given(parts: Parts, words: list[str], parameter: Parameter) -> list[str]:
    """Take the parameter's words from `words`, which is in reverse order."""
    if parameter.option:
        return [parts.options[parameter.option]] if parameter.option in parts.options else []
    if parameter.kind is ParameterKind.TEXT:
        return [parts.text] if parts.text else []
    if parameter.repeated:
        taken = list(reversed(words))
        words.clear()
        return taken
    return [words.pop()] if words else []


def _command(line: str, spec: CommandSpec, values: _Values, parts: Parts) -> Command:
    def one(*kinds: ParameterKind) -> str | None:
        return next((value for kind in kinds for value in values.get(kind, ())), None)

    def number(kind: ParameterKind) -> int | None:
        value = one(kind)
        return None if value is None else int(value)

    plan, run = one(ParameterKind.PLAN), one(ParameterKind.RUN)
    if (target := one(ParameterKind.RUN_OR_PLAN)) is not None:
        is_plan = normalised(ParameterKind.PLAN, target) is not None
        plan, run = (target, None) if is_plan else (None, target)
    sha, project = one(ParameterKind.SHA), parts.options.get(PROJECT)
    return Command(
        name=spec.name,
        line=line,
        envs=tuple(EnvName(env) for env in dict.fromkeys(values.get(ParameterKind.ENV, ()))),
        project=None if project is None else ProjectName(project),
        plan=None if plan is None else PlanId(plan),
        run=None if run is None else RunId(run),
        release=one(ParameterKind.RELEASE),
        sha=None if sha is None else Sha(sha),
        gate=one(ParameterKind.GATE),
        address=one(ParameterKind.ADDRESS),
        object_id=one(ParameterKind.ID),
        serial=number(ParameterKind.SERIAL),
        count=number(ParameterKind.COUNT),
        choice=one(ParameterKind.CHOICE),
        text=parts.text,
        arguments=parts.arguments,
    )


def _rendered(command: Command, parameter: Parameter) -> list[str]:
    kinds: dict[ParameterKind, Sequence[object]] = {
        ParameterKind.ENV: command.envs,
        ParameterKind.PLAN: [command.plan],
        ParameterKind.RUN: [command.run],
        ParameterKind.RUN_OR_PLAN: [command.run or command.plan],
        ParameterKind.RELEASE: [command.release],
        ParameterKind.SHA: [command.sha],
        ParameterKind.GATE: [command.gate],
        ParameterKind.ADDRESS: [command.address],
        ParameterKind.ID: [command.object_id],
        ParameterKind.SERIAL: [command.serial],
        ParameterKind.COUNT: [command.count],
        ParameterKind.CHOICE: [command.choice],
        ParameterKind.TEXT: [],
    }
    return [quote(str(value)) for value in kinds[parameter.kind] if value is not None]


def _missing(spec: CommandSpec, parameter: Parameter, environments: Sequence[str]) -> Problem:
    if parameter.kind is not ParameterKind.ENV:
        how = f"`{parameter.option} {parameter.shown}`" if parameter.option else f"{parameter.shown}"
        return misuse(spec, f"`/{spec.name}` needs {how} ({form(parameter.kind, parameter.choices)})")
    note = f" {parameter.note}" if parameter.note else ""
    also = [
        each.shown for each in spec.parameters if each.required and each is not parameter and not each.option
    ]
    choices = tuple(f"`{' '.join([f'/{spec.name}', env, *also])}`" for env in environments)
    offered = " Choose one of " + ", ".join(f"`{env}`" for env in environments) + "." if choices else ""
    # Where more is missing than the name, the name alone would be refused as well.
    next_command = choices[0].strip("`") if choices and not also else f"/help {spec.name}"
    return Problem(
        reason=Reason.ENVIRONMENT,
        sentence=f"`/{spec.name}` needs the name of an environment.{note}{offered} Usage: `{spec.usage}`.",
        next_command=next_command,
        detail=choices,
    )


def _malformed(spec: CommandSpec, parameter: Parameter, word: str, without: str) -> Problem:
    """Return the problem of a malformed word; `without` is the command without it."""
    if parameter.kind is ParameterKind.PLAN and not parameter.required:
        return Problem(
            reason=Reason.USAGE,
            sentence=f"`{shown(word)}` is not the id of a plan. An id is {form(parameter.kind)}, for example"
            f" `p7k2m9qa`; without one, `/{spec.name}` means the newest plan. Usage: `{spec.usage}`.",
            next_command=without,
        )
    reason = Reason.ENVIRONMENT if parameter.kind is ParameterKind.ENV else Reason.USAGE
    wanted = form(parameter.kind, parameter.choices)
    return misuse(spec, f"`{shown(word)}` cannot be {parameter.shown} ({wanted})", reason)
