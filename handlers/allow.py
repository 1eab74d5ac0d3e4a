"""`/allow SHA`."""

from __future__ import annotations

from bot.comments.forks import allowed_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import Permission
from bot.domain.refusals import Reason, Refusal
from handlers import common, starting

SPEC = CommandSpec(
    name="allow",
    usage="/allow SHA",
    summary="Let one commit of a fork run, after having read it; the next push needs it again.",
    who="whoever may maintain or administer the repository",
    examples=("/allow 0123456789abcdef0123456789abcdef01234567",),
    parameters=(Parameter(kind=ParameterKind.SHA),),
    needs=Permission.MAINTAIN,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Note the commit, then start what its push would have started."""
    wish = request.wish
    pull = wish.pull
    refused = common.closed(request) or common.lacks_permission(SPEC, request)
    if refused is None and not pull.is_fork:
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
        await writer.allow(wish.repo.full_name, pull.number, pull.head_sha, by=wish.actor, at=bot.clock.now())
    await starting.touched(wish, request.loaded, bot)
    body = allowed_comment(head=pull.head_sha, by=wish.actor, reference=wish.correlation_id)
    return [Said(kind="allow", body=body)]
