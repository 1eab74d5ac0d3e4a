"""Check that an environment still has a `lifecycle` before an automatic run.

The policy may remove it while a plan, an apply or a destroy is queued.
"""

from __future__ import annotations

from bot.comments.markdown.words import command
from bot.domain.core.errors import LifecycleChangedError
from bot.domain.core.model import Run, RunKind, Stack
from bot.domain.plans.plan import PlanRecord
from bot.policy import RepoPolicy
from bot.ports import Records


def refuse_to_destroy(policy: RepoPolicy, stack: Stack) -> None:
    """Raise LifecycleChangedError if the policy in force keeps the environment.

    An environment that the policy removed is destroyed.
    """
    if _stays(policy, stack):
        raise LifecycleChangedError(
            f"{stack.label} has no `lifecycle` in the policy in force any more, so it stays and is not destroyed."
            f" Comment `{command('unlock', stack)}` to let other pull requests apply there."
        )


async def refuse_automatic_apply(records: Records, run: Run, plan: PlanRecord, policy: RepoPolicy) -> None:
    """Raise LifecycleChangedError for an automatic apply of a permanent environment."""
    if run.kind is not RunKind.APPLY or run.comment_id is not None or not _stays(policy, plan.stack):
        return
    async with records.read() as reader:
        planned = await reader.run(plan.run_id)
    # What follows automatically from a plan belongs to the plan's own cause; a button is a cause of its own.
    if planned is not None and planned.correlation_id == run.correlation_id:
        raise LifecycleChangedError(
            f"{plan.stack.label} has no `lifecycle` in the policy in force any more, so nothing is applied there"
            f" automatically. Read the plan, then comment `{command('apply', plan.stack, plan.id)}`."
        )


def _stays(policy: RepoPolicy, stack: Stack) -> bool:
    return stack.env in policy.environments and policy.environment(stack.env).lifecycle == "permanent"
