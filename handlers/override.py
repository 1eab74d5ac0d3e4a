"""`/override ENV GATE REASON`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from bot.comments.overrides import override_asked_comment, override_confirmed_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind, render
from bot.domain.gates import JUDGED
from bot.domain.model import EnvName, Permission, Stack
from bot.domain.overrides import NEVER, Override
from bot.domain.refusals import Reason, Refusal
from bot.services.people import Standing, stacks_of
from handlers import common

_VALID: Final = timedelta(hours=1)
"""How long a wish can be confirmed, and a confirmed one used."""

SPEC = CommandSpec(
    name="override",
    usage="/override ENV GATE [-p PROJECT] REASON",
    summary="Open one gate of this pull request's newest plan once, when a second owner repeats it within an hour.",
    who="two different owners of the environment, or administrators",
    examples=("/override prod promoted staging is down and prod must not wait for it",),
    parameters=(
        Parameter(label="ENV", kind=ParameterKind.ENV, required=True, repeated=False),
        Parameter(label="GATE", kind=ParameterKind.GATE, required=True, repeated=False),
        Parameter(label="REASON", kind=ParameterKind.TEXT, required=True, repeated=False),
    ),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Record the first owner's wish, or confirm it as the second."""
    env, gate = command.env, command.gate
    if env is None or gate is None:
        return []
    refused = (
        common.closed(request)
        or common.lacks_permission(SPEC, request)
        or common.unknown_environment(env, request)
        or _no_such_gate(gate, look=f"/gates {env}")
        or await _no_owner(env, request, bot)
    )
    stack = refused or _meant(command, request)
    if isinstance(stack, Refusal):
        return [stack]
    wish, now = request.wish, bot.clock.now()
    new = Override(
        repo=wish.repo.full_name,
        pull=wish.pull.number,
        project=stack.project,
        env=env,
        gate=gate,
        reason=command.text,
        asked_by=wish.actor,
        asked_at=now,
        expires_at=now + _VALID,
    )
    first = await _noted(new, stack, bot)
    if first is None or first.asked_by.lower() == wish.actor.lower():
        body = override_asked_comment(first or new, line=command.line, reference=wish.correlation_id)
        return [Said(kind="status", body=body)]
    await bot.plan_comments.refresh_judged(wish.repo, wish.pull)
    body = override_confirmed_comment(first, by=wish.actor, reference=wish.correlation_id)
    return [Said(kind="status", body=body)]


async def _noted(new: Override, stack: Stack, bot: Bot) -> Override | None:
    """Record a wish, or confirm the one that it repeats; returns that one, None where there was none.

    What somebody said before the newest plan was made they said of another plan, so it is asked anew.
    """
    now = new.asked_at
    async with bot.records.write() as writer:
        known = await writer.overrides(repo=new.repo, pull=new.pull)
        plans = await writer.plans(repo=new.repo, pull=new.pull, stack=stack, limit=1)
        about = (one for one in reversed(known) if _is_about(one, new) and one.waits(now))
        first = next((one for one in about if not plans or plans[0].created_at <= one.asked_at), None)
        if first is None:
            await writer.add_override(new)
        elif first.asked_by.lower() != new.asked_by.lower():
            await writer.confirm_override(first.number, by=new.asked_by, at=now)
    return first


def _meant(command: Command, request: Request) -> Stack | Refusal:
    """Return the stack of the named project, or of the only one."""
    stacks = common.choose_stacks(command, request)
    if isinstance(stacks, Refusal) or len(stacks) == 1:
        return stacks if isinstance(stacks, Refusal) else stacks[0]
    names = ", ".join(f"`{stack.project}`" for stack in stacks)
    return Refusal(
        reason=Reason.PROJECT,
        sentence=f"{command.env} has several projects, and a gate is opened for one of them: {names}.",
        next_command=render(replace(command, project=stacks[0].project), SPEC),
    )


def _is_about(one: Override, other: Override) -> bool:
    return (one.project, one.env, one.gate) == (other.project, other.env, other.gate)


def _no_such_gate(gate: str, *, look: str) -> Refusal | None:
    if gate in NEVER:
        return Refusal(
            reason=Reason.GATE,
            sentence=f"The gate `{gate}` is never opened by asking: it keeps what is applied what was reviewed.",
            next_command=look,
        )
    if gate not in JUDGED:
        choices = ", ".join(f"`{name}`" for name in sorted(JUDGED - NEVER))
        return Refusal(
            reason=Reason.GATE,
            sentence=f"There is no gate `{gate}`. Those that can be overridden are {choices}.",
            next_command=look,
        )
    return None


async def _no_owner(env: EnvName, request: Request, bot: Bot) -> Refusal | None:
    wish = request.wish
    stacks = stacks_of(request.loaded, wish.repo, env, pull=wish.pull.number)
    standing = await bot.people.standing(wish.repo, request.loaded, stacks, wish.actor)
    if standing & {Standing.OWNER, Standing.ADMIN}:
        return None
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=f"A gate of {env} is opened only by two of its owners (CODEOWNERS of its directory or var file).",
    )
