"""The record of what a command has applied: one comment, whatever the number of projects."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakValueDictionary

from bot.comments.runs.apply import apply_comment
from bot.comments.runs.apply_command import apply_command_comment
from bot.comments.runs.report import RunView
from bot.domain.core.errors import PolicyError
from bot.domain.core.model import Repo, Run, RunKind, Stack
from bot.domain.core.run_lifecycle import ACTIVE, TERMINAL
from bot.policy import RepoPolicy
from bot.ports import Reader, Records
from bot.services.reporting.next_steps import after_apply
from bot.services.reporting.plan_facts import is_tenanted, revert_view
from bot.services.reporting.posting import Poster
from bot.services.runs.links import Links
from bot.services.runs.sequences import runs_of_sequence
from bot.services.stacks.policies import Policies

_MOST_ROUNDS: Final = 5
"""How often a comment is written whose content keeps changing; the next report goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyReports:
    """Posts the results of applies and reverts."""

    records: Records
    policies: Policies
    poster: Poster
    links: Links
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, repr=False)

    async def begun(self, repo: Repo, run: Run) -> None:
        """Show that the first of several projects is being applied."""
        line = await self._line(run)
        if len(line) > 1 and line[0].id == run.id:
            await self._show(repo, run)

    async def ended(self, repo: Repo, run: Run) -> None:
        """Show how a run ended; repeating it posts nothing twice."""
        if run.pull is None:
            return
        if run.kind is RunKind.APPLY:
            await self._show(repo, run)
            return
        body = apply_comment(await self._view(repo, run, await self._policy(repo)))
        await self.poster.once(repo, run.pull, f"report:{run.id}", body, asked=run.comment_id is not None)

    async def stopped_by(self, run: Run) -> tuple[Stack, ...]:
        """Return the stacks that were not applied because this run did not succeed."""
        return tuple(
            other.stack for other in await self._line(run) if other.detail.get("because_of") == run.id
        )

    async def _line(self, run: Run) -> Sequence[Run]:
        """Return the runs of the command in order, this one alone if it is of another kind."""
        if run.kind is not RunKind.APPLY or run.pull is None:
            return (run,)
        async with self.records.read() as reader:
            return await runs_of_sequence(reader, run)

    async def _show(self, repo: Repo, run: Run) -> None:
        """Write the comment of a command until it shows the current records."""
        # Projects of an environment that pull requests have for themselves are planned and applied in turn, so a comment
        # about one becomes one about several.
        key = f"apply:{run.correlation_id}:{run.stack.env}"
        # As for plans: another process may write the same comment, and the one that writes last has also read last.
        async with self.turns.setdefault(f"{repo.full_name}:{key}", asyncio.Lock()):
            for _ in range(_MOST_ROUNDS):
                line = await self._line(run)
                policy = await self._policy(repo)
                views = [await self._view(repo, each, policy) for each in line]
                await self.poster.shown(
                    repo,
                    int(run.pull or 0),
                    key,
                    apply_command_comment(views) if len(views) > 1 else apply_comment(views[0]),
                    asked=run.comment_id is not None,
                    marker=f'"ref": "{run.correlation_id}"',
                )
                await self._note_reports(repo, key, line)
                if await self._line(run) == line:
                    return

    async def _note_reports(self, repo: Repo, key: str, line: Sequence[Run]) -> None:
        """Record the comment as the report of each ended run, to which its page links."""
        async with self.records.write() as writer:
            comment = await writer.remote_id(repo.full_name, key)
            for run in line:
                if comment and run.status in TERMINAL:
                    await writer.set_remote_id(repo.full_name, f"report:{run.id}", comment)

    async def _view(self, repo: Repo, run: Run, policy: RepoPolicy | None) -> RunView:
        async with self.records.read() as reader:
            plan = await reader.plan(run.plan_id) if run.plan_id else None
            replans = await reader.runs(
                repo=run.stack.repo, pull=run.pull, kinds=(RunKind.PLAN,), statuses=ACTIVE
            )
            verified = await reader.verifications(run.stack, release=run.plan_id, limit=1) if plan else ()
            revert = await revert_view(reader, plan) if plan else None
            others = await reader.plan_outlines(repo=run.stack.repo, pull=run.pull)
            keeps_lock = await _has_lock(reader, run)
        return RunView(
            run=run,
            run_url=self.links.run(run.id),
            plan=plan,
            replanned=any(other.stack.state_key == run.stack.state_key for other in replans),
            url_output=_url_output(policy, run.stack),
            # An environment of a pull request is destroyed, not unlocked, when the pull request is closed.
            keeps_lock=keeps_lock and not await is_tenanted(self.policies, repo, run.stack),
            verification=verified[0] if verified else None,
            revert=revert,
            next_steps=after_apply(run, policy, others) if policy is not None else (),
        )

    async def _policy(self, repo: Repo) -> RepoPolicy | None:
        try:
            return (await self.policies.recent(repo)).policy
        except PolicyError:
            return None


async def _has_lock(reader: Reader, run: Run) -> bool:
    """Whether the pull request keeps the lock of the stack after this run."""
    lock = await reader.lock(run.stack)
    return lock is not None and (lock.stack.repo, lock.pull) == (run.stack.repo, run.pull)


def _url_output(policy: RepoPolicy | None, stack: Stack) -> str | None:
    known = policy is not None and stack.env in policy.environments
    return policy.environment(stack.env).url_output if policy is not None and known else None
