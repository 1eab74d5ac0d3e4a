"""Notes above a plan's resources: stale, failed, partial, or locked by another pull request."""

from __future__ import annotations

from collections.abc import Iterator

from bot.comments.markdown.escape import code, text
from bot.comments.markdown.words import Step, command, sentence
from bot.domain.core.model import PlanStatus, Stack
from bot.domain.plans.plan import Lock, PlanRecord

_PARTIAL = ("-target", "-refresh=false")


def plan_notes(plan: PlanRecord, locked_by: Lock | None, *, is_tenanted: bool) -> Iterator[str]:
    """Yield what must be read before the resources."""
    why = f" {sentence(plan.status_reason, limit=300)}" if plan.status_reason else ""
    if plan.status is PlanStatus.STALE:
        yield f"> [!WARNING]\n> **This plan is stale and cannot be applied.**{why}"
    elif plan.status is PlanStatus.FAILED:
        yield f"> [!WARNING]\n> **Applying this plan failed.**{why}"
    elif why:
        yield why.strip()
    if plan.arguments:
        partial = any(argument.startswith(_PARTIAL) for argument in plan.arguments)
        so = ": it does not show everything, and it cannot be promoted." if partial else "."
        yield f"> [!NOTE]\n> This plan was made with {code(' '.join(plan.arguments))}{so}"
    if locked_by is not None:
        yield _locked(locked_by, plan, is_tenanted=is_tenanted)


def pull_link(lock: Lock, stack: Stack) -> str:
    """Return the pull request that has a lock, as GitHub links it."""
    # Repositories may share a state.
    return f"#{lock.pull}" if lock.stack.repo == stack.repo else f"{lock.stack.repo}#{lock.pull}"


def locked_step(label: str, who: str, plan: str, *, is_tenanted: bool) -> Step:
    """Return what to do about a locked stack; `plan` is the command that plans it."""
    said = f"Blocked: {who} has locked {label}. When {who} is merged or"
    # The environment is destroyed then, and `/plan` would only queue once more.
    if is_tenanted:
        return Step(sentence=f"{said} closed, the next pull request in the queue is planned automatically")
    return Step(sentence=f"{said} unlocked", command=plan)


def _locked(lock: Lock, plan: PlanRecord, *, is_tenanted: bool) -> str:
    """Return which pull request has the lock, and what that means for the plan."""
    who, label = pull_link(lock, plan.stack), text(lock.stack.label, limit=150)
    said = f"> [!NOTE]\n> **Blocked: {who} has locked {label}.**"
    if not is_tenanted:
        unlock = code(command("unlock", lock.stack), limit=150)
        return f"{said} It can be applied here when {who} is merged or unlocked ({unlock} on {who})."
    # Plans of an environment that was handed over are stale, so an open one was made while that one held it.
    against = (
        f" **This plan was made against the state of {who}**, so it shows the difference from what {who} has deployed."
        if plan.status in {PlanStatus.PLANNED, PlanStatus.NO_CHANGES}
        else ""
    )
    destroy = code(command("destroy", lock.stack), limit=150)
    return (
        f"{said}{against} When {who} is merged or closed, or after {destroy} on {who}, its deployment is destroyed and"
        " the next pull request in the queue is planned automatically."
    )
