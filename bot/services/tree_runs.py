"""Plan a reviewed tree, so that nothing but the plan and what it added outlives the code that ran."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.domain.errors import NeedsInitError, TreeChangedError
from bot.domain.plan_states import unknown_to_plan
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

_MOST_NAMED = 10
"""Addresses that a message names."""
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
    state: bytes | None = None,
) -> tuple[PlanOutput, LeftBehind]:
    """Plan a tree that was laid out in the job's slot; returns the plan and what it left for its apply.

    `state` is the state as it was before, where it is known. Raises what `Terraform.plan` and `Workspace.left_behind`
    raise, and TreeChangedError for a plan that does not know all of the state.
    """
    try:
        output = await terraform.plan(job, arguments, mode=mode)
    except NeedsInitError:
        # The planned code can print these words. The repetition starts from nothing, so it can gain nothing by them.
        job.on_line(REPEATED)
        await workspace.start_anew(job.slot)
        laid = await workspace.lay_out(job.slot, reviewed)
        output = await terraform.plan(job, arguments, mode=mode)
    if missing := await asyncio.to_thread(unknown_to_plan, state, output.json):
        shown = ", ".join(f"`{address}`" for address in missing[:_MOST_NAMED])
        raise TreeChangedError(
            (
                f"the saved plan: it does not know {shown}, which the state has. If the state was changed meanwhile, re-plan.",
            )
        )
    return output, await workspace.left_behind(job.slot, laid, ours=output.written)
