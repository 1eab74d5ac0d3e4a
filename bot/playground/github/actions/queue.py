"""The merge queue: a commit of several pull requests, of which checks are asked before it becomes the base's tip."""

from __future__ import annotations

from collections.abc import Sequence

from bot.playground.github import events
from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.git_merge import MergeRequest, merge
from bot.playground.github.hub import Hub
from bot.playground.github.model import Pull, Repo


async def queue_pulls(hub: Hub, repo: Repo, pulls: Sequence[Pull], *, by: str) -> str:
    """Merge the heads on top of the base, one after the other, and ask for checks; gives the group's commit."""
    git = hub.git(repo)
    base_ref = pulls[0].base_ref
    async with git.lock:
        base = await git.resolve(f"heads/{base_ref}")
        if base is None:
            raise not_found()
        tip = base
        for pull in pulls:
            request = MergeRequest(
                base=tip,
                head=pull.head_sha,
                method="merge",
                by=hub.signature(hub.state.account(by)),
                message=f"Merge pull request #{pull.number}\n",
            )
            merged = await merge(git, request)
            if merged is None:
                raise ApiError(405, "Pull Request is not mergeable")
            tip = merged
        ref = f"refs/heads/gh-readonly-queue/{base_ref}/pr-{pulls[-1].number}-{base}"
        await git.update_ref(ref, tip)
    await events.merge_group(hub, repo, events.Moved(ref=ref, before=base, after=tip), base_ref, by)
    return tip
