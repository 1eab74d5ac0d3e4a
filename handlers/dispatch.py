"""Dispatch a command line, typed or from a button, and post its answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.comments.answers.refusal import refusal_comment
from bot.comments.runs.failures import policy_error_comment
from bot.context import Answer, Bot, Reply, Request, Started
from bot.domain.commands.parser import Command, Problem, parse
from bot.domain.core.accounts import Account
from bot.domain.core.errors import MergeConflictError
from bot.domain.core.model import Permission, PullRequest, Repo, Sha
from bot.domain.core.refusals import Reason, Refusal
from bot.services.runs.requests import Trigger
from bot.services.runs.stopwatch import together
from bot.services.stacks.policies import LoadedPolicy
from handlers import COMMANDS, SPECS, preconditions
from handlers.stack_choice import applicable, offered


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCommand:
    """A command as given, before it is parsed."""

    repo: Repo
    pull: PullRequest
    actor: Account
    comment_id: int | None
    asked_at: datetime
    body: str
    line: str
    correlation_id: str


async def answer(given: IncomingCommand, bot: Bot) -> None:
    """React with 👀, dispatch a command and post its answers; silent without a policy."""
    permission, found = await together(
        bot.access.permission(given.repo, given.actor), bot.policies.look(given.repo)
    )
    if found.is_missing:
        return  # Other programs answer to the same words.
    await _react(given, "eyes", bot)
    if not permission.allows(Permission.READ):
        # The head is not named to people who cannot read the repository.
        await _post(given, [_stranger(given)], bot, head=None)
        return
    if found.policy is None:
        body = policy_error_comment(problems=found.problems, reference=given.correlation_id)
        await _reply(given, 0, body, bot)
        await _react(given, "confused", bot)
        return
    loaded = found.loaded
    understood = parse(
        given.body, SPECS, environments=applicable(loaded.policy), own=offered(SPECS, loaded.policy)
    )
    if isinstance(understood, Problem):
        await _post(given, [understood.as_refusal()], bot, head=given.pull.head_sha)
    elif understood is not None:
        answers = await _handle(understood, given, bot, loaded=loaded, permission=permission)
        await _post(given, answers, bot, head=given.pull.head_sha, command=understood)
        started = [item for item in answers if isinstance(item, Started)]
        if started:
            planning = all(item.planning for item in started)
            await bot.reporting.refresh_checks(given.repo, given.pull, planning=planning)


async def _handle(
    command: Command, given: IncomingCommand, bot: Bot, *, loaded: LoadedPolicy, permission: Permission
) -> list[Answer]:
    """Return the answers of the command's handler, or a refusal."""
    trigger = Trigger(
        repo=given.repo,
        pull=given.pull,
        actor=given.actor,
        comment_id=given.comment_id,
        asked_at=given.asked_at,
        correlation_id=given.correlation_id,
        policy_digest=loaded.policy.digest,
    )
    asked = Request(trigger=trigger, loaded=loaded, permission=permission, line=command.line, specs=SPECS)
    module = next(module for module in COMMANDS if module.SPEC.name == command.name)
    try:
        request = await preconditions.prepare(module.SPEC, command, asked, bot)
        return [request] if isinstance(request, Refusal) else await module.handle(command, request, bot)
    except MergeConflictError as error:
        return [_conflict(given.pull, error)]


async def _post(
    given: IncomingCommand,
    answers: list[Answer],
    bot: Bot,
    *,
    head: Sha | None,
    command: Command | None = None,
) -> None:
    refusals = [item for item in answers if isinstance(item, Refusal)]
    bot.measuring.refused(refusals)
    if refusals:
        body = refusal_comment(
            refusals,
            actor=given.actor,
            line=given.line,
            head=head,
            reference=given.correlation_id,
            env=command.env if command and len(command.envs) == 1 else None,
            project=command.project if command else None,
            plan=command.plan if command else None,
        )
        await _reply(given, 0, body, bot)
    for number, item in enumerate(answers, start=1):
        if isinstance(item, Reply):
            await _reply(given, number, item.body, bot)
    if refusals:
        await _react(given, "confused", bot)
    elif not any(isinstance(item, Started) for item in answers):
        await _react(given, "rocket", bot)


async def _reply(given: IncomingCommand, number: int, body: str, bot: Bot) -> None:
    await bot.poster.once(
        given.repo, given.pull.number, f"answer:{given.correlation_id}:{number}", body, asked=True
    )


async def _react(given: IncomingCommand, content: str, bot: Bot) -> None:
    if given.comment_id is not None:
        await bot.github.react(given.repo, given.comment_id, content)


def _stranger(given: IncomingCommand) -> Refusal:
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=f"Commands are for people with access to {given.repo.full_name}.",
    )


def _conflict(pull: PullRequest, error: MergeConflictError) -> Refusal:
    return Refusal(
        reason=Reason.CONFLICT,
        sentence=f"The pull request does not merge cleanly into {pull.base_ref}. Resolve the conflicts and push.",
        detail=error.paths,
    )
