"""Open the pull request that completes a revert by reverting the merged commits in the base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.comments.runs.revert_pull import pull_body, pull_title
from bot.domain.core.errors import GatewrightError, MergeConflictError
from bot.domain.core.model import PullRequest, Repo, Sha
from bot.domain.releases.revert import Revert
from bot.ports import GitHub, Records, Workspace
from bot.ports.revert_pulls import Merged, PullOpener, RevertBranches


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertPulls:
    """Opens the revert's pull request once; if that fails, the report explains why."""

    records: Records
    github: GitHub
    opener: PullOpener
    workspace: Workspace
    branches: RevertBranches

    async def open(self, repo: Repo, revert: Revert) -> None:
        """Open the pull request and record its number, or why there is none.

        Repeating it opens nothing twice.
        """
        if revert.opened_pull is not None or revert.opened_why is not None:
            return
        merged = await self._merged(repo, revert)
        number: int | None = None
        why: str | None = "What is undone is not in the base, so no pull request is needed."
        if merged:
            try:
                number, why = await self._open(repo, revert, merged), None
            except MergeConflictError as error:
                why = _in_the_way(repo, merged, error)
            except GatewrightError as error:
                if error.temporary:
                    raise
                why = f"No revert pull request was opened: {str(error).splitlines()[0][:300]}."
        if merged and number is None and why is None:
            why = f"{repo.default_branch} holds nothing of it any more, so no pull request is needed."
        async with self.records.write() as writer:
            await writer.set_revert(replace(revert, opened_pull=number, opened_why=why))

    async def _merged(self, repo: Repo, revert: Revert) -> Sequence[Merged]:
        """Return the merged pull requests of the undone releases, newest first.

        Those older than the target stay: the target contains them.
        """
        numbers: list[int] = []
        async with self.records.read() as reader:
            target = await reader.release(revert.target)
            for plan_id in revert.undone:
                release = await reader.release(plan_id)
                if release is None or release.pull is None or not release.changed:
                    continue
                older = target is not None and release.recorded_at < target.recorded_at
                if not older and await reader.revert_of(plan_id) is None:
                    numbers.append(release.pull)
        found = []
        for number in dict.fromkeys(numbers):
            pull = await self.github.pull(repo, number)
            if pull.merged and pull.base_ref == repo.default_branch and pull.merge_commit is not None:
                found.append(_merged(pull, pull.merge_commit))
        return found

    async def _open(self, repo: Repo, revert: Revert, merged: Sequence[Merged]) -> int | None:
        tip = await self.github.branch_head(repo, repo.default_branch)
        token = await self.github.git_token(repo)
        await self.workspace.fetch(repo, token, (tip,))
        for each in merged:
            await self.workspace.fetch(repo, token, (each.head, each.commit))
        commit = await self.branches.reverted(repo, tip, merged, at=revert.asked_at)
        if commit is None:
            return None
        branch = f"gatewright/revert-{revert.stack.env}-{revert.plan_id}"
        await self.branches.push_branch(repo, await self.opener.branch_token(repo), branch, commit)
        numbers = [each.number for each in merged]
        return await self.opener.open_pull(
            repo,
            branch=branch,
            base=repo.default_branch,
            title=pull_title(revert, numbers),
            body=pull_body(revert, numbers),
        )


def _in_the_way(repo: Repo, merged: Sequence[Merged], error: MergeConflictError) -> str:
    base, where = repo.default_branch, ", ".join(error.paths[:5])
    numbers = ", ".join(f"#{each.number}" for each in merged)
    return (
        f"No revert pull request was opened: later changes of {base} are in the way{f' ({where})' if where else ''}."
        f" Until {numbers} is removed from {base} by hand, a merge into {base} would bring it back."
    )


def _merged(pull: PullRequest, commit: Sha) -> Merged:
    return Merged(number=pull.number, head=pull.head_sha, commit=commit)
