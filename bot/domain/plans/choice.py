"""Choose the plan that an `/apply` refers to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.core.model import EnvName, PlanId, ProjectName
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.plans.plan import PlanRecord


def choose_plan(
    plans: Sequence[PlanRecord],
    *,
    named: PlanId | None,
    asked_at: datetime,
    env: EnvName,
    project: ProjectName,
    is_possible: bool = True,
) -> PlanRecord | Refusal:
    """Return the plan that an `/apply` refers to: the named one, or else the newest posted one.

    `plans` are all plans of the stack on this pull request, newest first. `is_possible` is False where the
    policy allows nobody to apply the environment; a new plan is then not suggested.
    """
    again = f"/plan {env}" + ("" if project == "default" else f" -p {project}")
    if named is not None:
        found = next((plan for plan in plans if plan.id == named), None)
        if found is None:
            return Refusal(
                reason=Reason.NO_PLAN,
                sentence=f"There is no plan {named} of {env} on this pull request.",
                next_command=again,
            )
        return found
    if not plans and not is_possible:
        return Refusal(
            reason=Reason.PERMISSION,
            sentence=f"Nobody may apply {env}: the policy gives it no `apply.allow`.",
            next_command="/status",
        )
    if not plans:
        return Refusal(reason=Reason.NO_PLAN, sentence=f"{env} has not been planned yet.", next_command=again)
    newest = plans[0]
    if newest.posted_at is None or newest.posted_at >= asked_at:
        return Refusal(
            reason=Reason.PLAN_NEWER_THAN_COMMAND,
            sentence=(
                f"Plan {newest.id} of {env} was posted after your comment was written, so you cannot have"
                " read it. Read it, then ask again."
            ),
            next_command=f"/apply {env} {newest.id}",
        )
    return newest
