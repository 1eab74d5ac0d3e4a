"""The mappings of `gatewright.yaml`; `bot.policy.repo` fills in the defaults."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bot.policy.allow import AllowEntry, BotLogin, TeamName
from bot.policy.entry import Entry
from bot.policy.gates import GateName
from bot.policy.paths import Glob, RelativePath, StateKeyTemplate, VarFile
from bot.policy.thresholds import GroupsEntry
from bot.policy.values import (
    Argv,
    Bool,
    Duration,
    EnvironmentName,
    EnvironmentRef,
    ExactVersion,
    FormatVersion,
    OutputName,
    ProjectKey,
    ProjectRef,
    Text,
)
from bot.policy.verify import VerifyCheck
from bot.policy.windows import Freeze, HoldWindow


class TerraformEntry(Entry):
    """Which program runs."""

    engine: Literal["terraform", "tofu"] = "terraform"
    """HashiCorp's Terraform or OpenTofu."""
    version: ExactVersion
    """One exact version, in quotes; a plan made with another one is refused."""


class ProjectEntry(Entry):
    """A Terraform root module."""

    name: ProjectKey = "default"
    """What `-p NAME` takes."""
    dir: RelativePath = "terraform"
    """The root module's directory, relative to the repository."""
    depends_on: tuple[ProjectRef, ...] = ()
    """Projects that are applied before this one, and destroyed after it."""
    when_modified: tuple[Glob, ...] | None = None
    """Files that start a plan, instead of all in `dir`, and are part of its release.

    Called modules, var files and what the code reads from elsewhere always are."""


class RiskEntry(Entry):
    """The risk that the gate `risk` accepts."""

    max_level: Literal["none", "low", "medium", "high"] = "medium"
    """The highest risk that needs no override."""
    allow_stateful_destroy: Bool = False
    """Whether resources that hold data may be destroyed or replaced."""


class ApplyEntry(Entry):
    """Who may apply, and what must hold first."""

    allow: AllowEntry | None = None
    """A permission on the repository, or a list of permissions and teams; each is enough.

    Left out, nobody may apply; with the lifecycles `pull_request` and `ephemeral`, accounts with write access may."""
    gates: tuple[GateName, ...] = ()
    """Gates beyond those that are always judged."""
    promote_from: Annotated[EnvironmentRef | None, Field(alias="from")] = None
    """The environment in which the same release must be applied and verified before."""
    soak: Duration | None = None
    """How long it must have been verified there."""
    risk: RiskEntry = RiskEntry()
    """The risk that the gate `risk` accepts."""
    drill_max_age: Duration = timedelta(days=30)
    """How old the last rehearsed revert may be for the gate `drill`."""


class DriftEntry(Entry):
    """Checks for changes that were made outside Terraform."""

    every: Duration = timedelta(days=1)
    """Time between two checks."""


class RefreshEntry(Entry):
    """Data copied from another environment on a schedule; masking it is the command's work."""

    source: Annotated[EnvironmentRef | None, Field(alias="from")] = None
    """The environment whose data is copied: one that a change reaches later.

    Left out, the one that promotes from this environment."""
    command: Argv
    """The program and its arguments, run in the project's directory of the default branch.

    No shell is involved."""
    project: ProjectRef | None = None
    """The project whose outputs the command gets; required where there are several."""
    every: Duration = timedelta(days=7)
    """Time between two refreshes."""
    timeout: Duration = timedelta(hours=2)
    """Time limit of one refresh; the server's limit of an apply is the upper bound."""


class EnvironmentEntry(Entry):
    """One environment of every project."""

    state_key: StateKeyTemplate | None = None
    """Object key of the state: `{project}`, `{pull}` and `{user}` are filled in."""
    var_file: VarFile | None = None
    """Variables of this environment, relative to the repository; `{project}` is filled in."""
    trigger: Literal["pull_request", "local"] = "pull_request"
    """`local`: never run by the bot, only on developers' machines."""
    lifecycle: Literal["permanent", "pull_request", "ephemeral"] = "permanent"
    """`pull_request`: lives as long as its pull request.

    `ephemeral`: applied, verified and destroyed for every commit."""
    autoplan: Bool | None = None
    """Whether a pull request that touches it is planned automatically; yes unless local."""
    twin: EnvironmentRef | None = None
    """The environment that this one must resemble."""
    url_output: OutputName | None = None
    """The Terraform output that is shown as the environment's address."""
    apply: ApplyEntry = ApplyEntry()
    """Who may apply, and what must hold first."""
    after_merge: Literal["apply", "plan", "none"] | None = None
    """What a merge starts.

    By default `apply` where another environment promotes from this one, else `plan`."""
    code_checks: tuple[Literal["fmt", "validate", "test"], ...] = ()
    """Code checks with each plan: `terraform fmt`, `validate`, `test`.

    One check run reports all of them."""
    verify: tuple[VerifyCheck, ...] = ()
    """Checks after an apply."""
    drift: DriftEntry | None = None
    """When drift is checked automatically; left out, only `/drift` checks."""
    data_refresh: RefreshEntry | None = None
    """Data copied from another environment on a schedule."""
    artifacts: tuple[OutputName, ...] = ()
    """Sensitive outputs kept encrypted after an apply, for authorised download."""
    up: Argv | None = None
    """Starts local dependencies (`trigger: local` only)."""
    down: Argv | None = None
    """Stops local dependencies (`trigger: local` only)."""
    when_modified: tuple[Glob, ...] | None = None
    """As in the project, for this environment only."""
    hold_windows: tuple[HoldWindow, ...] = ()
    """Hours of the week in which nothing is applied."""
    freezes: tuple[Freeze, ...] = ()
    """Spans of time in which nothing is applied."""
    idle_after: Duration = timedelta(days=7)
    """When a pull request that holds a shared `lifecycle: pull_request` environment loses it."""


def _nothing_said(value: object) -> object:
    return {} if value is None else value


Environment = Annotated[EnvironmentEntry, BeforeValidator(_nothing_said)]
"""`staging:` with nothing behind it is an environment whose fields are all left out."""


class TimeoutsEntry(Entry):
    """Time limits of runs; the server's own limits are the upper bound."""

    plan: Duration | None = None
    """One plan."""
    apply: Duration | None = None
    """One apply, revert or destroy."""
    verify: Duration | None = None
    """All checks after an apply together."""


class AllowedDifference(Entry):
    """An intended difference between twins."""

    environments: Annotated[tuple[EnvironmentRef, ...], Field(min_length=2)]
    """The twins."""
    difference: Text
    """What differs, as `/parity` names it; `*` stands for anything.

    For example `var.nodes`, `engine`, `provider.hashicorp/aws`, `module.net`, or a resource type such as
    `aws_instance`."""
    reason: Text
    """Why it is intended."""


class ParityEntry(Entry):
    """How alike twins must be."""

    check: Bool = False
    """Whether each push gets the check run `gatewright/parity`; `/parity` always compares."""
    allowed: tuple[AllowedDifference, ...] = ()
    """Intended differences."""


class PolicyFile(Entry):
    """Policy of a repository managed by Gatewright, read from the tip of its default branch."""

    version: FormatVersion
    """Version of this format."""
    terraform: TerraformEntry
    """Which program runs."""
    projects: Annotated[tuple[ProjectEntry, ...], Field(min_length=1, max_length=200)] = (ProjectEntry(),)
    """Root modules; one, `default` in `terraform/`, when left out."""
    environments: Annotated[dict[EnvironmentName, Environment], Field(min_length=1, max_length=30)]
    """Environments in the order in which a change passes through them."""
    branches: tuple[Text, ...] = ()
    """Further base branches whose pull requests are served."""
    merge_requires: tuple[EnvironmentRef, ...] = ()
    """Environments that must be applied or unchanged before `gatewright/apply` is green."""
    plan_expires: Duration = timedelta(days=7)
    """How long a plan can be applied."""
    timeouts: TimeoutsEntry = TimeoutsEntry()
    """Time limits of runs."""
    thresholds: GroupsEntry = GroupsEntry()
    """Thresholds of the workflow gates."""
    parity: ParityEntry = ParityEntry()
    """How alike twins must be."""
    oncall: TeamName | None = None
    """The team whose members may apply a revert; it needs write access to the repository."""
    trusted_pushers: tuple[BotLogin, ...] = ()
    """Bots, such as `renovate[bot]`, whose pushes the gate `codeowners` accepts.

    Those of other bots shut it."""
