"""What a handler is given, and what it may answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.commands import CommandSpec
from bot.domain.model import Permission
from bot.domain.refusals import Refusal
from bot.ports import Clock, GitHub, Records, Terraform
from bot.ports.tracing import Tracer
from bot.services.access import Access
from bot.services.admission import Admission
from bot.services.closeouts import Closeouts
from bot.services.drifting import Drifting
from bot.services.jobs import Links
from bot.services.judging import Judging
from bot.services.measuring import Measuring
from bot.services.outdating import Outdating
from bot.services.parity import Parity
from bot.services.people import People
from bot.services.plan_comments import PlanComments
from bot.services.policies import LoadedPolicy, Policies
from bot.services.policy_checks import PolicyChecks
from bot.services.posting import Poster
from bot.services.queueing import Queueing
from bot.services.refresh_turns import RefreshTurns
from bot.services.reporting import Reporting
from bot.services.requesting import Requesting, Wish
from bot.services.rescues import Rescues
from bot.services.restoring import Restoring
from bot.services.reverting import Reverting
from bot.services.stacks import Trees
from bot.services.state_owners import StateOwners
from bot.services.syncing import Syncing
from bot.services.tenancy import Tenancy
from bot.services.waiting import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Everything a handler may use, built once by the composition root."""

    records: Records
    admission: Admission
    github: GitHub
    terraform: Terraform
    clock: Clock
    policies: Policies
    policy_checks: PolicyChecks
    access: Access
    owners: StateOwners
    judging: Judging
    requesting: Requesting
    trees: Trees
    tenancy: Tenancy
    poster: Poster
    plan_comments: PlanComments
    reporting: Reporting
    links: Links
    measuring: Measuring
    tracer: Tracer
    people: People
    waiting: Waiting
    rescues: Rescues
    syncing: Syncing
    outdating: Outdating
    queueing: Queueing
    closeouts: Closeouts
    reverting: Reverting
    restoring: Restoring
    drifting: Drifting
    parity: Parity
    refresh_turns: RefreshTurns
    login: str
    """The App's own user name, whose comments are never commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command with everything about who gave it where."""

    wish: Wish
    loaded: LoadedPolicy
    held: Permission
    """The actor's right on the repository, read for this command."""
    line: str
    """The command as typed."""
    specs: Sequence[CommandSpec] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer that is a comment of its own."""

    kind: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Runs were queued; their own reports are the answer."""

    runs: int


Answer = Refusal | Said | Started
