"""`/override ENV GATE REASON`."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.comments.gates.overrides import override_asked_comment, override_confirmed_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, Right, StackChoice
from bot.domain.core.model import Permission, Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.gates import names, overridable
from bot.domain.gates.overrides import NEVER, Override

_VALID: Final = timedelta(hours=1)
"""How long a request can be confirmed, and a confirmed override used."""

SPEC = CommandSpec(
    name="override",
    usage="/override ENV GATE [-p PROJECT] REASON",
    summary="Open one gate of this pull request's newest plan once, when a second owner repeats it within an hour.",
    who="two different owners of the environment, or administrators",
    examples=("/override prod promoted staging is down and prod must not wait for it",),
    parameters=(
        Parameter(kind=ParameterKind.ENV),
        Parameter(label="GATE", kind=ParameterKind.GATE),
        Parameter(label="REASON", kind=ParameterKind.TEXT),
    ),
    permission=Permission.WRITE,
    right=Right.OWN,
    stacks=StackChoice.ONE,
    needs_open_pull=True,
    touches_state=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Record the first owner's request, or confirm it as the second owner."""
    env, gate = command.env, command.gate
    if env is None or gate is None:
        return []
    refused = _no_such_gate(gate, look=f"/gates {env}")
    if refused is not None:
        return [refused]
    [stack] = request.stacks
    trigger, now = request.trigger, bot.clock.now()
    new = Override(
        repo=trigger.repo.full_name,
        pull=trigger.pull.number,
        project=stack.project,
        env=env,
        gate=gate,
        reason=command.text,
        asked_by=trigger.actor,
        asked_at=now,
        expires_at=now + _VALID,
    )
    first = await _record(new, stack, bot)
    if first is None or not first.asked_by.is_certainly_another(trigger.actor):
        body = override_asked_comment(first or new, line=command.line, reference=trigger.correlation_id)
        return [Reply(body=body)]
    await bot.plan_comments.refresh_judged(trigger.repo, trigger.pull)
    body = override_confirmed_comment(first, by=trigger.actor, reference=trigger.correlation_id)
    return [Reply(body=body)]


async def _record(new: Override, stack: Stack, bot: Bot) -> Override | None:
    """Record a request, or confirm and return the pending one that it repeats."""
    now = new.asked_at
    async with bot.records.write() as writer:
        known = await writer.overrides(repo=new.repo, pull=new.pull)
        plans = await writer.plans(repo=new.repo, pull=new.pull, stack=stack, limit=1)
        about = (one for one in reversed(known) if _is_about(one, new) and one.waits(now))
        # A request from before the newest plan was about another plan.
        first = next((one for one in about if not plans or plans[0].created_at <= one.asked_at), None)
        if first is None:
            await writer.add_override(new)
        # The same person twice, or an account that may be the same, confirms nothing.
        elif first.asked_by.is_certainly_another(new.asked_by):
            await writer.confirm_override(first.number, by=new.asked_by, at=now)
    return first


def _is_about(one: Override, other: Override) -> bool:
    return (one.project, one.env, one.gate) == (other.project, other.env, other.gate)


def _no_such_gate(gate: str, *, look: str) -> Refusal | None:
    if gate in NEVER:
        return Refusal(
            reason=Reason.GATE,
            sentence=f"The gate `{gate}` is never opened by asking: it keeps what is applied what was reviewed.",
            next_command=look,
        )
    if gate not in names():
        choices = ", ".join(f"`{name}`" for name in sorted(overridable()))
        return Refusal(
            reason=Reason.GATE,
            sentence=f"There is no gate `{gate}`. Those that can be overridden are {choices}.",
            next_command=look,
        )
    return None
