"""Plan a reviewed tree, and keep only the plan and the files it added."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.domain.core.errors import NeedsInitError, TreeChangedError
from bot.domain.plans.states import unknown_to_plan
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
"""Maximum number of addresses named in a message."""
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
    """Plan a tree that was laid out in the job's slot.

    Returns the plan and the files that its apply needs.

    `state` is the state before the plan, if known. Raises what `Terraform.plan` and `Workspace.left_behind`
    raise, and TreeChangedError if the plan omits resources of the state.
    """
    try:
        output = await terraform.plan(job, arguments, mode=mode)
    except NeedsInitError:
        # The code can print this error itself; starting over from an empty directory gives it no advantage.
        job.on_line(REPEATED)
        await workspace.reset_tree(job.slot)
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
