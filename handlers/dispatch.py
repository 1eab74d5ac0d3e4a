"""From a command line, typed or pressed, to its answers on the pull request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.comments.failures import policy_error_comment
from bot.comments.refusal import refusal_comment
from bot.context import Answer, Bot, Request, Said, Started
from bot.domain.commands import Command, Problem, parse
from bot.domain.errors import MergeConflictError
from bot.domain.model import Login, Permission, PullRequest, Repo, Sha
from bot.domain.refusals import Reason, Refusal
from bot.services.policies import LoadedPolicy
from bot.services.requesting import Wish
from bot.services.stopwatch import together
from handlers import COMMANDS, SPECS, common

_HARMLESS = frozenset(
    {
        "allow",
        "cancel",
        "destroy",
        "drift",
        "gates",
        "help",
        "hold",
        "parity",
        "revert",
        "state restore",
        "status",
        "unhold",
        "unlock",
    }
)
"""Commands that run no code of the pull request's newest commit."""
_WITHOUT_STATE = frozenset({"cancel", "gates", "help", "hold", "override", "status", "unhold", "unlock"})
"""Commands that neither look at the state of the environment that they name nor change it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A command as somebody gave it."""

    repo: Repo
    pull: PullRequest
    actor: Login
    comment_id: int | None
    asked_at: datetime
    body: str
    line: str
    correlation_id: str


async def answer(given: Given, bot: Bot) -> None:
    """Greet with 👀, dispatch a command and post what its handler answers; silent where there is no policy."""
    held, found = await together(
        bot.access.permission(given.repo, given.actor), bot.policies.look(given.repo)
    )
    if found.is_missing:
        return  # Other programs answer to the same words.
    await _react(given, "eyes", bot)
    if not held.allows(Permission.READ):
        await _post(given, [_stranger(given)], bot, head=None)
        return
    if found.policy is None:
        body = policy_error_comment(problems=found.problems, reference=given.correlation_id)
        await _say(given, 0, body, bot)
        await _react(given, "confused", bot)
        return
    loaded = found.loaded
    understood = parse(
        given.body, SPECS, environments=common.applicable(loaded.policy), own=common.offered(loaded.policy)
    )
    if isinstance(understood, Problem):
        await _post(given, [understood.as_refusal()], bot, head=given.pull.head_sha)
    elif understood is not None:
        answers = await _handle(understood, given, bot, loaded=loaded, held=held)
        await _post(given, answers, bot, head=given.pull.head_sha, command=understood)
        if any(isinstance(item, Started) for item in answers):
            planning = understood.name == "plan"
            await bot.reporting.refresh_checks(given.repo, given.pull, loaded.policy, planning=planning)


async def _handle(
    command: Command, given: Given, bot: Bot, *, loaded: LoadedPolicy, held: Permission
) -> list[Answer]:
    pull = given.pull
    if not await _runs_nothing_of_it(command, given, bot) and not await common.may_run(given.repo, pull, bot):
        return [_fork(command, pull)]
    wish = Wish(
        repo=given.repo,
        pull=pull,
        actor=given.actor,
        comment_id=given.comment_id,
        asked_at=given.asked_at,
        correlation_id=given.correlation_id,
        policy_digest=loaded.policy.digest,
    )
    request = Request(wish=wish, loaded=loaded, held=held, line=command.line, specs=SPECS)
    refused = await _foreign_state(command, given, loaded, bot)
    if refused is not None:
        return [refused]
    handler = next(handle for spec, handle in COMMANDS if spec.name == command.name)
    try:
        return await handler(command, request, bot)
    except MergeConflictError as error:
        return [
            Refusal(
                reason=Reason.CONFLICT,
                sentence=f"The pull request does not merge cleanly into {pull.base_ref}. Resolve the conflicts and push.",
                detail=error.paths,
            )
        ]


async def _foreign_state(command: Command, given: Given, loaded: LoadedPolicy, bot: Bot) -> Refusal | None:
    """Return why a command is not for an environment: its state belongs to others, to be neither shown nor changed."""
    if command.name in _WITHOUT_STATE:
        return None
    stacks = loaded.policy.stacks(given.repo.full_name, pull=given.pull.number)
    meant = [
        stack for stack in stacks if stack.env in command.envs and command.project in {None, stack.project}
    ]
    return await bot.owners.refusal(meant)


async def _runs_nothing_of_it(command: Command, given: Given, bot: Bot) -> bool:
    """Whether no code of the newest commit is run: an apply of the way back runs that of the release it goes to."""
    if command.name in _HARMLESS:
        return True
    if command.name != "apply" or command.plan is None:
        return False
    async with bot.records.read() as reader:
        plan = await reader.plan(command.plan)
    here = plan is not None and (plan.stack.repo, plan.pull) == (given.repo.full_name, given.pull.number)
    return here and plan is not None and plan.reverts_to is not None


async def _post(
    given: Given,
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
        await _say(given, 0, body, bot)
    for number, item in enumerate(answers, start=1):
        if isinstance(item, Said):
            await _say(given, number, item.body, bot)
    if refusals:
        await _react(given, "confused", bot)
    elif not any(isinstance(item, Started) for item in answers):
        await _react(given, "rocket", bot)


async def _say(given: Given, number: int, body: str, bot: Bot) -> None:
    await bot.poster.once(given.repo, given.pull.number, f"answer:{given.correlation_id}:{number}", body)


async def _react(given: Given, content: str, bot: Bot) -> None:
    if given.comment_id is not None:
        await bot.github.react(given.repo, given.comment_id, content)


def _stranger(given: Given) -> Refusal:
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=f"Commands are for people with access to {given.repo.full_name}.",
    )


def _fork(command: Command, pull: PullRequest) -> Refusal:
    return Refusal(
        reason=Reason.FORK,
        sentence=(
            f"`/{command.name}` is not run for a commit of a fork that no maintainer has allowed: its code would run"
            " with this repository's credentials."
        ),
        next_command=f"/allow {pull.head_sha}",
    )
