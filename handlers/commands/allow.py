"""`/allow SHA`."""

from __future__ import annotations

from bot.comments.pulls.forks import allowed_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.core.model import Permission
from bot.domain.core.refusals import Reason, Refusal
from handlers.autoplan import plan_touched

SPEC = CommandSpec(
    name="allow",
    usage="/allow SHA",
    summary="Let one commit of a fork run, after having read it; the next push needs it again.",
    who="people who may maintain or administer the repository",
    examples=("/allow 0123456789abcdef0123456789abcdef01234567",),
    parameters=(Parameter(kind=ParameterKind.SHA),),
    permission=Permission.MAINTAIN,
    needs_open_pull=True,
    runs_pull_code=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Note the commit, then start what its push would have started."""
    trigger = request.trigger
    pull = trigger.pull
    refused = None
    if not pull.is_fork:
        refused = Refusal(
            reason=Reason.USAGE,
            sentence="This pull request is not from a fork: its commits run without being allowed.",
            next_command="/plan",
        )
    if refused is None and command.sha != pull.head_sha:
        refused = Refusal(
            reason=Reason.HEAD_MOVED,
            sentence=(
                f"The pull request is at another commit, {pull.head_sha[:7]}. Read what it is now; only the newest"
                " commit can be allowed."
            ),
            next_command=f"/allow {pull.head_sha}",
        )
    if refused is not None:
        return [refused]
    async with bot.records.write() as writer:
        await writer.allow(
            trigger.repo.full_name, pull.number, pull.head_sha, by=trigger.actor, at=bot.clock.now()
        )
    await plan_touched(trigger, request.loaded, bot)
    body = allowed_comment(head=pull.head_sha, by=trigger.actor, reference=trigger.correlation_id)
    return [Reply(body=body)]
