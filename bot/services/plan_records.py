"""What is recorded of a plan."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.model import PlanId, PlanStatus, PullRequest, Repo, Run, RunKind, Sha, Stack, StateIdentity
from bot.domain.plan import PlanRecord, PlanSummary
from bot.services.policies import LoadedPolicy
from bot.services.stacks import MergedTree, inputs_digest


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


def plan_record(subject: Subject, planned: Planned, now: datetime) -> PlanRecord:
    """Return the record of a plan that is not posted yet."""
    policy, stack, summary = subject.loaded.policy, subject.stack, planned.summary
    return PlanRecord(
        id=planned.id,
        run_id=subject.run.id,
        stack=stack,
        # What is planned after a merge is of the base, and no pull request's plan any more.
        pull=None if subject.run.kind is RunKind.SYNC else subject.pull.number,
        head_sha=subject.pull.head_sha,
        base_sha=subject.base,
        merge_tree=subject.tree.merge.tree,
        inputs_digest=inputs_digest(policy, stack, subject.tree),
        var_file_digest=subject.tree.files.get(stack.var_file or ""),
        change_digest=summary.change_digest,
        plan_sha256=planned.plan_sha256,
        engine=f"{policy.engine.name} {summary.terraform_version}",
        arguments=subject.run.arguments,
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
        created_by=subject.run.actor,
        created_at=now,
        posted_at=None,
        expires_at=now + timedelta(seconds=policy.plan_expires_seconds),
        operation=subject.run.operation,
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
