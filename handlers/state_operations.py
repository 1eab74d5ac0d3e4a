"""Plan an operation on a state, for `/import` and `/state rm`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.core.model import StateOperation
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.state.operations import arguments_of
from bot.services.reporting.next_steps import why_closed


async def plan(operation: StateOperation, request: Request, bot: Bot) -> list[Answer]:
    """Queue the plan of an operation, unless the policy lets no one apply it."""
    [stack] = request.stacks
    closed = why_closed(request.loaded.policy.environment(stack.env))
    if closed is not None:
        return [Refusal(reason=Reason.ENVIRONMENT, sentence=f"{closed}.", next_command="/status")]
    runs = await bot.run_requests.plans(
        request.trigger, (stack,), arguments_of(operation), operation=operation
    )
    return [Started(runs=len(runs))]
