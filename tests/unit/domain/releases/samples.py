"""Releases that a revert can go back to."""

from __future__ import annotations

from bot.domain.core.model import PlanId, RunId, Sha
from bot.domain.releases.release import Release
from tests.fakes.accounts import account
from tests.fakes.records.builders import NOON, plan, stack

STACK = stack()


def release(name: str, *, changed: bool = True, arguments: tuple[str, ...] = ()) -> Release:
    made = plan()
    return Release(
        plan_id=PlanId(name),
        run_id=RunId(f"run-{name}"),
        stack=STACK,
        pull=7,
        head_sha=Sha("0" * 40),
        base_sha=made.base_sha,
        merge_tree=made.merge_tree,
        inputs_digest=made.inputs_digest,
        var_file_digest=None,
        change_digest=made.change_digest,
        plan_sha256=made.plan_sha256,
        policy_digest=made.policy_digest,
        engine=made.engine,
        arguments=arguments,
        changed=changed,
        source_digest=name,
        source_key=f"sources/{name}",
        state_serial=4,
        state_lineage="one",
        outputs={},
        actor=account("dev"),
        approvers=(),
        recorded_at=NOON,
    )
