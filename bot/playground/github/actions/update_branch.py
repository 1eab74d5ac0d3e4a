"""GitHub's button "Update branch": merge the base into the head branch."""

from __future__ import annotations

from bot.playground.github.actions.pushes import Moved, announce
from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.git.merge import MergeRequest, merge
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Pull, Repo


async def update_branch(hub: Hub, repo: Repo, pull: Pull, *, by: str) -> str:
    """Merge the base's tip into the head and give the new head.

    GitHub docs, "Keeping your pull request in sync with the base branch": a merge commit whose first parent is the head.
    """
    source = hub.state.repo(pull.head_repo)
    base = await hub.git(repo).resolve(f"heads/{pull.base_ref}")
    if base is None:
        raise not_found()
    git = hub.git(source)
    async with git.lock:
        if source is not repo:
            await git.fetch_from(hub.git(repo), base, "refs/update/base")
        if await git.is_ancestor(base, pull.head_sha):
            raise ApiError(422, "There are no new commits on the base branch.")
        message = f"Merge branch '{pull.base_ref}' into {pull.head_ref}\n"
        by_whom = hub.signature(hub.state.account(by))
        request = MergeRequest(base=pull.head_sha, head=base, method="merge", by=by_whom, message=message)
        merged = await merge(git, request)
        if merged is None:
            raise ApiError(422, "merge conflict between base and head")
        await git.update_ref(f"refs/heads/{pull.head_ref}", merged, old=pull.head_sha)
    moved = Moved(ref=f"refs/heads/{pull.head_ref}", before=pull.head_sha, after=merged)
    await announce(hub, source, moved, by)
    return merged
