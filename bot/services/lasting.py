"""What is done automatically in environments with a `lifecycle` only, asked again just before it is done.

The policy may take the `lifecycle` away while a plan, an apply or a destroy waits for its turn.
"""

from __future__ import annotations

from bot.comments.words import command
from bot.domain.errors import LifecycleChangedError
from bot.domain.model import Run, RunKind, Stack
from bot.domain.plan import PlanRecord
from bot.policy import RepoPolicy
from bot.ports import Records


def refuse_to_destroy(policy: RepoPolicy, stack: Stack) -> None:
    """Raise LifecycleChangedError for the destroy of what stays by the policy in force; a removed environment goes."""
    if _stays(policy, stack):
        raise LifecycleChangedError(
            f"{stack.label} has no `lifecycle` in the policy in force any more, so it stays and is not destroyed."
            f" Comment `{command('unlock', stack)}` to let other pull requests apply there."
        )


async def refuse_automatic_apply(records: Records, run: Run, plan: PlanRecord, policy: RepoPolicy) -> None:
    """Raise LifecycleChangedError for an apply that nobody has asked for, of an environment that stays."""
    if run.kind is not RunKind.APPLY or run.comment_id is not None or not _stays(policy, plan.stack):
        return
    async with records.read() as reader:
        planned = await reader.run(plan.run_id)
    # What follows from a plan by itself belongs to the plan's own cause; a button is a cause of its own.
    if planned is not None and planned.correlation_id == run.correlation_id:
        raise LifecycleChangedError(
            f"{plan.stack.label} has no `lifecycle` in the policy in force any more, so nothing is applied there"
            f" automatically. Read the plan, then comment `{command('apply', plan.stack, plan.id)}`."
        )


def _stays(policy: RepoPolicy, stack: Stack) -> bool:
    return stack.env in policy.environments and policy.environment(stack.env).lifecycle == "permanent"
