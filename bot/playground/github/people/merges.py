"""Merge, queue and revert pull requests, for tests and the playground."""

from bot.playground.github.actions import accounts, merging, queue, repos
from bot.playground.github.errors import not_found
from bot.playground.github.faults.late_tips import LateTips
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Account, Pull, Repo


class MergeActs:
    """The part of `StandIn` for merges by anything but the merge button."""

    _hub: Hub

    @property
    def late_tips(self) -> LateTips:
        """How long REST shows a branch as it was before a merge; `longest` may be set at any time."""
        return self._hub.late_tips

    def _found(self, repo: str, number: int) -> tuple[Repo, Pull]:
        record = self._hub.state.repo(repo)
        pull = record.pulls.get(number)
        if pull is None:
            raise not_found()
        return record, pull

    async def queue(self, repo: str, *numbers: int, author: str, method: str = "merge") -> str:
        """Put pull requests into the merge queue; returns what would be the base's tip."""
        found = [self._found(repo, number)[1] for number in numbers]
        return await queue.queue_pulls(self._hub, self._hub.state.repo(repo), found, by=author, method=method)

    async def dequeue(self, repo: str, number: int, *, author: str, reason: str = "MANUAL") -> None:
        """Take a pull request out of the merge queue."""
        record, _ = self._found(repo, number)
        await queue.dequeue(self._hub, record, [number], reason=reason, by=author)

    async def merge_queue(self, repo: str) -> list[str]:
        """Let the queue merge all that is in it; returns the commit of each pull request."""
        return await queue.merge_queue(self._hub, self._hub.state.repo(repo))

    async def add_app(self, slug: str) -> Account:
        """Add the account `SLUG[bot]` of another App that may write contents, such as Mergify."""
        return accounts.add_app(self._hub, slug)

    async def auto_merge(
        self, repo: str, number: int, *, author: str, method: merging.Method = "merge"
    ) -> None:
        """Enable auto-merge."""
        await merging.enable_auto_merge(self._hub, *self._found(repo, number), by=author, method=method)

    async def requirements_met(self, repo: str, number: int) -> str:
        """Execute an auto-merge; return the new tip of the base."""
        return await merging.requirements_met(self._hub, *self._found(repo, number))

    async def revert_button(self, repo: str, number: int, *, author: str) -> Pull:
        """Press the revert button of a merged pull request; returns the reverting one."""
        return await merging.revert_button(self._hub, *self._found(repo, number), by=author)

    async def push_commit(self, repo: str, branch: str, sha: str, *, author: str) -> None:
        """Point a branch at an existing commit, as `git push` does."""
        await repos.push_commit(self._hub, self._hub.state.repo(repo), branch, sha, by=author)

    async def delete_branch(self, repo: str, branch: str, *, author: str) -> None:
        """Delete a branch, as the button of a merged pull request does."""
        await repos.delete_branch(self._hub, self._hub.state.repo(repo), branch, by=author)

    async def delete_repo(self, repo: str) -> None:
        """Delete a repository; pull requests from it stay open."""
        await repos.delete_repo(self._hub, self._hub.state.repo(repo))
