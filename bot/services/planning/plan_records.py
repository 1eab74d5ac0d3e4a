"""Build the record of a plan."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.core.model import (
    PlanId,
    PlanStatus,
    PullRequest,
    Repo,
    Run,
    RunKind,
    Sha,
    Stack,
    StateIdentity,
)
from bot.domain.plans.fetched import Fetched
from bot.domain.plans.plan import PlanRecord, PlanSummary
from bot.policy import RepoPolicy
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.touched import MergedTree, inputs_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Everything that is fixed before Terraform starts."""

    run: Run
    repo: Repo
    pull: PullRequest
    loaded: LoadedPolicy
    stack: Stack
    base: Sha
    tree: MergedTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What Terraform made, and where it is kept."""

    id: PlanId
    slot_name: str
    identity: StateIdentity
    """Of the state, as it was before the plan."""
    summary: PlanSummary
    plan_sha256: str
    bundle_key: str
    log_key: str
    work: bytes = field(repr=False)
    """The planned tree, packed."""
    fetched: Fetched
    added: tuple[str, ...] = ()
    """Paths of files that the plan left for its apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which code was planned."""

    head_sha: Sha
    base_sha: Sha
    merge_tree: str
    inputs_digest: str
    var_file_digest: str | None


def plan_record(subject: Subject, planned: Planned, now: datetime) -> PlanRecord:
    """Return the record of a plan that is not posted yet."""
    run, policy, tree = subject.run, subject.loaded.policy, subject.tree
    origin = Origin(
        head_sha=subject.pull.head_sha,
        base_sha=subject.base,
        merge_tree=tree.merge.tree,
        inputs_digest=inputs_digest(policy, subject.stack, tree),
        var_file_digest=tree.files.get(subject.stack.var_file or ""),
    )
    # What is planned after a merge is of the base, and no pull request's plan any more.
    pull = None if run.kind is RunKind.SYNC else subject.pull.number
    record = record_of(run, subject.stack, policy, planned, origin=origin, pull=pull, now=now)
    number = None if pull is None else run.head_number
    return replace(record, arguments=run.arguments, operation=run.operation, head_number=number)


def record_of(
    run: Run,
    stack: Stack,
    policy: RepoPolicy,
    planned: Planned,
    *,
    origin: Origin,
    pull: int | None,
    now: datetime,
) -> PlanRecord:
    """Return the record of a complete plan of some code, made under the policy in force."""
    summary = replace(planned.summary, added_files=planned.added, moving_sources=planned.fetched.moving)
    return PlanRecord(
        id=planned.id,
        run_id=run.id,
        stack=stack,
        pull=pull,
        head_sha=origin.head_sha,
        base_sha=origin.base_sha,
        merge_tree=origin.merge_tree,
        inputs_digest=origin.inputs_digest,
        fetched_digest=planned.fetched.digest,
        var_file_digest=origin.var_file_digest,
        change_digest=summary.change_digest,
        plan_sha256=planned.plan_sha256,
        engine=f"{policy.engine.name} {summary.terraform_version}",
        arguments=(),
        state_serial=planned.identity.serial,
        state_lineage=planned.identity.lineage,
        policy_digest=policy.digest,
        slot=planned.slot_name,
        bundle_key=planned.bundle_key,
        log_key=planned.log_key,
        has_changes=summary.has_changes,
        status=PlanStatus.PLANNED if summary.has_changes else PlanStatus.NO_CHANGES,
        status_reason=None,
        summary=summary,
        created_by=run.actor,
        created_at=now,
        posted_at=None,
        expires_at=now + timedelta(seconds=policy.plan_expires_seconds),
    )


def plan_sha256(plan_file: bytes) -> str:
    """Return the digest by which a plan file is known."""
    return hashlib.sha256(plan_file).hexdigest()


def counts_line(record: PlanRecord) -> str:
    """Return the one line that a run page shows."""
    counts = record.summary.counts
    if not record.has_changes:
        return "No changes."
    return f"{counts.add} to add, {counts.change} to change, {counts.replace} to replace, {counts.destroy} to destroy."
