"""The values of the command parser: specs, commands and problems."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.commands.values import ParameterKind
from bot.domain.core.model import EnvName, Permission, PlanId, ProjectName, RunId, Sha
from bot.domain.core.refusals import Reason, Refusal


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
    note: str = ""
    """A sentence for people who have left it out."""

    @property
    def shown(self) -> str:
        """What sentences call it."""
        return self.label or self.kind.value


class StackChoice(StrEnum):
    """Which stacks are chosen for a command before its handler runs."""

    NONE = "none"
    """None; what its names mean is the handler's own question."""
    ENVIRONMENTS = "environments"
    """All of the named environments, of every project: the command is about environments as a whole."""
    EVERY = "every"
    """Those of the named environments and project; where none is named, all."""
    ONE = "one"
    """Exactly one: where the environment has several projects, one must be named."""


class Lifetime(StrEnum):
    """Which environments a command is for."""

    ANY = "any"
    PERMANENT = "permanent"
    TEMPORARY = "temporary"
    """Those that are destroyed: with their pull request or at the end of their run."""


class Right(StrEnum):
    """A right in the named environments, in addition to the permission on the repository."""

    NONE = "none"
    APPLY = "apply"
    """Named by the environment's `apply.allow`."""
    OWN = "own"
    """An owner by CODEOWNERS, or an administrator."""
    STOP = "stop"
    """An owner, an administrator, or a member of the policy's on-call team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """All facts about a command; the dispatcher, `/help` and docs/commands.md follow it.

    The defaults are the strict ones: by default a fork's commit must be allowed before the command runs.
    """

    name: str
    """Without the slash; two words for `state rm`."""
    usage: str
    """`/apply ENV [PLAN]`."""
    summary: str
    """One line on what it does."""
    who: str
    """Who may use it, in words; `Permission.people` where the permission is all that it needs."""
    examples: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    accepts_terraform_arguments: bool = False
    permission: Permission = Permission.READ
    """The least permission on the repository; gates may ask for more."""
    right: Right = Right.NONE
    """Asked in each named environment."""
    stacks: StackChoice = StackChoice.NONE
    lifetime: Lifetime = Lifetime.ANY
    """Stacks of other environments are not chosen."""
    needs_open_pull: bool = False
    """Refused on a closed pull request, and on one whose base the policy does not serve."""
    runs_pull_code: bool = True
    """Code of the pull request's newest commit runs, or may run because of it; a fork's commit must be allowed first."""
    touches_state: bool = True
    """Reads or changes the state of the named environments, which must belong to this repository."""

    @property
    def takes_project(self) -> bool:
        """Whether `-p NAME` has a meaning: wherever an environment has one."""
        return any(parameter.kind is ParameterKind.ENV for parameter in self.parameters)

    @property
    def words_before_text(self) -> int | None:
        """How many words come before the free text; None for a command without text."""
        if not any(parameter.kind is ParameterKind.TEXT for parameter in self.parameters):
            return None
        placed = [parameter for parameter in self.parameters if parameter.option is None]
        return sum(parameter.kind is not ParameterKind.TEXT for parameter in placed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A parsed command; whether it is allowed is decided later."""

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
    """The rest of the line; free text, never run and always escaped."""
    arguments: tuple[str, ...] = ()
    """Allowed Terraform arguments, normalised to `-name=value`."""

    @property
    def env(self) -> EnvName | None:
        """The first environment named, None when none is."""
        return self.envs[0] if self.envs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A line that is meant as a command but is not well-formed."""

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
        """Return it as a refusal."""
        return Refusal(
            reason=self.reason, sentence=self.sentence, next_command=self.next_command, detail=self.detail
        )
