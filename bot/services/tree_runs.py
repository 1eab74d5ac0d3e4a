"""Plan a reviewed tree, so that nothing but the plan and what it added outlives the code that ran."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.errors import NeedsInitError
from bot.ports import (
    LaidOut,
    LeftBehind,
    PlanMode,
    PlanOutput,
    ReviewedTree,
    Terraform,
    TerraformJob,
    Workspace,
)

REPEATED = "Terraform asks for an initialisation that was skipped: the plan is repeated once, from an empty directory."


async def plan_tree(
    workspace: Workspace,
    terraform: Terraform,
    job: TerraformJob,
    reviewed: ReviewedTree,
    laid: LaidOut,
    *,
    arguments: Sequence[str] = (),
    mode: PlanMode = PlanMode.NORMAL,
) -> tuple[PlanOutput, LeftBehind]:
    """Plan a tree that was laid out in the job's slot; returns the plan and what it left for its apply.

    Raises what `Terraform.plan` and `Workspace.left_behind` raise.
    """
    try:
        output = await terraform.plan(job, arguments, mode=mode)
    except NeedsInitError:
        # The planned code can print these words. The repetition starts from nothing, so it can gain nothing by them.
        job.on_line(REPEATED)
        await workspace.start_anew(job.slot)
        laid = await workspace.lay_out(job.slot, reviewed)
        output = await terraform.plan(job, arguments, mode=mode)
    return output, await workspace.left_behind(job.slot, laid, ours=output.written)
