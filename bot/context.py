"""The input of handlers, and their possible answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.commands.parser import CommandSpec
from bot.domain.core.model import Permission, Stack
from bot.domain.core.refusals import Refusal
from bot.ports import Clock, GitHub, Records, Terraform
from bot.ports.tracing import Tracer
from bot.services.access.admission import Admission
from bot.services.access.capacities import People
from bot.services.access.permissions import Access
from bot.services.access.pushes import PushRecords
from bot.services.data_refresh.turns import RefreshTurns
from bot.services.drift.checks import Drifting
from bot.services.environments.leases import EnvironmentLeases
from bot.services.environments.lock_waiters import Waiting
from bot.services.gates.judging import Judging
from bot.services.merging.closeouts import Closeouts
from bot.services.merging.merge_queue_checks import MergeQueueChecks
from bot.services.merging.policy_checks import PolicyChecks
from bot.services.merging.syncing import Syncing
from bot.services.parity.comparing import Parity
from bot.services.planning.base_pushes import BasePushes
from bot.services.recovery.errored_states import ErroredStates
from bot.services.reporting.check_runs import CheckRuns
from bot.services.reporting.plan_comments import PlanComments
from bot.services.reporting.posting import Poster
from bot.services.reporting.reports import Reporting
from bot.services.reverting.requests import Reverting
from bot.services.runs.heads import Heads
from bot.services.runs.links import Links
from bot.services.runs.measuring import Measuring
from bot.services.runs.requests import RunRequests, Trigger
from bot.services.stacks.policies import LoadedPolicy, Policies
from bot.services.stacks.state_owners import StateOwners
from bot.services.stacks.touched import Trees
from bot.services.state_restore.requests import Restoring


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Everything that a handler may use, built once by the composition root."""

    records: Records
    admission: Admission
    github: GitHub
    heads: Heads
    terraform: Terraform
    clock: Clock
    policies: Policies
    policy_checks: PolicyChecks
    check_runs: CheckRuns
    access: Access
    owners: StateOwners
    judging: Judging
    run_requests: RunRequests
    trees: Trees
    leases: EnvironmentLeases
    poster: Poster
    plan_comments: PlanComments
    reporting: Reporting
    links: Links
    measuring: Measuring
    tracer: Tracer
    people: People
    pushes: PushRecords
    waiting: Waiting
    errored_states: ErroredStates
    syncing: Syncing
    base_pushes: BasePushes
    merge_queue_checks: MergeQueueChecks
    closeouts: Closeouts
    reverting: Reverting
    restoring: Restoring
    drifting: Drifting
    parity: Parity
    refresh_turns: RefreshTurns


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command with its pull request, its author and the policy in force."""

    trigger: Trigger
    loaded: LoadedPolicy
    permission: Permission
    """The actor's permission on the repository, read for this command."""
    line: str
    """The command as typed."""
    specs: Sequence[CommandSpec] = ()
    """Of all commands."""
    stacks: tuple[Stack, ...] = ()
    """What the command is about, as its spec asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that is posted as a comment."""

    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Runs were queued, and their own reports are the answer."""

    runs: int
    planning: bool = False
    """Whether plans of the head are all that was queued."""


Answer = Refusal | Reply | Started
