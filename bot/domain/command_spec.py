"""The values around the command parser: what a command looks like, and what was made of a line."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.command_values import ParameterKind
from bot.domain.model import EnvName, Permission, PlanId, ProjectName, RunId, Sha
from bot.domain.refusals import Reason, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One value that a command takes, in the order of the usage line."""

    kind: ParameterKind
    required: bool = True
    repeated: bool = False
    """Takes all remaining words; at most one parameter does."""
    option: str | None = None
    """Given by name instead of by place: `--confirm`, or a bare word such as `to`."""
    choices: tuple[str, ...] = ()
    """For `ParameterKind.CHOICE`."""
    label: str | None = None
    """What usage calls it where that is not the kind, for example REASON."""

    @property
    def shown(self) -> str:
        """What sentences call it."""
        return self.label or self.kind.value


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """Everything about a command but its handler; `/help` and the README are made from it."""

    name: str
    """Without the slash; two words for `state rm`."""
    usage: str
    """`/apply ENV [PLAN]`."""
    summary: str
    """One line on what it does."""
    who: str
    """Who may use it, in words."""
    examples: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    accepts_terraform_arguments: bool = False
    needs: Permission = Permission.READ
    """The least right on the repository; gates may ask for more."""

    @property
    def takes_project(self) -> bool:
        """Whether `-p NAME` has a meaning: wherever an environment has one."""
        return any(parameter.kind is ParameterKind.ENV for parameter in self.parameters)

    @property
    def words_before_text(self) -> int | None:
        """How many words stand before the rest of the line is taken as text; None where it never is."""
        if not any(parameter.kind is ParameterKind.TEXT for parameter in self.parameters):
            return None
        placed = [parameter for parameter in self.parameters if parameter.option is None]
        return sum(parameter.kind is not ParameterKind.TEXT for parameter in placed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that was understood; whether it is allowed is decided later."""

    name: str
    line: str
    """The line as typed, without invisible characters."""
    envs: tuple[EnvName, ...] = ()
    """Well-formed names, each once, in the order typed; the policy may not know them."""
    project: ProjectName | None = None
    plan: PlanId | None = None
    run: RunId | None = None
    release: str | None = None
    """Plan id, run id or (short) commit id, lower case."""
    sha: Sha | None = None
    gate: str | None = None
    address: str | None = None
    object_id: str | None = None
    """What the provider calls the object to import."""
    serial: int | None = None
    count: int | None = None
    choice: str | None = None
    text: str = ""
    """The rest of the line; somebody's words, never to be run or rendered as they are."""
    arguments: tuple[str, ...] = ()
    """Allowed Terraform arguments, normalised to `-name=value`."""

    @property
    def env(self) -> EnvName | None:
        """The first environment named, None when none is."""
        return self.envs[0] if self.envs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A line that is meant for us and cannot be carried out as it is written."""

    reason: Reason
    sentence: str
    next_command: str | None
    line: str = ""
    """The line as typed, without invisible characters."""
    suggestion: str | None = None
    """The command that a misspelt one was probably meant to be, with its slash."""
    detail: tuple[str, ...] = ()
    """One line per choice."""

    def as_refusal(self) -> Refusal:
        """Return it in the form in which everything refused is told."""
        return Refusal(
            reason=self.reason, sentence=self.sentence, next_command=self.next_command, detail=self.detail
        )
